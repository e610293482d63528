"""Simulated studies whose truth is known: effects of the factors, noise of the starting weights, noise of the reviews.

A model is right about a review where ``mu + sqrt(rho) * review + sqrt(1 - rho) * own`` is above 0: reviews that are
hard for one model are hard for all, as in life. Its true accuracy is then Phi(mu), its true AUC Phi(sqrt(2) * mu), for
a positive and a negative review are ranked right if the sum of their two margins is above 0.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from imdb_tasks.analysis import Predictions
from imdb_tasks.study import Cost, History, Study, StudyResult, TrainingRecord, Variant, VariantResult
from imdb_tasks.study import TestMetrics as Metrics
from tests.support.study_results import sample_card

Planted = Mapping[object, float]  # a level, such as "GRU" or 32 -> what it adds


@dataclass(frozen=True)
class Truth:
    """What is planted; ``seed_noise`` is the standard deviation of a model's true accuracy about its setting's.

    ``by_units`` and ``by_batch`` add to the accuracy, ``overfitting`` (by batch size) to the gap, ``roughness`` (by
    units) to the unsteadiness, and ``val_loss`` (by units) to the level of the validation loss. ``steeper`` is how much
    more of ``overfitting`` a layer of so many units shows.
    """

    study: Study = field(default_factory=Study)
    reviews: int = 600
    accuracy: float = 0.84
    by_cell: Planted = field(default_factory=dict)
    by_units: Planted = field(default_factory=dict)
    overfitting: Planted = field(default_factory=dict)
    steeper: Planted = field(default_factory=dict)
    roughness: Planted = field(default_factory=dict)
    val_loss: Planted = field(default_factory=dict)
    seed_noise: float = 0.006
    correlation: float = 0.7
    epochs: int = 20

    def accuracy_of(self, variant: Variant) -> float:
        """Return the setting's expected accuracy."""
        return self.accuracy + self.by_cell.get(variant.cell, 0.0) + self.by_units.get(variant.units, 0.0)


@dataclass(frozen=True)
class Simulated:
    """One draw: the models' true accuracies as they came out of training, and what was seen of them."""

    models: dict[Variant, float]
    result: StudyResult
    tested: Predictions


def simulate(truth: Truth, random: np.random.Generator) -> Simulated:
    """Draw a study."""
    variants = truth.study.variants
    models = {variant: truth.accuracy_of(variant) + truth.seed_noise * random.standard_normal() for variant in variants}
    tested = draw_reviews(models, truth, random)
    rows = tuple(_row(variant, truth, random, float(tested.correct[i].mean())) for i, variant in enumerate(variants))
    card = sample_card().model_copy(update={"test_rows": truth.reviews})
    return Simulated(models, StudyResult(study=truth.study, data_card=card, variants=rows, backend="jax"), tested)


def draw_reviews(models: Mapping[Variant, float], truth: Truth, random: np.random.Generator) -> Predictions:
    """Draw what models of known accuracy say of new reviews, of which half are positive by chance."""
    from scipy.stats import norm

    size = (len(models), truth.reviews)
    shared = np.sqrt(truth.correlation) * random.standard_normal(truth.reviews)
    own = np.sqrt(1 - truth.correlation) * random.standard_normal(size)
    margins = norm.ppf(list(models.values()))[:, None] + shared + own
    labels = random.integers(0, 2, truth.reviews, dtype=np.int8)
    probabilities = 1 / (1 + np.exp(-np.where(labels == 1, margins, -margins)))
    return Predictions(tuple(variant.name for variant in models), labels, probabilities.astype(np.float32))


def _row(variant: Variant, truth: Truth, random: np.random.Generator, accuracy: float) -> VariantResult:
    cost = Cost(
        wall_seconds=variant.units / variant.batch_size,
        peak_memory_bytes=1,
        device="/CPU:0",
        trainable_parameters=variant.units * 1_000,
    )
    record = TrainingRecord(
        variant=variant, status="finished", history=_history(variant, truth, random), cost=cost, versions={"keras": "3"}
    )
    test = Metrics(loss=0.4, accuracy=accuracy, auc=0.9)
    return VariantResult(variant=variant, status="finished", training=record, test=test)


def _history(variant: Variant, truth: Truth, random: np.random.Generator) -> History:
    """Draw a curve; its level and its gap at the end are noisy from model to model, as they are in life."""
    epoch = np.arange(1, truth.epochs + 1)
    loss = 0.2 + 0.5 * np.exp(-epoch / 4)
    planted = truth.overfitting.get(variant.batch_size, 0.0) * (1 + truth.steeper.get(variant.units, 0.0))
    gap = (0.1 + planted + 0.01 * random.standard_normal()) * epoch / truth.epochs
    level = truth.val_loss.get(variant.units, 0.0) + 0.01 * random.standard_normal()
    rough = 0.01 + truth.roughness.get(variant.units, 0.0)
    validation = loss + gap + level + rough * random.standard_normal(truth.epochs)
    accuracies = (0.8,) * truth.epochs
    return History(
        loss=tuple(loss.tolist()),
        accuracy=accuracies,
        auc=accuracies,
        val_loss=tuple(validation.tolist()),
        val_accuracy=accuracies,
        val_auc=accuracies,
        seconds=(1.0,) * truth.epochs,
        samples_per_second=(1.0,) * truth.epochs,
    )
