"""Made-up but lifelike study results: smooth curves, an overfitting large GRU, a diverged and an exploding LSTM."""

import math
import random
from collections.abc import Collection
from functools import cache

import numpy as np

from imdb_tasks.analysis import Analysis, Predictions, analyse, read_claims
from imdb_tasks.study import (
    Cost,
    Coverage,
    DataCard,
    History,
    LengthSummary,
    Study,
    StudyResult,
    TestMetrics,
    TrainingRecord,
    TrainingSettings,
    Variant,
    VariantResult,
)

DIVERGED = {"32_LSTM_128": 7, "128_LSTM_32": 61}
EXPLODING = {"64_LSTM_64"}
MISSING = {"128_LSTM_64": "the GPU worker was killed"}


def study_result(
    study: Study | None = None,
    *,
    diverged: dict[str, int] = DIVERGED,
    exploding: Collection[str] = EXPLODING,
    missing: dict[str, str] = MISSING,
    card: DataCard | None = None,
) -> StudyResult:
    """Build the result of ``study``; variants are named as in ``Variant.name``."""
    study, card = study or Study(), card or original_card()
    results = []
    for variant in study.variants:
        if variant.name in missing:
            results.append(VariantResult(variant=variant, status="missing", reason=missing[variant.name]))
            continue
        stop = diverged.get(variant.name)
        record = training_record(variant, study, stop=stop, exploding=variant.name in exploding)
        results.append(_evaluated(record, card.test_rows))
    return StudyResult(study=study, data_card=card, variants=tuple(results), backend="tensorflow")


def opinions(result: StudyResult, reviews: int = 400) -> Predictions:
    """Make up what the models said of a few test reviews: right as often as the result says, to the nearest review."""
    random = np.random.default_rng(0)
    labels = random.integers(0, 2, reviews, dtype=np.int8)
    ease = random.random(reviews)
    said = {}
    for row in result.variants:
        if row.test and row.test.accuracy is not None:
            hardest_last = np.argsort(ease + random.random(reviews))
            right = np.zeros(reviews, np.bool_)
            right[hardest_last[: round(row.test.accuracy * reviews)]] = True
            sure = 0.5 + random.random(reviews) / 2
            said[row.variant.name] = np.where((labels == 1) == right, sure, 1 - sure).astype(np.float32)
    probabilities = np.stack(list(said.values())) if said else np.empty((0, reviews), np.float32)
    return Predictions(tuple(said), labels, probabilities)


@cache
def _analyse(text: str) -> Analysis:
    result = StudyResult.model_validate_json(text)
    return analyse(result, opinions(result), read_claims().claims, code="3f9c2ab")


def analysis_of(result: StudyResult) -> Analysis:
    """Analyse a made-up result with made-up probabilities."""
    return _analyse(result.model_dump_json())


def demo_result() -> StudyResult:
    """Build the result of three epochs on a small sample."""
    study = Study(training=TrainingSettings(epochs=3))
    return study_result(study, diverged={"32_LSTM_128": 2}, exploding=(), missing={}, card=sample_card())


def training_record(variant: Variant, study: Study, *, stop: int | None, exploding: bool) -> TrainingRecord:
    epochs = min(stop or study.training.epochs, study.training.epochs)
    diverged = stop is not None and stop <= study.training.epochs
    return TrainingRecord(
        variant=variant,
        status="diverged" if diverged else "finished",
        diverged_at_epoch=stop if diverged else None,
        history=_history(variant, epochs, exploding=exploding, diverged=diverged),
        cost=Cost(
            wall_seconds=epochs * 0.15 * variant.units,
            peak_memory_bytes=900_000_000 + variant.units * 3_000_000,
            device="/CPU:0",
            trainable_parameters=variant.units * variant.units * 4 + 101,
        ),
        versions={"keras": "3.15.1", "tensorflow": "2.21.0"},
    )


def original_card() -> DataCard:
    return _card(rows=50_000, vocabulary=92_547, expected=92_547, glove=400_000)


def sample_card() -> DataCard:
    return _card(rows=2_000, vocabulary=6_214, expected=None, glove=20_000)


