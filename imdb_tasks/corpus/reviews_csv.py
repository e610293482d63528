"""Read and validate the CSV file with the reviews."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from imdb_tasks.corpus.csv_rows import read_columns
from imdb_tasks.errors import DataError
from imdb_tasks.study import LABELS

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("review", "sentiment")
_SHOWN = 5


def read_reviews(path: Path) -> "pd.DataFrame":
    """Read a CSV file with the columns ``review`` (text) and ``sentiment`` (positive or negative).

    Returns a frame with ``review`` and ``label`` (int8, 1 = positive), in the order of the file. Row 1 in a message is
    the first review. A review of blanks is a review, as in the original study; an empty cell is none.

    Raises:
        DataError: for an empty cell, an unknown label, one class, or anything that ``read_columns`` refuses.

    """
    import pandas as pd

    reviews, sentiments = read_columns(path, COLUMNS)
    if not reviews:
        raise DataError(f"{path.name}: expected reviews, found the header line only")
    labels = [sentiment.strip() for sentiment in sentiments]
    for column, cells in zip(COLUMNS, (reviews, labels), strict=True):
        if empty := [row for row, cell in enumerate(cells, start=1) if not cell]:
            raise DataError(f"{path.name}: {_bounded('empty cells', column, empty)}")
    if unknown := [row for row, label in enumerate(labels, start=1) if label not in LABELS]:
        examples = [f"{labels[row - 1]!r:.40} (row {row:,})" for row in unknown]
        fault = _bounded("unknown labels", "sentiment", examples)
        raise DataError(f"{path.name}: {fault}; expected {list(LABELS)}")
    if len(set(labels)) < len(LABELS):
        raise DataError(f"{path.name}: expected both labels, found only {labels[0]!r}")
    numbers = [LABELS.index(label) for label in labels]
    return pd.DataFrame({"review": pd.Series(reviews, dtype="str"), "label": pd.Series(numbers, dtype="int8")})


def _bounded(what: str, column: str, examples: Iterable[object]) -> str:
    listed = list(examples)
    shown = ", ".join(f"row {item:,}" if isinstance(item, int) else str(item) for item in listed[:_SHOWN])
    return f"{len(listed):,} {what} in '{column}'; first {min(len(listed), _SHOWN)}: {shown}"
