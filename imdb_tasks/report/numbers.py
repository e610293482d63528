"""The numbers of a report as data: what the page offers as CSV and JSON, unrounded."""

from collections.abc import Sequence
from typing import Any

from imdb_tasks.report.table import SettingRow, TableRow
from imdb_tasks.study import MEASURES, StudyResult, Variant


def numbers(result: StudyResult, rows: Sequence[TableRow], settings: Sequence[SettingRow]) -> dict[str, Any]:
    """Return ``settings`` and ``models``, one record each, and ``curves`` by model and measure, one value per epoch.

    Accuracies are shares. What does not exist is null.
    """
    return {
        "settings": _comparable([_setting(row) for row in settings]),
        "models": _comparable([_model(row) for row in rows]),
        "curves": {
            each.variant.name: {measure: _rounded(each.curve(measure)) for measure in MEASURES}
            for each in result.variants
            if each.training
        },
    }


def _comparable(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Leave out what is published where nothing is: the study cannot be compared with the original."""
    published = [name for name in records[0] if name.startswith("published") or name == "difference"]
    if any(record[name] is not None for record in records for name in published):
        return records
    return [{name: value for name, value in record.items() if name not in published} for record in records]


def _levels(variant: Variant) -> dict[str, Any]:
    return {"cell": variant.cell, "units": variant.units, "batch_size": variant.batch_size}


def _setting(row: SettingRow) -> dict[str, Any]:
    return {
        "setting": row.label,
        **_levels(row.variant),
        "trainings": row.trainings,
        "accuracy": row.accuracy,
        "accuracy_sd": row.sd,
        "published_accuracy": row.published.accuracy if row.published else None,
        "difference": row.difference,
        "loss": row.loss,
        "auc": row.auc,
        "training_seconds": row.training_seconds,
        "trainable_parameters": row.cost.trainable_parameters if row.cost else None,
        "remark": row.words,
    }


def _model(row: TableRow) -> dict[str, Any]:
    test, published, cost = row.test, row.published, row.cost
    return {
        "model": row.label,
        **_levels(row.variant),
        "replicate": row.variant.replicate,
        "ending": row.words,
        "accuracy": row.accuracy,
        "accuracy_low": row.interval.low if row.interval else None,
        "accuracy_high": row.interval.high if row.interval else None,
        "published_accuracy": published.accuracy if published else None,
        "difference": row.difference,
        "loss": test.loss if test else None,
        "published_loss": published.loss if published else None,
        "auc": test.auc if test else None,
        "published_auc": published.auc if published else None,
        "epochs": row.epochs,
        "best_val_loss": row.best_val_loss,
        "best_epoch": row.best_epoch,
        "overfits_from": row.overfits_from,
        "wall_seconds": cost.wall_seconds if cost else None,
        "trainable_parameters": cost.trainable_parameters if cost else None,
        "peak_memory_bytes": cost.peak_memory_bytes if cost else None,
    }


def _rounded(values: Sequence[float | None]) -> list[float | None]:
    """Return a curve with six significant digits: the history keeps more, and nobody reads them."""
    return [None if value is None else float(f"{value:.6g}") for value in values]
