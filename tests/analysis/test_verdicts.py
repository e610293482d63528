import numpy as np
import pytest

from imdb_tasks.analysis.bootstrap import Resampled
from imdb_tasks.analysis.claims import Claim, Part, read_claims
from imdb_tasks.analysis.contrasts import Measured
from imdb_tasks.analysis.evidence import VerdictValue
from imdb_tasks.analysis.verdicts import verdicts
from imdb_tasks.analysis.whole_study import measure
from imdb_tasks.study import Study
from tests.support.simulation import Truth, simulate
from tests.support.study_results import opinions, study_result

GRU_BETTER = Part(outcome="accuracy", factor="cell", first="GRU", second="LSTM", direction="higher")
NINE = Study()


def accuracies(gaps: list[float], study: Study = NINE, lost: tuple[str, ...] = ()) -> Measured:
    """Accuracies of a grid whose GRU lead by these ``gaps``, pair by pair; reviews add no noise."""
    gap = dict(zip([v.name for v in study.variants if v.cell == "GRU"], gaps, strict=True))
    values = {v.name: 0.8 + gap.get(v.name, 0.0) for v in study.variants if v.name not in lost}
    array = np.array(list(values.values()))
    draws = np.tile(array.astype(np.float32), (100, 1))
    return Measured(study, tuple(values), {"accuracy": Resampled(array, draws)}, (), 10_000)


def rule(measured: Measured, *parts: Part) -> VerdictValue:
    return verdicts(measured, [Claim(id="c", title="C", parts=parts)])[0].ruling


STEADY = [0.03, 0.031, 0.029, 0.03, 0.032, 0.028, 0.03, 0.031, 0.029]


def test_a_steady_lead_supports_and_a_steady_lag_contradicts():
    assert rule(accuracies(STEADY), GRU_BETTER) == "supported"
    assert rule(accuracies([-gap for gap in STEADY]), GRU_BETTER) == "contradicted"


def test_a_lead_that_comes_and_goes_decides_nothing():
    assert rule(accuracies([0.03, -0.03, 0.02, -0.02, 0.01, -0.01, 0.04, -0.03, 0.01]), GRU_BETTER) == "not decided"


def test_equality_needs_a_margin_that_holds_the_whole_interval():
    def equal(margin: float) -> Part:
        return Part(outcome="accuracy", factor="cell", direction="equal", margin=margin)

    assert rule(accuracies(STEADY), equal(0.05)) == "supported"
    assert rule(accuracies(STEADY), equal(0.01)) == "contradicted"
    assert rule(accuracies(STEADY), equal(0.0301)) == "not decided"


def test_all_parts_must_hold_and_one_can_contradict():
    lower = GRU_BETTER.model_copy(update={"direction": "lower"})
    assert rule(accuracies(STEADY), GRU_BETTER, GRU_BETTER) == "supported"
    assert rule(accuracies(STEADY), GRU_BETTER, lower) == "contradicted"


def test_a_second_claim_makes_the_first_harder_to_support():
    """p is 0.045 alone, and so 0.09 beside another claim that is no clearer."""
    gaps = [0.03, 0.012, -0.004, 0.02, 0.0, 0.015, -0.006, 0.02, 0.002]
    measured = accuracies(gaps)
    alone = Claim(id="one", title="1", parts=(GRU_BETTER,))
    first = verdicts(measured, [alone])[0]
    assert 0.025 < first.p_corrected < 0.05
    assert first.ruling == "supported"
    other = alone.model_copy(update={"id": "two"})
    assert [v.ruling for v in verdicts(measured, [alone, other])] == ["not decided"] * 2


def test_where_most_pairs_are_missing_nothing_is_decided():
    lost = tuple(f"{units}_LSTM_{batch}" for units in (128, 64) for batch in (128, 64, 32))
    measured = accuracies(STEADY, lost=lost)
    (verdict,) = verdicts(measured, [Claim(id="c", title="C", parts=(GRU_BETTER,))])
    assert verdict.ruling == "not decided"
    assert "6 of 9 pairs are missing" in verdict.explanation
    assert verdict.p_corrected is None


def test_models_that_diverged_are_told_and_called_a_bias():
    result = study_result(missing={})
    (verdict, *_) = verdicts(measure(result, opinions(result)), read_claims().claims)
    assert "2 of 9" in verdict.warnings[0]
    assert verdict.warnings[1].startswith("Diverged: 0 with GRU, 2 with LSTM.")
    assert "favours the level with more divergences" in verdict.warnings[1]
    assert verdict.effects[0].pairs_missing == 2


@pytest.mark.parametrize(
    ("study", "part", "reason"),
    [
        (Study(cells=("GRU",)), GRU_BETTER, "Not tested here: the grid has no LSTM."),
        (
            Study(units=(32,)),
            Part(outcome="auc", factor="units", first="smallest", second="largest", direction="lower"),
            "Not tested here: the grid has only 32 units.",
        ),
        (
            Study(units=(64, 32)),
            Part(outcome="auc", factor="units", first=128, second=32, direction="lower"),
            "Not tested here: the grid has no 128 units.",
        ),
        (
            Study(cells=("GRU",)),
            Part(outcome="auc", factor="units", direction="equal", margin=1.0, subset={"cell": "LSTM"}),
            "Not tested here: the grid has no LSTM.",
        ),
        (Study(units=(32,), batch_sizes=(32,)), GRU_BETTER, "at least two matched pairs or two replicates"),
    ],
    ids=["one cell", "one size", "no such level", "no such subset", "one pair"],
)
def test_what_a_grid_cannot_show_is_not_decided_and_said(study, part, reason):
    simulated = simulate(Truth(study=study, reviews=50, epochs=2), np.random.default_rng(0))
    measured = measure(simulated.result, simulated.tested, 20)
    (verdict,) = verdicts(measured, [Claim(id="c", title="C", parts=(part,))])
    assert verdict.ruling == "not decided"
    assert reason in verdict.explanation


def test_the_published_kind_of_result_reads_as_a_person_would_say_it():
    (verdict,) = verdicts(accuracies(STEADY), [Claim(id="c", title="C", parts=(GRU_BETTER,))])
    assert verdict.explanation.startswith("Test accuracy, GRU − LSTM: +3.0 points (95 %: +2.9 to +3.1 points).")
    assert verdict.sample == "test accuracy: 9 matched pairs; 1 replicate; 10,000 test reviews"


def test_no_claims_have_no_verdicts():
    assert verdicts(accuracies(STEADY), []) == ()
