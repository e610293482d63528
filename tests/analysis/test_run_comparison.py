from dataclasses import replace

import numpy as np
import pytest

from imdb_tasks.analysis.bootstrap import Predictions
from imdb_tasks.analysis.claims import read_claims
from imdb_tasks.analysis.records import RunComparison
from imdb_tasks.analysis.run_comparison import AnalysedRun
from imdb_tasks.analysis.whole_study import analyse
from imdb_tasks.study import LocalSource, Study, StudyResult, TrainingSettings
from tests.support.simulation import Simulated, Truth, simulate

TRUTH = Truth(study=Study(units=(32,), batch_sizes=(64, 32)), reviews=500, epochs=4)


@pytest.fixture
def first() -> Simulated:
    return simulate(TRUTH, np.random.default_rng(1))


def compared(now: StudyResult, tested: Predictions, before: Simulated, code: str = "b") -> RunComparison:
    claims = read_claims().claims
    earlier = analyse(before.result, before.tested, claims, code="a")
    previous = AnalysedRun("run-1", earlier, before.tested)
    return analyse(now, tested, claims, code=code, previous=previous).comparison


def better(tested: Predictions, name: str, reviews: int) -> Predictions:
    """The same predictions, but of the named model ``reviews`` wrong ones are put right."""
    rows, at = tested.probabilities.copy(), tested.names.index(name)
    wrong = np.flatnonzero(~tested.correct[at])[:reviews]
    rows[at, wrong] = 1 - rows[at, wrong]
    return replace(tested, probabilities=rows)


def test_the_same_again_has_changed_nothing(first):
    found = compared(first.result, first.tested, first, code="a")
    assert found.changes == ()
    assert found.same_test_reviews
    assert [(v.difference, v.beyond_noise) for v in found.variants] == [(0.0, False)] * 4
    assert found.summary.startswith("Data, code and settings are the same.")


def test_a_model_that_got_better_on_the_same_reviews_is_told_from_noise(first):
    found = compared(first.result, better(first.tested, "32_GRU_64", 30), first)
    (moved,) = [v for v in found.variants if v.beyond_noise]
    assert moved.variant.name == "32_GRU_64"
    assert moved.difference == pytest.approx(30 / 500)
    assert moved.interval.low > 0
    assert (
        "1 changed accuracy by more than the sampling error of the test reviews, most of all GRU-32/64" in found.summary
    )


def test_a_model_that_is_right_about_two_more_reviews_is_not(first):
    found = compared(first.result, better(first.tested, "32_GRU_64", 2), first)
    assert not any(v.beyond_noise for v in found.variants)


def test_what_changed_is_named_by_where_it_is(first):
    study = first.result.study.model_copy(update={"training": TrainingSettings(epochs=3)})
    card = first.result.data_card.model_copy(update={"reviews_sha256": "b" * 64})
    now = first.result.model_copy(update={"study": study, "data_card": card})
    found = compared(now, first.tested, first)
    assert [(c.where, c.what) for c in found.changes] == [
        ("data", "reviews sha256"),
        ("code", "revision"),
        ("settings", "training epochs"),
    ]
    assert (found.changes[2].before, found.changes[2].now) == ("100", "3")
    assert found.summary.startswith(
        "Changed between the two runs: data, code, settings (training epochs from 100 to 3)."
    )


def test_another_backend_is_a_change_of_the_code(first):
    found = compared(first.result.model_copy(update={"backend": "tensorflow"}), first.tested, first, code="a")
    assert [(c.where, c.what, c.before, c.now) for c in found.changes] == [("code", "backend", "jax", "tensorflow")]


def test_the_same_bytes_from_another_place_have_changed_nothing(first):
    elsewhere = LocalSource(path="/elsewhere", sha256="a" * 64)
    study = first.result.study.model_copy(update={"reviews": elsewhere, "glove": elsewhere})
    found = compared(first.result.model_copy(update={"study": study}), first.tested, first, code="a")
    assert found.changes == ()
    assert found.summary.startswith("Data, code and settings are the same.")


def test_on_other_reviews_nothing_is_tested(first):
    second = simulate(TRUTH, np.random.default_rng(2))
    card = second.result.data_card.model_copy(update={"reviews_sha256": "b" * 64})
    found = compared(second.result.model_copy(update={"data_card": card}), second.tested, first)
    assert not found.same_test_reviews
    assert all(v.interval is None and v.p_corrected is None and not v.beyond_noise for v in found.variants)
    assert "shown but not tested" in found.summary


def test_a_run_on_fewer_reviews_is_compared_without_a_test(first):
    second = simulate(replace(TRUTH, reviews=300), np.random.default_rng(2))
    assert not compared(second.result, second.tested, first).same_test_reviews


def test_only_common_models_are_compared(first):
    wider = simulate(replace(TRUTH, study=Study(units=(32, 64), batch_sizes=(32,))), np.random.default_rng(1))
    assert {v.variant.name for v in compared(wider.result, wider.tested, first).variants} == {"32_GRU_32", "32_LSTM_32"}
    other = simulate(replace(TRUTH, study=Study(units=(7,), batch_sizes=(32,))), np.random.default_rng(1))
    assert "no model in common" in compared(other.result, other.tested, first).summary
