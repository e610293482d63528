"""The least time that training can take: its multiplications, at the rate of large matrix products on this machine.

One training step on one review, with T steps, F features, u units and g gates (3 for a GRU, 4 for an LSTM), as
multiply-adds, each counted as two operations:

    input projection              T F g u   (a batch of more tokens than the table has words: the table once a batch)
    recurrent product             T u g u
    gradient by the state         T u g u
    gradient by the recurrent kernel   T u g u
    gradient by the input kernel  T F g u
    dense layers                  3 (u u + u)

A frozen embedding needs no gradient. Elementwise work, lookups and memory traffic are not counted: they are what
separates a program from the floor.
"""

import os
import subprocess
import sys
import time

from imdb_tasks.study import TextSettings, Variant

GATES = {"GRU": 3, "LSTM": 4}
_SIZE = 2_048
_ROUNDS = 5


def operations(variant: Variant) -> float:
    """Return floating-point operations for one review in one training step."""
    text = TextSettings()
    steps, features, units = text.max_tokens, text.dimensions, variant.units
    wide = GATES[variant.cell] * units
    projected = min(steps, text.vocabulary_limit / variant.batch_size)
    recurrent = 3 * steps * units * wide
    inputs = (projected + steps) * features * wide
    return 2.0 * (recurrent + inputs + 3 * (units * units + units))


def peak_rate() -> float:
    """Return operations per second of large float32 matrix products on all cores: the best way that was found.

    NumPy with its own threads, and one single-threaded XLA process per core, are tried.
    """
    cores = os.cpu_count() or 1
    ways = [["numpy"], ["xla"] * cores]
    return max(_together(way) for way in ways)


def _together(way: list[str]) -> float:
    environment = {**os.environ, **({"NPROC": "1"} if way[0] == "xla" else {})}
    command = [sys.executable, "-m", "bench.floor"]
    running = [subprocess.Popen([*command, name], env=environment, stdout=subprocess.PIPE, text=True) for name in way]
    return sum(float(process.communicate()[0]) for process in running)


def rate_of_one(name: str) -> float:
    import numpy as np

    a = np.random.default_rng(0).normal(size=(_SIZE, _SIZE)).astype(np.float32)
    if name == "xla":
        import jax

        product, a = jax.jit(lambda a: a @ a), jax.device_put(a)
    else:
        product = lambda a: a @ a  # noqa: E731
    times = []
    for _ in range(_ROUNDS):
        started = time.perf_counter()
        np.asarray(product(a))
        times.append(time.perf_counter() - started)
    return 2.0 * _SIZE**3 / min(times)


if __name__ == "__main__":
    print(rate_of_one(sys.argv[1]))
