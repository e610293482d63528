"""The records of differences and verdicts, as JSON. A number that does not exist is null; there is no NaN.

A *setting* is one point of the grid: cell, units and batch size. It was trained once per replicate, so with one
replicate a setting is a model. Differences are always "first - second"; shares and accuracies go from 0 to 1.

What an interval is about is its ``basis``:

"reviews"     these models, as they came out of training, on other reviews of the same kind. It knows nothing of how the
              models would have come out from other random weights.
"replicates"  other trainings of the same settings, and other reviews. Needs two replicates or more.
"settings"    one replicate only: the matched settings of the grid stand in for replicates, and other reviews. It is a
              conservative substitute: what the other factors do to the effect counts as noise.
"""

from typing import Literal

from imdb_tasks.study import Cell, Record

Basis = Literal["reviews", "replicates", "settings"]
Factor = Literal["cell", "units", "batch_size"]
FACTORS: tuple[Factor, ...] = ("cell", "units", "batch_size")
Outcome = Literal["accuracy", "auc", "val_loss", "overfitting", "roughness"]
OUTCOMES: tuple[Outcome, ...] = ("accuracy", "auc", "val_loss", "overfitting", "roughness")
Level = Cell | int
VerdictValue = Literal["supported", "contradicted", "not decided"]
ALPHA = 0.05


class Interval(Record):
    """A two-sided confidence interval, 95 % unless stated otherwise."""

    low: float
    high: float


class Effect(Record):
    """The mean difference of ``outcome`` between two levels of a factor, all else equal.

    Outcomes: test ``accuracy`` and ``auc``; ``val_loss``, the lowest validation loss; ``overfitting`` and
    ``roughness`` as in ``CurveSummary``. ``subset`` says in words to which part of the grid it is limited; "" is all.
    ``pairs`` is the number of matched pairs of models that were compared, ``pairs_missing`` how many the grid has
    beyond them, because one of the two diverged or is missing. ``reviews`` is 0 where no test review is involved.
    ``interval`` and ``p_value`` (two-sided, against no difference) are None if there are too few pairs to test;
    ``p_corrected`` is Holm's over the effects on the same outcome with the same basis or, in a verdict, over all that
    is behind any verdict.
    """

    outcome: Outcome
    factor: Factor
    first: Level
    second: Level
    contrast: str
    subset: str
    estimate: float
    interval: Interval | None
    p_value: float | None
    p_corrected: float | None
    pairs: int
    pairs_missing: int
    replicates: int
    reviews: int
    basis: Basis

    @property
    def beyond_noise(self) -> bool:
        """Whether the difference is statistically significant at 5 %, after correction."""
        return self.p_corrected is not None and self.p_corrected <= ALPHA


class Interaction(Effect):
    """How much an effect differs between two levels of another factor: (first - second) at ``at_first`` less
    (first - second) at ``at_second``. ``pairs`` counts matched pairs of pairs, four models each.
    """

    at: Factor
    at_first: Level
    at_second: Level


class Verdict(Record):
    """What the result says of one claim. ``effects`` are what it rests on, in the order of the claim's parts.

    ``p_corrected`` is Holm's over all claims that can be tested; None where this one cannot. ``sample`` says on how
    many models, pairs, replicates and reviews it rests; ``warnings`` what weakens it, such as pairs that diverged.
    """

    claim: str
    title: str
    ruling: VerdictValue
    explanation: str
    sample: str
    warnings: tuple[str, ...]
    p_corrected: float | None
    effects: tuple[Effect | Interaction, ...]
