"""Read and validate the CSV file with the reviews."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from imdb_tasks.errors import DataError
from imdb_tasks.study import LABELS

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("review", "sentiment")
_SHOWN = 5
_BLOCK = 8 << 20  # bytes


def read_reviews(path: Path) -> "pd.DataFrame":
    """Read a CSV file with the columns ``review`` (text) and ``sentiment`` (positive or negative).

    Returns a frame with ``review`` and ``label`` (int8, 1 = positive), in the order of the file. Row 1 in a message is
    the first review.

    Raises:
        DataError: for an encoding other than UTF-8, a missing column, an empty cell, an unknown label, or one class.

    """
    import pandas as pd

    frame = _parse(path)
    if not isinstance(frame.index, pd.RangeIndex):  # pandas takes a surplus first field for a row's name
        raise DataError(f"{path.name}: row 1 has more fields than the header line; put quotes around texts with commas")
    missing = [column for column in COLUMNS if column not in frame.columns]
    if missing:
        raise DataError(f"{path.name}: expected the columns {list(COLUMNS)}, found {list(frame.columns)[:10]}")
    if frame.empty:
        raise DataError(f"{path.name}: expected reviews, found the header line only")
    for column in COLUMNS:
        blank = frame[column].isna() | frame[column].str.isspace().fillna(value=False)
        if blank.any():
            raise DataError(f"{path.name}: {_bounded('empty cells', column, _rows(blank))}")
    unknown = ~frame["sentiment"].isin(LABELS)
    if unknown.any():
        examples = (f"{frame['sentiment'].iloc[row - 1]!r:.40} (row {row:,})" for row in _rows(unknown))
        fault = _bounded("unknown labels", "sentiment", examples)
        raise DataError(f"{path.name}: {fault}; expected {list(LABELS)}")
    if frame["sentiment"].nunique() < len(LABELS):
        raise DataError(f"{path.name}: expected both labels, found only {frame['sentiment'].iloc[0]!r}")
    labels = frame["sentiment"].map({label: number for number, label in enumerate(LABELS)}).astype("int8")
    return frame[["review"]].assign(label=labels)


def _parse(path: Path) -> "pd.DataFrame":
    import pandas as pd

    _refuse_nul(path)
    try:
        # A review may well be the word "null" or "NA": only an empty cell is missing.
        return pd.read_csv(path, encoding="utf-8-sig", dtype=str, keep_default_na=False, na_values=[""])
    except UnicodeDecodeError as error:
        raise DataError(_where_utf8_ends(path)) from error
    except pd.errors.EmptyDataError as error:
        raise DataError(f"{path.name}: expected a CSV file with {list(COLUMNS)}, found an empty file") from error
    except pd.errors.ParserError as error:
        raise DataError(f"{path.name}: the CSV file is incomplete: {error}; the download may be truncated") from error


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


def _rows(mask: "pd.Series[bool]") -> list[int]:
    return [int(row) + 1 for row in mask.to_numpy().nonzero()[0]]


def _bounded(what: str, column: str, examples: Iterable[object]) -> str:
    listed = list(examples)
    shown = ", ".join(f"row {item:,}" if isinstance(item, int) else str(item) for item in listed[:_SHOWN])
    return f"{len(listed):,} {what} in '{column}'; first {min(len(listed), _SHOWN)}: {shown}"
