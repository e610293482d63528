import itertools
import random

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imdb_tasks.corpus import tokens as text
from tests.support import reference

# Texts that meet every rule: tags, lone letters, entities, accents, all kinds of space, and plain words.
PIECES = st.sampled_from(
    [
        "<br />",
        "<",
        ">",
        "< i>",
        "a",
        "I",
        " ",
        "  ",
        "\t",
        "\n",
        "\u00a0",
        "\u2028",
        "é",
        "don't",
        "The",
        "film",
        "10/10",
    ]
    + ["&amp;", "b c d", "x1y", ".", "-", "İ", "ﬁ", "ſ", "K"]
)
REVIEWS = st.one_of(st.text(max_size=60), st.lists(PIECES, max_size=30).map("".join))


def cleaned(review: str) -> str:
    return text.clean(pa.array([review])).to_pylist()[0]


def tokens(*reviews: str) -> text.Tokens:
    import pandas as pd

    return text.tokenise(pd.Series(reviews, name="review", dtype="str"))


def documents(found: text.Tokens) -> list[list[str]]:
    words = iter(found.words[code] for code in found.codes)
    return [list(itertools.islice(words, int(length))) for length in found.lengths]


def ids(*reviews: str, limit: int = 9, length: int) -> list[list[int]]:
    """Return rows of ids in a vocabulary of a, b and c in this order, whatever else the reviews have."""
    known = tokens("aa aa aa bb bb cc", *reviews)
    vocabulary = text.count_words(known.take(np.array([0])))
    rows = known.take(np.arange(1, len(reviews) + 1))
    return text.to_ids(rows, vocabulary, vocabulary_limit=limit, max_tokens=length).tolist()


@given(REVIEWS)
def test_cleaning_equals_the_original(review: str) -> None:
    assert cleaned(review) == reference.clean(review)


@given(st.lists(REVIEWS, min_size=1, max_size=5))
def test_words_are_those_of_the_original_tokeniser(reviews: list[str]) -> None:
    assert documents(tokens(*reviews)) == [reference.split_words(reference.clean(review)) for review in reviews]


@given(st.lists(REVIEWS, min_size=1, max_size=8), st.integers(2, 12), st.integers(1, 6), st.randoms())
def test_ids_equal_those_of_the_original_tokeniser(
    reviews: list[str], limit: int, length: int, draw: random.Random
) -> None:
    rows = draw.sample(range(len(reviews)), draw.randint(1, len(reviews)))
    texts = [reference.clean(review) for review in reviews]
    training = [texts[row] for row in rows]
    index = reference.fit(training)
    every = tokens(*reviews)
    vocabulary = text.count_words(every.take(np.array(rows)))
    assert list(vocabulary.index.items()) == list(index.items())
    assert vocabulary.counts.tolist() == [
        sum(reference.split_words(each).count(word) for each in training) for word in index
    ]
    expected = reference.pad(reference.sequences(texts, index, limit), length)
    found = text.to_ids(every, vocabulary, vocabulary_limit=limit, max_tokens=length)
    np.testing.assert_array_equal(found, expected)
    assert found.dtype == np.int32


def test_reviews_are_split_in_portions_without_a_seam(monkeypatch: pytest.MonkeyPatch) -> None:
    reviews = [f"word{'s' * (number % 7)} film" for number in range(20)]
    whole = tokens(*reviews)
    monkeypatch.setattr(text, "_PORTION", 3)
    portioned = tokens(*reviews)
    assert documents(portioned) == documents(whole)
    assert text.count_words(portioned).index == text.count_words(whole).index


def test_of_two_lone_letters_in_a_row_only_the_first_goes() -> None:
    assert cleaned("see a b see") == "see b see"


def test_a_tag_leaves_no_space_behind() -> None:
    assert cleaned("good<br /><br />film") == "goodfilm"


def test_a_bracket_that_is_never_closed_is_only_a_non_letter() -> None:
    assert cleaned("3 < 4 and more") == " and more"


def test_equal_frequencies_keep_the_order_of_first_appearance() -> None:
    vocabulary = text.count_words(tokens("bb aa", "cc aa bb", "dd"))
    assert vocabulary.index == {"bb": 1, "aa": 2, "cc": 3, "dd": 4}
    assert vocabulary.counts.tolist() == [2, 2, 1, 1]


def test_long_reviews_lose_their_beginning_and_short_ones_are_padded_at_the_end() -> None:
    assert ids("aa bb cc", "cc", "", length=2) == [[2, 3], [3, 0], [0, 0]]


def test_the_limit_itself_is_no_longer_an_id() -> None:
    assert ids("aa bb cc", limit=3, length=3) == [[1, 2, 0]]


def test_words_out_of_the_vocabulary_go_before_the_row_is_cut() -> None:
    assert ids("aa rare rare", length=2) == [[1, 0]]
