"""The trainings of one setting as one curve: their mean, with each of them behind it."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

from imdb_tasks.analysis import Analysis
from imdb_tasks.report.table import ending, shares
from imdb_tasks.study import DataCard, Measure, Study, Variant, VariantResult, by_setting

Curve = tuple[float | None, ...]


@dataclass(frozen=True)
class Setting:
    """One setting, as its first replicate, and its trainings.

    ``converged`` are those that its mean is of; with one replicate it is that training, however it ended.
    """

    variant: Variant
    models: tuple[VariantResult, ...]
    converged: tuple[VariantResult, ...]

    @property
    def alone(self) -> bool:
        """Whether the setting was trained once."""
        return len(self.models) == 1

    def mean(self, measure: Measure) -> Curve:
        """Return the mean of the converged trainings after each epoch; without any, nothing."""
        curves = [model.curve(measure) for model in self.converged]
        if len(curves) == 1:
            return curves[0]
        whole = ([v for v in values if v is not None] for values in zip(*curves, strict=False))
        return tuple(fmean(values) if values else None for values in whole)

    def best_epoch(self) -> int | None:
        """Return the first epoch, from 1, of the lowest validation loss of the mean."""
        losses = [(loss, epoch) for epoch, loss in enumerate(self.mean("val_loss"), 1) if loss is not None]
        return min(losses)[1] if losses else None

    def ending(self) -> str:
        """Say in words which trainings diverged or are missing; "" where none."""
        if self.alone:
            [model] = self.models
            return "" if model.status == "finished" else ending(model)
        statuses = [model.status for model in self.models]
        return shares({status: statuses.count(status) for status in ("diverged", "missing")}, len(statuses))


def settings_of(results: Iterable[VariantResult], analysis: Analysis) -> list[Setting]:
    """Return the settings of a study, in its order."""
    converged = {each.variant for each in analysis.curves if each.converged}
    found = by_setting(results).items()
    return [Setting(variant, tuple(models), _shown(models, converged)) for variant, models in found]


def _shown(models: Sequence[VariantResult], converged: Collection[Variant]) -> tuple[VariantResult, ...]:
    if len(models) == 1:
        return tuple(models)
    return tuple(model for model in models if model.variant in converged)


def pace(setting: Setting, study: Study, card: DataCard) -> dict[str, float]:
    """Return how many steps and seconds an epoch took: with them, a curve can be drawn over either."""
    training = int(card.train_rows * (1 - study.training.validation_fraction))
    seconds = [s for model in setting.models if model.training for s in model.training.history.seconds]
    middle = sorted(seconds)[len(seconds) // 2] if seconds else 0.0
    return {"step": -(-training // setting.variant.batch_size), "time": round(middle, 4)}


def behind(settings: Sequence[Setting]) -> str:
    """Return the sentence that says what the thick and the thin lines are; "" without replicates."""
    if all(setting.alone for setting in settings):
        return ""
    return " Thick: the mean of a setting's converged trainings; thin: each training."
