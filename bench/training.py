"""The whole grid, ours against the original's code path, in one run: per variant, in total, and against the floor.

    python -m bench.training [--rows 4096] [--repeats 3] [--variants 64_GRU_32 ...]

Reviews per second of the machine: the original's ``fit`` has all cores to itself; ours trains as many single-threaded
tasks side by side as there are cores, as the product schedules them. The kinds take turns, variant by variant; medians
of the repeats count. The floor is the least number of multiplications that the study needs, at the rate of this
machine's large matrix products. With IMDB_DATA_DIR the real reviews are used.
"""

import argparse
import os
import statistics
import tempfile
from pathlib import Path
from typing import Any

from bench import corpus, floor, machine
from bench.pool import Kind, pools
from imdb_tasks.study import Study

GRID = [variant.name for variant in Study().variants]
CORES = os.cpu_count() or 1
ORIGINAL = Kind("original", "original", "tensorflow")
KINDS = [ORIGINAL, Kind("tensorflow", "ours", "tensorflow", CORES), Kind("jax", "ours", "jax", CORES)]

Rates = dict[str, dict[str, float]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=4_096)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--variants", nargs="+", default=GRID)
    parser.add_argument("--name", default="training", help="of the file with the results")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        corpus.prepare(Path(scratch))
        rates = measure(KINDS, Path(scratch), options)
    peak = floor.peak_rate()
    result = summarise(rates)
    result["floor_seconds"] = floor_seconds(options.variants, peak)
    result["share_of_floor"] = {kind: result["floor_seconds"] / s for kind, s in result["epoch_seconds"].items()}
    print(*(f"{name}: {value}" for name, value in result.items()), sep="\n")
    settings = {"rows": options.rows, "repeats": options.repeats, "corpus": corpus.name()}
    machine.write(options.name, {**result, **settings, "rates": rates, "matrix_product_gflops": peak / 1e9})


def measure(kinds: list[Kind], folder: Path, options: argparse.Namespace) -> Rates:
    """Return the median reviews per second of each variant and kind."""
    found: dict[str, dict[str, list[float]]] = {v: {k.name: [] for k in kinds} for v in options.variants}
    with pools(kinds, folder) as workers:
        for repeat in range(options.repeats):
            for variant in options.variants:
                for pool in workers:
                    rate = pool.rate(variant, rows=options.rows, epochs=options.epochs)
                    found[variant][pool.kind.name].append(rate)
                shown = ", ".join(f"{kind} {rates[-1]:,.0f}/s" for kind, rates in found[variant].items())
                print(f"{repeat + 1}/{options.repeats} {variant}: {shown}", flush=True)
    return {v: {k: statistics.median(rates) for k, rates in by.items()} for v, by in found.items()}


def floor_seconds(variants: list[str], peak: float) -> float:
    """Return the seconds of one epoch of all variants if only multiplications took time."""
    by_name = {variant.name: variant for variant in Study().variants}
    return sum(floor.operations(by_name[name]) for name in variants) * corpus.EPOCH_ROWS / peak


def summarise(rates: Rates) -> dict[str, Any]:
    """Return seconds of one epoch of all variants by kind, and ours against the original: in total, and at worst."""
    kinds = list(next(iter(rates.values())))
    seconds = {kind: sum(corpus.EPOCH_ROWS / by[kind] for by in rates.values()) for kind in kinds}
    ours = [kind for kind in kinds if kind != ORIGINAL.name]
    return {
        "epoch_seconds": seconds,
        "ratio": {kind: seconds[ORIGINAL.name] / seconds[kind] for kind in ours},
        "smallest_ratio": {kind: min(by[kind] / by[ORIGINAL.name] for by in rates.values()) for kind in ours},
    }


if __name__ == "__main__":
    main()
