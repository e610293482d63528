"""Reviews and vectors to the arrays that training reads, made once and memory-mapped afterwards."""

import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imdb_tasks.corpus import data_card
from imdb_tasks.corpus import tokens as text
from imdb_tasks.corpus.glove import read_embeddings
from imdb_tasks.corpus.review_texts import ReviewTexts
from imdb_tasks.corpus.reviews_csv import read_reviews
from imdb_tasks.corpus.splitting import split
from imdb_tasks.errors import DataError
from imdb_tasks.store import write_json
from imdb_tasks.study import DataCard, TextSettings

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


log = logging.getLogger(__name__)

ARRAYS_REVISION = 1
"""Raise it when the same files and settings would give other arrays or another data card."""

ARRAY_NAMES = ("x_train", "x_test", "y_train", "y_test", "embedding_matrix")


@dataclass(frozen=True)
class Arrays:
    """The corpus as numbers.

    Attributes:
        x_train: int32 (training reviews, max_tokens), word ids, 0 = padding at the end.
        x_test: int32 (test reviews, max_tokens).
        y_train: int8 (training reviews,), 1 = positive.
        y_test: int8 (test reviews,).
        embedding_matrix: float32 (vocabulary size, dimensions); row i is the vector of word i, zeros where unknown.

    """

    x_train: "npt.NDArray[np.int32]"
    x_test: "npt.NDArray[np.int32]"
    y_train: "npt.NDArray[np.int8]"
    y_test: "npt.NDArray[np.int8]"
    embedding_matrix: "npt.NDArray[np.float32]"

    def save(self, folder: Path) -> None:
        """Write one ``.npy`` file per array."""
        import numpy as np

        for name in ARRAY_NAMES:
            np.save(folder / f"{name}.npy", getattr(self, name), allow_pickle=False)

    @classmethod
    def load(cls, folder: Path) -> "Arrays":
        """Map the files into memory, read-only."""
        import numpy as np

        return cls(**{name: np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False) for name in ARRAY_NAMES})


@dataclass(frozen=True)
class Corpus:
    """The arrays, the words behind the ids, the data card, and the texts of the test reviews."""

    arrays: Arrays
    word_index: dict[str, int]
    card: DataCard
    texts: ReviewTexts

    def save(self, folder: Path) -> None:
        """Write the arrays, ``word_index.json`` and ``data_card.json``; the texts are kept apart."""
        self.arrays.save(folder)
        folder.joinpath("word_index.json").write_text(json.dumps(self.word_index), "utf8")
        write_json(folder / "data_card.json", self.card.model_dump(mode="json"))


def prepare(
    reviews_csv: Path, glove: Path, settings: TextSettings, *, reviews_sha256: str, glove_sha256: str
) -> Corpus:
    """Do the original study's preprocessing: clean, split once, fit the vocabulary on the training texts, pad, look up.

    The hashes, of the two files' bytes, are noted in the data card; whoever has verified the files knows them.

    Raises:
        DataError: naming the row or line that is not as expected.

    """
    frame = read_reviews(reviews_csv)
    labels = frame["label"].to_numpy()
    tokens = text.tokenise(frame["review"])
    _count_wordless(tokens, reviews_csv.name)
    train_rows, test_rows = split(len(frame), test_fraction=settings.test_fraction, seed=settings.split_seed)
    _check_split(labels[train_rows], labels[test_rows], reviews_csv.name)
    training = tokens.take(train_rows)
    vocabulary = text.count_words(training)
    if not vocabulary.words:
        raise DataError(f"{reviews_csv.name}: the training reviews have no words of two letters or more")
    limits = {"vocabulary_limit": settings.vocabulary_limit, "max_tokens": settings.max_tokens}
    x_train, x_test = (text.to_ids(part, vocabulary, **limits) for part in (training, tokens.take(test_rows)))
    embeddings = read_embeddings(glove, vocabulary.index, dimensions=settings.dimensions)
    arrays = Arrays(
        x_train=x_train,
        x_test=x_test,
        y_train=labels[train_rows],
        y_test=labels[test_rows],
        embedding_matrix=embeddings.matrix,
    )
    repeated, straddling = data_card.duplicates(frame["review"], test_rows)
    card = DataCard(
        **_balance(arrays),
        nulls=0,  # an empty cell stops the preparation
        duplicate_rows=repeated,
        straddling_duplicates=straddling,
        lengths=data_card.summarise_lengths(tokens.lengths, settings.max_tokens),
        vocabulary_size=len(vocabulary.words) + 1,
        expected_vocabulary_size=data_card.expected_vocabulary(len(frame), settings),
        coverage=data_card.coverage(vocabulary, embeddings, settings.vocabulary_limit),
        reviews_sha256=reviews_sha256,
        glove_sha256=glove_sha256,
        glove_words=embeddings.file_words,
    )
    return Corpus(arrays, vocabulary.index, card, ReviewTexts.of(frame, settings))


def _count_wordless(tokens: text.Tokens, name: str) -> None:
    """Say how many reviews become padding alone, as they do in the original study."""
    rows = (tokens.lengths == 0).nonzero()[0]
    if len(rows):
        told = "%s: %d reviews have no words, only blanks, tags or signs; the first is row %d"
        log.warning(told, name, len(rows), rows[0] + 1)


def _check_split(train: "npt.NDArray[np.int8]", test: "npt.NDArray[np.int8]", name: str) -> None:
    for part, labels in (("training", train), ("test", test)):
        if len(set(labels.tolist())) < 2:  # noqa: PLR2004 - the two classes
            raise DataError(f"{name}: the {len(labels):,} {part} reviews have one label only; give more reviews")


def _balance(arrays: Arrays) -> dict[str, Any]:
    train, test = int(arrays.y_train.sum()), int(arrays.y_test.sum())
    rows = len(arrays.y_train) + len(arrays.y_test)
    return {
        "rows": rows,
        "positive": train + test,
        "negative": rows - train - test,
        "train_rows": len(arrays.y_train),
        "test_rows": len(arrays.y_test),
        "train_positive": train,
        "test_positive": test,
    }