def _evaluated(record: TrainingRecord, rows: int) -> VariantResult:
    if record.status == "diverged":
        return VariantResult(variant=record.variant, status="diverged", training=record, reason="loss is not finite")
    history = record.history
    right = round(((history.val_accuracy[-1] or 0.5) - 0.002) * rows)
    test = TestMetrics(
        loss=history.val_loss[-1],
        accuracy=right / rows,
        auc=round((history.val_auc[-1] or 0.5) - 0.001, 4),
        right=right,
        rows=rows,
    )
    return VariantResult(variant=record.variant, status="finished", training=record, test=test)


def _history(variant: Variant, epochs: int, *, exploding: bool, diverged: bool) -> History:
    noise = random.Random(variant.name)
    gru = variant.cell == "GRU"
    pace = (1.2 if gru else 0.35) * variant.units / 64 * 64 / variant.batch_size
    top = 0.865 if gru else 0.77
    loss, val_loss, accuracy, val_accuracy = [], [], [], []
    for epoch in range(1, epochs + 1):
        learnt = 1 - math.exp(-pace * epoch / 12)
        overfit = max(0.0, pace * epoch / 60 - 0.6) * 0.35
        level = 0.5 + (top - 0.5) * learnt - 0.01 * min(overfit, 2)
        shake = 0.004 if gru else 0.022
        loss.append(round(0.69 - (0.69 - 0.22) * learnt * (1 if gru else 0.6) - 0.1 * min(overfit, 1), 6))
        val_loss.append(round(0.69 - (0.69 - 0.32) * learnt * (1 if gru else 0.5) + overfit + noise.gauss(0, shake), 6))
        accuracy.append(round(0.5 + (top + 0.08 - 0.5) * learnt, 6))
        val_accuracy.append(round(level + noise.gauss(0, shake), 6))
        if exploding and epoch > 20:
            loss[-1], val_loss[-1] = 300.0 * epoch, 578_666.875 * epoch / epochs
            accuracy[-1], val_accuracy[-1] = 0.5 + noise.gauss(0, 0.01), 0.505 + noise.gauss(0, 0.01)
    ends: list[float | None] = [None] if diverged else []
    return History(
        loss=_ended(loss, ends),
        accuracy=_ended(accuracy, ends),
        auc=_ended([min(0.99, a + 0.06) for a in accuracy], ends),
        val_loss=_ended(val_loss, ends),
        val_accuracy=_ended(val_accuracy, ends),
        val_auc=_ended([min(0.99, a + 0.07) for a in val_accuracy], ends),
        seconds=(0.15 * variant.units,) * epochs,
        samples_per_second=(32_000 / (0.15 * variant.units),) * epochs,
    )


def _ended(values: list[float], ends: list[float | None]) -> tuple[float | None, ...]:
    return (*values[: len(values) - len(ends)], *ends)


def _card(*, rows: int, vocabulary: int, expected: int | None, glove: int) -> DataCard:
    test = rows // 5
    return DataCard(
        rows=rows,
        nulls=0,
        duplicate_rows=rows // 120,
        straddling_duplicates=rows // 380,
        positive=rows // 2,
        negative=rows - rows // 2,
        train_rows=rows - test,
        test_rows=test,
        train_positive=(rows - test) // 2 - 19,
        test_positive=test // 2 + 19,
        lengths=LengthSummary(
            mean=221.3,
            median=165.0,
            p90=433.0,
            maximum=2_402,
            truncated_share=0.872,
            histogram_edges=(*range(0, 1_000, 100), 2_402),
            histogram_counts=tuple(
                int(rows * share) for share in (0.06, 0.45, 0.21, 0.11, 0.06, 0.04, 0.03, 0.02, 0.01, 0.01)
            ),
        ),
        vocabulary_size=vocabulary,
        expected_vocabulary_size=expected,
        coverage=Coverage(
            words=0.7312,
            tokens=0.9902,
            limited_words=0.9961,
            limited_tokens=0.9987,
            frequent_missing=("doesn", "didn", "isn", "couldn", "paulie", "hadn", "sidekick's"),
        ),
        reviews_sha256="a3f1" * 16,
        glove_sha256="0b7c" * 16,
        glove_words=glove,
    )
