"""Preprocessing against the original's code, in the same run: seconds, peak memory, and whether the arrays are equal.

    python -m bench.preprocessing [--repeats 3]

IMDB_DATA_DIR names a folder with the reviews and the GloVe vectors, as downloaded or unpacked; without it the bundled
sample is used, which is too small to say much. Every measurement is a process of its own, ours and the original's in
turn; medians count. How the time grows is measured on the first quarter and the first half of the reviews.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench import corpus, machine
from imdb_tasks.sources import REVIEWS, fetch, glove_vectors
from imdb_tasks.store import Store, sha256_of
from imdb_tasks.study import LocalSource, TextSettings

ROOT = Path(__file__).parents[1]
SETTINGS = TextSettings()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", choices=RUNNERS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only:
        print(json.dumps(measure(options.only, options.folder)))
        return
    with tempfile.TemporaryDirectory() as scratch:
        whole = unpack(Path(scratch))
        runs = [run(name, whole) for _ in range(options.repeats) for name in RUNNERS]
        growth = {share: run("ours", part_of(whole, share))["seconds"] for share in (0.25, 0.5)}
    result = summarise(runs)
    machine.write("preprocessing", {**result, "repeats": options.repeats, "corpus": corpus.name(), "growth": growth})


def unpack(scratch: Path) -> Path:
    """Fetch both files from the data folder, or the sample, into one folder."""
    folder = scratch / "whole"
    folder.mkdir()
    source = LocalSource(path=str(corpus.folder()))
    for wanted in (REVIEWS, glove_vectors()):
        entry = fetch(source, wanted, Store(scratch))
        entry.file(wanted.member).rename(folder / wanted.member)
    return folder


def part_of(whole: Path, share: float) -> Path:
    """Make a folder with the first reviews and the same vectors."""
    import pandas as pd

    part = whole.with_name(f"part-{share}")
    part.mkdir()
    frame = pd.read_csv(whole / REVIEWS.member)
    frame.head(int(len(frame) * share)).to_csv(part / REVIEWS.member, index=False)
    (part / glove_vectors().member).hardlink_to(whole / glove_vectors().member)
    return part


def ours(reviews: Path, glove: Path) -> dict[str, object]:
    from imdb_tasks.corpus import prepare

    hashes = {"reviews_sha256": sha256_of(reviews), "glove_sha256": sha256_of(glove)}  # what verifying them costs
    return vars(prepare(reviews, glove, SETTINGS, **hashes).arrays)


def original(reviews: Path, glove: Path) -> dict[str, object]:
    import pandas as pd
    from sklearn.model_selection import train_test_split

    from tests.support import reference

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
    arrays = RUNNERS[name](folder / REVIEWS.member, folder / glove_vectors().member)
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    digest = hashlib.sha256()
    for array in sorted(arrays):
        digest.update(np.ascontiguousarray(arrays[array]).tobytes())
    return {"name": name, "seconds": seconds, "peak_mb": peak / 1e6, "sha256": digest.hexdigest()}


def run(name: str, folder: Path) -> dict[str, object]:
    command = [sys.executable, "-m", "bench.preprocessing", "--folder", str(folder), "--only", name]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    result = dict(json.loads(done.stdout))
    print(f"{name:10} {result['seconds']:6.1f} s   peak {result['peak_mb']:6.0f} MB", flush=True)
    return result


def summarise(runs: list[dict[str, object]]) -> dict[str, object]:
    """Return the medians, their ratio, and whether all runs made the same arrays."""
    medians = {
        name: {key: statistics.median(r[key] for r in runs if r["name"] == name) for key in ("seconds", "peak_mb")}
        for name in RUNNERS
    }
    ratio = medians["original"]["seconds"] / medians["ours"]["seconds"]
    equal = len({run["sha256"] for run in runs}) == 1
    print(f"original / ours: {ratio:.2f} in time; arrays bit-equal: {equal}")
    return {"medians": medians, "ratio": ratio, "bit_equal": equal}


if __name__ == "__main__":
    main()
