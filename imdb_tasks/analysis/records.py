"""What the analysis of a study's result returns, as JSON. A number that does not exist is null; there is no NaN.

Differences, verdicts and the words used for them (setting, basis) are in ``evidence``.
"""

from typing import ClassVar, Literal

from imdb_tasks.analysis.evidence import Basis, Effect, Factor, Interaction, Interval, Level, Verdict
from imdb_tasks.study import Record, Sha256, ShrunkRecord, Study, Variant


class CurveSummary(Record):
    """One model's learning curve in a few numbers; epochs count from 1, losses are binary cross-entropy.

    ``best_epoch``     the first epoch of the lowest validation loss, ``best_val_loss``
    ``overfit_onset``  the first epoch after it from which the validation loss stays more than 5 % above its lowest,
                       while the training loss is below what it was at the best epoch; None if there is none.
                       The 5 % are the criterion GL_5 of L. Prechelt, "Early stopping - but when?", Neural Networks:
                       Tricks of the Trade (1998), 55-69; that it must last to the end is ours
    ``overfitting``    validation loss less training loss, the median over the last tenth of the epochs: the gap in
                       I. Goodfellow et al., Deep Learning (2016), section 5.2
    ``roughness``      standard deviation of the validation loss about its own trend, over the second half of the
                       epochs, from successive differences: J. von Neumann, "Distribution of the ratio of the mean
                       square successive difference to the variance", Annals of Mathematical Statistics 12 (1941),
                       367-395. Small is stable

    A diverged model has its best epoch before it diverged, and no overfitting and no roughness.
    """

    variant: Variant
    diverged: bool
    best_epoch: int | None
    best_val_loss: float | None
    overfit_onset: int | None
    overfitting: float | None
    roughness: float | None


class VariantSummary(ShrunkRecord):
    """One model on the test reviews; None where it has no finite probabilities.

    ``accuracy_interval`` is Wilson's 95 % interval (basis "reviews"). ``auc`` is the exact area (the share of pairs of
    a positive and a negative review that are ranked right, ties half), not Keras's sum over 200 thresholds; None where
    the test reviews are of one class.
    """

    removed: ClassVar[frozenset[str]] = frozenset({"auc_interval"})

    variant: Variant
    status: Literal["finished", "diverged", "missing"]
    accuracy: float | None
    accuracy_interval: Interval | None
    auc: float | None


class Standing(Record):
    """How far a setting's accuracy, the mean over its replicates, lies below the best one's.

    ``variant`` is the setting's first replicate. ``p_corrected`` is of the comparison with the best, times the number
    of settings that it could have been (Bonferroni), for the best was picked after seeing the results; None where
    nothing can be tested. ``within_noise`` says that it may well be the best itself.
    """

    variant: Variant
    accuracy: float
    trainable_parameters: int
    wall_seconds: float
    behind: float
    behind_interval: Interval | None
    p_corrected: float | None
    within_noise: bool

    @property
    def indistinguishable_from_best(self) -> bool:
        """Whether it was tested and is statistically indistinguishable from the best; False for the best."""
        return self.within_noise and self.p_corrected is not None


class BestComparison(ShrunkRecord):
    """Whether the setting of the highest test accuracy is really better than the second.

    ``difference`` is best less second, ``interval`` its 95 % interval as if the two had been chosen beforehand.
    ``p_value`` is McNemar's exact test with one replicate, a test over replicates and reviews (``basis``) with more.
    ``explanation`` says in words whether the best is better, by ``p_corrected``, see ``Standing``.
    """

    removed: ClassVar[frozenset[str]] = frozenset({"verdict", "best_only_right", "second_only_right"})

    best: Variant
    second: Variant
    difference: float
    interval: Interval | None
    p_value: float | None
    p_corrected: float | None
    basis: Basis
    explanation: str


class Recommendation(Record):
    """Which setting to use: the ``best``, or the ``cheapest`` (fewest trainable parameters, then shortest training)
    of those that are statistically indistinguishable from it.
    """

    best: Variant
    cheapest: Variant
    why: str


class DivergenceRate(Record):
    """The share of models with one level of a factor that diverged, of those trained, with Wilson's 95 % interval."""

    factor: Factor
    level: Level
    diverged: int
    trained: int
    rate: float
    interval: Interval


class CalibrationBin(Record):
    """The reviews whose probability lies in [low, high): their mean probability and the share that is positive."""

    low: float
    high: float
    count: int
    mean_probability: float
    positive_share: float
    interval: Interval


class Calibration(Record):
    """Whether the best model's probabilities mean what they say; only bins that hold a review.

    ``brier`` is the mean squared error of the probability: G. W. Brier, Monthly Weather Review 78 (1950), 1-3.
    ``ece`` is the mean distance of probability and share over ten equal bins, weighted by reviews: C. Guo et al., "On
    calibration of modern neural networks", ICML (2017).
    """

    variant: Variant
    bins: tuple[CalibrationBin, ...]
    brier: float
    ece: float


class Confusion(Record):
    """Counts of test reviews of the best model at the threshold 0.5."""

    variant: Variant
    true_positive: int
    false_positive: int
    true_negative: int
    false_negative: int


class Origin(Record):
    """What a result was made from, as far as two runs can differ in it. ``versions`` are those of the trainings."""

    study: Study
    backend: str
    reviews_sha256: Sha256
    glove_sha256: Sha256
    train_rows: int
    test_rows: int
    code: str
    versions: dict[str, str]


class Change(Record):
    """One thing that differs between two runs, such as ``training epochs``: 3 before, 100 now."""

    where: Literal["data", "code", "settings", "results"]
    what: str
    before: str
    now: str


class VariantChange(Record):
    """A model that both runs have: accuracy now less before, basis "reviews".

    The interval is paired where both were measured on the same test reviews, else None, and nothing is tested.
    ``p_corrected`` is Holm's over the common models.
    """

    variant: Variant
    before: float
    now: float
    difference: float
    interval: Interval | None
    p_corrected: float | None
    beyond_noise: bool


class RunComparison(Record):
    """A result beside that of the run before it that had another one."""

    previous_run: str
    changes: tuple[Change, ...]
    same_test_reviews: bool
    variants: tuple[VariantChange, ...]
    summary: str


class Analysis(Record):
    """Everything that can be concluded from one study's result.

    ``variants`` and ``curves`` are in the study's order; ``curves`` has only trained models. ``standings`` has one row
    per setting with a test result, the best first. ``effects`` has, for accuracy and AUC with one replicate, each
    contrast twice: with the basis "reviews" and with "settings". ``best``, ``recommendation``, ``calibration`` and
    ``confusion`` are None where no model has a test result (``best`` also where only one setting has).
    ``cautions`` are sentences on what this result cannot tell.
    """

    origin: Origin
    cautions: tuple[str, ...]
    verdicts: tuple[Verdict, ...]
    variants: tuple[VariantSummary, ...]
    curves: tuple[CurveSummary, ...]
    standings: tuple[Standing, ...]
    best: BestComparison | None
    recommendation: Recommendation | None
    effects: tuple[Effect, ...]
    interactions: tuple[Interaction, ...]
    divergence: tuple[DivergenceRate, ...]
    calibration: Calibration | None
    confusion: Confusion | None
    comparison: RunComparison | None
