"""A GloVe text file to an embedding matrix."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from imdb_tasks.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_NUMBER_BYTES = b"0123456789+-.eE "
_ADVICE = "the download may be cut short: delete the file and run again"


@dataclass(frozen=True)
class Embeddings:
    """What a GloVe file says of a vocabulary.

    Attributes:
        matrix: float32 (vocabulary size, dimensions); row i is the vector of the word with id i, zeros where GloVe
            lacks the word, and in row 0, the padding.
        found: bool (vocabulary size,), whether GloVe has the word of that id.
        file_words: how many lines the file has.

    """

    matrix: "npt.NDArray[np.float32]"
    found: "npt.NDArray[np.bool_]"
    file_words: int


def read_embeddings(path: Path, word_index: Mapping[str, int], *, dimensions: int) -> Embeddings:
    """Read the vectors of the words in ``word_index`` (ids from 1).

    Every line of the file must have the right count of values and nothing but digits in them; the values themselves
    are parsed for the words that are needed.

    Of a word that stands in the file twice the last line counts, as in the original study.

    Raises:
        DataError: naming the line that is not ``word value value ...`` with ``dimensions`` finite values.

    """
    import numpy as np

    matrix = np.zeros((len(word_index) + 1, dimensions), dtype=np.float32)
    found = np.zeros(len(word_index) + 1, dtype=np.bool_)
    number = 0
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            word, values = _split(line, number, dimensions)
            row = word_index.get(word)
            if row is not None:
                matrix[row] = _parse(values, number)
                found[row] = True
    if not number:
        raise DataError(f"{path.name}: expected GloVe vectors, found an empty file; {_ADVICE}")
    return Embeddings(matrix, found, number)


def _split(line: bytes, number: int, dimensions: int) -> tuple[str, bytes]:
    raw_word, _, values = line.rstrip(b"\r\n").partition(b" ")
    count = values.count(b" ") + 1 if values else 0
    if count != dimensions or not raw_word:
        raise DataError(f"GloVe line {number:,}: expected a word and {dimensions} values, found {count}; {_ADVICE}")
    if strange := values.translate(None, _NUMBER_BYTES):
        raise DataError(f"GloVe line {number:,}: expected finite numbers, found {strange[:20]!r} in them; {_ADVICE}")
    try:
        return raw_word.decode("utf8"), values
    except UnicodeDecodeError as error:
        raise DataError(f"GloVe line {number:,}: the word {raw_word[:40]!r} is not UTF-8; {_ADVICE}") from error


def _parse(values: bytes, number: int) -> "npt.NDArray[np.float32]":
    import numpy as np

    try:
        with np.errstate(over="ignore"):  # what overflows is refused below
            vector = np.array(values.split(b" "), dtype=np.float32)
    except ValueError as error:
        raise DataError(f"GloVe line {number:,}: {error}; {_ADVICE}") from error
    if not np.isfinite(vector).all():
        raise DataError(f"GloVe line {number:,}: a value is too large for float32; {_ADVICE}")
    return vector
