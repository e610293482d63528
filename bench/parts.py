"""What holds training back: a whole step against its matrix products alone, in the same shapes and loops.

    python -m bench.parts [--variants 128_GRU_128 ...]

One thread, JAX. "Products" is a compiled program of only the products that ``imdb_tasks.training.fast_layers`` does for
one batch: what would be left if activations, lookups, copies, metrics and the optimiser cost nothing. "Large products"
is the same count of operations at the rate of a 2,048 x 2,048 product on the same core.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench import corpus, floor, machine
from bench.pool import Kind, pools
from imdb_tasks.study import Study, TextSettings, Variant

CHOSEN = ["128_GRU_128", "128_LSTM_128", "128_GRU_32", "64_GRU_64", "32_GRU_128", "32_LSTM_32"]
ROUNDS = 25


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--variants", nargs="+", default=CHOSEN)
    parser.add_argument("--rows", type=int, default=4_096)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    by_name = {variant.name: variant for variant in Study().variants}
    found: dict[str, dict[str, list[float]]] = {name: {} for name in options.variants}
    with tempfile.TemporaryDirectory() as scratch:
        corpus.prepare(Path(scratch))
        with pools([Kind("whole", "ours", "jax")], Path(scratch)) as (pool,):
            for _ in range(options.repeats):
                for name, kinds in found.items():
                    variant = by_name[name]
                    large = _alone("large", name) / floor.operations(variant)
                    kinds.setdefault("whole", []).append(pool.rate(name, rows=options.rows))
                    kinds.setdefault("products", []).append(_alone("products", name))
                    kinds.setdefault("large", []).append(large)
    rates = {name: {kind: statistics.median(each) for kind, each in kinds.items()} for name, kinds in found.items()}
    print(json.dumps(rates, indent=1))
    machine.write("parts", {"rates": rates, "rows": options.rows, "repeats": options.repeats, "corpus": corpus.name()})


def _alone(what: str, name: str) -> float:
    command = [sys.executable, "-m", "bench.parts", what, name]
    environment = {**os.environ, "NPROC": "1", "JAX_PLATFORMS": "cpu"}
    return float(subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout)


def _products(variant: Variant) -> float:
    """Return reviews per second of a step's products, each in the place that it has in the step."""
    import jax
    import jax.numpy as jnp

    text, units = TextSettings(), variant.units
    wide = floor.GATES[variant.cell] * units
    steps, batch, features = text.max_tokens, variant.batch_size, text.dimensions
    rows = min(text.vocabulary_limit, steps * batch)

    def step(table: jax.Array, kernel: jax.Array, recurrent: jax.Array, slopes: jax.Array) -> list[jax.Array]:
        projected = table @ kernel
        x = projected[: steps * 1].reshape(steps, 1, wide)
        last, states = jax.lax.scan(lambda h, x: ((h @ recurrent + x)[:, :units], h), jnp.ones((batch, units)), x)
        first, _ = jax.lax.scan(lambda d, s: (s @ recurrent.T + d, None), last, slopes, reverse=True)
        flat = slopes.reshape(-1, wide)
        inputs = jnp.resize(table, (steps * batch, features))
        return [first, states.reshape(-1, units).T @ flat, inputs.T @ flat]

    keys = jax.random.split(jax.random.key(0), 4)
    shapes = [(rows, features), (features, wide), (units, wide), (steps, batch, wide)]
    arguments = [jax.random.normal(key, shape) / 100 for key, shape in zip(keys, shapes, strict=True)]
    program = jax.jit(step)
    times = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        jax.block_until_ready(program(*arguments))
        times.append(time.perf_counter() - started)
    return batch / statistics.median(times[1:])


if __name__ == "__main__":
    if sys.argv[1:2] == ["products"]:
        print(_products({variant.name: variant for variant in Study().variants}[sys.argv[2]]))
    elif sys.argv[1:2] == ["large"]:
        print(floor.rate_of_one("xla"))
    else:
        main()
