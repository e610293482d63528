"""The records that steps hand to each other through the store, as JSON. A number that is not finite is null."""

import math
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from imdb_tasks.study.grid import Record, Sha256, ShrunkRecord, Study, Variant

Measure = Literal["loss", "accuracy", "auc", "val_loss", "val_accuracy", "val_auc"]
MEASURES: tuple[Measure, ...] = ("loss", "accuracy", "auc", "val_loss", "val_accuracy", "val_auc")


def finite(value: float) -> float | None:
    """Return a plain float, or None where the value is not finite: JSON has no NaN."""
    number = float(value)
    return number if math.isfinite(number) else None


class History(Record):
    """One value per epoch; ``None`` where the value was not finite. ``seconds`` is wall time, validation included;
    ``samples_per_second`` counts training reviews.
    """

    loss: tuple[float | None, ...] = ()
    accuracy: tuple[float | None, ...] = ()
    auc: tuple[float | None, ...] = ()
    val_loss: tuple[float | None, ...] = ()
    val_accuracy: tuple[float | None, ...] = ()
    val_auc: tuple[float | None, ...] = ()
    seconds: tuple[float, ...] = ()
    samples_per_second: tuple[float, ...] = ()

    @property
    def epochs(self) -> int:
        """How many epochs were run."""
        return len(self.loss)

    @property
    def diverged(self) -> bool:
        """Whether the last loss, in training or validation, is not finite."""
        return self.epochs > 0 and None in (self.loss[-1], self.val_loss[-1])


class Cost(ShrunkRecord):
    """What the training of one variant took.

    ``wall_seconds`` adds up all tries. ``peak_memory_bytes`` is the largest resident size of the process during the
    last try, with what it held already (Keras, arrays) and without a GPU's memory; where the system cannot count anew,
    it is that since the process began.
    """

    removed: ClassVar[frozenset[str]] = frozenset({"total_parameters"})

    wall_seconds: float
    peak_memory_bytes: int
    device: str
    trainable_parameters: int


class TrainingRecord(Record):
    """How one variant's training ended. ``diverged_at_epoch`` counts from 1; ``environment`` holds what else the
    numbers may depend on, such as the number of threads, by name.
    """

    variant: Variant
    status: Literal["finished", "diverged"]
    diverged_at_epoch: int | None = None
    history: History
    cost: Cost
    versions: dict[str, str]
    environment: dict[str, str] = Field(default_factory=dict)


class TestMetrics(Record):
    """Loss, accuracy and AUC on the test reviews.

    ``accuracy`` is ``right / rows``: how many test reviews the model labels correctly, of how many there are. The two
    counts are None together: in the published metrics, in those that earlier releases stored, and without an accuracy.
    """

    __test__ = False  # not a test class, whatever pytest thinks of the name

    loss: float | None
    accuracy: float | None
    auc: float | None
    right: int | None = None
    rows: int | None = None

    @model_validator(mode="after")
    def _check_counts(self) -> Self:
        if self.right is None and self.rows is None:
            return self
        if self.right is None or self.rows is None or not 0 <= self.right <= self.rows or self.rows == 0:
            raise ValueError(
                f"right, rows: expected 0 <= right <= rows > 0, or neither, found {self.right}, {self.rows}"
            )
        if self.accuracy != self.right / self.rows:
            raise ValueError(f"accuracy: expected right / rows, {self.right} / {self.rows}, found {self.accuracy}")
        return self


class VariantResult(Record):
    """One row of the study's result. A missing variant has only a ``reason``; a diverged one has no ``test``."""

    variant: Variant
    status: Literal["finished", "diverged", "missing"]
    training: TrainingRecord | None = None
    test: TestMetrics | None = None
    reason: str | None = None

    def curve(self, measure: Measure) -> tuple[float | None, ...]:
        """Return one value per epoch, None where it is not finite; nothing where the variant is missing."""
        values: tuple[float | None, ...] = getattr(self.training.history, measure) if self.training else ()
        return values


class LengthSummary(Record):
    """Words per cleaned review, rare ones included, and the share (0 to 1) longer than one row of the array."""

    mean: float
    median: float
    p90: float
    maximum: int
    truncated_share: float
    histogram_edges: tuple[int, ...]
    histogram_counts: tuple[int, ...]


class Coverage(Record):
    """How much of the vocabulary GloVe knows, as shares (0 to 1): of distinct words, and of the tokens they make up;
    ``limited_*`` looks only at the ids that the arrays can hold.
    """

    words: float
    tokens: float
    limited_words: float
    limited_tokens: float
    frequent_missing: tuple[str, ...]


class DataCard(Record):
    """What the corpus is: counted once, shown in every report."""

    rows: int
    nulls: int
    duplicate_rows: int
    straddling_duplicates: int
    positive: int
    negative: int
    train_rows: int
    test_rows: int
    train_positive: int
    test_positive: int
    lengths: LengthSummary
    vocabulary_size: int
    expected_vocabulary_size: int | None
    coverage: Coverage
    reviews_sha256: Sha256
    glove_sha256: Sha256
    glove_words: int


class StudyResult(Record):
    """Everything that the report is made of."""

    study: Study
    data_card: DataCard
    variants: Annotated[tuple[VariantResult, ...], Field(min_length=1, strict=False)]
    backend: str
