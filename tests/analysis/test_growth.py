import numpy as np
import pytest

from imdb_tasks.analysis import Analysis, Growth, Predictions, analyse, read_claims
from imdb_tasks.analysis.verdicts import as_decided
from imdb_tasks.study import Study
from tests.support.growing import series
from tests.support.simulation import Truth, simulate

CLAIMS = read_claims().claims


def looks() -> tuple[Analysis, ...]:
    """Three looks at a study in which GRU is three points better."""
    return tuple(analysis for _, analysis in series(looks=3, most=3))


def ruling(analysis: Analysis, claim: str = "cell") -> str:
    return next(verdict.ruling for verdict in analysis.verdicts if verdict.claim == claim)


def test_a_claim_that_is_decided_stays_so_and_says_when_it_was() -> None:
    assert [ruling(each) for each in looks()] == ["supported"] * 3
    for later in looks()[1:]:
        then = f"Decided with 1 replicate: {looks()[0].verdicts[0].reason} Now "
        assert later.verdicts[0].reason.startswith(then)
        assert later.verdicts[0].p_corrected is None
        assert later.verdicts[0].power == ""


def test_what_was_decided_now_is_news_once() -> None:
    assert [[seen.claim for seen in each.growth.news if seen.claim == "cell"] for each in looks()] == [["cell"], [], []]


def test_a_series_ends_with_its_most_replicates_or_when_nothing_is_open() -> None:
    assert [each.growth.ended for each in looks()] == [False, False, True]
    growth = looks()[1].growth
    seen = tuple(each.model_copy(update={"ruling": "supported"}) for each in growth.looks[-1].seen)
    done = growth.model_copy(update={"looks": (growth.looks[-1].model_copy(update={"seen": seen}),)})
    assert (done.open, done.ended) == ((), True)


def test_an_earlier_look_is_as_it_was_whatever_came_after_it() -> None:
    assert looks()[2].growth.before(2).looks == looks()[0].growth.looks
    assert looks()[2].growth.before(2).alpha(len(CLAIMS), 2) == looks()[2].growth.alpha(len(CLAIMS), 2)


def test_the_intervals_are_those_of_the_look() -> None:
    for number, each in enumerate(looks(), 1):
        alpha = Growth(most=3, looks=each.growth.looks[:-1]).alpha(len(CLAIMS), number)
        assert each.growth.looks[-1].seen[0].effects[0].level == pytest.approx(1 - alpha / 2)


def test_all_claims_share_the_error_whether_or_not_each_can_be_tested() -> None:
    growth = Growth(most=1)
    assert growth.alpha(4, 1) == pytest.approx(0.05 / 4)


def test_what_is_open_says_how_many_replicates_it_takes() -> None:
    for seen in looks()[1].growth.open:
        assert seen.needed is None or seen.needed > 2


def test_a_claim_that_the_grid_cannot_answer_is_not_open() -> None:
    study = Study(cells=("GRU",), units=(64,), replicates=2)
    drawn = simulate(Truth(study=study, reviews=300, epochs=12), np.random.default_rng(1))
    growth = analyse(drawn.result, drawn.tested, CLAIMS, code="a", growth=Growth(most=3)).growth
    assert growth is not None
    assert growth.open == ()
    assert growth.ended


def test_while_models_are_missing_nothing_is_decided_and_no_look_is_taken() -> None:
    drawn = simulate(Truth(by_cell={"GRU": 0.05}, reviews=1_000, epochs=12), np.random.default_rng(1))
    gone = drawn.result.variants[-1].model_copy(update={"status": "missing", "training": None, "test": None})
    result = drawn.result.model_copy(update={"variants": (*drawn.result.variants[:-1], gone)})
    names = drawn.tested.names[:-1]
    tested = Predictions(names, drawn.tested.labels, drawn.tested.probabilities[:-1])
    whole = analyse(drawn.result, drawn.tested, CLAIMS, code="a", growth=Growth(most=3))
    found = analyse(result, tested, CLAIMS, code="a", growth=Growth(most=3))
    assert whole.verdicts[0].ruling == "supported"
    assert found.growth == Growth(most=3)
    assert found.verdicts[0].ruling == "not decided"
    assert found.verdicts[0].reason == "Not tested while 1 model is missing: the next run goes on."


def test_the_forecast_counts_every_look_on_the_way() -> None:
    growth = Growth(most=5)
    looked = growth
    for number in range(1, 5):
        looked = looked.with_look(number, ())
    assert growth.alpha(4, 5, after=1) == looked.alpha(4, 5)


def test_a_claim_that_its_second_part_decided_is_shown_by_that_part_from_then_on() -> None:
    (_, first), (_, second) = series(looks=3, most=4)[:2]
    verdict = next(each for each in first.verdicts if each.claim == "size")
    decisive = verdict.parts[1].model_copy(update={"ruling": "contradicted"})
    decided = verdict.model_copy(update={"ruling": "contradicted", "parts": (verdict.parts[0], decisive)})
    growth = Growth(most=4).with_look(1, [decided])
    assert growth.decided["size"][1].named == decisive.named
    again = next(each for each in second.verdicts if each.claim == "size")
    shown = as_decided(again, growth)
    assert shown.ruling == "contradicted"
    assert " Now final validation loss, 32 / 128 units (GRU): ×" in shown.reason
