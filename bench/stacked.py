"""Replicates of one variant stacked in one program, against one after the other. With JAX, on a CPU or a GPU.

    python -m bench.stacked [--variants 32_GRU_128 ...] [--rows 4096] [--repeats 3]

A training step is hundreds of small products, each of which waits for the one before. Stacked, the products of
``REPLICATES`` trainings are one product of three dimensions. On a GPU, that launches a fifth of the kernels.
"""

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench import corpus, machine
from bench.pool import Kind

if TYPE_CHECKING:
    from imdb_tasks.training.engine import Batches, Engine

REPLICATES = 5
ALONE, STACKED = Kind("one after the other", "ours", "jax"), Kind("stacked", "stacked", "jax")


@dataclass(frozen=True)
class Stack:
    """Trainings of one variant and the same reviews that go in step; they differ in initial weights and order.

    A state of the stack is that of an engine, with one more axis in front: the replicate.
    """

    engines: "Sequence[Engine]"

    def start(self) -> Any:
        """Return the initial state."""
        import jax

        return jax.tree.map(lambda *parts: np.stack(parts), *[engine.start() for engine in self.engines])

    def program(self) -> Any:
        """Return the compiled epoch of all: ``(state, rows, counted) -> (state, measures)``.

        ``rows`` and ``counted`` are those of ``Batches``, with the replicate in front; so are the measures.
        """
        import jax

        engine = self.engines[0]
        epoch = jax.jit(jax.vmap(engine._train_program, in_axes=(0, None, 0, 0)), donate_argnums=0)
        return lambda state, rows, counted: epoch(state, engine._data, rows, counted)


def batches_of(orders: "Sequence[Batches]") -> tuple[np.ndarray, np.ndarray]:
    """Return the rows and what counts of them, int32 and bool (replicates, steps, batch size)."""
    return np.stack([order.rows for order in orders]), np.stack([order.counted for order in orders])


def main() -> None:
    from bench.training import measure

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--variants", nargs="+", default=["32_GRU_128", "32_LSTM_32", "128_GRU_128", "128_GRU_32"])
    parser.add_argument("--rows", type=int, default=4_096)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        corpus.prepare(Path(scratch))
        rates = measure([ALONE, STACKED], Path(scratch), options)
    settings = {"rows": options.rows, "repeats": options.repeats, "replicates": REPLICATES, "corpus": corpus.name()}
    machine.write("stacked", {"rates": rates, **settings})


if __name__ == "__main__":
    main()
