import json

import numpy as np
import pytest

from imdb_tasks.analysis.bootstrap import Predictions
from imdb_tasks.analysis.claims import read_claims
from imdb_tasks.analysis.records import Analysis
from imdb_tasks.analysis.whole_study import analyse
from imdb_tasks.study import Study
from tests.support.simulation import Truth, simulate
from tests.support.study_results import analysis_of, demo_result, opinions, study_result

CLAIMS = read_claims().claims


def test_an_analysis_goes_through_json_unchanged_and_holds_no_nan():
    found = analysis_of(study_result())
    text = json.dumps(found.model_dump(mode="json"), allow_nan=False)
    assert Analysis.model_validate_json(text) == found


def test_equal_input_gives_an_equal_analysis():
    assert analysis_of(demo_result()) == analysis_of(demo_result())


def test_all_18_are_summed_up_and_those_without_a_result_have_none():
    found = analysis_of(study_result())
    assert len(found.variants) == 18
    assert {v.variant.name for v in found.variants if v.accuracy is None} == {
        "32_LSTM_128",
        "128_LSTM_32",
        "128_LSTM_64",
    }
    assert len(found.curves) == 17
    assert found.calibration.variant == found.choice.model == found.confusion.variant


@pytest.mark.parametrize(
    "study",
    [
        Study(cells=("LSTM",)),
        Study(units=(16,)),
        Study(cells=("GRU",), units=(16,), batch_sizes=(8,)),
        Study(cells=("GRU",), units=(16,), batch_sizes=(8,), replicates=2),
        Study(units=(7, 9, 11, 13), batch_sizes=(3, 5)),
        Study(units=(32,), replicates=3),
    ],
    ids=["one cell", "one size", "one model", "one model twice", "sizes of one's own", "replicates"],
)
@pytest.mark.parametrize("reviews", [1, 12])
def test_any_grid_and_any_number_of_reviews_can_be_analysed(study: Study, reviews: int):
    simulated = simulate(Truth(study=study, reviews=reviews, epochs=3), np.random.default_rng(reviews))
    found = analyse(simulated.result, simulated.tested, CLAIMS, code="c")
    assert Analysis.model_validate_json(found.model_dump_json()) == found
    assert len(found.verdicts) == 4


def test_a_study_of_which_nothing_was_trained_tests_nothing():
    found = analysis_of(study_result(missing={variant.name: "no worker" for variant in Study().variants}))
    assert {verdict.ruling for verdict in found.verdicts} == {"not tested"}
    assert (found.choice, found.recommendation, found.calibration, found.standings) == (None, None, None, ())
    assert (found.effects, found.interactions, found.failures) == ((), (), ())
    assert "18 of 18 models are missing" in " ".join(found.cautions)


def test_a_study_of_which_everything_diverged_recommends_nothing_and_shows_no_effect():
    diverged = {variant.name: 1 for variant in Study().variants}
    found = analysis_of(study_result(diverged=diverged, missing={}))
    assert not {verdict.ruling for verdict in found.verdicts} & {"supported", "contradicted"}
    assert (found.choice, found.recommendation, found.calibration, found.standings) == (None, None, None, ())
    assert not any(effect.significant for effect in found.effects)
    assert all(rate.rate == 1 for rate in found.failures)
    assert "Trainings that did not converge count in every comparison" in " ".join(found.cautions)


def test_reviews_of_one_class_have_no_auc_and_it_is_said():
    simulated = simulate(Truth(study=Study(units=(32,)), reviews=60, epochs=3), np.random.default_rng(0))
    positive = simulated.tested.labels == 1
    tested = Predictions(
        simulated.tested.names, simulated.tested.labels[positive], simulated.tested.probabilities[:, positive]
    )
    found = analyse(simulated.result, tested, CLAIMS, code="c")
    assert all(v.auc is None and v.accuracy is not None for v in found.variants)
    assert "no AUC" in " ".join(found.cautions)
    assert not any(effect.outcome == "auc" for effect in found.effects)


def test_models_that_all_say_the_same_are_equally_good_without_an_error():
    simulated = simulate(Truth(study=Study(units=(32, 64)), reviews=50, epochs=3), np.random.default_rng(0))
    tested = simulated.tested
    same = Predictions(tested.names, tested.labels, np.full_like(tested.probabilities, 0.5))
    found = analyse(simulated.result, same, CLAIMS, code="c")
    assert all(effect.estimate == 0 for effect in found.effects if effect.outcome in ("accuracy", "auc"))
    assert all(standing.behind == 0 for standing in found.standings)
    assert found.recommendation.use is None  # no better than the constant answer


def test_one_run_of_each_is_a_caution_and_replicates_are_another():
    assert "Each setting was trained once:" in analysis_of(study_result()).cautions[0]
    assert (
        "Each setting was trained 3 times:" in analysis_of(study_result(Study(units=(32,), replicates=3))).cautions[0]
    )


def test_a_single_setting_is_compared_with_no_other():
    found = analysis_of(study_result(Study(cells=("GRU",), units=(32,), batch_sizes=(64,)))).cautions
    assert found[0] == "The setting was trained once: how much another training would differ is not known."
    assert not any("order" in words or "main effects" in words for words in found)


def test_too_few_settings_for_the_training_variance_are_a_caution():
    few = Study(units=(32,), batch_sizes=(64,))
    assert "cannot be estimated from so few settings" in analysis_of(study_result(few)).cautions[1]
    assert "cannot be told from an interaction" in analysis_of(study_result()).cautions[1]


def test_a_short_run_neither_confirms_nor_refutes():
    assert "neither confirm nor refute" in analysis_of(demo_result()).cautions[-1]


def test_models_may_come_in_any_order():
    result = study_result()
    tested = opinions(result)
    turned = Predictions(tested.names[::-1], tested.labels, tested.probabilities[::-1])
    one, other = (analyse(result, each, CLAIMS, code="c") for each in (tested, turned))
    assert one.standings == other.standings
    assert [v.ruling for v in one.verdicts] == [v.ruling for v in other.verdicts]
