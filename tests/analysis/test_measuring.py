import numpy as np
import pytest

from imdb_tasks.analysis.bootstrap import Predictions
from imdb_tasks.analysis.measuring import majority, measure, with_constant_answers
from imdb_tasks.study import Variant
from tests.support.study_results import opinions, original_card, study_result

LOST = {"32_LSTM_128", "128_LSTM_32"}


def test_a_training_that_diverged_counts_as_the_constant_answer() -> None:
    result = study_result()
    tested = opinions(result)
    measured = measure(result, tested, 50)
    negative = float((tested.labels == 0).mean())
    assert set(measured.names) >= LOST
    for name in LOST:
        assert measured.values["accuracy"][Variant.named(name)] == pytest.approx(negative)
        assert measured.values["auc"][Variant.named(name)] == pytest.approx(0.5)
    assert "128_LSTM_64" not in measured.names  # it was never trained


def test_where_every_model_answered_nothing_is_added() -> None:
    result = study_result(diverged={}, missing={})
    tested = opinions(result)
    answered = with_constant_answers(result, tested)
    assert answered.names == tested.names
    np.testing.assert_array_equal(answered.probabilities, tested.probabilities)


@pytest.mark.parametrize(("positive", "label"), [(20_001, "positive"), (20_000, "negative"), (10, "negative")])
def test_the_constant_answer_is_the_majority_of_the_training_reviews(positive: int, label: str) -> None:
    card = original_card().model_copy(update={"train_positive": positive, "train_rows": 40_000})
    assert majority(card) == label


def test_the_constant_answer_is_right_about_its_label() -> None:
    result = study_result()
    card = result.data_card.model_copy(update={"train_positive": result.data_card.train_rows - 1})
    labels = np.array([1, 1, 1, 0], np.int8)
    nobody = Predictions((), labels, np.empty((0, 4), np.float32))
    answered = with_constant_answers(result.model_copy(update={"data_card": card}), nobody)
    assert len(answered.names) == 17
    assert (answered.correct.mean(axis=1) == 0.75).all()


def test_an_exploded_training_is_measured_as_it_is_and_counts_as_failed() -> None:
    result = study_result()
    measured = measure(result, opinions(result), 50)
    exploded = Variant.named("64_LSTM_64")
    assert exploded in measured.failed
    assert measured.values["failures"][exploded] == 1.0
    assert exploded in measured.values["final_loss"]
    assert exploded not in measured.values["overfitting"]
    assert {variant.name for variant in measured.failed} == LOST | {"64_LSTM_64"}
