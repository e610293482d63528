import numpy as np
import pytest

from imdb_tasks.corpus import data_card
from imdb_tasks.corpus.glove import Embeddings
from imdb_tasks.corpus.tokens import Vocabulary
from imdb_tasks.study import TextSettings


def test_duplicates_are_counted_and_so_are_those_on_both_sides_of_the_split() -> None:
    import pandas as pd

    reviews = pd.Series(["a", "b", "a", "c", "b", "a", "d"])
    assert data_card.duplicates(reviews, np.array([4, 5, 6])) == (3, 2)


def test_coverage_is_told_in_words_and_in_tokens() -> None:
    vocabulary = Vocabulary(("the", "film", "zzz"), np.array([6, 3, 1]), np.zeros(0, np.int32))
    found = np.array([False, True, False, False])
    embeddings = Embeddings(np.zeros((4, 2), np.float32), found, 1)
    result = data_card.coverage(vocabulary, embeddings, vocabulary_limit=3)
    assert (result.words, result.tokens) == pytest.approx((1 / 3, 0.6))
    assert (result.limited_words, result.limited_tokens) == pytest.approx((1 / 2, 6 / 9))
    assert result.frequent_missing == ("film", "zzz")


def test_every_review_is_in_the_length_histogram() -> None:
    lengths = np.array([1, 5, 5, 90, 4_000])
    summary = data_card.summarise_lengths(lengths, max_tokens=5)
    assert sum(summary.histogram_counts) == 5
    assert (summary.maximum, summary.median, summary.truncated_share) == (4_000, 5.0, 0.4)
    assert len(summary.histogram_edges) == len(summary.histogram_counts) + 1


def test_the_originals_vocabulary_is_expected_only_of_the_originals_corpus() -> None:
    assert data_card.expected_vocabulary(50_000, TextSettings()) == 92_547
    assert data_card.expected_vocabulary(4_000, TextSettings()) is None
    assert data_card.expected_vocabulary(50_000, TextSettings(test_fraction=0.5)) is None
