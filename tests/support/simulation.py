"""Simulated studies whose truth is known: effects of the factors, training variance, sampling error of the reviews.

A model is right about a review where ``mu + sqrt(a) * review + sqrt(b) * of_cell + sqrt(1 - a - b) * own`` is above 0:
reviews that are hard for one model are hard for all, and a little more so for those of its cell. Its true accuracy is
then Phi(mu). Its true AUC is Phi(sqrt(2) * mu), for a positive and a negative review are ranked right if the sum of
their two margins is above 0.

Trainings deviate from their setting by ``noise[cell]``: normal, or Student's t with three degrees of freedom of the
same standard deviation (``heavy``). A share ``failing[cell]`` of the trainings does not converge: half of them end in a
loss that is not finite, half explode to a finite one; both are right half of the time. ``shared`` is the part of the
training variance that models of one cell, layer size and replicate have in common, as with shared initial weights.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from imdb_tasks.analysis import Predictions
from imdb_tasks.study import Cost, History, Study, StudyResult, TrainingRecord, Variant, VariantResult
from imdb_tasks.study import TestMetrics as Metrics
from tests.support.study_results import sample_card

Planted = Mapping[object, float]  # a level, such as "GRU" or 32 -> what it adds
GUESS = 0.5
EXPLODED = 8.0


@dataclass(frozen=True)
class Truth:
    """What is planted.

    ``by_cell``, ``by_units`` and ``by_setting`` (name of a setting) add to the accuracy, ``overfitting`` (by batch
    size) to the gap, ``roughness`` and ``val_loss`` (by units) to the logarithms of the jumps and of the level of the
    validation loss. ``steeper`` is how much more of ``overfitting`` a layer of so many units shows.
    """

    study: Study = field(default_factory=Study)
    reviews: int = 600
    validation_reviews: int = 600
    accuracy: float = 0.84
    by_cell: Planted = field(default_factory=dict)
    by_units: Planted = field(default_factory=dict)
    by_setting: Mapping[str, float] = field(default_factory=dict)
    overfitting: Planted = field(default_factory=dict)
    steeper: Planted = field(default_factory=dict)
    roughness: Planted = field(default_factory=dict)
    val_loss: Planted = field(default_factory=dict)
    noise: Planted = field(default_factory=lambda: {"GRU": 0.006, "LSTM": 0.012})
    curve_noise: float = 0.01
    heavy: bool = False
    failing: Planted = field(default_factory=dict)
    shared: float = 0.0
    correlation: float = 0.6
    cell_correlation: float = 0.1
    epochs: int = 20

    def converged_accuracy(self, variant: Variant) -> float:
        """Return the expected accuracy of a training that converges."""
        return (
            self.accuracy
            + self.by_cell.get(variant.cell, 0.0)
            + self.by_units.get(variant.units, 0.0)
            + self.by_setting.get(variant.setting.name, 0.0)
        )

    def accuracy_of(self, variant: Variant) -> float:
        """Return the setting's expected accuracy, failing trainings included."""
        lost = self.failing.get(variant.cell, 0.0)
        return (1 - lost) * self.converged_accuracy(variant) + lost * GUESS

    def mean(self, **levels: object) -> float:
        """Return the mean accuracy of the settings with these levels."""
        own = [v for v in self.study.variants if all(getattr(v, name) == level for name, level in levels.items())]
        return float(np.mean([self.accuracy_of(variant) for variant in own]))


@dataclass(frozen=True)
class Simulated:
    """One draw: the models' true accuracies as they came out of training, and what was seen of them."""

    models: dict[Variant, float]
    result: StudyResult
    tested: Predictions


def simulate(truth: Truth, random: np.random.Generator) -> Simulated:
    """Draw a study."""
    variants = truth.study.variants
    failed = {v: bool(random.random() < truth.failing.get(v.cell, 0.0)) for v in variants}
    moved = _deviations(truth, random)
    models = {
        v: GUESS if failed[v] else min(0.995, truth.converged_accuracy(v) + truth.noise.get(v.cell, 0.0) * moved[v])
        for v in variants
    }
    diverged = {v for v in variants if failed[v] and random.random() < 0.5}
    seen = {v: accuracy for v, accuracy in models.items() if v not in diverged}
    tested = draw_reviews(seen, truth, random)
    right = dict(zip(seen, tested.correct.mean(axis=1).tolist(), strict=True))
    rows = tuple(_row(_Model(v, models[v], right.get(v), failed[v]), truth, random) for v in variants)
    card = sample_card().model_copy(update={"test_rows": truth.reviews})
    return Simulated(models, StudyResult(study=truth.study, data_card=card, variants=rows, backend="jax"), tested)


def without(drawn: Simulated, name: str) -> Simulated:
    """Let the training of a variant diverge in its last epoch."""
    rows, [column] = [], [column for column, each in enumerate(drawn.tested.names) if each == name]
    for row in drawn.result.variants:
        training = row.training
        if training and row.variant.name == name:
            curves = {loss: (*getattr(training.history, loss)[:-1], None) for loss in ("loss", "val_loss")}
            history = training.history.model_copy(update=curves)
            ended = {"status": "diverged", "diverged_at_epoch": history.epochs, "history": history}
            record = TrainingRecord.model_validate(training.model_copy(update=ended).model_dump())
            rows.append(VariantResult(variant=row.variant, status="diverged", training=record))
        else:
            rows.append(row)
    result = drawn.result.model_copy(update={"variants": tuple(rows)})
    names = tuple(each for each in drawn.tested.names if each != name)
    tested = Predictions(names, drawn.tested.labels, np.delete(drawn.tested.probabilities, column, axis=0))
    return Simulated(drawn.models, result, tested)


