import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imdb_tasks.corpus import ReviewTexts, read_reviews, split
from imdb_tasks.errors import DataError
from imdb_tasks.report.wrong_reviews import LONGEST, MOST, excerpt, most_confident_errors
from imdb_tasks.study import TextSettings


@pytest.fixture(scope="module")
def texts(corpus_folder):
    return ReviewTexts.read(corpus_folder / "IMDB Dataset.csv", TextSettings())


@pytest.fixture(scope="module")
def in_test(corpus_folder):
    """The test reviews and labels, in the order of the split."""
    frame = read_reviews(corpus_folder / "IMDB Dataset.csv")
    _, rows = split(len(frame), test_fraction=0.2, seed=42)
    return rows, frame["label"].to_numpy()[rows], frame["review"].to_numpy()[rows]


def test_the_surest_errors_come_first_with_the_text_of_their_own_row(texts, in_test):
    rows, labels, reviews = in_test
    probabilities = np.where(labels == 1, 0.9, 0.1).astype("float32")
    probabilities[4] = 0.97 if labels[4] == 0 else 0.03
    probabilities[7] = 0.6 if labels[7] == 0 else 0.4
    found = most_confident_errors(texts, probabilities)
    assert [wrong.row for wrong in found] == [rows[4] + 1, rows[7] + 1]
    assert found[0].probability == pytest.approx(probabilities[4])
    assert found[0].label == ("positive" if labels[4] else "negative")
    assert found[0].text.split()[:3] == reviews[4].split()[:3]


def test_a_model_that_is_never_wrong_has_no_examples(texts, in_test):
    assert most_confident_errors(texts, in_test[1].astype("float32")) == ()


def test_there_are_few_of_them_and_the_earlier_of_equals_comes_first(texts, in_test):
    found = most_confident_errors(texts, 1 - in_test[1].astype("float32"))
    assert [wrong.row for wrong in found] == [row + 1 for row in in_test[0][:MOST]]


def test_probabilities_of_another_corpus_are_refused(texts):
    with pytest.raises(DataError, match=r"behind 3 test probabilities, found 12 texts"):
        most_confident_errors(texts, np.zeros(3, "float32"))


def test_a_long_review_is_cut_to_its_end_at_a_word():
    text = excerpt("start " + "word " * 200 + "the end")
    assert text.startswith("…word word")
    assert text.endswith("the end")
    assert len(text) <= LONGEST


def test_tags_and_line_breaks_become_spaces():
    assert excerpt("good<br /><br />bad\r\nugly") == "good bad ugly"


@pytest.mark.parametrize(
    "character",
    ["\u202e", "\u2066", "\u200b", "\ufeff", "\x00", "\x1b", "\u2028", "\ud800"],
    ids=["override", "isolate", "zero width", "mark of order", "nul", "escape", "line separator", "half a pair"],
)
def test_what_would_turn_or_hide_other_text_is_gone(character):
    assert excerpt(f"a{character}b") == "a b"


def test_piles_of_accents_are_cut_and_single_ones_stay():
    assert excerpt("cafe\u0301") == "café"
    assert excerpt("z" + "\u0334\u0335\u0336" * 50) == "z\u0334"


@given(st.text(max_size=900))
def test_any_text_becomes_one_short_printable_line(text):
    line = excerpt(text)
    assert len(line) <= LONGEST
    assert line.isprintable()
    assert not any(
        unicodedata.bidirectional(c) in {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI"} for c in line
    )
