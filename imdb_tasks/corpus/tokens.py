"""Reviews to rows of word ids: the original study's cleaning, tokenising and padding, to the token.

The tokeniser follows ``keras.preprocessing.text.Tokenizer`` (Keras 2, now deprecated), which has no successor with the
same ids: ``TextVectorization`` breaks ties and strips punctuation differently.

Words are handled as codes, numbers into a list of distinct words, so that libraries can count and look up millions of
them at once.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

_PORTION = 2_500  # reviews that one thread cleans at a time


@dataclass(frozen=True)
class Tokens:
    """Documents as codes.

    Attributes:
        words: the distinct words that codes stand for.
        codes: int32 (tokens,), the documents one after the other.
        lengths: int64 (documents,), tokens of each.

    """

    words: tuple[str, ...]
    codes: "npt.NDArray[np.int32]"
    lengths: "npt.NDArray[np.int64]"

    def take(self, rows: "npt.NDArray[np.int64]") -> "Tokens":
        """Return the documents with these numbers, in their order; the codes mean the same."""
        import numpy as np

        ends = np.cumsum(self.lengths)
        starts = ends - self.lengths
        pieces = [self.codes[starts[row] : ends[row]] for row in rows]
        return Tokens(self.words, np.concatenate(pieces), self.lengths[rows])


@dataclass(frozen=True)
class Vocabulary:
    """The words of the training texts, by falling frequency; equal frequencies in the order of first appearance.

    Attributes:
        words: the word of id 1 comes first.
        counts: int64 (words,).
        ids: int32 (codes,), the id of each code, 0 for words that the training texts lack.

    """

    words: tuple[str, ...]
    counts: "npt.NDArray[np.int64]"
    ids: "npt.NDArray[np.int32]"

    @cached_property
    def index(self) -> dict[str, int]:
        """Ids by word, from 1, in the order of the ids."""
        return {word: number for number, word in enumerate(self.words, start=1)}


def clean(reviews: Any) -> Any:
    """Remove tags, then all but ASCII letters, then single letters, and collapse the spaces, in this order.

    Takes and returns a ``pyarrow.Array`` of strings. Kept as the original does it: of two lone letters in a row only
    the first goes, for they share one space.
    """
    from pyarrow import compute

    texts = compute.replace_substring_regex(reviews, "<[^>]+>", "")
    texts = compute.replace_substring_regex(texts, "[^a-zA-Z ]+", " ")  # most matches would be spaces otherwise
    texts = compute.replace_substring_regex(texts, " +[a-zA-Z] +", " ")
    return compute.replace_substring_regex(texts, "  +", " ")


def tokenise(reviews: "pd.Series[str]") -> Tokens:
    """Clean the reviews and split them into lower-case words."""
    import numpy as np
    import pyarrow as pa

    whole = pa.Table.from_pandas(reviews.to_frame(), preserve_index=False).column(0)
    portions = [whole.slice(start, _PORTION).combine_chunks() for start in range(0, len(whole), _PORTION)]
    with ThreadPoolExecutor(pa.cpu_count()) as pool:  # Arrow computes without holding Python's lock
        encoded, lengths = zip(*pool.map(_encode, portions), strict=True)
    unified = pa.chunked_array(encoded).unify_dictionaries()
    codes = [chunk.indices.to_numpy() for chunk in unified.chunks]
    words = unified.chunk(0).dictionary.to_pylist()
    return Tokens(tuple(words), np.concatenate(codes), np.concatenate(lengths))


def _encode(reviews: Any) -> "tuple[Any, npt.NDArray[np.int64]]":
    """Return the words of some reviews, one after the other, as a ``DictionaryArray``, and how many each has."""
    import numpy as np
    from pyarrow import compute

    texts = compute.utf8_trim(compute.ascii_lower(clean(reviews)), " ")
    # Splitting an empty text gives one empty word, and null none.
    words = compute.split_pattern(compute.if_else(compute.equal(texts, ""), None, texts), " ")
    return words.flatten().dictionary_encode(), np.diff(words.offsets.to_numpy()).astype(np.int64)


def count_words(training: Tokens) -> Vocabulary:
    """Count the words of the training texts, and give them ids."""
    import numpy as np
    import pyarrow as pa

    # A dictionary lists its values in the order of first appearance.
    appeared = pa.array(training.codes).dictionary_encode().dictionary.to_numpy()
    counts = np.bincount(training.codes, minlength=len(training.words))
    ordered = appeared[np.argsort(-counts[appeared], kind="stable")]
    ids = np.zeros(len(training.words), np.int32)
    ids[ordered] = np.arange(1, len(ordered) + 1)
    return Vocabulary(tuple(training.words[code] for code in ordered), counts[ordered], ids)


def to_ids(
    tokens: Tokens, vocabulary: Vocabulary, *, vocabulary_limit: int, max_tokens: int
) -> "npt.NDArray[np.int32]":
    """Return ids: int32 (documents, max_tokens), 0 = padding.

    Words without an id below ``vocabulary_limit`` are left out first; then the last ``max_tokens`` ids of each
    document are kept, and shorter rows are padded at the end.
    """
    import numpy as np

    ids = np.where(vocabulary.ids < vocabulary_limit, vocabulary.ids, 0)[tokens.codes]
    rows = np.repeat(np.arange(len(tokens.lengths), dtype=np.int32), tokens.lengths)[ids > 0]
    ids = ids[ids > 0]
    lengths = np.bincount(rows, minlength=len(tokens.lengths)).astype(np.int32)
    from_end = np.cumsum(lengths, dtype=np.int32)[rows] - np.arange(len(rows), dtype=np.int32)  # 1 is the last
    columns = np.minimum(lengths, max_tokens)[rows] - from_end
    fits = columns >= 0
    array = np.zeros((len(tokens.lengths), max_tokens), dtype=np.int32)
    array[rows[fits], columns[fits]] = ids[fits]
    return array
