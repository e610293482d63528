import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imdb_tasks.analysis.bootstrap import Predictions, placements, resample
from tests.support.simulation import Truth, simulate


@pytest.fixture(scope="module")
def drawn() -> Predictions:
    return simulate(Truth(reviews=500), np.random.default_rng(3)).tested


@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=2, max_size=30).filter(
        lambda reviews: len({label for label, _ in reviews}) == 2
    )
)
def test_the_mean_placement_of_either_class_is_the_auc_ties_and_all(reviews):
    from sklearn.metrics import roc_auc_score

    labels = np.array([label for label, _ in reviews], np.int8)
    probabilities = np.array([[score / 5 for _, score in reviews]], np.float32)
    placed = placements(labels, probabilities)
    expected = roc_auc_score(labels, probabilities[0])
    assert placed[0, labels == 1].mean() == pytest.approx(expected)
    assert placed[0, labels == 0].mean() == pytest.approx(expected)


def test_the_values_are_those_of_the_reviews_as_they_are(drawn):
    from sklearn.metrics import roc_auc_score

    found = resample(drawn, 10)
    assert found["accuracy"].values == pytest.approx(drawn.correct.mean(axis=1))
    assert found["auc"].values == pytest.approx([roc_auc_score(drawn.labels, row) for row in drawn.probabilities])


def test_the_error_of_a_paired_difference_is_that_of_scipys_bootstrap(drawn):
    from scipy import stats

    draws = resample(drawn, 5_000)["accuracy"].draws
    difference = drawn.correct[0].astype(float) - drawn.correct[1]
    reference = stats.bootstrap((difference,), np.mean, n_resamples=5_000, rng=1, method="percentile")
    own = draws[:, 0] - draws[:, 1]
    assert own.std() == pytest.approx(reference.standard_error, rel=0.05)
    assert np.quantile(own, [0.025, 0.975]) == pytest.approx(tuple(reference.confidence_interval), abs=0.004)


def test_the_linear_auc_moves_as_the_auc_of_drawn_reviews_does(drawn):
    """The plain way: draw reviews, rank them anew."""
    from sklearn.metrics import roc_auc_score

    random, plain = np.random.default_rng(5), []
    for _ in range(1_500):
        chosen = random.integers(0, len(drawn.labels), len(drawn.labels))
        scores = [roc_auc_score(drawn.labels[chosen], row[chosen]) for row in drawn.probabilities[:2]]
        plain.append([*scores, scores[0] - scores[1]])
    own = resample(drawn, 5_000)["auc"].draws[:, :2]
    own = np.column_stack([own, own[:, 0] - own[:, 1]])
    assert own.std(axis=0) == pytest.approx(np.std(plain, axis=0), rel=0.08)


def test_equal_input_gives_equal_draws(drawn):
    assert (resample(drawn, 50)["auc"].draws == resample(drawn, 50)["auc"].draws).all()


def test_many_reviews_are_drawn_in_blocks_that_are_all_filled(drawn, monkeypatch):
    monkeypatch.setattr("imdb_tasks.analysis.bootstrap._CELLS", 7 * len(drawn.labels))
    draws = resample(drawn, 40)["accuracy"].draws
    assert np.isfinite(draws).all()
    assert len(np.unique(draws, axis=0)) == 40


def test_one_class_has_an_accuracy_and_no_auc(drawn):
    positive = drawn.labels == 1
    one_class = Predictions(drawn.names, drawn.labels[positive], drawn.probabilities[:, positive])
    assert set(resample(one_class, 5)) == {"accuracy"}


def test_no_model_and_no_review_give_nothing(drawn):
    assert resample(Predictions((), drawn.labels, drawn.probabilities[:0]), 5) == {}
    assert resample(Predictions(drawn.names, drawn.labels[:0], drawn.probabilities[:, :0]), 5) == {}


def test_a_draw_without_one_of_the_classes_does_no_harm():
    tested = Predictions(("a",), np.array([1, 0], np.int8), np.array([[0.9, 0.1]], np.float32))
    assert np.isfinite(resample(tested, 200)["auc"].draws).all()
