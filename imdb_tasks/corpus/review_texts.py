"""The texts of the test reviews, kept apart so that a report can quote some without reading all reviews again."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from imdb_tasks.corpus.reviews_csv import read_reviews
from imdb_tasks.corpus.splitting import split
from imdb_tasks.study import TextSettings

if TYPE_CHECKING:
    import pandas as pd

TEXTS_REVISION = 1
"""Raise it when the same reviews would give another file."""

_FILE = "test_reviews.parquet"


@dataclass(frozen=True)
class ReviewTexts:
    """The test reviews as the source has them.

    Attributes:
        frame: ``row`` (int64, in the source, from 1), ``review`` (text) and ``label`` (int8, 1 = positive), in the
            order of the arrays ``x_test`` and ``y_test``.

    """

    frame: "pd.DataFrame"

    @classmethod
    def of(cls, reviews: "pd.DataFrame", settings: TextSettings) -> "ReviewTexts":
        """Take the test part of what ``read_reviews`` returned."""
        _, rows = split(len(reviews), test_fraction=settings.test_fraction, seed=settings.split_seed)
        frame = reviews.iloc[rows].reset_index(drop=True)
        frame.insert(0, "row", rows + 1)
        return cls(frame)

    @classmethod
    def read(cls, reviews_csv: Path, settings: TextSettings) -> "ReviewTexts":
        """Read them from the file of all reviews; raises DataError as ``read_reviews`` does."""
        return cls.of(read_reviews(reviews_csv), settings)

    def save(self, folder: Path) -> None:
        """Write ``test_reviews.parquet``."""
        self.frame.to_parquet(folder / _FILE, index=False)

    @classmethod
    def load(cls, folder: Path) -> "ReviewTexts":
        """Read what ``save`` has written."""
        import pandas as pd

        return cls(pd.read_parquet(folder / _FILE))
