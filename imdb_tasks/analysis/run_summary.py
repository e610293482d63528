"""A run in a few facts: what a list of runs says of each, without its result."""

from collections.abc import Iterable
from statistics import fmean
from typing import Annotated

from pydantic import Field

from imdb_tasks.analysis.evidence import Interval
from imdb_tasks.analysis.records import Analysis
from imdb_tasks.analysis.selection import best_model, reported_accuracy
from imdb_tasks.study import Profile, Record, StudyResult, VariantResult, deviations, is_original, is_sample, profile_of


class RunSummary(Record):
    """What a run was, and what came of it.

    ``original`` tells whether it can be compared with the published numbers, ``deviations`` in what it differs from the
    original study. ``missing``, ``diverged`` (a loss that is not finite) and ``failed`` (not converged, those that
    diverged among them) are counts of the ``models``. ``setting`` is the label of the setting of the highest validation
    accuracy, ``accuracy`` its mean test accuracy, with an interval over other test reviews. ``rulings`` are by the
    claims' titles. What only an analysis knows is None, or empty, where there is none of this release's form.
    """

    profile: Profile
    sample: bool
    original: bool
    deviations: Annotated[tuple[str, ...], Field(strict=False)]  # behind a validator, JSON's list is none else
    epochs: int
    replicates: int
    models: int
    missing: int
    diverged: int
    failed: int | None
    setting: str | None
    accuracy: float | None
    interval: Interval | None
    backend: str
    versions: dict[str, str]
    rulings: dict[str, str]


def summarise(result: StudyResult, analysis: Analysis | None) -> RunSummary:
    """Sum a run up."""
    study, statuses = result.study, [row.status for row in result.variants]
    choice = analysis.choice if analysis else None
    setting, accuracy = _best(result) if analysis is None else (None, None)
    return RunSummary(
        profile=profile_of(study),
        sample=is_sample(study),
        original=is_original(result),
        deviations=tuple(deviations(result)),
        epochs=study.training.epochs,
        replicates=study.replicates,
        models=len(statuses),
        missing=statuses.count("missing"),
        diverged=statuses.count("diverged"),
        failed=sum(not curve.converged for curve in analysis.curves) if analysis else None,
        setting=choice.variant.label if choice else setting,
        accuracy=choice.accuracy if choice else accuracy,
        interval=choice.interval if choice else None,
        backend=result.backend,
        versions=_versions(result),
        rulings={verdict.title: verdict.ruling for verdict in analysis.verdicts} if analysis else {},
    )


def _best(result: StudyResult) -> tuple[str | None, float | None]:
    """Return what an analysis would choose, and the mean accuracy of those of its models that have one."""
    best = best_model(result.variants)
    if best is None:
        return None, None
    setting = best.variant.setting
    return setting.label, fmean(_accuracies(row for row in result.variants if row.variant.setting == setting))


def _accuracies(rows: Iterable[VariantResult]) -> list[float]:
    return [accuracy for row in rows if (accuracy := reported_accuracy(row)) is not None]


def _versions(result: StudyResult) -> dict[str, str]:
    """Return the versions of the first training; a study trains all its models with the same, or its code changed."""
    return next((dict(row.training.versions) for row in result.variants if row.training), {})
