"""The records of differences and verdicts, as JSON. A number that does not exist is null; there is no NaN.

A *setting* is one point of the grid: cell, units and batch size. It was trained once per replicate, so with one
replicate a setting is a model. Differences are always "first - second"; shares and accuracies go from 0 to 1.

Every interval and every p-value is about other trainings of the same settings and other reviews of the same kind. Its
``basis`` says how the training variance was estimated:

"replicates"  from the replicates of each setting, pooled over the settings of a cell. Needs two replicates or more.
"settings"    one replicate only: from what is left when the main effects of units and batch size are taken away within
              a cell. Where the two factors interact, that counts as training variance: intervals are then too wide.
"""

from collections.abc import Sequence
from typing import Literal

from imdb_tasks.study import Cell, Record

Basis = Literal["replicates", "settings"]
Factor = Literal["cell", "units", "batch_size"]
FACTORS: tuple[Factor, ...] = ("cell", "units", "batch_size")
Outcome = Literal["accuracy", "auc", "final_loss", "overfitting", "roughness", "failures"]
OUTCOMES: tuple[Outcome, ...] = ("accuracy", "auc", "final_loss", "overfitting", "roughness")
"""The outcomes that have effects with intervals; ``failures``, 0 or 1 for each training, has exact tests only."""
LOG_OUTCOMES: tuple[Outcome, ...] = ("final_loss", "roughness")
"""Outcomes whose natural logarithm is compared: a difference is the logarithm of a ratio."""
SHARES: tuple[Outcome, ...] = ("accuracy", "failures")
"""Outcomes that are written in percentage points."""
LARGEST_RATIO = 100
"""A ratio beyond it, or below its inverse, has no digits that mean anything."""
Level = Cell | int
VerdictValue = Literal["supported", "contradicted", "not decided", "not tested"]
DECIDED: tuple[VerdictValue, ...] = ("supported", "contradicted")
ALPHA = 0.05
POWER = 0.8


class Interval(Record):
    """A two-sided confidence interval, 95 % unless stated otherwise."""

    low: float
    high: float


class Effect(Record):
    """The mean difference of ``outcome`` between two levels of a factor, all else equal.

    Outcomes: test ``accuracy`` and ``auc``, where a training that diverged counts as the constant answer;
    ``final_loss``, the logarithm of the final validation loss; ``overfitting`` and the logarithm of ``roughness``, both
    of converged trainings only, as in ``CurveSummary``. ``subset`` says in words to which part of the grid it is
    limited; "" is all. ``pairs`` is the number of matched pairs of settings that were compared, ``pairs_missing`` how
    many the grid has beyond them. ``reviews`` is 0 where no test review is involved. ``interval``, with the confidence
    ``level``, and ``p_value`` (two-sided, against no difference) are None if the training variance cannot be estimated;
    ``p_corrected`` is Holm's over the effects on the same outcome.
    """

    outcome: Outcome
    factor: Factor
    first: Level
    second: Level
    contrast: str
    subset: str
    estimate: float
    interval: Interval | None
    level: float
    p_value: float | None
    p_corrected: float | None
    pairs: int
    pairs_missing: int
    replicates: int
    reviews: int
    basis: Basis

    @property
    def ends(self) -> tuple[float, ...]:
        """Both ends of the interval; none where there is no interval."""
        return (self.interval.low, self.interval.high) if self.interval else ()

    @property
    def reach(self) -> float:
        """How far from zero the difference may be, by its interval, or by the estimate where there is none."""
        return max(map(abs, self.ends), default=abs(self.estimate))

    def among(self, effects: "Sequence[Effect]") -> "Effect | None":
        """Return the first of ``effects`` that answers the same question, with other trainings maybe."""
        return next((each for each in effects if each._question == self._question), None)

    @property
    def _question(self) -> tuple[object, ...]:
        return self.outcome, self.contrast, self.subset

    @property
    def significant(self) -> bool:
        """Whether the difference is statistically significant at 5 %, after correction."""
        return self.p_corrected is not None and self.p_corrected <= ALPHA


class Interaction(Effect):
    """How much an effect differs between two levels of another factor: (first - second) at ``at_first`` less
    (first - second) at ``at_second``. ``pairs`` counts matched pairs of pairs, four settings each.
    """

    at: Factor
    at_first: Level
    at_second: Level

    @property
    def _question(self) -> tuple[object, ...]:
        return *super()._question, self.at, self.at_first, self.at_second


class PartRuling(Record):
    """What the result says of one part of a claim, and why, in one sentence.

    ``effects`` are what it rests on, with the intervals that the ruling used. ``p_ranks`` is the exact rank test's
    two-sided p-value, None where none applies. ``detectable`` is the smallest difference, in the unit of the effect,
    that this design would decide with a probability of 80 %; ``replicates_needed`` how many replicates would decide the
    difference seen as often, None where no number up to 50 would. ``named`` is the difference that the reason names,
    None where nothing was tested; ``margin`` is what counts as the same, for a part "equal". ``answerable`` tells
    whether the study could answer it at all, with more replicates if need be: its grid has the levels, its trainings
    are long enough.
    """

    ruling: VerdictValue
    reason: str
    effects: tuple[Effect | Interaction, ...]
    p_ranks: float | None = None
    detectable: float | None = None
    replicates_needed: int | None = None
    named: Effect | Interaction | None = None
    margin: float | None = None
    answerable: bool = True


class Verdict(Record):
    """What the result says of one claim: the ruling, its ``reason`` in one sentence, and each part.

    ``p_corrected`` is Bonferroni's over the claims that can be tested; None where this one cannot, and where an earlier
    look at a growing study has decided it. ``power`` says what the design could have decided, where nothing is;
    ``sample`` on how much the ruling rests; ``warnings`` what weakens it, such as trainings that did not converge.
    ``converged`` says what those that converged show by themselves; "" where all did, or it does not matter.
    """

    claim: str
    title: str
    ruling: VerdictValue
    reason: str
    parts: tuple[PartRuling, ...]
    power: str
    sample: str
    warnings: tuple[str, ...]
    converged: str = ""
    p_corrected: float | None

    @property
    def effects(self) -> tuple[Effect | Interaction, ...]:
        """What the ruling rests on, in the order of the claim's parts."""
        return tuple(effect for part in self.parts for effect in part.effects)
