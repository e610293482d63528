from pathlib import Path

import pytest

from imdb_tasks.corpus.reviews_csv import read_reviews
from imdb_tasks.errors import DataError

HEADER = "review,sentiment\n"
GOOD_ROWS = '"Fine, really",positive\nBad,negative\n'


def write(folder: Path, content: str | bytes) -> Path:
    path = folder / "IMDB Dataset.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_reviews_keep_their_order_and_positive_is_one(tmp_path: Path) -> None:
    frame = read_reviews(write(tmp_path, HEADER + GOOD_ROWS))
    assert frame["review"].tolist() == ["Fine, really", "Bad"]
    assert frame["label"].tolist() == [1, 0]
    assert str(frame["label"].dtype) == "int8"


def test_a_byte_order_mark_windows_line_ends_and_more_columns_are_accepted(tmp_path: Path) -> None:
    content = "\ufeffid,review,sentiment\r\n1,Fine,positive\r\n2,Bad,negative\r\n"
    assert read_reviews(write(tmp_path, content))["label"].tolist() == [1, 0]


def test_a_review_may_consist_of_the_word_null(tmp_path: Path) -> None:
    assert read_reviews(write(tmp_path, HEADER + "null,positive\nNA,negative\n"))["review"].tolist() == ["null", "NA"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "found an empty file"),
        (HEADER, "expected reviews, found the header line only"),
        (
            "text,sentiment\na,positive\n",
            r"expected the columns \['review', 'sentiment'\], found \['text', 'sentiment'\]",
        ),
        (HEADER + GOOD_ROWS + ",positive\n", "1 empty cells in 'review'; first 1: row 3"),
        (HEADER + GOOD_ROWS + 'x,"  "\n', "empty cells in 'sentiment'; first 1: row 3"),
        (HEADER + GOOD_ROWS + "x,\n" * 7, "7 empty cells in 'sentiment'; first 5: row 3, row 4, row 5, row 6, row 7$"),
        (HEADER + GOOD_ROWS + "x,meh\n", r"1 unknown labels in 'sentiment'; first 1: 'meh' \(row 3\); expected"),
        (HEADER + "a,positive\nb,positive\n", "expected both labels, found only 'positive'"),
        (
            HEADER + 'a,positive\n"never closed,negative\n',
            r"row 2 \(line 3\): the CSV file is incomplete: a quote opens a text, and no quote closes it",
        ),
        (HEADER + "a,positive\nb,negative,what,is,this\n", r"row 2 \(line 3\): .* expected 2, found 5; put quotes"),
        (HEADER + "good, film,positive\nbad, film,negative\n", "row 1 has more fields than the header line"),
        ((HEADER + GOOD_ROWS).encode("utf-16"), "line 1: expected UTF-8"),
        (HEADER.encode() + b"caf\xe9,positive\n", r"line 2: expected UTF-8, found the bytes b'\\xe9,"),
    ],
)
def test_bad_data_is_refused_by_row_or_line(tmp_path: Path, content: str | bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_reviews(write(tmp_path, content))
