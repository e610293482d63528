"""How small a p-value must be at each look at a growing study, so that all looks together err no more often than one.

A claim that may err with the probability alpha has spent alpha * t**2 of it after the look at the share t of the most
replicates: the power family of K. Kim and D. L. DeMets, Biometrika 74 (1987), 149-154. The level of a look follows from
what is spent at it, given that no earlier look decided: K. K. G. Lan and D. L. DeMets, Biometrika 70 (1983), 659-663.
There, the test statistic of growing data is a Brownian motion, seen at the times t; its passage through the boundaries
is computed by the recursive integration of P. Armitage, C. K. McPherson and B. C. Rowe, Journal of the Royal
Statistical Society A 132 (1969), 235-244.
"""

import math
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

_POWER = 2.0  # of the spending function; chosen by simulation, see docs/statistics.md
_POINTS = 801  # of the grid on which the motion's density is kept; odd, for Simpson's rule


def level(alpha: float, looks: Sequence[int], most: int) -> float:
    """Return the two-sided level of the last of ``looks``, which are numbers of replicates, growing up to ``most``.

    A claim is decided at a look if its p-value is at most the level there. Looks that were left out spend nothing.

    Raises ValueError for looks that do not grow, or go beyond ``most``.
    """
    times = [look / most for look in looks]
    if not times or any(a >= b for a, b in zip([0.0, *times], times, strict=False)) or times[-1] > 1:
        raise ValueError(f"looks: expected growing numbers from 1 to {most}, found {list(looks)}")
    return _levels(alpha, tuple(times))[-1]


@cache
def _levels(alpha: float, times: tuple[float, ...]) -> tuple[float, ...]:
    """Return the level of each look."""
    import numpy as np
    from scipy.optimize import brentq
    from scipy.stats import norm

    found: list[float] = []
    before, at = 0.0, np.zeros(1)
    weights = np.ones(1)  # the motion starts at zero: all of its mass is there
    for time in times:
        spent, step = alpha * (time**_POWER - before**_POWER), math.sqrt(time - before)
        bound = brentq(_left_over, 0.0, 12.0 * math.sqrt(time), args=(spent, at, weights, step), xtol=1e-10)
        found.append(2 * float(norm.sf(bound / math.sqrt(time))))
        grid = np.linspace(-bound, bound, _POINTS)
        density = norm.pdf((grid[:, None] - at[None, :]) / step) @ weights / step
        simpson = np.full(_POINTS, 2.0)
        simpson[1::2], simpson[[0, -1]] = 4.0, 1.0
        before, at, weights = time, grid, density * simpson * (grid[1] - grid[0]) / 3
    return tuple(found)


def _left_over(bound: float, spent: float, at: "Floats", weights: "Floats", step: float) -> float:
    """Return the probability that the motion goes from ``at`` beyond +-``bound`` in a ``step``, less what is spent."""
    from scipy.stats import norm

    return float(weights @ (norm.sf((bound - at) / step) + norm.sf((bound + at) / step))) - spent
