"""What is random in a training, and where it comes from: each model has numbers of its own.

Initial weights and orders of rows come from the training seed and *everything* that names the model. If the models of
two batch sizes began with the same weights, a lucky start would look like an effect of the batch size, and the pairs of
models that the analysis compares would not be independent.
"""

from typing import TYPE_CHECKING

from imdb_tasks.study import CELLS, Variant

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_WEIGHTS, _ORDERS = 0, 1
KERNELS = 4
"""Weight matrices that are drawn: input, recurrence, hidden layer, output."""


def weight_seeds(variant: Variant, seed: int) -> tuple[int, ...]:
    """Return a seed below 2**31 for each weight matrix that is drawn, in the model's order."""
    return tuple(int(word) // 2 for word in _sequence(variant, seed, _WEIGHTS).generate_state(KERNELS))


def order_of_rows(rows: int, variant: Variant, seed: int, *, epoch: int) -> "npt.NDArray[np.int64]":
    """Return the order of the rows, int64 (rows,), in one epoch, counted from 0.

    It does not depend on the orders of other epochs: a resumed training needs no state of a generator.
    """
    import numpy as np

    return np.random.default_rng(_sequence(variant, seed, _ORDERS, epoch)).permutation(rows)


def _sequence(variant: Variant, seed: int, *purpose: int) -> "np.random.SeedSequence":
    import numpy as np

    name = (seed, variant.replicate, CELLS.index(variant.cell), variant.units, variant.batch_size)
    return np.random.SeedSequence(name, spawn_key=purpose)
