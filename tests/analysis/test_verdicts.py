import re

import numpy as np
import pytest

from imdb_tasks.analysis.bootstrap import Resampled
from imdb_tasks.analysis.claims import Claim, Part, read_claims
from imdb_tasks.analysis.contrasts import Measured
from imdb_tasks.analysis.estimates import Student
from imdb_tasks.analysis.evidence import Verdict
from imdb_tasks.analysis.growth import Growth
from imdb_tasks.analysis.measuring import measure
from imdb_tasks.analysis.parts import detectable, replicates_needed
from imdb_tasks.analysis.sentences import failures_text
from imdb_tasks.analysis.verdicts import held_back, verdicts
from imdb_tasks.study import Study
from tests.support.simulation import Truth, simulate, without
from tests.support.study_results import opinions, study_result

GRU_BETTER = Part(outcome="accuracy", factor="cell", first="GRU", second="LSTM", direction="higher")
LOSS_LOWER = Part(outcome="final_loss", factor="units", first=32, second=128, direction="lower")
NINE = Study()
STEADY = [0.03, 0.031, 0.029, 0.03, 0.032, 0.028, 0.03, 0.031, 0.029]


def accuracies(gaps: list[float], study: Study = NINE, lost: tuple[str, ...] = (), spread: float = 0.0) -> Measured:
    """Accuracies of a grid whose GRU lead by these ``gaps``, pair by pair; reviews add no noise."""
    gap = dict(zip([v.name for v in study.variants if v.cell == "GRU"], gaps, strict=True))
    uneven = spread * np.random.default_rng(0).standard_normal((2, len(study.variants) // 2))
    uneven = (uneven - uneven.mean(axis=1, keepdims=True)).ravel()  # it does not move the mean of either cell
    values = {
        v.name: 0.8 + gap.get(v.name, 0.0) + extra
        for v, extra in zip(study.variants, uneven, strict=True)
        if v.name not in lost
    }
    array = np.array(list(values.values()))
    draws = np.tile(array.astype(np.float32), (100, 1))
    return Measured(study, tuple(values), {"accuracy": Resampled(array, draws)}, (), 10_000)


def verdict(measured: Measured, *parts: Part) -> Verdict:
    return verdicts(measured, [Claim(id="c", title="C", parts=parts)])[0]


def rule(measured: Measured, *parts: Part) -> str:
    return verdict(measured, *parts).ruling


def equal(margin: float) -> Part:
    return Part(outcome="accuracy", factor="cell", direction="equal", margin=margin)


def test_a_steady_lead_supports_and_a_steady_lag_contradicts():
    assert rule(accuracies(STEADY), GRU_BETTER) == "supported"
    assert rule(accuracies([-gap for gap in STEADY]), GRU_BETTER) == "contradicted"


def test_a_lead_that_comes_and_goes_decides_nothing():
    gaps = [0.03, -0.03, 0.02, -0.02, 0.01, -0.01, 0.04, -0.03, 0.01]
    assert rule(accuracies(gaps, spread=0.01), GRU_BETTER) == "not decided"


def test_a_lead_in_every_pair_is_decided_by_order_where_explosions_hide_it_from_the_mean():
    gaps = [0.02, 0.021, 0.03, 0.34, 0.02, 0.35, 0.022, 0.03, 0.33]  # three LSTMs exploded
    found = verdict(accuracies([0.0] * 9, spread=0.002), GRU_BETTER)
    assert found.ruling == "not decided"
    study = NINE
    lag = dict(zip([v.name.replace("GRU", "LSTM") for v in study.variants if v.cell == "GRU"], gaps, strict=True))
    values = np.array([0.85 - lag.get(v.name, 0.0) for v in study.variants])
    draws = np.tile(values.astype(np.float32), (100, 1))
    names = tuple(v.name for v in study.variants)
    found = verdict(Measured(study, names, {"accuracy": Resampled(values, draws)}, (), 10_000), GRU_BETTER)
    assert found.ruling == "supported"
    assert "; the rank test decides (p < 0.0001 before correction)." in found.reason
    assert found.parts[0].effects[0].interval.low < 0.02


def test_equality_needs_a_margin_that_holds_the_whole_interval():
    measured = accuracies(STEADY, spread=0.002)
    assert rule(measured, equal(0.05)) == "supported"
    assert rule(measured, equal(0.01)) == "contradicted"
    assert rule(measured, equal(0.031)) == "not decided"


def test_all_parts_must_hold_and_one_can_contradict():
    lower = GRU_BETTER.model_copy(update={"direction": "lower"})
    assert rule(accuracies(STEADY), GRU_BETTER, GRU_BETTER) == "supported"
    found = verdict(accuracies(STEADY), GRU_BETTER, lower)
    assert found.ruling == "contradicted"
    assert [part.ruling for part in found.parts] == ["supported", "contradicted"]


def test_a_second_claim_makes_the_first_harder_to_support():
    measured = accuracies([0.013] * 9, spread=0.01)
    claims = [Claim(id=str(number), title="C", parts=(GRU_BETTER,)) for number in range(40)]
    [alone] = verdicts(measured, claims[:1])
    assert alone.ruling == "supported"
    many = verdicts(measured, claims)
    assert {each.ruling for each in many} == {"not decided"}
    assert many[0].p_corrected == pytest.approx(min(1.0, 40 * alone.p_corrected))
    assert many[0].effects[0].level > alone.effects[0].level


def test_a_ruling_is_read_off_the_interval_beside_it():
    """By the mean: the interval of the level that is printed leaves zero out exactly where the claim is decided."""
    for gap in np.linspace(0.0, 0.03, 13):
        found = verdict(accuracies([gap] * 9, spread=0.01), GRU_BETTER)
        [effect] = found.effects
        decided_by_mean = effect.interval.low > 0
        assert (found.ruling == "supported") >= decided_by_mean
        if found.ruling == "supported" and not decided_by_mean:
            assert "rank test" in found.reason


def test_where_most_pairs_are_missing_nothing_is_tested():
    lost = tuple(f"{units}_LSTM_{batch}" for units in (128, 64) for batch in (128, 64, 32))
    found = verdict(accuracies(STEADY, lost=lost), GRU_BETTER)
    assert (found.ruling, found.p_corrected) == ("not tested", None)
    assert "6 of 9 matched pairs of settings lack a test result on both sides, more than half." in found.reason


def test_trainings_that_did_not_converge_count_and_the_others_alone_are_told():
    result = study_result(missing={})
    (found, *_) = verdicts(measure(result, opinions(result)), read_claims().claims)
    assert found.effects[0].pairs_missing == 0
    assert found.warnings[0] == (
        "3 trainings did not converge: 1 counts with the test accuracy after the last epoch, 2 diverged and count with"
        " that of the constant answer."
    )
    assert found.converged.startswith("Without the trainings that did not converge: test accuracy, GRU − LSTM: +")
    assert found.converged.endswith("Leaving them out favours the side that has more of them.")


def test_of_several_differences_each_is_named_without_the_trainings_that_did_not_converge():
    truth = Truth(study=Study(replicates=3), failing={"GRU": 0.3}, reviews=200, epochs=12)
    drawn = simulate(truth, np.random.default_rng(3))
    found = next(
        each for each in verdicts(measure(drawn.result, drawn.tested, 20), read_claims().claims) if each.claim == "size"
    )
    for pair in ("32 − 64", "32 − 128", "64 − 128"):
        assert f"test accuracy, {pair} units (GRU): " in found.converged
    assert found.converged.count("Leaving them out") == 1


@pytest.mark.parametrize(
    ("failed", "diverged", "said"),
    [
        (1, 0, "1 training did not converge: 1 counts with the test accuracy after the last epoch."),
        (1, 1, "1 training did not converge: 1 diverged and counts with that of the constant answer."),
        (
            5,
            3,
            "5 trainings did not converge: 2 count with the test accuracy after the last epoch, 3 diverged and count"
            " with that of the constant answer.",
        ),
        (0, 0, ""),
    ],
)
def test_it_is_said_how_trainings_that_did_not_converge_count(failed, diverged, said):
    assert failures_text(failed, diverged, []) == said


def test_what_is_held_back_for_want_of_models_shows_no_number():
    result = study_result(missing={})
    (found, *_) = verdicts(measure(result, opinions(result)), read_claims().claims)
    assert found.converged
    held = held_back(found, Growth(most=5), 1)
    assert (held.ruling, held.converged, held.power) == ("not decided", "", "")
    assert held.reason == "Not tested while 1 model is missing: the next run goes on."


def test_a_rate_of_failures_is_tested_by_itself_and_says_nothing_where_all_converge():
    part = Part(outcome="failures", factor="cell", first="GRU", second="LSTM", direction="lower")
    study = Study(replicates=3)
    for failing, ruling in (
        ({"LSTM": 0.8}, "supported"),
        ({"LSTM": 0.1, "GRU": 0.1}, "not decided"),
        ({}, "not tested"),
    ):
        drawn = simulate(Truth(study=study, failing=failing, reviews=50, epochs=2), np.random.default_rng(1))
        found = verdict(measure(drawn.result, drawn.tested, 20), part)
        assert found.ruling == ruling, failing
        assert failing == {} or "27 with GRU, " in found.reason


def test_a_part_that_says_nothing_leaves_the_claim_to_the_others():
    failures = Part(outcome="failures", factor="cell", first="GRU", second="LSTM", direction="lower")
    drawn = simulate(Truth(by_cell={"GRU": 0.05}, reviews=2_000, epochs=2), np.random.default_rng(1))
    found = verdict(measure(drawn.result, drawn.tested, 50), GRU_BETTER, failures)
    assert found.ruling == "supported"
    assert [part.ruling for part in found.parts] == ["supported", "not tested"]


@pytest.mark.parametrize(
    ("part", "better", "worse"),
    [
        (GRU_BETTER, "64_GRU_64", "64_LSTM_64"),
        (LOSS_LOWER, "32_GRU_64", "128_GRU_64"),
    ],
)
def test_the_rank_test_counts_unless_the_better_level_failed_more_often(part, better, worse):
    truth = Truth(study=Study(replicates=2), by_cell={"GRU": 0.05}, val_loss={32: -0.5})

    def p_ranks(lost: str) -> float:
        drawn = without(simulate(truth, np.random.default_rng(1)), lost)
        return verdict(measure(drawn.result, drawn.tested, 50), part).parts[0].p_ranks

    assert p_ranks(worse) < 0.01
    assert p_ranks(better) == 1.0


def test_what_is_not_decided_says_what_the_design_could_have_decided():
    found = verdict(accuracies([0.01, -0.004, 0.0, 0.012, -0.002, 0.004, 0.0, 0.01, 0.003], spread=0.01), GRU_BETTER)
    [part] = found.parts
    assert found.ruling == "not decided"
    assert part.detectable > abs(part.effects[0].estimate)
    power = (
        r"Power of 80 % for \+\d\.\d points in test accuracy, GRU − LSTM\. If the true difference was the one seen,"
        r" about \d+ replicates would decide it in 80 % of such studies\."
    )
    assert re.fullmatch(power, found.power)
    assert found.reason.startswith("Test accuracy, GRU − LSTM: +")


def test_a_claim_of_several_parts_takes_as_many_replicates_as_its_hardest_one():
    batch = next(claim for claim in read_claims().claims if claim.id == "batch")
    size = next(claim for claim in read_claims().claims if claim.id == "size")
    truth = Truth(overfitting={32: 0.05}, steeper={128: 1.5}, curve_noise=0.03, reviews=200)
    drawn = simulate(truth, np.random.default_rng(3))
    found = {each.claim: each for each in verdicts(measure(drawn.result, drawn.tested, 50), [batch, size])}
    needed = [part.replicates_needed for part in found["batch"].parts]
    assert found["batch"].ruling == "not decided"
    assert len({*needed}) == 2
    assert f"about {max(needed)} replicates would decide each in 80 % of such studies" in found["batch"].power
    assert "its change from 32 units to 128 units" in found["batch"].power
    assert found["size"].parts[0].detectable is None  # equality foresees nothing, so neither does the claim
    assert "replicates" not in found["size"].power


def test_the_smallest_effect_that_is_decided_is_found_in_four_studies_of_five():
    random, error, freedom = np.random.default_rng(0), 0.01, 8
    size = detectable(Student(0.0, error, freedom), 0.05)
    seen = size + error * random.standard_normal(20_000)
    errors = error * np.sqrt(random.chisquare(freedom, 20_000) / freedom)
    found = np.mean([Student(s, e, freedom).above(0.0) < 0.025 for s, e in zip(seen, errors, strict=True)])
    assert 0.77 < found < 0.83


def test_more_replicates_help_as_far_as_the_trainings_are_the_noise():
    assert replicates_needed(Student(0.02, 0.01, 18, 0.0), 2, lambda _: 0.05) == 5
    assert replicates_needed(Student(0.02, 0.01, 18, 0.0099**2), 2, lambda _: 0.05) is None
    assert replicates_needed(Student(0.0001, 0.01, 18, 0.0), 2, lambda _: 0.05) is None


@pytest.mark.parametrize(
    ("study", "part", "reason"),
    [
        (Study(cells=("GRU",)), GRU_BETTER, "The grid has no LSTM."),
        (
            Study(units=(32,)),
            Part(outcome="auc", factor="units", first="smallest", second="largest", direction="lower"),
            "The grid has only 32 units.",
        ),
        (
            Study(units=(64, 32)),
            Part(outcome="auc", factor="units", first=128, second=32, direction="lower"),
            "The grid has no 128 units.",
        ),
        (
            Study(cells=("GRU",)),
            Part(outcome="auc", factor="units", direction="equal", margin=1.0, subset={"cell": "LSTM"}),
            "The grid has no LSTM.",
        ),
        (Study(units=(32,), batch_sizes=(32,)), GRU_BETTER, "use two replicates or more"),
        (
            Study(),
            Part(outcome="roughness", factor="units", first=32, second=64, direction="lower"),
            "No matched pair of settings has a converged training of ten epochs or more on both sides.",
        ),
    ],
    ids=["one cell", "one size", "no such level", "no such subset", "one pair", "too short"],
)
def test_what_a_grid_cannot_show_is_not_tested_and_said(study, part, reason):
    simulated = simulate(Truth(study=study, reviews=50, epochs=2), np.random.default_rng(0))
    found = verdict(measure(simulated.result, simulated.tested, 20), part)
    assert found.ruling == "not tested"
    assert reason in found.reason


def test_a_result_reads_as_a_person_would_say_it():
    found = verdict(accuracies(STEADY, spread=0.002), GRU_BETTER)
    assert found.reason.startswith("Test accuracy, GRU − LSTM: +3.")
    assert "% interval +2." in found.reason
    assert found.sample == "9 matched sets of settings, 1 replicate, 10,000 test reviews"
    assert "could be" not in found.reason
    same = verdict(accuracies(STEADY, spread=0.002), equal(0.031))
    assert "could be +2.9 to +3.1 points (95 % interval); within 3.1 points counts as the same." in same.reason


def test_no_claims_have_no_verdicts():
    assert verdicts(accuracies(STEADY), []) == ()


def test_the_order_of_trainings_never_decides_against_their_mean_or_their_failures():
    """LSTMs are better where they converge; two of nine fail, and their mean is lower."""
    values = {v.name: 0.84 if v.cell == "GRU" else 0.87 for v in NINE.variants}
    values |= {"32_LSTM_32": 0.5, "64_LSTM_64": 0.5}
    array = np.array(list(values.values()))
    measured = Measured(
        NINE, tuple(values), {"accuracy": Resampled(array, np.tile(array.astype(np.float32), (50, 1)))}, (), 10_000
    )
    assert rule(measured, GRU_BETTER) == "not decided"


def test_the_order_of_trainings_decides_no_further_than_the_reviews_do():
    """Every GRU is ahead of every LSTM, by no more than the drawn reviews move a cell's models together."""
    values = np.array([0.845 if v.cell == "GRU" else 0.840 for v in NINE.variants])
    moved = 0.01 * np.random.default_rng(0).standard_normal((2_000, 1)) * [[v.cell == "GRU" for v in NINE.variants]]
    tested = {"accuracy": Resampled(values, (values + moved).astype(np.float32))}
    assert rule(Measured(NINE, tuple(v.name for v in NINE.variants), tested, (), 300), GRU_BETTER) == "not decided"


def test_failures_are_counted_within_the_subset_of_the_part():
    part = Part(outcome="failures", factor="units", first=32, second=128, direction="lower", subset={"cell": "LSTM"})
    drawn = simulate(Truth(failing={"LSTM": 0.5}, reviews=50, epochs=2), np.random.default_rng(1))
    assert "of 3 with 32 units, " in verdict(measure(drawn.result, drawn.tested, 20), part).reason


def test_trainings_that_do_not_differ_at_all_are_said_to_be_so():
    found = verdict(accuracies([0.0] * 9), GRU_BETTER)
    assert (found.ruling, found.reason) == ("not tested", "No training differs from another.")


def test_a_chance_failure_does_not_let_the_reviews_of_a_cell_pass_for_an_effect():
    """Nothing is planted: the converged LSTMs are 1.3 points better on these reviews, and one GRU more fails."""
    truth = Truth(study=Study(replicates=3), epochs=2, heavy=True, failing={"GRU": 0.1, "LSTM": 0.1})
    drawn = simulate(truth, np.random.default_rng(35))
    found = verdict(measure(drawn.result, drawn.tested, 100), GRU_BETTER)
    assert found.parts[0].effects[0].estimate < -0.04
    assert found.ruling == "not decided"
