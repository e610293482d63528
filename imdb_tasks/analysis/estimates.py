"""A number with what is known of its error: intervals at any level, and one-sided p-values against any threshold.

Interval and p-value are two views of one thing: the 95 % interval leaves out the threshold exactly where the two-sided
p-value is below 5 %.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from imdb_tasks.analysis.evidence import Interval

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


def percentiles(draws: "npt.NDArray[np.floating]", level: float = 0.95) -> Interval:
    """Return the bootstrap's percentile interval of ``draws``, (resamples,)."""
    import numpy as np

    low, high = np.quantile(draws, ((1 - level) / 2, (1 + level) / 2))
    return Interval(low=float(low), high=float(high))


@dataclass(frozen=True)
class Student:
    """A number, its standard error (above 0), and the degrees of freedom of Student's t.

    ``reviews`` is the part of the error's square that more trainings would not make smaller.
    """

    value: float
    error: float
    freedom: float
    reviews: float = 0.0

    def interval(self, level: float = 0.95) -> Interval:
        """Return value and so many standard errors on either side."""
        reach = self.reach(level)
        return Interval(low=self.value - reach, high=self.value + reach)

    def reach(self, level: float) -> float:
        """Return half the width of the two-sided interval."""
        return self.quantile((1 + level) / 2) * self.error

    def quantile(self, share: float) -> float:
        """Return the quantile of the t distribution."""
        from scipy.special import stdtrit  # what scipy.stats.t calls, in a twentieth of its time

        return float(stdtrit(self.freedom, share))

    def below(self, threshold: float) -> float:
        """Return the lower tail."""
        from scipy.special import stdtr

        return float(stdtr(self.freedom, (self.value - threshold) / self.error))

    def above(self, threshold: float) -> float:
        """Return the upper tail."""
        from scipy.special import stdtr

        return float(stdtr(self.freedom, (threshold - self.value) / self.error))


def two_sided(estimate: Student, threshold: float = 0.0) -> float:
    """Return the two-sided p-value against ``threshold``."""
    return min(1.0, 2 * min(estimate.below(threshold), estimate.above(threshold)))


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
