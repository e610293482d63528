"""Shared pieces: a store of one's own, and a small corpus whose vocabulary has vectors."""

import csv
import random
from pathlib import Path

import pytest

from imdb_tasks.store import Store
from imdb_tasks.study import LocalSource, Study, TextSettings, TrainingSettings

GOOD = ("wonderful", "bright", "moving", "clever")
BAD = ("dull", "clumsy", "noisy", "empty")
PLAIN = ("film", "plot", "actor", "scene", "the", "was", "and", "music", "ending", "story")
DIMENSIONS = 100


def write_corpus(folder: Path, reviews: int = 60) -> Path:
    """Write ``IMDB Dataset.csv`` and ``glove.6B.100d.txt``; the last plain word has no vector."""
    draw = random.Random(7)
    with folder.joinpath("IMDB Dataset.csv").open("w", encoding="utf8", newline="") as out:
        rows = csv.writer(out)
        rows.writerow(["review", "sentiment"])
        for number in range(reviews):
            opinion, label = (GOOD, "positive") if number % 2 else (BAD, "negative")
            words = draw.choices(PLAIN, k=8) + draw.choices(opinion, k=4)
            draw.shuffle(words)
            rows.writerow([" ".join(words) + ".<br /><br />The end!", label])
    with folder.joinpath("glove.6B.100d.txt").open("w", encoding="utf8") as out:
        for word in (*GOOD, *BAD, *PLAIN[:-1], "end"):
            tone = (word in GOOD) - (word in BAD)
            values = (f"{draw.gauss(tone, 0.3):.5g}" for _ in range(DIMENSIONS))
            out.write(f"{word} {' '.join(values)}\n")
    return folder


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture(scope="session")
def corpus_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("corpus"))


@pytest.fixture(scope="session")
def tiny_study(corpus_folder: Path) -> Study:
    """Two small variants, two epochs, seconds of work."""
    source = LocalSource(path=str(corpus_folder))
    return Study(
        cells=("GRU", "LSTM"),
        units=(4,),
        batch_sizes=(16,),
        text=TextSettings(max_tokens=12),
        training=TrainingSettings(epochs=2, learning_rate=0.01),
        reviews=source,
        glove=source,
    )
