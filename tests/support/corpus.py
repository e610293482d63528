"""The preparation of two files that are in no store."""

from pathlib import Path

from imdb_tasks.corpus import Corpus, prepare
from imdb_tasks.store import sha256_of
from imdb_tasks.study import TextSettings


def prepare_files(reviews: Path, glove: Path, settings: TextSettings) -> Corpus:
    """Prepare two files, with the hashes that a fetch would have found."""
    return prepare(reviews, glove, settings, reviews_sha256=sha256_of(reviews), glove_sha256=sha256_of(glove))
