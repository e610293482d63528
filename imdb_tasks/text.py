"""Reviews to rows of word ids: the original study's cleaning, tokenising and padding, to the token.

The tokeniser follows ``keras.preprocessing.text.Tokenizer`` (Keras 2, now deprecated), which has no successor with the
same ids: ``TextVectorization`` breaks ties and strips punctuation differently.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_TAG = re.compile(r"<[^>]+>")
_NOT_A_LETTER = re.compile(r"[^a-zA-Z]")
_LONE_LETTER = re.compile(r"\s+[a-zA-Z]\s+")
_SPACES = re.compile(r"\s+")


def clean(review: str) -> str:
    """Remove tags, then all but ASCII letters, then single letters, and collapse the spaces, in this order.

    Kept as the original does it: of two lone letters in a row only the first goes, for they share one space.
    """
    text = _TAG.sub("", review)
    text = _NOT_A_LETTER.sub(" ", text)
    text = _LONE_LETTER.sub(" ", text)
    return _SPACES.sub(" ", text)


def words(cleaned: str) -> list[str]:
    """Split a cleaned review into lower-case words."""
    return cleaned.lower().split()


def count_words(documents: Iterable[Sequence[str]]) -> Counter[str]:
    """Count the words of ``documents``; the counter keeps the order of first appearance."""
    return Counter(chain.from_iterable(documents))


def index_words(counts: Mapping[str, int]) -> dict[str, int]:
    """Give ids from 1, by falling frequency; equal frequencies keep their order in ``counts``."""
    by_frequency = sorted(counts, key=counts.__getitem__, reverse=True)
    return {word: index for index, word in enumerate(by_frequency, start=1)}


def to_ids(
    documents: Sequence[Sequence[str]],
    word_index: Mapping[str, int],
    *,
    vocabulary_limit: int,
    max_tokens: int,
) -> "npt.NDArray[np.int32]":
    """Return ids: int32 (documents, max_tokens), 0 = padding.

    Words without an id below ``vocabulary_limit`` are left out first; then the last ``max_tokens`` ids of each
    document are kept, and shorter rows are padded at the end.
    """
    import numpy as np

    known = {word: index for word, index in word_index.items() if index < vocabulary_limit}
    ids = np.zeros((len(documents), max_tokens), dtype=np.int32)
    for row, document in enumerate(documents):
        kept = [known[word] for word in document if word in known][-max_tokens:]
        ids[row, : len(kept)] = kept
    return ids
