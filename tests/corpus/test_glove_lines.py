"""Each fault of a vector file is told by its own cause."""

from pathlib import Path

import pytest

from imdb_tasks.corpus import glove
from imdb_tasks.corpus.glove import Embeddings, read_embeddings
from imdb_tasks.errors import DataError

START = "the 1 2 3 4\nfilm 5 6 7 8\n"


def read(folder: Path, content: str | bytes) -> Embeddings:
    path = folder / "glove.txt"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_embeddings(path, {"the": 1, "film": 2}, dimensions=4)


@pytest.mark.parametrize(
    ("content", "found", "advice"),
    [
        (f"the {'1 ' * 299}1\n", "GloVe line 1: .* found 300", "vectors of 300 values: choose the file with 4 dim"),
        (START + ". . . 1 2 3 4\n", "GloVe line 3: .* found 6", r"the word b'. . .' has blanks in it, .* 840B"),
        (START + "end 1 2", "GloVe line 3: .* found 2", "the file ends in the middle of this line: it was cut short"),
        (START + "end 1 2\n", "GloVe line 3: .* found 2", "the line is damaged"),
        (START + "end 1 2 3 4 5\n", "GloVe line 3: .* found 5", "the line is damaged"),
        (START + "end 1  2 3 4\n", "GloVe line 3: .* found 5", "several blanks in a row"),
        (START.replace(" ", "\t"), "GloVe line 1: .* found 0", "found tabs between them"),
        (START.replace(" ", ","), "GloVe line 1: .* found 0", "found commas between them"),
        (START.encode("utf-16"), "GloVe line 1: ", "UTF-16 or the like: save the file as UTF-8"),
        ("A letter to the reader\n", "GloVe line 1: .* found 4 |found b'", "the line is damaged|no file of vectors"),
        ("Dear reader\n", "GloVe line 1: .* found 1", "this is no file of vectors"),
        ("400000 4\n" + START, "expected 400,000 vectors, .* found 2", "the file was cut short"),
        ("1 4\n" + START, "expected 1 vectors, .* found 2", "the header is that of another file"),
    ],
    ids=[
        "other dimensions", "word with blanks", "cut short", "short in the middle", "long", "two blanks", "tabs",
        "commas", "UTF-16", "a text", "a short text", "fewer than the header says", "more than the header says",
    ],
)  # fmt: skip
def test_the_message_says_what_is_there_and_what_to_do(tmp_path: Path, content, found: str, advice: str) -> None:
    with pytest.raises(DataError, match=found) as caught:
        read(tmp_path, content)
    assert caught.match(advice)
    assert ("cut short" in str(caught.value)) == ("cut short" in advice)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("block", [1, 8 << 20], ids=["line by line", "in one block"])
@pytest.mark.parametrize(
    "content",
    [
        START,
        START[:-1],
        "\ufeff" + START,
        "\ufeff2 4\n" + START,
        "2 4 \r\n" + START,
        START.replace("\n", " \n"),
        START.replace("\n", "\t\r\n"),
        START + "\n \r\n\n",
    ],
    ids=[
        "plain", "no last end", "mark", "mark and header", "header", "blanks at ends", "tabs and CRLF",
        "empty lines at the end",
    ],
)  # fmt: skip
def test_what_is_harmless_is_passed_over(tmp_path: Path, content: str, block: int, monkeypatch) -> None:
    monkeypatch.setattr(glove, "_BLOCK", block)
    embeddings = read(tmp_path, content)
    assert embeddings.matrix[1:].tolist() == [[1, 2, 3, 4], [5, 6, 7, 8]]
    assert embeddings.file_words == 2
