import itertools

import numpy as np

from imdb_tasks.study import Study, Variant
from imdb_tasks.training.randomness import order_of_rows, weight_seeds

VARIANT = Variant(cell="GRU", units=32, batch_size=64)
EVERY_MODEL = Study(replicates=3).variants


def order(variant: Variant, *, seed: int = 1, epoch: int = 0) -> tuple[int, ...]:
    return tuple(order_of_rows(20, variant, seed, epoch=epoch).tolist())


def test_no_two_models_of_a_study_share_a_seed_of_their_weights() -> None:
    seeds = list(itertools.chain.from_iterable(weight_seeds(variant, 42) for variant in EVERY_MODEL))
    assert len(set(seeds)) == len(seeds) == 54 * 4
    assert all(0 <= seed < 2**31 for seed in seeds)


def test_no_two_models_of_a_study_share_an_order_of_epochs() -> None:
    assert len({order(variant) for variant in EVERY_MODEL}) == len(EVERY_MODEL)


def test_the_orders_of_two_models_are_uncorrelated() -> None:
    places = [np.argsort(order_of_rows(5_000, variant, 42, epoch=0)) for variant in EVERY_MODEL[:9]]
    correlations = np.corrcoef(places)[np.triu_indices(9, 1)]
    assert np.abs(correlations).max() < 5 / np.sqrt(5_000)


def test_the_same_model_and_seed_give_the_same_numbers_and_another_seed_others() -> None:
    assert weight_seeds(VARIANT, 1) == weight_seeds(VARIANT, 1) != weight_seeds(VARIANT, 2)
    assert order(VARIANT) == order(VARIANT) != order(VARIANT, seed=2)


def test_every_epoch_has_an_order_of_all_rows_that_can_be_told_alone() -> None:
    first, second = order(VARIANT, epoch=0), order(VARIANT, epoch=1)
    assert sorted(first) == sorted(second) == list(range(20))
    assert first != second


def test_the_numbers_are_the_same_on_every_machine() -> None:
    assert weight_seeds(VARIANT, 42) == (923355673, 258848931, 39941010, 1376675171)
    assert order_of_rows(8, VARIANT, 42, epoch=3).tolist() == [6, 2, 5, 0, 4, 7, 3, 1]
