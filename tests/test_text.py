import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from imdb_tasks import text
from tests import reference

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


@given(REVIEWS)
def test_cleaning_equals_the_original(review: str) -> None:
    assert text.clean(review) == reference.clean(review)


@given(REVIEWS)
def test_words_of_a_cleaned_review_are_those_of_the_original_tokeniser(review: str) -> None:
    cleaned = reference.clean(review)
    assert text.words(cleaned) == reference.split_words(cleaned)


@given(st.lists(REVIEWS, min_size=1, max_size=8), st.integers(2, 12), st.integers(1, 6))
def test_ids_equal_those_of_the_original_tokeniser(reviews: list[str], limit: int, length: int) -> None:
    cleaned = [reference.clean(review) for review in reviews]
    index = reference.fit(cleaned)
    documents = [text.words(text.clean(review)) for review in reviews]
    ours = text.index_words(text.count_words(documents))
    assert list(ours.items()) == list(index.items())
    expected = reference.pad(reference.sequences(cleaned, index, limit), length)
    ids = text.to_ids(documents, ours, vocabulary_limit=limit, max_tokens=length)
    np.testing.assert_array_equal(ids, expected)
    assert ids.dtype == np.int32


def test_of_two_lone_letters_in_a_row_only_the_first_goes() -> None:
    assert text.clean("see a b see") == "see b see"


def test_a_tag_leaves_no_space_behind() -> None:
    assert text.clean("good<br /><br />film") == "goodfilm"


def test_a_bracket_that_is_never_closed_is_only_a_non_letter() -> None:
    assert text.clean("3 < 4 and more") == " and more"


def test_equal_frequencies_keep_the_order_of_first_appearance() -> None:
    counts = text.count_words([["b", "a"], ["c", "a", "b"], ["d"]])
    assert text.index_words(counts) == {"b": 1, "a": 2, "c": 3, "d": 4}


def test_long_reviews_lose_their_beginning_and_short_ones_are_padded_at_the_end() -> None:
    index = {"a": 1, "b": 2, "c": 3}
    ids = text.to_ids([["a", "b", "c"], ["c"], []], index, vocabulary_limit=9, max_tokens=2)
    assert ids.tolist() == [[2, 3], [3, 0], [0, 0]]


def test_the_limit_itself_is_no_longer_an_id() -> None:
    ids = text.to_ids([["a", "b", "c"]], {"a": 1, "b": 2, "c": 3}, vocabulary_limit=3, max_tokens=3)
    assert ids.tolist() == [[1, 2, 0]]


def test_words_out_of_the_vocabulary_go_before_the_row_is_cut() -> None:
    ids = text.to_ids([["a", "rare", "rare"]], {"a": 1}, vocabulary_limit=9, max_tokens=2)
    assert ids.tolist() == [[1, 0]]
