"""Reviews that are not what they should be: an error with the place and an example, or the correct result."""

import csv
import io
from pathlib import Path

import pytest

from imdb_tasks.corpus import read_reviews
from imdb_tasks.errors import DataError

HEADER = "review,sentiment\n"
GOOD = HEADER + "fine,positive\ndull,negative\n"


def written(folder: Path, content: str | bytes) -> Path:
    path = folder / "IMDB Dataset.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def rows(*pairs: tuple[str, str]) -> str:
    out = io.StringIO()
    csv.writer(out).writerows([("review", "sentiment"), *pairs])
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("review\nfine\n", ["expected the columns", "'sentiment'", "found ['review']"]),
        (GOOD + ",positive\n", ["1 empty cells in 'review'", "row 3"]),
        (GOOD + "fair,\n", ["1 empty cells in 'sentiment'", "row 3"]),
        (GOOD + "fair,meh\n" * 7, ["7 unknown labels in 'sentiment'", "first 5", "'meh' (row 3)"]),
        (HEADER + "fine,positive\n" * 3, ["expected both labels", "found only 'positive'"]),
        ("", ["found an empty file"]),
        (HEADER, ["found the header line only"]),
        (GOOD.encode("utf-16"), ["line 1", "expected UTF-8"]),
        (GOOD.encode() + b"na\xefve,positive\n", ["line 4", "expected UTF-8", "save it as UTF-8"]),
        (GOOD + "a\0b,positive\n", ["line 4", "a NUL byte"]),
        (GOOD + '"never closed,negative\nmore,positive\n', ["IMDB Dataset.csv"]),
    ],
    ids=[
        "missing column", "null review", "null label", "unknown label", "one class", "empty", "header only", "UTF-16",
        "cp1252 byte", "NUL byte", "unbalanced quotes",
    ],
)  # fmt: skip
def test_bad_reviews_are_refused_with_the_place_and_an_example(tmp_path: Path, content, words: list[str]) -> None:
    with pytest.raises(DataError) as caught:
        read_reviews(written(tmp_path, content))
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        GOOD.replace("\n", "\r\n"),
        "\ufeff" + GOOD,
        GOOD.replace("\n", ",x\n").replace("sentiment,x", "sentiment,source"),
    ],
    ids=["CRLF", "byte order mark", "extra column"],
)
def test_harmless_differences_are_accepted(tmp_path: Path, content: str) -> None:
    frame = read_reviews(written(tmp_path, content))
    assert frame["review"].tolist() == ["fine", "dull"]
    assert frame["label"].tolist() == [1, 0]


def test_a_review_of_fifty_megabytes_is_read_whole(tmp_path: Path) -> None:
    long = 'word, "quoted"\n' * 3_400_000
    frame = read_reviews(written(tmp_path, rows((long, "positive"), ("dull", "negative"))))
    assert len(long) > 50_000_000
    assert frame["review"].tolist() == [long, "dull"]
