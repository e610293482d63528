"""What the analysis of a study's result returns, as JSON. A number that does not exist is null; there is no NaN.

Differences, verdicts and the words used for them (setting, basis) are in ``evidence``.
"""

from typing import ClassVar, Literal

from imdb_tasks.analysis.evidence import Effect, Factor, Interaction, Interval, Level, Verdict
from imdb_tasks.analysis.growth import Growth
from imdb_tasks.study import Label, Record, Sha256, ShrunkRecord, Study, Variant


class CurveSummary(Record):
    """One model's learning curve in a few numbers; epochs count from 1, losses are binary cross-entropy.

    ``converged``      whether the training or the validation loss at the end is at most that of the best constant
                       answer (0.693 for labels of half each). A training that explodes to a finite loss did not
                       converge; one that overfits did
    ``best_epoch``     the first epoch of the lowest validation loss, ``best_val_loss``
    ``overfit_onset``  the first epoch after it from which the validation loss stays more than 5 % above its lowest,
                       while the training loss is below what it was at the best epoch; None if there is none.
                       The 5 % are the criterion GL_5 of L. Prechelt, "Early stopping - but when?", Neural Networks:
                       Tricks of the Trade (1998), 55-69; that it must last to the end is ours
    ``final_loss``, ``final_val_loss``  the medians over the last tenth of the epochs
    ``overfitting``    final validation loss less final training loss: the gap in I. Goodfellow et al., Deep Learning
                       (2016), section 5.2. It grows with the epochs: compare it at equal epochs only
    ``roughness``      standard deviation of the relative jumps of the validation loss about a smooth curve, over the
                       second half of the epochs (0.05: five percent from epoch to epoch), from second differences of
                       its logarithm: T. Gasser et al., "Residual variance and residual pattern in nonlinear
                       regression", Biometrika 73 (1986), 625-633. Small is stable. None below ten epochs

    A training that did not converge has no overfitting and no roughness.
    """

    variant: Variant
    diverged: bool
    converged: bool
    best_epoch: int | None
    best_val_loss: float | None
    overfit_onset: int | None
    final_loss: float | None
    final_val_loss: float | None
    overfitting: float | None
    roughness: float | None


class VariantSummary(ShrunkRecord):
    """One model on the test reviews; None where it has no finite probabilities.

    ``accuracy_interval`` is Wilson's 95 % interval: this very model on other reviews. ``auc`` is the exact
    area (the share of pairs of a positive and a negative review that are ranked right, ties half), not Keras's sum over
    200 thresholds; None where the test reviews are of one class.
    """

    removed: ClassVar[frozenset[str]] = frozenset({"auc_interval"})

    variant: Variant
    status: Literal["finished", "diverged", "missing"]
    accuracy: float | None
    accuracy_interval: Interval | None
    auc: float | None


class Standing(Record):
    """One setting, its first replicate standing for it, beside the chosen one.

    ``failed`` counts the replicates that did not converge. Accuracies are means over the replicates, after the last
    epoch; ``accuracy`` is on the test reviews, ``accuracy_sd`` the standard deviation between the replicates.
    ``training_seconds`` is the median epoch times the epochs, without compilation. ``behind`` is how far the test
    accuracy lies below the chosen setting's (negative: above), with an interval that holds for all pairs of settings at
    once, so whichever was chosen; None for the chosen one, or where the training variance cannot be estimated.
    """

    variant: Variant
    replicates: int
    failed: int
    validation_accuracy: float
    accuracy: float
    accuracy_sd: float | None
    trainable_parameters: int
    training_seconds: float
    behind: float
    behind_interval: Interval | None


class Baseline(Record):
    """What the constant answer ``label``, the training reviews' majority, scores on the test reviews."""

    label: Label
    accuracy: float


class Choice(Record):
    """The setting of the highest validation accuracy, and what its models score on the test reviews.

    ``model`` is its replicate of the highest validation accuracy: the one to use. ``interval`` (95 %) is about these
    very models on other reviews; the choice does not bias it, for no test review took part in it.
    """

    variant: Variant
    model: Variant
    replicates: int
    validation_accuracy: float
    accuracy: float
    interval: Interval
    baseline: Baseline
    beats_baseline: bool


class Candidate(Record):
    """A setting with fewer trainable parameters than the chosen one.

    ``loss`` is how much less accurate it was on the test reviews, ``loss_limit`` the upper 95 % limit of that over
    other trainings and reviews, for all candidates at once. ``good_enough``: the limit is below the study's margin.
    """

    variant: Variant
    trainable_parameters: int
    accuracy: float
    loss: float
    loss_limit: float | None
    good_enough: bool


class Recommendation(Record):
    """Which setting to ``use``: the cheapest that is good enough, else the chosen one, and why.

    None where no model is better than the constant answer. ``margin`` is the loss in accuracy that counts as none.
    """

    use: Variant | None
    margin: float
    candidates: tuple[Candidate, ...]
    why: str


class FailureRate(Record):
    """The share of trainings with one level of a factor that did not converge, with Wilson's 95 % interval.

    ``diverged`` of the ``failed`` ended in a loss that is not finite.
    """

    factor: Factor
    level: Level
    failed: int
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

    @property
    def precision(self) -> float | None:
        """The share of the reviews called positive that are positive."""
        called = self.true_positive + self.false_positive
        return self.true_positive / called if called else None

    @property
    def recall(self) -> float | None:
        """The share of the positive reviews that are called so."""
        positive = self.true_positive + self.false_negative
        return self.true_positive / positive if positive else None

    @property
    def f1(self) -> float | None:
        """The harmonic mean of precision and recall."""
        total = 2 * self.true_positive + self.false_positive + self.false_negative
        return 2 * self.true_positive / total if total else None


class Roc(Record):
    """The best model's true and false positive rate on the test reviews at each threshold, from (0, 0) to (1, 1)."""

    variant: Variant
    false_positive_rate: tuple[float, ...]
    true_positive_rate: tuple[float, ...]


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
    """A model that both runs have: accuracy now less before, for these very models on other reviews.

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
    """A result beside another one: in a report, that of the last run of the same study that had another result."""

    previous_run: str
    changes: tuple[Change, ...]
    same_test_reviews: bool
    variants: tuple[VariantChange, ...]
    summary: str


class Analysis(Record):
    """Everything that can be concluded from one study's result.

    ``variants`` and ``curves`` are in the study's order; ``curves`` has only trained models. ``standings`` has one row
    per setting with a tested model, the highest validation accuracy first. ``choice``, ``recommendation``,
    ``calibration`` and ``confusion`` are None where no model has a test result; the last two are about the model to
    use. ``cautions`` are sentences on what this result cannot tell. ``growth`` has the looks at a growing study, this
    one included; None for a study with a fixed number of replicates.
    """

    origin: Origin
    cautions: tuple[str, ...]
    verdicts: tuple[Verdict, ...]
    variants: tuple[VariantSummary, ...]
    curves: tuple[CurveSummary, ...]
    standings: tuple[Standing, ...]
    choice: Choice | None
    recommendation: Recommendation | None
    effects: tuple[Effect, ...]
    interactions: tuple[Interaction, ...]
    failures: tuple[FailureRate, ...]
    calibration: Calibration | None
    confusion: Confusion | None
    comparison: RunComparison | None
    roc: Roc | None = None
    growth: Growth | None = None
