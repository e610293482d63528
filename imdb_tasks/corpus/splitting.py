"""Which reviews are for training and which for the test: one draw, the same wherever it is asked for."""

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


def split(rows: int, *, test_fraction: float, seed: int) -> "tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]":
    """Return the rows for training and for the test, as scikit-learn's ``train_test_split`` draws them.

    Its import alone would take a sixth of the preparation.
    """
    import numpy as np

    order = np.random.RandomState(seed).permutation(rows)
    tests = math.ceil(test_fraction * rows)
    return order[tests:], order[:tests]
