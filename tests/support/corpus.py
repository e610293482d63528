"""A small corpus whose vocabulary has vectors, and the preparation of files that are in no store."""

import csv
import random
from pathlib import Path

from imdb_tasks.corpus import Corpus, prepare
from imdb_tasks.store import sha256_of
from imdb_tasks.study import TextSettings

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


def prepare_files(reviews: Path, glove: Path, settings: TextSettings) -> Corpus:
    """Prepare two files, with the hashes that a fetch would have found."""
    return prepare(reviews, glove, settings, reviews_sha256=sha256_of(reviews), glove_sha256=sha256_of(glove))
