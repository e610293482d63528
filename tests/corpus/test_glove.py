from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imdb_tasks.corpus import glove
from imdb_tasks.corpus.glove import Embeddings, read_embeddings
from imdb_tasks.errors import DataError
from tests.support import reference


def read(folder: Path, content: str | bytes, words: tuple[str, ...] = ("film",), dimensions: int = 2) -> Embeddings:
    path = folder / "glove.txt"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    index = {word: number for number, word in enumerate(words, start=1)}
    return read_embeddings(path, index, dimensions=dimensions)


def test_a_word_takes_the_row_of_its_id(tmp_path: Path) -> None:
    result = read(tmp_path, "the 1 2\nfilm 0.5 -3e-1\n", ("film", "the"))
    np.testing.assert_array_equal(result.matrix, np.float32([[0, 0], [0.5, -0.3], [1, 2]]))
    assert result.matrix.dtype == np.float32
    assert result.file_words == 2


def test_a_word_missing_from_glove_gets_a_zero_row(tmp_path: Path) -> None:
    result = read(tmp_path, "the 1 2\n")
    assert result.matrix[1].tolist() == [0, 0]
    assert result.found.tolist() == [False, False]


def test_of_a_word_that_stands_twice_the_last_line_counts_as_in_the_original(tmp_path: Path) -> None:
    assert read(tmp_path, "film 1 2\nfilm 3 4\n").matrix[1].tolist() == [3, 4]


def test_windows_line_ends_and_a_last_line_without_one_are_accepted(tmp_path: Path) -> None:
    assert read(tmp_path, b"the 1 2\r\nfilm 3 4").matrix[1].tolist() == [3, 4]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("film 1", r"GloVe line 2: expected a word and 2 values, found 1; the line is damaged: fetch the file"),
        ("film 1 2 3", "GloVe line 2: .*found 3"),
        ("film", "GloVe line 2: .*found 0"),
        ("", "GloVe line 2: .*found 0"),
        ("film 1 nan", "GloVe line 2: expected finite numbers, found b'nan'"),
        ("film inf 1", "GloVe line 2: expected finite numbers, found b'inf'"),
        ("film 1 0x1", "GloVe line 2: expected finite numbers"),
        ("film 1 -", "GloVe line 2: could not convert"),
        ("film 1 1-2", "GloVe line 2: could not convert"),
        ("film 1\r 2", "GloVe line 2: expected finite numbers"),
        (" 1 2", "GloVe line 2: expected a word"),
        ("film 1 1e99", "GloVe line 2: a value is too large for float32"),
        ("other 1 nan", "GloVe line 2: expected finite numbers"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(tmp_path, f"the 1 2\n{line}\nend 1 2\n")


def test_a_word_that_is_not_utf8_is_named_by_its_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"GloVe line 1: the word b'caf\\xe9' is not UTF-8"):
        read(tmp_path, b"caf\xe9 1 2\n")


def test_a_fault_is_named_by_its_line_in_the_whole_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(glove, "_BLOCK", 20)
    lines = [f"word{number} 1 2" for number in range(30)]
    assert read(tmp_path, "\n".join(lines), ("word0", "word29")).matrix.tolist() == [[0, 0], [1, 2], [1, 2]]
    for fault in ("word17 1", "word17 1 1e99"):
        lines[17] = fault
        with pytest.raises(DataError, match="GloVe line 18: "):
            read(tmp_path, "\n".join(lines), ("word0", "word17"))


def test_numbers_that_arrow_does_not_read_are_read_as_python_does(tmp_path: Path) -> None:
    assert read(tmp_path, "the 1 2\nfilm +1 .5\n").matrix[1].tolist() == [1, 0.5]


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="found an empty file"):
        read(tmp_path, "")


def test_the_header_line_of_word2vec_is_passed_over(tmp_path: Path) -> None:
    found = read(tmp_path, "2 2\nthe 1 2\nfilm 3 4\n", ("the", "film"))
    assert found.matrix[1:].tolist() == [[1, 2], [3, 4]]
    assert found.file_words == 2


def test_a_header_line_of_other_vectors_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="GloVe line 1: expected vectors of 2 values, found a header with 300"):
        read(tmp_path, "2 300\nthe 1 2\n")


WORDS = st.text(st.characters(min_codepoint=33, max_codepoint=0x2FF, exclude_characters="\x7f\x85\xa0"), min_size=1)
VALUES = st.floats(-100, 100, allow_nan=False, width=32)


@given(st.lists(st.tuples(WORDS, VALUES, VALUES), min_size=1, max_size=6))
def test_the_matrix_equals_the_plain_reference_to_the_bit(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, float, float]]
) -> None:
    path = tmp_path_factory.mktemp("glove") / "glove.txt"
    path.write_text("".join(f"{word} {a:.5g} {b:.5g}\n" for word, a, b in rows), "utf8")
    index = {word: number for number, word in enumerate({row[0] for row in rows} | {"absent"}, start=1)}
    ours = read_embeddings(path, index, dimensions=2).matrix
    assert ours.tobytes() == reference.embedding_matrix(path, index, 2).tobytes()
