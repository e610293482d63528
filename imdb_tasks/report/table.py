"""The result table: one row per variant, with everything that page and mail show of it, as typed values."""

import statistics
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from imdb_tasks.analysis import Analysis, CurveSummary, Interval, Standing, reported_accuracy, training_seconds
from imdb_tasks.formatting import one_line, signed
from imdb_tasks.study import (
    Cost,
    StudyResult,
    TestMetrics,
    Variant,
    VariantResult,
    by_setting,
    is_original,
    published_metrics,
)


@dataclass(frozen=True)
class TableRow:
    """One line of the result table.

    ``test`` is there only if the variant finished with an accuracy, ``published`` only if the study can be compared
    with the original one, and that has the variant; ``epochs``, ``cost`` and
    ``training_seconds`` (without compilation) if it was trained. ``ending`` says in words
    how it ended. ``best_epoch`` and ``overfits_from`` count epochs from 1, see ``CurveSummary``. ``is_best`` marks the
    model to use.
    """

    variant: Variant
    is_best: bool
    ending: str
    reason: str
    test: TestMetrics | None
    interval: Interval | None
    published: TestMetrics | None
    epochs: int | None
    best_epoch: int | None
    best_val_loss: float | None
    overfits_from: int | None
    cost: Cost | None
    training_seconds: float | None

    @property
    def label(self) -> str:
        """The short name for readers."""
        return self.variant.label

    @property
    def words(self) -> str:
        """How the variant ended and why, on one line; a long reason is shortened."""
        return f"{self.ending}: {self.reason}" if self.reason else self.ending

    @property
    def accuracy(self) -> float | None:
        """The test accuracy, if there is one."""
        return self.test.accuracy if self.test else None

    @property
    def difference(self) -> float | None:
        """Test accuracy less the published one."""
        return _difference(self.accuracy, self.published)


def table_rows(result: StudyResult, analysis: Analysis) -> tuple[TableRow, ...]:
    """Return the result table in the study's order."""
    intervals = {each.variant: each.accuracy_interval for each in analysis.variants}
    curves = {each.variant: each for each in analysis.curves}
    use, best = _to_use(analysis), None
    if use and analysis.choice:
        if use == analysis.choice.variant:
            best = analysis.choice.model
        elif result.study.replicates == 1:  # a cheaper setting: its model, if there is but one
            best = use
    published = published_metrics() if is_original(result) else {}
    return tuple(
        _row(
            each,
            intervals.get(each.variant),
            published.get((each.variant.cell, each.variant.units, each.variant.batch_size)),
            curves.get(each.variant),
            is_best=each.variant == best,
        )
        for each in result.variants
    )


@dataclass(frozen=True)
class SettingRow:
    """One setting: the mean of its replicates, whose rows are in ``models``.

    ``accuracy`` and ``sd`` are those of the analysis, where a training that diverged counts as the constant answer;
    ``loss`` and ``auc`` are means over the models with a finite one. ``interval`` is of one model, so it is there with
    one replicate only. ``failed`` counts the trainings that did not converge or are missing, ``words`` says which; ""
    where none.
    """

    variant: Variant
    models: tuple[TableRow, ...]
    is_best: bool
    accuracy: float | None
    sd: float | None
    loss: float | None
    auc: float | None
    failed: int
    words: str

    @property
    def label(self) -> str:
        """The short name for readers."""
        return self.variant.label

    @property
    def interval(self) -> Interval | None:
        """The interval of the only model's accuracy."""
        return self.models[0].interval if len(self.models) == 1 else None

    @property
    def published(self) -> TestMetrics | None:
        """What was published of the setting."""
        return self.models[0].published

    @property
    def difference(self) -> float | None:
        """Test accuracy less the published one."""
        return _difference(self.accuracy, self.published)

    @property
    def trainings(self) -> int:
        """How many trainings were run; the others are missing."""
        return sum(model.cost is not None for model in self.models)

    @property
    def cost(self) -> Cost | None:
        """What the first training that was run took."""
        return next((model.cost for model in self.models if model.cost), None)

    @property
    def training_seconds(self) -> float | None:
        """The mean training time, without compilation."""
        return _mean([model.training_seconds for model in self.models])


