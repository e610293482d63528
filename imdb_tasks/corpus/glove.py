"""A GloVe text file to an embedding matrix."""

import codecs
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from imdb_tasks.corpus import glove_lines
from imdb_tasks.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_BLOCK = 8 << 20  # bytes
_HEADER_BYTES, _HEADER_FIELDS = 64, 2


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

    If a word occurs twice, the last line is used, as in the original study. A byte order mark, blanks at the end of a
    line and empty lines at the end of the file are passed over. So is a first line of two whole numbers, as word2vec
    writes it, if the second is ``dimensions`` and the first is the count of vectors.

    Raises:
        DataError: naming the line that is not ``word value value ...`` with ``dimensions`` finite values.

    """
    import numpy as np

    needed = {word.encode(): number for word, number in word_index.items()}
    matrix = np.zeros((len(word_index) + 1, dimensions), dtype=np.float32)
    found = np.zeros(len(word_index) + 1, dtype=np.bool_)
    with path.open("rb") as file:
        announced = _skip_start(file, dimensions)
        count = skipped = 0 if announced is None else 1
        # A good block is checked as a whole; only a bad one is gone through line by line, to name the line.
        while lines := file.readlines(_BLOCK):
            words = [line[: line.find(b" ")] for line in lines]
            if not _sound(lines, words, dimensions):
                lines = list(_checked(lines, count, file, dimensions))
                words = [line[: line.find(b" ")] for line in lines]
            hits = [number for number, word in enumerate(words) if word in needed]
            rows = [needed[words[number]] for number in hits]
            values = [lines[number][len(words[number]) + 1 :].rstrip() for number in hits]
            if hits:
                matrix[rows] = _parse(values, [count + 1 + number for number in hits], dimensions)
                found[rows] = True
            count += len(lines)
    if count == skipped:
        raise DataError(f"{path.name}: expected GloVe vectors, found an empty file; fetch it again and repeat the run")
    if announced not in (None, count - skipped):
        fault = "the file was cut short" if count - skipped < announced else "the header is that of another file"
        raise DataError(
            f"{path.name}: expected {announced:,} vectors, as its header line says, found {count - skipped:,}: {fault};"
            " fetch it again and repeat the run"
        )
    return Embeddings(matrix, found, count - skipped)


def _skip_start(file: IO[bytes], dimensions: int) -> int | None:
    """Pass over a byte order mark and the header line of word2vec; return the count of vectors that it announces."""
    start = len(codecs.BOM_UTF8) if file.read(len(codecs.BOM_UTF8)) == codecs.BOM_UTF8 else 0
    file.seek(start)
    numbers = file.readline(_HEADER_BYTES).split()
    if len(numbers) == _HEADER_FIELDS and all(number.isdigit() for number in numbers) and dimensions > 1:
        if int(numbers[1]) != dimensions:
            raise DataError(
                f"GloVe line 1: expected vectors of {dimensions} values, found a header with {int(numbers[1]):,}; "
                f"choose the file with {dimensions} dimensions"
            )
        return int(numbers[0])
    file.seek(start)
    return None


def _sound(lines: list[bytes], words: list[bytes], dimensions: int) -> bool:
    """Tell whether all lines would pass ``glove_lines.fault``, without looking at them one by one."""
    block, names = b"".join(lines), b" ".join(words)
    try:
        names.decode("utf8")
    except UnicodeDecodeError:
        return False
    if b"\r" in block or not all(words):
        return False
    kept = glove_lines.NUMBER_BYTES + b"\n"  # if only the words have other bytes than these, the values have none
    return {line.count(b" ") for line in lines} == {dimensions} and block.translate(None, kept) == names.translate(
        None, kept
    )


def _checked(lines: list[bytes], before: int, file: IO[bytes], dimensions: int) -> Iterator[bytes]:
    """Yield the lines without blanks at their ends; nothing of a file's end that has only empty lines.

    ``before`` is how many lines came before these. Raises DataError for the first line that is no vector.
    """
    ahead = file.read(1)  # whether these lines are the file's last
    file.seek(-len(ahead), os.SEEK_CUR)
    for number, line in enumerate(lines):
        if not line.strip() and not any(rest.strip() for rest in (*lines[number:], *_rest(file))):
            return
        bare = line.rstrip()
        is_end = not ahead and number == len(lines) - 1 and not line.endswith(b"\n")
        if fault := glove_lines.fault(bare, dimensions, first=before + number == 0, cut=is_end):
            raise DataError(f"GloVe line {before + number + 1:,}: {fault}")
        yield bare


def _rest(file: IO[bytes]) -> Iterator[bytes]:
    """Yield what is left of a file, up to something that is not blank, and go back."""
    here = file.tell()
    while block := file.read(_BLOCK):
        yield block
        if block.strip():
            break
    file.seek(here)


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
        line = numbers[int(finite.argmin())]
        raise DataError(f"GloVe line {line:,}: a value is too large for float32; {glove_lines.DAMAGED}")
    return vectors


def _parse_line(values: bytes, number: int) -> "npt.NDArray[np.float32]":
    import numpy as np

    try:
        return np.array(values.split(b" "), dtype=np.float64).astype(np.float32)
    except ValueError as error:
        raise DataError(f"GloVe line {number:,}: {error!s:.80}; {glove_lines.DAMAGED}") from error
