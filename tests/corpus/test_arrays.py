import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from imdb_tasks.corpus.arrays import ARRAY_NAMES, Arrays, Corpus
from imdb_tasks.corpus.reviews_csv import read_reviews
from imdb_tasks.corpus.splitting import split
from imdb_tasks.errors import DataError
from imdb_tasks.study import TextSettings
from tests.support import reference
from tests.support.corpus import prepare_files

SETTINGS = TextSettings(max_tokens=12, vocabulary_limit=15)


@pytest.fixture(scope="module")
def corpus(corpus_folder: Path) -> Corpus:
    return prepare_files(corpus_folder / "IMDB Dataset.csv", corpus_folder / "glove.6B.100d.txt", SETTINGS)


def test_arrays_equal_the_plain_reference(corpus: Corpus, corpus_folder: Path) -> None:
    from sklearn.model_selection import train_test_split

    frame = read_reviews(corpus_folder / "IMDB Dataset.csv")
    texts = [reference.clean(review) for review in frame["review"]]
    x_train, x_test, y_train, y_test = train_test_split(
        texts, frame["label"].to_numpy(), test_size=0.20, random_state=42
    )
    index = reference.fit(x_train)
    expected = {
        "x_train": reference.pad(reference.sequences(x_train, index, 15), 12),
        "x_test": reference.pad(reference.sequences(x_test, index, 15), 12),
        "y_train": y_train,
        "y_test": y_test,
        "embedding_matrix": reference.embedding_matrix(corpus_folder / "glove.6B.100d.txt", index, 100),
    }
    assert corpus.word_index == index
    for name, values in expected.items():
        np.testing.assert_array_equal(getattr(corpus.arrays, name), values, err_msg=name)


@given(st.integers(2, 500), st.floats(0.01, 0.99), st.integers(0, 2**32 - 1))
def test_the_split_is_that_of_scikit_learn(rows: int, test_fraction: float, seed: int) -> None:
    from sklearn.model_selection import train_test_split

    assume(math.ceil(rows * test_fraction) < rows)
    expected = train_test_split(np.arange(rows), test_size=test_fraction, random_state=seed)
    for found, wanted in zip(split(rows, test_fraction=test_fraction, seed=seed), expected, strict=True):
        np.testing.assert_array_equal(found, wanted)


def test_arrays_have_the_promised_types(corpus: Corpus) -> None:
    types = [str(getattr(corpus.arrays, name).dtype) for name in ARRAY_NAMES]
    assert types == ["int32", "int32", "int8", "int8", "float32"]


def test_saved_arrays_come_back_memory_mapped_and_read_only(corpus: Corpus, tmp_path: Path) -> None:
    corpus.save(tmp_path)
    loaded = Arrays.load(tmp_path)
    assert isinstance(loaded.x_train, np.memmap)
    assert not loaded.x_train.flags.writeable
    np.testing.assert_array_equal(loaded.embedding_matrix, corpus.arrays.embedding_matrix)
    assert json.loads(tmp_path.joinpath("word_index.json").read_text()) == corpus.word_index


def test_the_data_card_counts_what_is_there(corpus: Corpus) -> None:
    card = corpus.card
    assert (card.rows, card.positive, card.negative, card.train_rows, card.test_rows) == (60, 30, 30, 48, 12)
    assert card.vocabulary_size == len(corpus.word_index) + 1
    assert card.coverage.frequent_missing == ("story",)
    assert 0.9 < card.coverage.words < 1
    assert card.expected_vocabulary_size is None


def test_reviews_without_words_are_refused(tmp_path: Path, corpus_folder: Path) -> None:
    path = tmp_path / "digits.csv"
    path.write_text("review,sentiment\n" + "123 !!,positive\n456 ??,negative\n" * 10)
    with pytest.raises(DataError, match="have no words"):
        prepare_files(path, corpus_folder / "glove.6B.100d.txt", SETTINGS)


def test_a_split_with_one_label_only_is_refused(tmp_path: Path, corpus_folder: Path) -> None:
    path = tmp_path / "few.csv"
    path.write_text("review,sentiment\n" + "good,positive\n" * 9 + "bad,negative\n")
    with pytest.raises(DataError, match="reviews have one label only"):
        prepare_files(path, corpus_folder / "glove.6B.100d.txt", SETTINGS)


def test_reviews_without_words_are_taken_and_counted_in_the_log(corpus_folder: Path, tmp_path: Path, caplog) -> None:
    reviews = tmp_path / "IMDB Dataset.csv"
    rows = corpus_folder.joinpath("IMDB Dataset.csv").read_text("utf8")
    reviews.write_text(f'{rows}"   ",positive\n<br />,negative\n', "utf8")
    corpus = prepare_files(reviews, corpus_folder / "glove.6B.100d.txt", SETTINGS)
    assert corpus.card.rows == 62
    assert "IMDB Dataset.csv: 2 reviews have no words, only blanks, tags or signs; the first is row 61" in caplog.text
