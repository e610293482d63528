"""A number with what is known of its error: intervals at any level, and one-sided p-values against any threshold.

Interval and p-value are two views of one thing: the 95 % interval leaves out the threshold exactly where the two-sided
p-value is below 5 %.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from imdb_tasks.analysis.evidence import Interval

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_NOTHING = 1e-20  # a variance that rounding leaves: one review in a million moves an accuracy by more


class Estimate(Protocol):
    """What every estimate can tell."""

    @property
    def value(self) -> float:
        """The number itself."""

    def interval(self, level: float = 0.95) -> Interval:
        """Return the two-sided interval."""

    def below(self, threshold: float) -> float:
        """Return the one-sided p-value of the evidence that the true number is below ``threshold``."""

    def above(self, threshold: float) -> float:
        """Return the one-sided p-value of the evidence that the true number is above ``threshold``."""


def two_sided(estimate: Estimate, threshold: float = 0.0) -> float:
    """Return the two-sided p-value against ``threshold``."""
    return min(1.0, 2 * min(estimate.below(threshold), estimate.above(threshold)))


@dataclass(frozen=True)
class Percentile:
    """A number and its bootstrap ``draws``, float (resamples,): percentile intervals.

    P-values add one to both counts, so that none is 0: A. C. Davison and D. V. Hinkley, Bootstrap Methods and their
    Application (1997), section 4.2.
    """

    value: float
    draws: "npt.NDArray[np.floating]" = field(repr=False)

    def interval(self, level: float = 0.95) -> Interval:
        """Return the quantiles that leave out the same share on either side."""
        import numpy as np

        low, high = np.quantile(self.draws, ((1 - level) / 2, (1 + level) / 2))
        return Interval(low=float(low), high=float(high))

    def below(self, threshold: float) -> float:
        """Count the draws at or above."""
        return (1 + int((self.draws >= threshold).sum())) / (1 + len(self.draws))

    def above(self, threshold: float) -> float:
        """Count the draws at or below."""
        return (1 + int((self.draws <= threshold).sum())) / (1 + len(self.draws))


@dataclass(frozen=True)
class Student:
    """A number, its standard error (above 0), and the degrees of freedom of Student's t."""

    value: float
    error: float
    freedom: float

    def interval(self, level: float = 0.95) -> Interval:
        """Return value and so many standard errors on either side."""
        from scipy.stats import t

        low, high = t.interval(level, self.freedom, loc=self.value, scale=self.error)
        return Interval(low=float(low), high=float(high))

    def below(self, threshold: float) -> float:
        """Return the lower tail."""
        from scipy.stats import t

        return float(t.cdf(self.value, self.freedom, loc=threshold, scale=self.error))

    def above(self, threshold: float) -> float:
        """Return the upper tail."""
        from scipy.stats import t

        return float(t.sf(self.value, self.freedom, loc=threshold, scale=self.error))


def over_blocks(values: "npt.NDArray[np.float64]", draws: "npt.NDArray[np.floating] | None") -> Student | None:
    """Return the mean of ``values`` (blocks,), as an estimate for other blocks and reviews; None without an error.

    Blocks (replicates, or matched settings) and reviews are crossed at random: every block was measured on the same
    reviews. So the variance of the mean is that between blocks over their number, plus that of what the blocks have in
    common over the reviews. ``draws`` (resamples, blocks) gives the latter; without it no review is involved. Source:
    S. R. Searle et al., Variance Components (1992), section 4.6 (two-way crossed, random); degrees of freedom by
    F. E. Satterthwaite, Biometrics Bulletin 2 (1946), 110-114, where the reviews count as many.
    """
    import numpy as np

    blocks = len(values)
    if blocks < 2:  # noqa: PLR2004
        return None
    between = float(np.var(values, ddof=1)) / blocks
    reviews = 0.0
    if draws is not None:
        of_mean, of_each = float(np.var(draws.mean(axis=1), ddof=1)), float(np.var(draws, axis=0, ddof=1).mean())
        reviews = max(0.0, (blocks * of_mean - of_each) / (blocks - 1))
    variance = between + reviews
    if between < _NOTHING:
        return None
    return Student(float(np.mean(values)), variance**0.5, (blocks - 1) * (variance / between) ** 2)


def wilson(share: float, count: int) -> Interval:
    """Return the 95 % interval of a ``share`` (0 to 1) seen in ``count`` cases.

    Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference", Journal of the
    American Statistical Association 22 (1927), 209-212.
    """
    if count < 1:
        raise ValueError(f"expected at least one case, found {count}")
    from statsmodels.stats.proportion import proportion_confint

    low, high = proportion_confint(share * count, count, method="wilson")
    return Interval(low=max(0.0, float(low)), high=min(1.0, float(high)))


def margin(share: float, count: int) -> float:
    """Return half the width of Wilson's interval."""
    interval = wilson(share, count)
    return (interval.high - interval.low) / 2
