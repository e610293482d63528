import numpy as np
import pytest

from imdb_tasks.analysis.noise import noise_of
from imdb_tasks.study import Study, Variant

GRID = Study(units=(32, 64, 128), batch_sizes=(32, 64, 128))
THREE = GRID.model_copy(update={"replicates": 3})


def contrast(study: Study) -> dict[Variant, float]:
    """GRU less LSTM, over the whole grid."""
    share = 1 / (len(study.variants) / 2)
    return {variant: share if variant.cell == "GRU" else -share for variant in study.variants}


def test_replicates_are_pooled_over_the_settings_of_a_cell() -> None:
    values = {v: 0.1 * v.units + (0.01 if v.cell == "GRU" else 0.1) * (v.replicate - 1) for v in THREE.variants}
    noise = noise_of(values, None)
    assert noise.cells["GRU"].variance == pytest.approx(0.01**2)
    assert noise.cells["LSTM"].variance == pytest.approx(0.1**2)
    assert noise.cells["GRU"].freedom == 18


def test_the_error_of_a_contrast_is_that_of_welch_and_satterthwaite() -> None:
    from scipy.stats import ttest_ind

    study = Study(units=(32,), batch_sizes=(32,), replicates=6)
    random = np.random.default_rng(1)
    values = {v: float(random.normal(0, 1 if v.cell == "GRU" else 5)) for v in study.variants}
    first, second = ([values[v] for v in study.variants if v.cell == cell] for cell in ("GRU", "LSTM"))
    estimate = noise_of(values, None).estimate(np.mean(first) - np.mean(second), contrast(study))
    reference = ttest_ind(first, second, equal_var=False)
    assert estimate.freedom == pytest.approx(reference.df)
    interval = reference.confidence_interval(0.95)
    assert estimate.interval().low == pytest.approx(interval.low)


def test_with_one_replicate_the_main_effects_are_no_noise_and_an_interaction_is() -> None:
    def values(twist: float) -> dict[Variant, float]:
        random = np.random.default_rng(0)
        return {
            v: v.units / 10
            + v.batch_size / 7
            + 0.01 * random.normal()
            + twist * (v.units == 128) * (v.batch_size == 32)
            for v in GRID.variants
        }

    assert noise_of(values(0.0), None).cells["GRU"].variance < 4 * 0.01**2
    assert noise_of(values(0.0), None).cells["GRU"].freedom == 4
    assert noise_of(values(1.0), None).cells["GRU"].variance > 0.1


def test_the_reviews_that_all_models_share_are_added_and_what_the_residuals_hold_is_not_counted_twice() -> None:
    """Draws with a part of variance 4 that all models share, which cancels in a contrast, and 9 of each one's own."""
    random = np.random.default_rng(1)
    study = Study(units=(32,), batch_sizes=(32,), replicates=5)
    shared, own = 2 * random.standard_normal((20_000, 1)), 3 * random.standard_normal((20_000, 10))
    values = {v: float(10 * random.standard_normal()) for v in study.variants}
    noise = noise_of(values, np.array(list(values.values())) + shared + own)
    assert noise.cells["GRU"].reviews == pytest.approx(9, rel=0.03)
    estimate = noise.estimate(0.0, contrast(study))
    training = (noise.cells["GRU"].variance + noise.cells["LSTM"].variance) / 5
    assert estimate.error**2 == pytest.approx(training, rel=0.05)
    one_side = noise.estimate(0.0, {v: 0.2 for v in study.variants if v.cell == "GRU"})
    assert one_side.error**2 == pytest.approx(noise.cells["GRU"].variance / 5 + 4, rel=0.05)


def test_where_trainings_do_not_differ_the_reviews_are_left() -> None:
    random = np.random.default_rng(2)
    study = Study(cells=("GRU",), units=(32, 64), batch_sizes=(32,), replicates=2)
    values = dict.fromkeys(study.variants, 0.8)
    noise = noise_of(values, 0.8 + random.standard_normal((20_000, 4)))
    weights = {v: 0.5 if v.units == 32 else -0.5 for v in study.variants}
    assert noise.estimate(0.0, weights).error == pytest.approx(1.0, rel=0.03)


def test_without_reviews_and_without_any_difference_there_is_no_error() -> None:
    assert noise_of(dict.fromkeys(THREE.variants, 0.5), None).estimate(0.0, contrast(THREE)) is None


def test_a_cell_of_too_few_models_has_no_noise() -> None:
    few = {v: 0.1 * v.units for v in GRID.variants if v.cell == "GRU" or v.units == v.batch_size == 32}
    noise = noise_of(few, None)
    assert noise.knows(Variant(cell="GRU", units=32, batch_size=32))
    assert not noise.knows(Variant(cell="LSTM", units=32, batch_size=32))
    assert noise.estimate(0.0, dict.fromkeys(few, 1.0)) is None
