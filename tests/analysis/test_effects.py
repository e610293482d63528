import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imdb_tasks.analysis.bootstrap import Resampled
from imdb_tasks.analysis.contrasts import Measured, Question
from imdb_tasks.analysis.effects import ask, effects, holm, interactions
from imdb_tasks.analysis.measuring import measure
from imdb_tasks.study import Study
from tests.support.examples import examples
from tests.support.simulation import Truth, simulate

GRID = Study(units=(32, 128), batch_sizes=(32, 128))


def measured(accuracies: dict[str, float], study: Study = GRID) -> Measured:
    """Accuracies by name, with no noise of the reviews."""
    values = np.array(list(accuracies.values()))
    draws = np.tile(values.astype(np.float32), (200, 1))
    return Measured(study, tuple(accuracies), {"accuracy": Resampled(values, draws)}, (), 1_000)


def planted(study: Study = GRID, twist: float = 0.0) -> dict[str, float]:
    """GRU 3 points above LSTM, and ``twist`` more with 128 units; a little else that differs."""
    return {
        v.name: 0.8 + (v.cell == "GRU") * (0.03 + twist * (v.units == 128)) + v.batch_size / 10_000
        for v in study.variants
    }


def test_a_main_effect_is_the_mean_over_all_pairs_that_differ_in_it_alone():
    effect = ask(measured(planted(twist=0.02)), Question("accuracy", "cell", "GRU", "LSTM"))
    assert effect.estimate == pytest.approx(0.04)
    assert (effect.pairs, effect.pairs_missing, effect.contrast) == (4, 0, "GRU − LSTM")


def test_an_interaction_is_a_difference_of_differences():
    question = Question("accuracy", "cell", "GRU", "LSTM", at=("units", 128, 32))
    effect = ask(measured(planted(twist=0.02)), question)
    assert effect.estimate == pytest.approx(0.02)
    assert (effect.pairs, effect.at, effect.at_first, effect.at_second) == (2, "units", 128, 32)


def test_a_subset_keeps_its_level_only():
    effect = ask(measured(planted()), Question("accuracy", "units", 32, 128, subset={"cell": "GRU"}))
    assert (effect.pairs, effect.subset) == (2, "GRU")


def test_pairs_without_a_value_are_counted():
    values = planted()
    del values["32_LSTM_32"]
    effect = ask(measured(values), Question("accuracy", "cell", "GRU", "LSTM"))
    assert (effect.pairs, effect.pairs_missing) == (3, 1)


def test_without_a_single_pair_there_is_no_effect():
    values = {name: value for name, value in planted().items() if "GRU" in name}
    assert ask(measured(values), Question("accuracy", "cell", "GRU", "LSTM")) is None


def test_the_estimates_of_a_balanced_grid_are_those_of_least_squares():
    import pandas as pd
    from statsmodels.formula.api import ols

    study = simulate(Truth(reviews=300, epochs=2), np.random.default_rng(2))
    found = measure(study.result, study.tested, 50)
    table = pd.DataFrame(
        {
            "accuracy": [found.values["accuracy"][v] for v in study.result.study.variants],
            "cell": [v.cell for v in study.result.study.variants],
            "units": [str(v.units) for v in study.result.study.variants],
            "batch": [str(v.batch_size) for v in study.result.study.variants],
        }
    )
    fit = ols("accuracy ~ C(cell, Treatment('LSTM')) + C(units, Treatment('128')) + C(batch)", table).fit()
    effect = ask(found, Question("accuracy", "cell", "GRU", "LSTM"))
    assert effect.estimate == pytest.approx(fit.params["C(cell, Treatment('LSTM'))[T.GRU]"])
    effect = ask(found, Question("accuracy", "units", 32, 128))
    assert effect.estimate == pytest.approx(fit.params["C(units, Treatment('128'))[T.32]"])


def test_a_setting_counts_as_the_mean_of_its_replicates():
    study = GRID.model_copy(update={"replicates": 3})
    shift = {0: 0.01, 1: 0.02, 2: 0.03}
    values = {v.name: 0.8 + (v.cell == "GRU") * shift[v.replicate] for v in study.variants}
    del values["32_GRU_32_r2"]
    answer = measured(values, study).answer(Question("accuracy", "cell", "GRU", "LSTM"))
    assert answer.value == pytest.approx((3 * 0.02 + 0.015) / 4)
    assert answer.sets == 4


def test_models_can_be_left_out():
    study = GRID.model_copy(update={"replicates": 2})
    values = {v.name: 0.8 + (v.cell == "GRU") * 0.01 * (1 + v.replicate) for v in study.variants}
    question = Question("accuracy", "cell", "GRU", "LSTM")
    without = {v for v in study.variants if v.replicate}
    assert measured(values, study).answer(question, without=without).value == pytest.approx(0.01)


def test_a_cell_whose_noise_is_unknown_is_left_out_of_what_the_others_show():
    """Of the LSTMs two settings are left: too few to take main effects away."""
    values = {v.name: 0.8 + v.units * v.batch_size / 1e6 for v in Study().variants if v.cell == "GRU"}
    values |= dict.fromkeys(("32_LSTM_32", "128_LSTM_32"), 0.7)
    answer = measured(values, Study()).answer(Question("accuracy", "units", 128, 32))
    assert (answer.sets, answer.missing) == (3, 3)
    assert answer.estimate is not None


def test_the_order_of_trainings_is_compared_within_a_cell_unless_the_cells_are():
    values = {v.name: 0.8 + (v.cell == "GRU") * 0.1 + (v.units == 32) * 0.01 for v in GRID.variants}
    found = measured(values)
    assert found.ranks(Question("accuracy", "cell", "GRU", "LSTM"))[0] == pytest.approx(1 / 70)  # 4 of 8
    assert found.ranks(Question("accuracy", "units", 32, 128))[0] == pytest.approx(1 / 36)  # 2 of 4, twice
    assert found.ranks(Question("accuracy", "cell", "GRU", "LSTM", at=("units", 32, 128))) is None


def test_with_replicates_the_order_is_compared_within_matched_settings():
    study = GRID.model_copy(update={"replicates": 2})
    values = {v.name: 0.8 + (v.cell == "GRU") * 0.01 + v.units / 100 for v in study.variants}
    found = measured(values, study).ranks(Question("accuracy", "cell", "GRU", "LSTM"))
    assert found[0] == pytest.approx(1 / 6**4)


def test_every_pair_of_levels_is_asked_of_every_outcome():
    study = simulate(Truth(reviews=100, epochs=12), np.random.default_rng(2))
    found = effects(measure(study.result, study.tested, 100))
    assert len(found) == 7 * 5
    assert len(interactions(measure(study.result, study.tested, 100))) == 3 * 5
    assert {effect.basis for effect in found} == {"settings"}
    assert all(effect.p_corrected >= effect.p_value for effect in found)


@settings(max_examples=examples(20))  # statsmodels collects garbage at each call: half a second
@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_is_that_of_statsmodels(p_values):
    from statsmodels.stats.multitest import multipletests

    assert holm(p_values) == pytest.approx(list(multipletests(p_values, method="holm")[1]))
