"""An exact test by ranks, for differences whose noise has heavy tails: one exploded training moves a mean.

The null hypothesis: the two levels make no difference to any training. Within a stratum the values of both levels are
then exchangeable, and the sum of the first level's ranks, over all strata, has a distribution that can be counted out.
Source: P. H. van Elteren, "On the combination of independent two sample tests of Wilcoxon", Bulletin of the
International Statistical Institute 37 (1960), 351-361; here with equal weights, and counted exactly, ties included.
Of more values than can be counted out, the sum is taken for normal.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Stratum = tuple[Sequence[float], Sequence[float]]
_COUNTED = 120  # values; the work grows with their fourth power


def rank_test(strata: Sequence[Stratum]) -> tuple[float, float] | None:
    """Return the one-sided p-values that the first level's values are higher, and that they are lower.

    A stratum holds the values of the first and of the second level. None where no stratum has both.
    """
    import numpy as np
    from scipy.stats import norm, rankdata

    told = [(first, second) for first, second in strata if len(first) and len(second)]
    if not told:
        return None
    # Ties have half ranks: twice of them are whole.
    ranked = [(np.rint(2 * rankdata([*first, *second])).astype(np.int64), len(first)) for first, second in told]
    seen = sum(int(ranks[:size].sum()) for ranks, size in ranked)
    if sum(len(ranks) for ranks, _ in ranked) > _COUNTED:
        mean = sum(size * float(ranks.mean()) for ranks, size in ranked)
        variance = sum(size * (len(ranks) - size) / len(ranks) * float(ranks.var(ddof=1)) for ranks, size in ranked)
        score = (seen - mean) / variance**0.5 if variance else 0.0
        return float(norm.sf(score)), float(norm.cdf(score))
    chances = np.ones(1)
    for ranks, size in ranked:
        chances = np.convolve(chances, _chances_of_sums(ranks, size))
    return float(min(1.0, chances[seen:].sum())), float(min(1.0, chances[: seen + 1].sum()))


def _chances_of_sums(ranks: "npt.NDArray[np.int64]", size: int) -> "npt.NDArray[np.float64]":
    """Return the chance of each sum of ``size`` of these ranks, drawn at random."""
    import numpy as np

    counts = np.zeros((size + 1, int(np.sort(ranks)[-size:].sum()) + 1))
    counts[0, 0] = 1.0
    for rank in ranks:
        counts[1:, rank:] += counts[:-1, : counts.shape[1] - rank].copy()
    chances: npt.NDArray[np.float64] = counts[size] / counts[size].sum()
    return chances
