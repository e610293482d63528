"""Vectors that are not what they should be: the line is named, or the result is correct."""

from pathlib import Path

import pytest

from imdb_tasks.corpus.glove import Embeddings, read_embeddings
from imdb_tasks.errors import DataError

START = "the 1 2 3\nfilm 4 5 6\n"


def read(folder: Path, content: str | bytes) -> Embeddings:
    path = folder / "glove.6B.3d.txt"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_embeddings(path, {"film": 1, "end": 2}, dimensions=3)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (START + "end 7 8\n", "GloVe line 3: expected a word and 3 values, found 2"),
        (START + "end 7 8 9 10\n", "GloVe line 3: expected a word and 3 values, found 4"),
        (START + "end 7 nan 9\n", "GloVe line 3: expected finite numbers, found b'nan'"),
        (START + "end 7 inf 9\n", "GloVe line 3: expected finite numbers, found b'inf'"),
        (START + "end 7 1e99 9\n", "GloVe line 3: a value is too large for float32"),
        (START + "the end 7 8 9\n", "GloVe line 3: expected a word and 3 values, found 4"),
        (START.encode() + b"caf\xe9 7 8 9\n", r"GloVe line 3: the word b'caf\\xe9' is not UTF-8"),
        ("the 1 2\nfilm 3 4\n", "GloVe line 1: expected a word and 3 values, found 2"),
        ("", "expected GloVe vectors, found an empty file"),
        ("2 3\n", "expected GloVe vectors, found an empty file"),
        ("2 300\nthe 1 2 3\n", "GloVe line 1: expected vectors of 3 values, found a header with 300"),
    ],
    ids=[
        "short line", "long line", "nan", "inf", "too large", "word with a space", "not UTF-8", "other dimension",
        "empty", "header only", "header of another dimension",
    ],
)  # fmt: skip
def test_bad_vectors_are_refused_by_line(tmp_path: Path, content: str | bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(tmp_path, content)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (START + "film 7 8 9\n", [[7, 8, 9], [0, 0, 0]]),
        ("2 3\n" + START, [[4, 5, 6], [0, 0, 0]]),
        (START.replace("\n", "\r\n") + "end 7 8 9", [[4, 5, 6], [7, 8, 9]]),
    ],
    ids=["duplicate word: the last counts", "header line of word2vec", "CRLF, and no end of the last line"],
)
def test_harmless_differences_are_accepted(tmp_path: Path, content: str, expected: list[list[float]]) -> None:
    assert read(tmp_path, content).matrix[1:].tolist() == expected
