"""What the original study published, and in what a study differs from it."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from imdb_tasks.resources import PUBLISHED
from imdb_tasks.study.grid import Study, TextSettings, TrainingSettings
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


def differs_from_original(result: StudyResult) -> bool:
    """Return whether epochs or corpus differ so much that no number can be compared with the published ones."""
    original = published_study()
    return bool(result.study.training.epochs < original["epochs"] or result.data_card.rows != original["rows"])


def deviations(result: StudyResult) -> list[str]:
    """Return in what the study and its data differ from the original, the grid aside."""
    original, study, card = published_study(), result.study, result.data_card
    found = ["a synthetic sample, no real reviews"] if _is_sample(study) else []
    if study.training.epochs != original["epochs"]:
        of = "of" if study.training.epochs < original["epochs"] else "instead of"
        found.append(f"{study.training.epochs:,} {of} {original['epochs']} epochs")
    for number, expected, what in (
        (card.rows, original["rows"], "reviews"),
        (card.vocabulary_size, original["vocabulary_size"], "words in the vocabulary"),
        (card.glove_words, original["glove_words"], "GloVe vectors"),
    ):
        if number != expected:
            found.append(f"{number:,} {what} instead of {expected:,}")
    return found + _changed_settings(study)


def _is_sample(study: Study) -> bool:
    source = study.reviews
    return source.kind == "local" and Path(source.path).parts[-2:] == ("include", "sample")


def _changed_settings(study: Study) -> list[str]:
    found = []
    for now, default in ((study.text, TextSettings()), (study.training, TrainingSettings())):
        for name, value in now:
            expected = getattr(default, name)
            if value != expected and name != "epochs":
                found.append(f"{name.replace('_', ' ')} {value} instead of {expected}")
    return found
