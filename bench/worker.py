"""A process that trains when it is told to, so that several can be measured in turn, or side by side.

    python -m bench.worker original|ours|stacked FOLDER

It reads lines of JSON, {"variant": "64_GRU_32", "rows": 4096, "epochs": 2, "tokens": 100}, builds and compiles the
model, trains one epoch that is not counted, answers {"ready": ...}, waits for a line, trains the counted epochs, and
answers with their seconds. Validation is not part of an epoch here.
"""

import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from imdb_tasks.corpus import Arrays
from imdb_tasks.study import TrainingSettings, Variant
from imdb_tasks.training import load_keras


def main() -> None:
    kind, folder = sys.argv[1:]
    if kind != "original":
        load_keras()
    arrays = Arrays.load(Path(folder))
    for line in sys.stdin:
        job = json.loads(line)
        units, cell, batch = job["variant"].split("_")
        variant = Variant(cell=cell, units=int(units), batch_size=int(batch))
        x = np.ascontiguousarray(
            np.tile(arrays.x_train[: job["rows"]], (1, -(-job["tokens"] // 100)))[:, : job["tokens"]]
        )
        answer({"seconds": RUNNERS[kind](variant, x, arrays.y_train[: job["rows"]], arrays, job["epochs"])})


def original(variant: Variant, x: np.ndarray, y: np.ndarray, arrays: Arrays, epochs: int) -> list[float]:
    """The original's path: stock layers, ``fit`` on arrays, as many threads as TensorFlow likes."""
    import keras

    from imdb_tasks.training import model as models

    class Watch(keras.callbacks.Callback):
        def __init__(self) -> None:
            super().__init__()
            self.seconds: list[float] = []

        def on_epoch_begin(self, epoch: int, logs: object = None) -> None:
            if epoch == 1:
                wait_for_the_others()
            self.started = time.perf_counter()

        def on_epoch_end(self, epoch: int, logs: object = None) -> None:
            self.seconds.append(time.perf_counter() - self.started)

    model = models.build(variant, TrainingSettings(), arrays.embedding_matrix, max_tokens=x.shape[1])
    watch = Watch()
    model.fit(x, y.astype("float32"), batch_size=variant.batch_size, epochs=1 + epochs, verbose=0, callbacks=[watch])
    keras.utils.clear_session()
    return watch.seconds[1:]


def ours(variant: Variant, x: np.ndarray, y: np.ndarray, arrays: Arrays, epochs: int) -> list[float]:
    """The product's path: its engine, shuffled by seed and epoch."""
    import keras

    [engine] = engines([variant], x, y, arrays)
    state = engine.start()

    def train(epoch: int) -> None:
        nonlocal state
        state, _ = engine.train(state, order_of(variant, x, epoch))

    seconds = timed(train, epochs)
    keras.utils.clear_session()
    return seconds


def stacked(variant: Variant, x: np.ndarray, y: np.ndarray, arrays: Arrays, epochs: int) -> list[float]:
    """Several replicates of the variant in one program; the seconds are those of an epoch of one."""
    import jax
    import keras

    from bench.stacked import REPLICATES, Stack, batches_of

    replicates = [variant.model_copy(update={"replicate": number}) for number in range(REPLICATES)]
    stack = Stack(engines(replicates, x, y, arrays))
    state, program = stack.start(), stack.program()

    def train(epoch: int) -> None:
        nonlocal state
        state, measured = program(state, *batches_of([order_of(each, x, epoch) for each in replicates]))
        jax.block_until_ready(measured)

    seconds = timed(train, epochs)
    keras.utils.clear_session()
    return [each / REPLICATES for each in seconds]


def engines(variants: Sequence[Variant], x: np.ndarray, y: np.ndarray, arrays: Arrays) -> list[Any]:
    """Return an engine for a new model of each variant."""
    from imdb_tasks.training import model as models
    from imdb_tasks.training.engine import Engine

    built = (
        models.build(each, TrainingSettings(), arrays.embedding_matrix, max_tokens=x.shape[1]) for each in variants
    )
    return [Engine(model, x, y) for model in built]


def order_of(variant: Variant, x: np.ndarray, epoch: int) -> Any:
    """Return the batches of an epoch."""
    from imdb_tasks.training.engine import Batches
    from imdb_tasks.training.randomness import order_of_rows

    return Batches.of(order_of_rows(len(x), variant, 42, epoch=epoch), variant.batch_size)


def timed(train: Callable[[int], None], epochs: int) -> list[float]:
    """Train an epoch that is not counted, wait for the others, and return the seconds of the counted ones."""
    train(0)
    wait_for_the_others()
    seconds = []
    for epoch in range(1, 1 + epochs):
        started = time.perf_counter()
        train(epoch)
        seconds.append(time.perf_counter() - started)
    return seconds


RUNNERS = {"original": original, "ours": ours, "stacked": stacked}


def wait_for_the_others() -> None:
    answer({"ready": True})
    sys.stdin.readline()


def answer(message: dict[str, object]) -> None:
    print(json.dumps(message), flush=True)


if __name__ == "__main__":
    main()
