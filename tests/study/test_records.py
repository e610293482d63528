import pytest
from pydantic import ValidationError

from imdb_tasks.study.records import Cost, finite
from imdb_tasks.study.records import TestMetrics as Metrics


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


def test_metrics_of_an_earlier_version_without_counts_are_read() -> None:
    found = Metrics.model_validate_json('{"loss": 0.3, "accuracy": 0.8974999785423279, "auc": 0.9}')
    assert (found.accuracy, found.right, found.rows) == (0.8974999785423279, None, None)


def test_an_accuracy_survives_json_as_the_share_of_its_counts() -> None:
    metrics = Metrics(loss=0.3, accuracy=718 / 800, auc=0.9, right=718, rows=800)
    assert Metrics.model_validate_json(metrics.model_dump_json()) == metrics


@pytest.mark.parametrize(
    ("right", "rows", "accuracy", "told"),
    [
        (None, 800, 0.5, "or neither"),
        (400, None, 0.5, "or neither"),
        (801, 800, 801 / 800, "0 <= right <= rows"),
        (-1, 800, -1 / 800, "0 <= right <= rows"),
        (0, 0, 0.0, "rows > 0"),
        (718, 800, 0.8974999785423279, "right / rows, 718 / 800, found 0.8974999785423279"),
        (718, 800, None, "right / rows, 718 / 800, found None"),
    ],
)
def test_counts_that_make_no_share_or_another_one_are_refused(
    right: int | None, rows: int | None, accuracy: float | None, told: str
) -> None:
    with pytest.raises(ValidationError, match=told):
        Metrics(loss=0.3, accuracy=accuracy, auc=0.9, right=right, rows=rows)
