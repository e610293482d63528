import pytest
from pydantic import ValidationError

from imdb_tasks.study.records import Cost, finite


@pytest.mark.parametrize(
    ("value", "kept"), [(1.5, 1.5), (float("nan"), None), (float("inf"), None), (float("-inf"), None)]
)
def test_only_finite_numbers_are_kept(value: float, kept: float | None) -> None:
    assert finite(value) == kept


def test_a_record_of_an_earlier_version_that_counted_all_parameters_is_read() -> None:
    cost = Cost(wall_seconds=2.5, peak_memory_bytes=1, device="CPU", trainable_parameters=7)
    old = cost.model_dump_json().replace("}", ',"total_parameters":9}')
    assert Cost.model_validate_json(old) == cost
    with pytest.raises(ValidationError):
        Cost.model_validate_json(old.replace("total_", "other_"))