def draw_reviews(models: Mapping[Variant, float], truth: Truth, random: np.random.Generator) -> Predictions:
    """Draw what models of known accuracy say of new reviews, of which half are positive by chance."""
    from scipy.stats import norm

    size = (len(models), truth.reviews)
    shared = np.sqrt(truth.correlation) * random.standard_normal(truth.reviews)
    drawn = {cell: random.standard_normal(truth.reviews) for cell in truth.study.cells}
    of_cell = np.sqrt(truth.cell_correlation) * np.array([drawn[variant.cell] for variant in models]).reshape(size)
    own = np.sqrt(1 - truth.correlation - truth.cell_correlation) * random.standard_normal(size)
    margins = norm.ppf(list(models.values()))[:, None] + shared + of_cell + own
    labels = random.integers(0, 2, truth.reviews, dtype=np.int8)
    probabilities = 1 / (1 + np.exp(-np.where(labels == 1, margins, -margins)))
    return Predictions(tuple(variant.name for variant in models), labels, probabilities.astype(np.float32))


def _deviations(truth: Truth, random: np.random.Generator) -> dict[Variant, float]:
    """Return each training's deviation, of standard deviation 1."""

    def draw() -> float:
        return float(random.standard_t(3) / math.sqrt(3) if truth.heavy else random.standard_normal())

    starts: dict[object, float] = {}
    found = {}
    for variant in truth.study.variants:
        start = starts.setdefault((variant.cell, variant.units, variant.replicate), draw())
        found[variant] = math.sqrt(truth.shared) * start + math.sqrt(1 - truth.shared) * draw()
    return found


@dataclass(frozen=True)
class _Model:
    """One training: its true accuracy, and the share of the test reviews it got right, None if it diverged."""

    variant: Variant
    accuracy: float
    seen: float | None
    failed: bool


def _row(model: _Model, truth: Truth, random: np.random.Generator) -> VariantResult:
    variant, seen = model.variant, model.seen
    diverged = seen is None
    cost = Cost(
        wall_seconds=variant.units / variant.batch_size,
        peak_memory_bytes=1,
        device="/CPU:0",
        trainable_parameters=variant.units * 1_000 + (500 if variant.cell == "LSTM" else 0),
    )
    history = _history(model, truth, random)
    record = TrainingRecord(
        variant=variant,
        status="diverged" if diverged else "finished",
        diverged_at_epoch=history.epochs if diverged else None,
        history=history,
        cost=cost,
        versions={"keras": "3"},
    )
    test = None if seen is None else _tested(seen, truth.reviews)
    return VariantResult(variant=variant, status=record.status, training=record, test=test)


def _tested(share: float, reviews: int) -> Metrics:
    right = round(share * reviews)
    return Metrics(loss=0.4, accuracy=right / reviews, auc=0.9, right=right, rows=reviews)


def _history(model: _Model, truth: Truth, random: np.random.Generator) -> History:
    """Draw a curve; its level and its gap at the end are noisy from model to model, as they are in life."""
    variant, epoch = model.variant, np.arange(1, truth.epochs + 1)
    loss = 0.2 + 0.4 * np.exp(-epoch / 4)
    planted = truth.overfitting.get(variant.batch_size, 0.0) * (1 + truth.steeper.get(variant.units, 0.0))
    gap = (0.1 + planted + truth.curve_noise * random.standard_normal()) * epoch / truth.epochs
    level = truth.val_loss.get(variant.units, 0.0) + 2 * truth.curve_noise * random.standard_normal()
    rough = 0.02 * math.exp(truth.roughness.get(variant.units, 0.0) + 0.1 * random.standard_normal())
    validation = (loss + gap) * np.exp(level + rough * random.standard_normal(truth.epochs))
    if model.failed:
        loss, validation = np.full(truth.epochs, EXPLODED), np.full(truth.epochs, EXPLODED)
    losses: list[float | None] = loss.tolist()
    validations: list[float | None] = validation.tolist()
    if model.seen is None:
        losses[-1] = validations[-1] = None
    right = float(random.binomial(truth.validation_reviews, model.accuracy)) / truth.validation_reviews
    accuracies = (right,) * truth.epochs
    return History(
        loss=tuple(losses),
        accuracy=accuracies,
        auc=accuracies,
        val_loss=tuple(validations),
        val_accuracy=accuracies,
        val_auc=accuracies,
        seconds=(1.0,) * truth.epochs,
        samples_per_second=(1.0,) * truth.epochs,
    )


def with_replicates(drawn: Simulated, count: int) -> Simulated:
    """Return what had been seen of a study when it had its first ``count`` replicates."""
    study = drawn.result.study.with_replicates(count)
    rows = tuple(row for row in drawn.result.variants if row.variant.replicate < count)
    names = [row.variant.name for row in rows if row.variant.name in drawn.tested.names]
    probabilities = np.stack([drawn.tested.row(name) for name in names])
    models = {variant: accuracy for variant, accuracy in drawn.models.items() if variant.replicate < count}
    result = drawn.result.model_copy(update={"study": study, "variants": rows})
    return Simulated(models, result, Predictions(tuple(names), drawn.tested.labels, probabilities))
