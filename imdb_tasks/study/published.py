"""What the original study published, whether a study can be compared with it, and what a study's result covers."""

import json
from collections.abc import Collection
from functools import cache
from pathlib import Path
from typing import Any

from imdb_tasks.resources import PUBLISHED
from imdb_tasks.study.grid import Record, Study, TextSettings, TrainingSettings
from imdb_tasks.study.records import StudyResult, TestMetrics


@cache
def published_study() -> dict[str, Any]:
    """Return what the original study published: its table, its claims, and the size of its data."""
    content: dict[str, Any] = json.loads(PUBLISHED.read_text("utf8"))
    return content


@cache
def published_metrics() -> dict[tuple[str, int, int], TestMetrics]:
    """Return what was published by cell, units and batch size."""
    return {
        (row["cell"], row["units"], row["batch_size"]): TestMetrics(
            loss=row["loss"], accuracy=row["accuracy"], auc=row["auc"]
        )
        for row in published_study()["variants"]
    }


def is_original(result: StudyResult) -> bool:
    """Return whether data and training are those of the original study, so that the published numbers are comparable.

    The grid, the replicates, the seed of the training and the place of the data may differ, and so may the size of the
    vocabulary: it follows the row order of the reviews.
    """
    return not _other_data_or_training(result)


def is_sample(study: Study) -> bool:
    """Return whether the reviews are the bundled, synthetic ones."""
    source = study.reviews
    return source.kind == "local" and Path(source.path).parts[-2:] == ("include", "sample")


def deviations(result: StudyResult) -> list[str]:
    """Return in what the study and its data differ from the original, the grid aside."""
    original, study = published_study(), result.study
    return [
        *_other_data_or_training(result),
        *_count(result.data_card.vocabulary_size, original["vocabulary_size"], "words in the vocabulary"),
        *_settings(study.training, TrainingSettings(), {"seed"}),
    ]


def ruling_scope(result: StudyResult) -> str:
    """Return the words that limit a verdict to a study which is not the original one; empty for the original."""
    if is_original(result):
        return ""
    return "on this sample" if is_sample(result.study) else "in this study"


def scope(result: StudyResult) -> str:
    """Return one sentence on what the test metrics of any study leave open."""
    training = result.study.training
    return (
        f"All test metrics are after the last epoch ({training.epochs:,}), on one split of one corpus, with one"
        f" learning rate ({training.learning_rate:g}): others could rank the models differently."
    )


def _other_data_or_training(result: StudyResult) -> list[str]:
    original, study, card = published_study(), result.study, result.data_card
    found = ["a synthetic sample, no real reviews"] if is_sample(study) else []
    if study.training.epochs != original["epochs"]:
        of = "of" if study.training.epochs < original["epochs"] else "instead of"
        found.append(f"{study.training.epochs:,} {of} {original['epochs']} epochs")
    return [
        *found,
        *_count(card.rows, original["rows"], "reviews"),
        *_count(card.glove_words, original["glove_words"], "GloVe vectors"),
        *_settings(study.text, TextSettings(), TextSettings.model_fields),
        *_settings(study.training, TrainingSettings(), TrainingSettings.model_fields.keys() - {"epochs", "seed"}),
    ]


def _count(number: int, expected: int, what: str) -> list[str]:
    return [f"{number:,} {what} instead of {expected:,}"] if number != expected else []


def _settings(settings: Record, default: Record, names: Collection[str]) -> list[str]:
    return [
        f"{name.replace('_', ' ')} {value} instead of {getattr(default, name)}"
        for name, value in settings
        if name in names and value != getattr(default, name)
    ]
