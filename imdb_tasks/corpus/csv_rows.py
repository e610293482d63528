"""Read a CSV file strictly: what is not CSV to the letter is refused with its row, and nothing is guessed.

A lenient parser joins all rows between two stray quotes to one, and says nothing. Row 1 in a message is the first row
after the header line.
"""

import csv
import os
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from imdb_tasks.errors import DataError
from imdb_tasks.study import LABELS

_BLOCK = 8 << 20  # bytes
_SHOWN = 40  # characters
_COLUMNS_SHOWN = 10
_MOST_ROWS = 5_000_000  # a hundred times those of the study; they are kept in memory
_OTHER_DELIMITERS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}
_ROW_IN_A_TEXT = re.compile(rf',"?(?:{"|".join(LABELS)})"?[\r\n]')


def read_columns(path: Path, names: Sequence[str]) -> list[list[str]]:
    """Return the texts of the named columns, in UTF-8, with or without a byte order mark.

    Empty lines are passed over, and the cells that a short row lacks are empty.

    Raises:
        DataError: for another encoding, a missing column or one that is named twice, a row with more cells than the
            header line, quotes that do not pair, or an end in the middle of a row.

    """
    _refuse_nul(path)
    limit = csv.field_size_limit(sys.maxsize)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return _columns(_Rows(file, path.name), names, ends_within_a_line=_ends_within_a_line(path))
    except UnicodeDecodeError as error:
        raise DataError(_where_utf8_ends(path)) from error
    finally:
        csv.field_size_limit(limit)


class _Rows:
    """The rows of a file that are not empty, with the lines that they are in."""

    def __init__(self, lines: Iterator[str], name: str) -> None:
        self._reader = csv.reader(lines, strict=True)
        self.name = name
        self.number = -1  # of the row read last; the header line is row 0
        self._lines = 1, 1

    def __iter__(self) -> Iterator[list[str]]:
        while True:
            first_line = self._reader.line_num + 1
            try:
                row = next(self._reader, None)
            except csv.Error as error:
                self._count(first_line)
                raise DataError(self._fault(error)) from error
            if row is None:
                return
            if len(row) > 1 or any(cell.strip() for cell in row):
                self._count(first_line)
                yield row

    def _count(self, first_line: int) -> None:
        self.number += 1
        self._lines = first_line, self._reader.line_num

    @property
    def here(self) -> str:
        """The place of the row that was read last."""
        first, last = self._lines
        lines = f"line {first:,}" if first == last else f"lines {first:,} to {last:,}"
        return f"{self.name}, row {self.number:,} ({lines})" if self.number else f"{self.name}, header line"

    def _fault(self, error: csv.Error) -> str:
        if "unexpected end of data" in str(error):
            return (
                f"{self.here}: the CSV file is incomplete: a quote opens a text, and no quote closes it before the end "
                "of the file; write a quote within a text twice, with quotes around the text. If the row is the "
                "file's last, the file was cut short: fetch it again"
            )
        return (
            f"{self.here}: a quote opens a text, and another one in line {self._reader.line_num:,} closes it in the "
            f"middle of a cell ({error}); write a quote within a text twice, with quotes around the text"
        )


def _columns(rows: _Rows, names: Sequence[str], *, ends_within_a_line: bool) -> list[list[str]]:
    listed = iter(rows)
    header = next(listed, None)
    if header is None:
        raise DataError(f"{rows.name}: expected a CSV file with {list(names)}, found an empty file")
    _check_header(header, names, rows.name)
    places = [header.index(name) for name in names]
    columns: list[list[str]] = [[] for _ in names]
    short = False
    for row in listed:
        if len(row) > len(header):
            raise DataError(
                f"{rows.here}: row {rows.number:,} has more fields than the header line: expected {len(header)}, found "
                f"{len(row)}; put quotes around a text with commas"
            )
        if rows.number > _MOST_ROWS:
            raise DataError(f"{rows.here}: expected at most {_MOST_ROWS:,} rows; check where the file comes from")
        short = len(row) <= max(places)
        for place, column in zip(places, columns, strict=True):
            cell = row[place] if place < len(row) else ""
            if ("\n" in cell or "\r" in cell) and _ROW_IN_A_TEXT.search(cell):
                raise DataError(
                    f"{rows.here}: the text has rows of the file in it, for a quote opens it and the next quote is "
                    "rows below; write a quote within a text twice, with quotes around the text"
                )
            column.append(cell)
    if short and ends_within_a_line:
        raise DataError(f"{rows.here}: the file ends in the middle of this row: it was cut short; fetch it again")
    return columns


def _check_header(header: list[str], names: Sequence[str], file: str) -> None:
    for name in names:
        if header.count(name) > 1:
            raise DataError(
                f"{file}: the header line names the column {name!r} {header.count(name)} times; expected once"
            )
    if set(names) <= set(header):
        return
    shown = [name if len(name) <= _SHOWN else f"{name[:_SHOWN]}..." for name in header[:_COLUMNS_SHOWN]]
    if set(LABELS) & {cell.strip() for cell in header}:
        advice = f"; the first line is a row: write a header line above it: {','.join(names)}"
    elif delimiter := next((sign for sign in _OTHER_DELIMITERS if header[0].count(sign)), None):
        advice = f"; its columns are separated by {_OTHER_DELIMITERS[delimiter]}: save the file with commas"
    else:
        advice = "; rename its columns, or choose another file"
    raise DataError(f"{file}: expected the columns {list(names)}, found {shown}{advice}")


def _ends_within_a_line(path: Path) -> bool:
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(size - 1, 0))
        return file.read() not in (b"\n", b"\r")


def _refuse_nul(path: Path) -> None:
    """Raise DataError for a NUL byte, which the parser would take for the end of a text."""
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            if b"\0" in block:
                file.seek(0)
                number = next(number for number, line in enumerate(file, start=1) if b"\0" in line)
                found = "UTF-16 or the like" if number == 1 else "a NUL byte"
                raise DataError(f"{path.name}, line {number:,}: expected UTF-8, found {found}; save it as UTF-8")


def _where_utf8_ends(path: Path) -> str:
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                line.decode("utf8")
            except UnicodeDecodeError as error:
                found = line[error.start : error.start + 8]
                return f"{path.name}, line {number:,}: expected UTF-8, found the bytes {found!r}; save it as UTF-8"
    return f"{path.name}: expected UTF-8"
