"""Fit one variant: history per epoch, early end when it diverges, and what it cost."""

import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from imdb_tasks import runtime
from imdb_tasks.arrays import Arrays
from imdb_tasks.results import MEASURES, Cost, History, TrainingRecord
from imdb_tasks.study import TrainingSettings, Variant

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

log = logging.getLogger(__name__)

EpochListener = Callable[[History], None]


@dataclass(frozen=True)
class Trained:
    """A trained Keras model and the record of its training."""

    model: Any
    record: TrainingRecord


def train(variant: Variant, settings: TrainingSettings, arrays: Arrays, on_epoch: EpochListener) -> Trained:
    """Fit ``variant`` on the training reviews; ``on_epoch`` gets the history after each epoch.

    The last ``validation_fraction`` of the training rows is for validation, as Keras's ``validation_split`` takes it.
    Rows are shuffled anew each epoch, from the seed and the epoch's number. A loss that is not finite
    ends the training: the record's status is then ``diverged``.
    """
    runtime.load_keras()
    from imdb_tasks import models

    started = time.perf_counter()
    model = models.build(variant, settings, arrays.embedding_matrix, max_tokens=arrays.x_train.shape[1])
    split_at = int(len(arrays.x_train) * (1 - settings.validation_fraction))
    seed = settings.seed + variant.replicate
    batches = _batches(arrays.x_train[:split_at], arrays.y_train[:split_at], variant.batch_size, seed=seed)
    watch = _epoch_watch(batches, split_at, on_epoch)
    model.fit(
        batches,
        validation_data=_batches(arrays.x_train[split_at:], arrays.y_train[split_at:], variant.batch_size),
        epochs=settings.epochs,
        shuffle=False,  # the batches shuffle themselves
        verbose=0,
        callbacks=[watch],
    )
    history: History = watch.history
    diverged = None in (history.loss[-1], history.val_loss[-1])
    record = TrainingRecord(
        variant=variant,
        status="diverged" if diverged else "finished",
        diverged_at_epoch=history.epochs if diverged else None,
        history=history,
        cost=Cost(
            wall_seconds=time.perf_counter() - started,
            peak_memory_bytes=runtime.peak_memory_bytes(),
            device=runtime.device(),
            trainable_parameters=sum(math.prod(weight.shape) for weight in model.trainable_weights),
            total_parameters=model.count_params(),
        ),
        versions=runtime.versions(),
    )
    return Trained(model, record)


def finite(value: float) -> float | None:
    """Return a plain float, or None where the value is not finite: JSON has no NaN."""
    number = float(value)
    return number if math.isfinite(number) else None


def _batches(
    ids: "npt.NDArray[np.int32]", labels: "npt.NDArray[np.int8]", batch_size: int, *, seed: int | None = None
) -> Any:
    """Serve (int32 (batch, max_tokens), float32 (batch, 1)); shuffled by (seed, epoch) if there is a seed.

    A dataset of our own instead of ``fit(x, y)``: the order of any epoch can be told without the ones before it, and
    it is the same on every backend.
    """
    import keras
    import numpy as np

    x = np.ascontiguousarray(ids)
    y = labels.astype(np.float32)[:, None]

    class Batches(keras.utils.PyDataset):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.start(epoch=0)

        def start(self, epoch: int) -> None:
            """Set the order of an epoch, from 0. Told by the callback: Keras's own hooks also run for its dry run."""
            rows = len(x)
            self.order = np.arange(rows) if seed is None else np.random.default_rng((seed, epoch)).permutation(rows)

        def __len__(self) -> int:
            return math.ceil(len(x) / batch_size)

        def __getitem__(self, index: int) -> tuple[Any, Any]:
            rows = self.order[index * batch_size : (index + 1) * batch_size]
            return x[rows], y[rows]

    return Batches()


def _epoch_watch(batches: Any, samples: int, on_epoch: EpochListener) -> Any:
    """Return a callback that shuffles, keeps the history, tells the listener, and stops a diverged training."""
    import keras

    class EpochWatch(keras.callbacks.Callback):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.history = History()

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002 - Keras's signature
            batches.start(epoch)
            self.started = time.perf_counter()

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            seconds = time.perf_counter() - self.started
            new: dict[str, float | None] = {name: finite(logs[name]) for name in MEASURES}
            new |= {"seconds": seconds, "samples_per_second": samples / seconds}
            self.history = History(**{name: (*getattr(self.history, name), value) for name, value in new.items()})
            log.info("epoch %d/%d  %s  %.1f s", epoch + 1, self.params["epochs"], _line(new), seconds)
            on_epoch(self.history)
            if None in (new["loss"], new["val_loss"]):
                log.warning("the loss is not finite after epoch %d: diverged, training ends here", epoch + 1)
                self.model.stop_training = True

    return EpochWatch()


def _line(values: dict[str, float | None]) -> str:
    shown = {name: "not finite" if values[name] is None else f"{values[name]:.4f}" for name in MEASURES}
    return "  ".join(f"{name} {value}" for name, value in shown.items())