def setting_rows(table: Sequence[TableRow], analysis: Analysis) -> tuple[SettingRow, ...]:
    """Return one row per setting, in the study's order."""
    standings = {each.variant: each for each in analysis.standings}
    lost = {curve.variant for curve in analysis.curves if not curve.converged and not curve.diverged}
    return tuple(
        SettingRow(
            variant=setting,
            models=tuple(models),
            is_best=setting == _to_use(analysis),
            accuracy=_accuracy(models, standings.get(setting)),
            sd=standings[setting].accuracy_sd if setting in standings else None,
            loss=_mean([model.test.loss for model in models if model.test]),
            auc=_mean([model.test.auc for model in models if model.test]),
            failed=sum(model.test is None or model.variant in lost for model in models),
            words=_words(models, lost),
        )
        for setting, models in by_setting(table).items()
    )


def most_accurate(table: Sequence[SettingRow], count: int) -> tuple[SettingRow, ...]:
    """Return the settings of the highest test accuracy, the best first."""
    return tuple(sorted(table, key=_by_accuracy, reverse=True)[:count])


def _by_accuracy(row: SettingRow) -> float:
    return -1.0 if row.accuracy is None else row.accuracy


def _difference(accuracy: float | None, published: TestMetrics | None) -> float | None:
    if accuracy is None or published is None or published.accuracy is None:
        return None
    return accuracy - published.accuracy


def _accuracy(models: Sequence[TableRow], standing: Standing | None) -> float | None:
    if len(models) == 1:
        return models[0].accuracy
    return standing.accuracy if standing else None


def _words(models: Sequence[TableRow], lost: Collection[Variant]) -> str:
    """Say which of a setting's trainings did not converge or are missing."""
    if len(models) == 1:
        [model] = models
        return model.words if model.test is None else "did not converge" if model.variant in lost else ""
    counts = {
        "diverged": sum(model.ending.startswith("diverged") for model in models),
        "did not converge": sum(model.variant in lost for model in models),
        "missing": sum(model.ending == "missing" for model in models),
    }
    return shares(counts, len(models))


def shares(counts: Mapping[str, int], total: int) -> str:
    """Write counts as ``1 of 3 diverged, 2 of 3 missing``, without those that are zero."""
    return ", ".join(f"{count} of {total} {word}" for word, count in counts.items() if count)


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.fmean(known) if known else None


def _to_use(analysis: Analysis) -> Variant | None:
    return analysis.recommendation.use if analysis.recommendation else None


def beside_published(table: Sequence[TableRow]) -> str:
    """Return how far the accuracies lie from the published ones, as one sentence; empty without a published one.

    Nothing is tested: each side is one training, and how much another training would differ is not known.
    """
    known = [(row.difference, row.label) for row in table if row.difference is not None]
    if not known:
        return ""
    middle = statistics.median(difference for difference, _ in known)
    largest, label = max(known, key=lambda each: abs(each[0]))
    return (
        f"Test accuracy less the published one: {signed(100 * middle, 1)} points in the median,"
        f" {signed(100 * largest, 1)} points where it is largest ({label})."
    )


def ending(result: VariantResult) -> str:
    """Return in words how a variant ended."""
    training = result.training
    if result.status == "diverged" and training and training.diverged_at_epoch:
        return f"diverged at epoch {training.diverged_at_epoch}"
    return result.status


def _row(
    result: VariantResult,
    interval: Interval | None,
    published: TestMetrics | None,
    curve: CurveSummary | None,
    *,
    is_best: bool,
) -> TableRow:
    variant, training = result.variant, result.training
    return TableRow(
        variant=variant,
        is_best=is_best,
        ending=ending(result),
        reason=one_line(result.reason or ""),
        test=None if reported_accuracy(result) is None else result.test,
        interval=None if reported_accuracy(result) is None else interval,
        published=published,
        epochs=training.history.epochs if training else None,
        best_epoch=curve.best_epoch if curve else None,
        best_val_loss=curve.best_val_loss if curve else None,
        overfits_from=curve.overfit_onset if curve else None,
        cost=training.cost if training else None,
        training_seconds=training_seconds(training.history) if training else None,
    )
