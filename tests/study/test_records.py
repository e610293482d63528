import pytest

from imdb_tasks.study.records import finite


@pytest.mark.parametrize(
    ("value", "kept"), [(1.5, 1.5), (float("nan"), None), (float("inf"), None), (float("-inf"), None)]
)
def test_only_finite_numbers_are_kept(value: float, kept: float | None) -> None:
    assert finite(value) == kept
