"""What a checkpoint costs: one save against one epoch of the smallest variants, all 32,000 reviews, one thread.

python -m bench.checkpoint
"""

import statistics
import tempfile
import time
from pathlib import Path

from bench import corpus, machine
from imdb_tasks.corpus import Arrays
from imdb_tasks.store import Store
from imdb_tasks.study import MEASURES, History, TrainingSettings, Variant
from imdb_tasks.training import Checkpoint, Checkpoints, load_keras
from imdb_tasks.training.randomness import order_of_rows

VARIANTS = (Variant(cell="GRU", units=32, batch_size=128), Variant(cell="LSTM", units=32, batch_size=32))
EPOCHS, SAVES = 3, 20
HISTORY = History(
    **dict.fromkeys(MEASURES, (0.123456789,) * 100), seconds=(9.0,) * 100, samples_per_second=(9.0,) * 100
)


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        corpus.prepare(Path(scratch))
        arrays = Arrays.load(Path(scratch))
        result = {variant.name: measure(variant, arrays, Store(scratch)) for variant in VARIANTS}
    print(result)
    machine.write("checkpoint", {"variants": result, "corpus": corpus.name()})


def measure(variant: Variant, arrays: Arrays, store: Store) -> dict[str, float]:
    load_keras()
    from imdb_tasks.training import model as models
    from imdb_tasks.training.engine import Batches, Engine, on_host

    ids, labels = arrays.x_train[: corpus.EPOCH_ROWS], arrays.y_train[: corpus.EPOCH_ROWS]
    model = models.build(variant, TrainingSettings(), arrays.embedding_matrix, max_tokens=ids.shape[1])
    engine = Engine(model, ids, labels)
    state, epochs, saves = engine.start(), [], []
    for epoch in range(1 + EPOCHS):
        started = time.perf_counter()
        state, _ = engine.train(
            state, Batches.of(order_of_rows(len(ids), variant, 42, epoch=epoch), variant.batch_size)
        )
        epochs.append(time.perf_counter() - started)
    with store.exclusive("models", "model") as hold:
        for _ in range(SAVES):
            started = time.perf_counter()
            Checkpoints(store, "model", hold).save(Checkpoint(HISTORY, 1.0, *on_host(state)))
            saves.append(time.perf_counter() - started)
    epoch_seconds, save_seconds = statistics.median(epochs[1:]), statistics.median(saves)
    return {"epoch_seconds": epoch_seconds, "save_seconds": save_seconds, "share": save_seconds / epoch_seconds}


if __name__ == "__main__":
    main()
