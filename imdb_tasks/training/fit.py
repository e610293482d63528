"""Fit one variant: record the history and the cost; stop when the loss diverges."""

import logging
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from imdb_tasks.corpus import Arrays
from imdb_tasks.study import MEASURES, Cost, History, TrainingRecord, TrainingSettings, Variant, finite
from imdb_tasks.training import process
from imdb_tasks.training.checkpoints import Checkpoint, Checkpoints
from imdb_tasks.training.evaluation import Evaluated, evaluate_model
from imdb_tasks.training.randomness import order_of_rows

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from imdb_tasks.training.engine import Engine, PassMetrics, State

log = logging.getLogger(__name__)

MODELS_REVISION = 3
"""Raise it when the same arrays and settings would give another model or record."""

EpochListener = Callable[[History], None]


@dataclass(frozen=True)
class Trained:
    """A trained Keras model, of stock layers only, and the record of its training."""

    model: Any
    record: TrainingRecord

    def evaluate(self, x_test: "npt.NDArray[np.int32]", y_test: "npt.NDArray[np.int8]") -> Evaluated:
        """Measure the model as ``evaluation.evaluate`` measures its file."""
        return evaluate_model(self.model, x_test, y_test)


def train(
    variant: Variant,
    settings: TrainingSettings,
    arrays: Arrays,
    on_epoch: EpochListener,
    *,
    checkpoints: Checkpoints | None = None,
) -> Trained:
    """Fit ``variant`` on the training reviews; ``on_epoch`` gets the history after each epoch.

    The last ``validation_fraction`` of the training rows is for validation, as Keras's ``validation_split`` takes it.
    Rows are shuffled anew each epoch (see ``randomness``). A loss that is not finite
    ends the training: the record's status is then ``diverged``.

    With ``checkpoints``, the state is saved after each epoch, and a killed training resumes from it. On the same
    machine, its history and weights equal those of an uninterrupted training.
    """
    process.reset_peak_memory()
    process.load_keras()
    from imdb_tasks.training import model as models
    from imdb_tasks.training.engine import Engine, on_host

    started = time.perf_counter()
    model = models.build(variant, settings, arrays.embedding_matrix, max_tokens=arrays.x_train.shape[1])
    engine = Engine(model, arrays.x_train, arrays.y_train)
    state, history, spent = _start(engine, checkpoints)
    for state, history in _epochs(engine, variant, settings, state, history):  # noqa: B020 - each is the next one's start
        if checkpoints:
            checkpoints.save(Checkpoint(history, spent + time.perf_counter() - started, *on_host(state)))
        on_epoch(history)
    engine.finish(state)
    if history.diverged:
        log.warning("diverged: the loss is not finite after epoch %d; training stops", history.epochs)
    return Trained(model, _record(variant, model, history, spent + time.perf_counter() - started))


def _start(engine: "Engine", checkpoints: Checkpoints | None) -> "tuple[State, History, float]":
    """Return state, history and wall seconds to go on from: those of the checkpoint, or the beginning."""
    saved = checkpoints.load() if checkpoints else None
    if saved is None:
        return engine.start(), History(), 0.0
    log.info("resuming from the checkpoint of epoch %d", saved.history.epochs)
    return engine.resume(saved.weights, saved.optimizer), saved.history, saved.wall_seconds


def _epochs(
    engine: "Engine", variant: Variant, settings: TrainingSettings, state: "State", history: History
) -> "Iterator[tuple[State, History]]":
    """Train epoch by epoch; yield the state and the history after each."""
    import numpy as np

    from imdb_tasks.training.engine import EVALUATION_BATCH, Batches

    split_at = int(engine.rows * (1 - settings.validation_fraction))
    validation = Batches.of(np.arange(split_at, engine.rows), EVALUATION_BATCH)
    while history.epochs < settings.epochs and not history.diverged:
        started = time.perf_counter()
        order = order_of_rows(split_at, variant, settings.seed, epoch=history.epochs)
        state, trained = engine.train(state, Batches.of(order, variant.batch_size))
        validated = engine.evaluate(state[0], validation)
        seconds = time.perf_counter() - started
        new = _values(trained, validated) | {"seconds": seconds, "samples_per_second": split_at / seconds}
        history = History(**{name: (*getattr(history, name), value) for name, value in new.items()})
        log.info("epoch %d/%d  %s  %.1f s", history.epochs, settings.epochs, _line(new), seconds)
        yield state, history


def _record(variant: Variant, model: Any, history: History, wall_seconds: float) -> TrainingRecord:
    return TrainingRecord(
        variant=variant,
        status="diverged" if history.diverged else "finished",
        diverged_at_epoch=history.epochs if history.diverged else None,
        history=history,
        cost=Cost(
            wall_seconds=wall_seconds,
            peak_memory_bytes=process.peak_memory_bytes(),
            device=process.device(),
            trainable_parameters=sum(math.prod(weight.shape) for weight in model.trainable_weights),
        ),
        versions=process.versions(),
        environment=process.environment(),
    )


def _values(trained: "PassMetrics", validated: "PassMetrics") -> dict[str, float | None]:
    return {
        **{name: finite(getattr(trained, name)) for name in ("loss", "accuracy", "auc")},
        **{f"val_{name}": finite(getattr(validated, name)) for name in ("loss", "accuracy", "auc")},
    }


def _line(values: dict[str, float | None]) -> str:
    shown = {name: "not finite" if values[name] is None else f"{values[name]:.4f}" for name in MEASURES}
    return "  ".join(f"{name} {value}" for name, value in shown.items())
