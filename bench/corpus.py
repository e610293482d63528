"""What is measured on: the real reviews if they are at hand, else the bundled sample."""

import os
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from imdb_tasks.corpus import Arrays
from imdb_tasks.pipeline import Steps
from imdb_tasks.store import Store
from imdb_tasks.study import LocalSource, Study

ROOT = Path(__file__).parents[1]
TRAINING_ROWS, EPOCH_ROWS = 40_000, 32_000  # of the whole corpus; of them, without the validation rows


def folder() -> Path:
    """Return ``IMDB_DATA_DIR``, which holds the reviews and the vectors as downloaded, or the bundled sample."""
    given = os.environ.get("IMDB_DATA_DIR")
    return Path(given).absolute() if given else ROOT / "include" / "sample"


def name() -> str:
    """Say which corpus is used."""
    return "50,000 IMDB reviews" if os.environ.get("IMDB_DATA_DIR") else "bundled sample"


def prepare(target: Path) -> None:
    """Make the arrays of the corpus; fewer training reviews than the whole corpus has are repeated."""
    source = LocalSource(path=str(folder()))
    with tempfile.TemporaryDirectory() as scratch:
        steps = Steps(Study(reviews=source, glove=source), Store(scratch))
        steps.fetch_reviews()
        steps.fetch_glove()
        arrays = Arrays.load(steps.prepare().path)
        repeats = -(-TRAINING_ROWS // len(arrays.x_train))
        x = np.tile(arrays.x_train, (repeats, 1))[:TRAINING_ROWS]
        y = np.tile(arrays.y_train, repeats)[:TRAINING_ROWS]
        replace(arrays, x_train=x, y_train=y).save(target)
