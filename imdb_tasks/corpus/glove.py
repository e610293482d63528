"""A GloVe text file to an embedding matrix."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from imdb_tasks.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_NUMBER_BYTES = b"0123456789+-.eE "
_BLOCK = 8 << 20  # bytes
_HEADER_BYTES, _HEADER_FIELDS = 64, 2
_ADVICE = "the file is damaged or truncated: fetch it again and repeat the run"


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

    If a word occurs twice, the last line is used, as in the original study. A first line of two whole
    numbers, as word2vec writes it, is passed over if the second is ``dimensions``.

    Raises:
        DataError: naming the line that is not ``word value value ...`` with ``dimensions`` finite values.

    """
    import numpy as np

    needed = {word.encode(): number for word, number in word_index.items()}
    matrix = np.zeros((len(word_index) + 1, dimensions), dtype=np.float32)
    found = np.zeros(len(word_index) + 1, dtype=np.bool_)
    with path.open("rb") as file:
        count = skipped = _skip_header(file, dimensions)
        # A good block is checked as a whole; only a bad one is gone through line by line, to name the line.
        while lines := file.readlines(_BLOCK):
            words = [line[: line.find(b" ")] for line in lines]
            if not _sound(lines, words, dimensions):
                for number, line in enumerate(lines, start=count + 1):
                    _check(line, number, dimensions)
            hits = [number for number, word in enumerate(words) if word in needed]
            rows = [needed[words[number]] for number in hits]
            values = [lines[number][len(words[number]) + 1 :].rstrip() for number in hits]
            if hits:
                matrix[rows] = _parse(values, [count + 1 + number for number in hits], dimensions)
                found[rows] = True
            count += len(lines)
    if count == skipped:
        raise DataError(f"{path.name}: expected GloVe vectors, found an empty file; {_ADVICE}")
    return Embeddings(matrix, found, count - skipped)


def _skip_header(file: IO[bytes], dimensions: int) -> int:
    """Pass over the header line of a word2vec text file; return how many lines that were."""
    numbers = file.readline(_HEADER_BYTES).split()
    if len(numbers) == _HEADER_FIELDS and all(number.isdigit() for number in numbers) and dimensions > 1:
        if int(numbers[1]) != dimensions:
            raise DataError(
                f"GloVe line 1: expected vectors of {dimensions} values, found a header with {int(numbers[1]):,}; "
                f"choose the file with {dimensions} dimensions"
            )
        return 1
    file.seek(0)
    return 0


def _sound(lines: list[bytes], words: list[bytes], dimensions: int) -> bool:
    """Tell whether all lines would pass ``_check``, without looking at them one by one."""
    block, names = b"".join(lines), b" ".join(words)
    try:
        names.decode("utf8")
    except UnicodeDecodeError:
        return False
    if b"\r" in block or not all(words):
        return False
    kept = _NUMBER_BYTES + b"\n"  # if only the words have other bytes than these, the values have none
    return {line.count(b" ") for line in lines} == {dimensions} and block.translate(None, kept) == names.translate(
        None, kept
    )


def _check(line: bytes, number: int, dimensions: int) -> None:
    word, _, values = line.rstrip(b"\r\n").partition(b" ")
    count = values.count(b" ") + 1 if values else 0
    if count != dimensions or not word:
        raise DataError(f"GloVe line {number:,}: expected a word and {dimensions} values, found {count}; {_ADVICE}")
    if strange := values.translate(None, _NUMBER_BYTES):
        raise DataError(f"GloVe line {number:,}: expected finite numbers, found {strange[:20]!r} in them; {_ADVICE}")
    try:
        word.decode("utf8")
    except UnicodeDecodeError as error:
        raise DataError(f"GloVe line {number:,}: the word {word[:40]!r} is not UTF-8; {_ADVICE}") from error


def _parse(values: list[bytes], numbers: list[int], dimensions: int) -> "npt.NDArray[np.float32]":
    """Return float32 (lines, dimensions) of lines of numbers; ``numbers`` are the lines' places in the file."""
    import numpy as np
    import pyarrow as pa
    from pyarrow import csv

    # Parsed as float64 and then rounded, as numpy does with text: rounding once could differ in the last bit.
    types = {str(column): pa.float64() for column in range(dimensions)}
    try:
        table = csv.read_csv(
            pa.py_buffer(b"\n".join(values)),
            csv.ReadOptions(column_names=list(types)),
            csv.ParseOptions(delimiter=" ", quote_char=False),
            csv.ConvertOptions(column_types=types, null_values=[]),
        )
    except pa.ArrowInvalid:
        return np.stack([_parse_line(value, number) for value, number in zip(values, numbers, strict=True)])
    with np.errstate(over="ignore"):  # what overflows is refused below
        vectors = np.stack([column.to_numpy() for column in table.columns], axis=1).astype(np.float32)
    finite = np.isfinite(vectors).all(axis=1)
    if not finite.all():
        raise DataError(f"GloVe line {numbers[int(finite.argmin())]:,}: a value is too large for float32; {_ADVICE}")
    return vectors


def _parse_line(values: bytes, number: int) -> "npt.NDArray[np.float32]":
    import numpy as np

    try:
        return np.array(values.split(b" "), dtype=np.float64).astype(np.float32)
    except ValueError as error:
        raise DataError(f"GloVe line {number:,}: {error}; {_ADVICE}") from error
