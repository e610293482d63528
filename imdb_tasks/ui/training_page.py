"""How far the training of one variant is: what the page of a training task shows while it runs, and afterwards."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import Field

from imdb_tasks.errors import SettingsError
from imdb_tasks.formatting import fine_duration
from imdb_tasks.pipeline import Notes, Planned, Progress, Training
from imdb_tasks.store import Store
from imdb_tasks.study import History, Record, Variant, read_study
from imdb_tasks.ui.loss_scale import loss_axis, remarks

POINTS = 400  # of each curve; more could not be told apart on a screen
_RECENT = 5  # epochs that tell how long the next ones will take
_ENDED = {"finished": "finished", "diverged": "diverged", "cached": "already in the store"}  # of a training
_OVER = ("success", "failed", "upstream_failed", "skipped", "removed")  # Airflow's states of a task


class Curve(Record):
    """One measure: what was seen in training, and on the validation reviews."""

    training: tuple[float | None, ...]
    validation: tuple[float | None, ...]


class TrainingProgress(Record):
    """How far one training is, its numbers in words; ``ended`` says that it will stay as it is.

    ``loss_range`` are the ends of the loss axis, and losses above ``loss_top`` are drawn there; ``remarks`` say what
    the curves cannot show.
    """

    variant: str
    state: str
    ended: bool
    facts: dict[str, str] = Field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    epochs: tuple[int, ...] = ()
    last_epoch: int = 1
    loss: Curve | None = None
    loss_range: tuple[float, float] = (0.0, 1.0)
    loss_top: float = 1.0
    accuracy: Curve | None = None


def trained_variant(store: Store, run_id: str, title: str | None, formed: Variant | None) -> Variant | None:
    """Return the variant that Airflow shows as ``title`` for a training task, which is None until the task starts.

    ``formed`` is the one by the run's form. Where that has another title, the run's own notes are asked: the form of a
    scheduled run is empty, and today's defaults need not be those of its day.
    """
    if title is None or (formed and formed.title == title):
        return formed
    noted = map(Variant.named, store.refs(f"{Training.folder}/{run_id}"))
    return next((variant for variant in noted if variant.title == title), formed)


def variant_of(
    conf: Mapping[str, Any], map_index: int, defaults: Mapping[str, Any] | None = None, planned: Planned | None = None
) -> Variant | None:
    """Return the variant that a run with this form, and this plan, trains under a map index; None if there is none."""
    try:
        study = read_study(conf, defaults)
    except SettingsError:
        return None
    if planned:
        study = study.with_replicates(planned.replicates)
    return study.variants[map_index] if 0 <= map_index < len(study.variants) else None


def training_progress(store: Store, run_id: str, variant: Variant, task_state: str) -> TrainingProgress:
    """Return how far a run's training of ``variant`` is: from what its task has noted, and its state in Airflow."""
    note = _noted(store, run_id, variant)
    history = note.history if note else History()
    over = task_state in _OVER
    if note is None or not history.epochs:
        words = "no learning curves are recorded" if over else "learning curves appear after the first epoch"
        return TrainingProgress(variant=variant.title, state=f"{_words(task_state)}: {words}", ended=over)
    ended = _ENDED.get(note.status)
    kept = spread(history.epochs, POINTS)
    axis = loss_axis(history)
    return TrainingProgress(
        variant=variant.title,
        state=ended or ("training" if task_state == "running" else _words(task_state)),
        ended=over or ended is not None,
        facts=_facts(history, note.epochs, running=not (over or ended)),
        remarks=remarks(history, axis.top),
        epochs=tuple(index + 1 for index in kept),
        last_epoch=note.epochs,
        loss=_curve(history.loss, history.val_loss, kept),
        loss_range=(axis.low, axis.high),
        loss_top=axis.top,
        accuracy=_curve(history.accuracy, history.val_accuracy, kept),
    )


def _noted(store: Store, run_id: str, variant: Variant) -> Progress | None:
    notes = Notes(store)
    training = notes.read(Training, f"{run_id}/{variant.name}")
    progress = notes.read(Progress, training.model) if training else None
    return progress.model_copy(update={"status": "cached"}) if progress and training and training.cached else progress


def _words(task_state: str) -> str:
    return task_state.replace("_", " ")


def _facts(history: History, epochs: int, *, running: bool) -> dict[str, str]:
    usual = slice(1 if history.epochs > 1 else 0, None)  # in its first epoch a training is compiled
    each = statistics.median(history.seconds[usual][-_RECENT:])
    facts = {
        "Epoch": f"{history.epochs:,} of {epochs:,}",
        "Time per epoch": fine_duration(each),
        "Time left" if running else "Total time": fine_duration(
            each * (epochs - history.epochs) if running else sum(history.seconds)
        ),
        "Throughput": f"{statistics.median(history.samples_per_second[usual][-_RECENT:]):,.0f} reviews/s",
    }
    latest = {"Validation accuracy": history.val_accuracy[-1], "Validation loss": history.val_loss[-1]}
    return facts | {name: "not finite" if value is None else f"{value:.4f}" for name, value in latest.items()}


def spread(count: int, most: int) -> list[int]:
    """Return at most ``most`` indices below ``count``, evenly spread, the first and the last among them."""
    if count <= most:
        return list(range(count))
    return sorted({round(step * (count - 1) / (most - 1)) for step in range(most)})


def _curve(training: Sequence[float | None], validation: Sequence[float | None], kept: Sequence[int]) -> Curve:
    thinned = (tuple(values[index] for index in kept) for values in (training, validation))
    return Curve(training=next(thinned), validation=next(thinned))
