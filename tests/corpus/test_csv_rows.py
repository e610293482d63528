"""A CSV file is read strictly: a fault is refused with its row and its own cause, and no row is lost in silence."""

import csv
import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imdb_tasks.corpus import csv_rows
from imdb_tasks.corpus.csv_rows import read_columns
from imdb_tasks.corpus.reviews_csv import read_reviews
from imdb_tasks.errors import DataError

HEADER = "review,sentiment\n"
ROWS = [f"film {number},{'positive' if number % 2 else 'negative'}\n" for number in range(40)]


def written(folder: Path, content: str | bytes) -> Path:
    path = folder / "IMDB Dataset.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def with_rows(*places: int, before: str = '"') -> str:
    return HEADER + "".join(before + row if number in places else row for number, row in enumerate(ROWS))


@pytest.mark.parametrize(
    ("content", "place", "cause"),
    [
        (with_rows(9, 30), r"row 10 \(lines 11 to 32\)", "another one in line 32 closes it in the middle of a cell"),
        (with_rows(9), r"row 10 \(lines 11 to 41\)", "no quote closes it before the end"),
        (
            with_rows(9).replace("film 30,", 'film 30",'),
            r"row 10 \(lines 11 to 32\)",
            "the text has rows of the file in it",
        ),
        (with_rows(5, before="well, "), r"row 6 \(line 7\)", "expected 2, found 3; put quotes around a text with comm"),
        (HEADER.replace(",", ";"), "IMDB Dataset.csv", "found .'review;sentiment'.; its columns are separated by semi"),
        (HEADER.replace(",", "\t"), "IMDB Dataset.csv", "its columns are separated by tabs: save the file with commas"),
        ("".join(ROWS), "IMDB Dataset.csv", "the first line is a row: write a header line above it: review,sentiment"),
        ("x" * 300_000 + ",sentiment\n", "IMDB Dataset.csv", "rename its columns"),
        ("review,review,sentiment\na,b,positive\n", "IMDB Dataset.csv", "names the column 'review' 2 times"),
        (with_rows() + "the last", r"row 41 \(line 42\)", "ends in the middle of this row: it was cut short"),
        (with_rows() + "the last\n", "IMDB Dataset.csv", "1 empty cells in 'sentiment'; first 1: row 41"),
        (HEADER + "x" * 300_000 + ",meh\n", "IMDB Dataset.csv", "1 unknown labels in 'sentiment'; first 1: 'meh'"),
        (HEADER + "a," + "x" * 300_000 + "\n", "IMDB Dataset.csv", "1 unknown labels in 'sentiment'"),
    ],
    ids=[
        "two stray quotes", "a stray quote", "a stray quote that pairs", "a comma too many", "semicolons", "tabs",
        "no header line", "a header line of 300 kB", "a column twice", "cut short", "no second cell",
        "a review of 300 kB", "a label of 300 kB",
    ],
)  # fmt: skip
def test_each_fault_is_told_by_its_place_and_cause(tmp_path: Path, content: str, place: str, cause: str) -> None:
    with pytest.raises(DataError, match=place) as caught:
        read_reviews(written(tmp_path, content))
    assert caught.match(cause)
    assert ("cut short" in str(caught.value)) == ("cut short" in cause or "no quote closes" in cause)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    "content",
    [
        with_rows(),
        "\ufeff" + with_rows(),
        with_rows().replace("\n", "\r\n"),
        with_rows().replace("\n", " \n").replace("sentiment ", "sentiment"),
        "\n\n" + with_rows().replace("\n", "\n\n"),
        with_rows() + "  \n",
        with_rows()[:-1],
        with_rows().replace("\n", ",x\n").replace("sentiment,x", "sentiment,more"),
        with_rows().replace("sentiment\n", "sentiment,more\n"),
    ],
    ids=[
        "plain", "mark", "CRLF", "blanks after labels", "empty lines", "blanks at the end", "no last end",
        "more columns", "a column without cells",
    ],
)  # fmt: skip
def test_what_is_harmless_is_passed_over(tmp_path: Path, content: str) -> None:
    frame = read_reviews(written(tmp_path, content))
    assert frame["review"].tolist() == [f"film {number}" for number in range(40)]
    assert frame["label"].tolist() == [0, 1] * 20


def test_a_review_of_blanks_is_a_review_as_one_of_tags_is(tmp_path: Path) -> None:
    frame = read_reviews(written(tmp_path, HEADER + '"   ",positive\n<br />,negative\n" ",positive\n'))
    assert frame["review"].tolist() == ["   ", "<br />", " "]


TEXTS = st.text(st.sampled_from("ab ,\"\n\r;é'")).filter(str.strip)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(TEXTS, st.sampled_from(["positive", "negative"])), min_size=1, max_size=8))
def test_what_a_writer_of_csv_has_written_is_read_to_the_letter(tmp_path: Path, rows: list[tuple[str, str]]) -> None:
    out = io.StringIO(newline="")
    csv.writer(out, quoting=csv.QUOTE_ALL).writerows([("review", "sentiment"), *rows])
    columns = read_columns(written(tmp_path, out.getvalue()), ("review", "sentiment"))
    assert list(zip(*columns, strict=True)) == rows


def test_a_file_of_more_rows_than_memory_should_hold_is_refused(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(csv_rows, "_MOST_ROWS", 39)
    with pytest.raises(DataError, match="row 40 .*expected at most 39 rows"):
        read_reviews(written(tmp_path, with_rows()))
