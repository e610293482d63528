"""The data card: statistics of the corpus that every report shows."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from imdb_tasks.corpus.glove import Embeddings
from imdb_tasks.corpus.tokens import Vocabulary
from imdb_tasks.study import Coverage, LengthSummary, Study, TextSettings

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

_MISSING_SHOWN = 20
_HISTOGRAM_BINS = 30
ORIGINAL_ROWS = 50_000
ORIGINAL_VOCABULARY = 92_547  # with Kaggle's file in Kaggle's row order; another order splits, and so counts, otherwise


def expected_vocabulary(rows: int, text: TextSettings) -> int | None:
    """Return the original study's vocabulary size where the corpus and the split are its own, else None."""
    return ORIGINAL_VOCABULARY if rows == ORIGINAL_ROWS and text.test_fraction == Study().text.test_fraction else None


def duplicates(reviews: "pd.Series[str]", test_rows: "npt.NDArray[np.int64]") -> tuple[int, int]:
    """Count the reviews that repeat an earlier one, and the test reviews whose text is also a training review."""
    shared = reviews[reviews.duplicated(keep=False)]  # the few that are worth comparing
    in_test = shared.index.isin(test_rows)
    return int(shared.duplicated().sum()), int(shared[in_test].isin(shared[~in_test]).sum())


def summarise_lengths(lengths: "npt.NDArray[np.int64]", max_tokens: int) -> LengthSummary:
    """Summarise words per review; the last histogram bin ends at the longest review."""
    import numpy as np

    # Most reviews are short and a few are very long: bins up to the 99th percentile keep the shape visible.
    top = max(int(np.percentile(lengths, 99)), _HISTOGRAM_BINS)
    edges = np.unique(np.linspace(0, top, _HISTOGRAM_BINS + 1).astype(int))
    edges[-1] = max(int(lengths.max()), int(edges[-1]))
    counts, _ = np.histogram(lengths, bins=edges)
    return LengthSummary(
        mean=float(lengths.mean()),
        median=float(np.median(lengths)),
        p90=float(np.percentile(lengths, 90)),
        maximum=int(lengths.max()),
        truncated_share=float((lengths > max_tokens).mean()),
        histogram_edges=tuple(edges.tolist()),
        histogram_counts=tuple(counts.tolist()),
    )


def coverage(vocabulary: Vocabulary, embeddings: Embeddings, vocabulary_limit: int) -> Coverage:
    """Say how much of the training texts' vocabulary GloVe knows, by words and by tokens."""
    tokens = vocabulary.counts
    known = embeddings.found[1:]
    limited = slice(0, vocabulary_limit - 1)
    return Coverage(
        words=_share(known),
        tokens=_share(known, tokens),
        limited_words=_share(known[limited]),
        limited_tokens=_share(known[limited], tokens[limited]),
        frequent_missing=_first_missing(vocabulary.words, known),
    )


def _share(known: "npt.NDArray[np.bool_]", weights: "npt.NDArray[np.int64] | None" = None) -> float:
    if weights is None:
        return float(known.mean())
    return float(weights[known].sum() / weights.sum())


def _first_missing(ordered: Sequence[str], known: "npt.NDArray[np.bool_]") -> tuple[str, ...]:
    return tuple(ordered[row] for row in (~known).nonzero()[0][:_MISSING_SHOWN])
