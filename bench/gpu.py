"""The whole grid on a GPU: stock Keras layers with ``fit`` against ours, on JAX, and the time of the full study.

    python -m bench.gpu [--side-by-side 4] [--epochs 5] [--repeats 3]

Needs JAX with CUDA (``pip install "jax[cuda13]"``) and IMDB_DATA_DIR. Each variant trains on all 32,000 reviews; ours
in several tasks that share the card, as the product schedules them, or several replicates in one program (see
``bench.stacked``). The time of the full study is extrapolated from these epochs: 100 of them for each variant.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from bench import corpus, machine
from bench.pool import Kind
from bench.stacked import STACKED
from bench.training import GRID, ORIGINAL, measure, summarise

EPOCHS_OF_THE_STUDY = 100


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--side-by-side", type=int, default=4)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--rows", type=int, default=corpus.EPOCH_ROWS)
    parser.add_argument("--variants", nargs="+", default=GRID)
    options = parser.parse_args()
    card = gpu()
    kinds = [Kind(ORIGINAL.name, "original", "jax"), Kind("jax", "ours", "jax", options.side_by_side), STACKED]
    with tempfile.TemporaryDirectory() as scratch:
        corpus.prepare(Path(scratch))
        rates = measure(kinds, Path(scratch), options)
    result = summarise(rates)
    study = {kind: seconds * EPOCHS_OF_THE_STUDY for kind, seconds in result["epoch_seconds"].items()}
    print(result, {kind: f"{seconds / 60:.1f} min" for kind, seconds in study.items()})
    settings = {"card": card, "corpus": corpus.name(), **vars(options)}
    machine.write("gpu", {**result, "rates": rates, "study_seconds_extrapolated": study, "settings": settings})


def gpu() -> str:
    """Return the card's name; end the program where there is none."""
    script = "import jax; print(jax.devices()[0].platform, jax.devices()[0].device_kind)"
    found = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, check=True).stdout.split()
    if found[0] == "cpu":
        sys.exit("expected a GPU that JAX can use, found none; install jax[cuda13] on a machine with one")
    return " ".join(found[1:])


if __name__ == "__main__":
    main()
