"""Preprocessing against the original's code, in the same run: seconds, peak memory, and whether the arrays are equal.

    python -m bench.preprocessing FOLDER [--repeats 3]

FOLDER holds the reviews and the GloVe vectors, as downloaded or unpacked. Every measurement is a process of its own,
ours and the original's in turn; medians are printed, with their ratio and the machine's nature.
"""

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from imdb_tasks import sources
from imdb_tasks.store import Store
from imdb_tasks.study import LocalSource, TextSettings

ROOT = Path(__file__).parents[1]
SETTINGS = TextSettings()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", choices=RUNNERS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only:
        print(json.dumps(measure(options.only, options.folder)))
        return
    with tempfile.TemporaryDirectory() as scratch:
        unpacked = Path(scratch, "unpacked")
        unpacked.mkdir()
        for wanted in (sources.REVIEWS, sources.glove()):
            entry = sources.fetch(LocalSource(path=str(options.folder.absolute())), wanted, Store(scratch))
            entry.file(wanted.member).rename(unpacked / wanted.member)
        report([run(name, unpacked) for _ in range(options.repeats) for name in RUNNERS])


def ours(reviews: Path, glove: Path) -> dict[str, object]:
    from imdb_tasks.arrays import prepare

    return vars(prepare(reviews, glove, SETTINGS).arrays)


def original(reviews: Path, glove: Path) -> dict[str, object]:
    import pandas as pd
    from sklearn.model_selection import train_test_split

    from tests import reference

    frame = pd.read_csv(reviews)
    texts = [reference.clean(review) for review in frame["review"]]
    labels = (frame["sentiment"] == "positive").astype("int8").to_numpy()
    train, test, y_train, y_test = train_test_split(texts, labels, test_size=0.20, random_state=42)
    index = reference.fit(train)
    x_train, x_test = (
        reference.pad(reference.sequences(part, index, SETTINGS.vocabulary_limit), SETTINGS.max_tokens)
        for part in (train, test)
    )
    matrix = reference.embedding_matrix(glove, index, SETTINGS.dimensions)
    return {"x_train": x_train, "x_test": x_test, "y_train": y_train, "y_test": y_test, "embedding_matrix": matrix}


RUNNERS = {"original": original, "ours": ours}


def measure(name: str, folder: Path) -> dict[str, object]:
    import hashlib

    import numpy as np

    started = time.perf_counter()
    arrays = RUNNERS[name](folder / sources.REVIEWS.member, folder / sources.glove().member)
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    digest = hashlib.sha256()
    for array in sorted(arrays):
        digest.update(np.ascontiguousarray(arrays[array]).tobytes())
    return {"name": name, "seconds": seconds, "peak_mb": peak / 1e6, "sha256": digest.hexdigest()}


def run(name: str, folder: Path) -> dict[str, object]:
    command = [sys.executable, "-m", "bench.preprocessing", str(folder), "--only", name]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout))


def report(results: list[dict[str, object]]) -> None:
    medians = {
        name: {key: statistics.median(r[key] for r in results if r["name"] == name) for key in ("seconds", "peak_mb")}
        for name in RUNNERS
    }
    for name, values in medians.items():
        print(f"{name:10} {values['seconds']:6.1f} s   peak {values['peak_mb']:6.0f} MB")
    print(f"original / ours: {medians['original']['seconds'] / medians['ours']['seconds']:.2f} in time")
    print(f"arrays bit-equal: {len({r['sha256'] for r in results}) == 1}")
    machine = platform.processor() or platform.machine()
    print(f"machine: {os.cpu_count()} cores, {machine}, Python {platform.python_version()}")


if __name__ == "__main__":
    main()
