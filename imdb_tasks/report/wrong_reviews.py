"""The reviews that a model is most sure and most wrong about, as short excerpts that can harm no page."""

import unicodedata
from typing import TYPE_CHECKING

from imdb_tasks.corpus import ReviewTexts
from imdb_tasks.errors import DataError
from imdb_tasks.formatting import one_line
from imdb_tasks.study import LABELS, THRESHOLD, Label, Record, label_of

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

MOST = 6  # reviews
LONGEST = 280  # characters
_READ = 4_000  # characters of a text that are looked at: only its end is shown


class Misclassified(Record):
    """One test review on the wrong side of the threshold: its ``row`` in the source (from 1), its label, the
    ``probability`` of "positive" that the model gave it, and the end of its text, which is what the model reads.
    """

    row: int
    label: Label
    probability: float
    text: str

    @property
    def said(self) -> Label:
        """The label that the model gave it."""
        return label_of(self.probability)


def most_confident_errors(texts: ReviewTexts, probabilities: "npt.NDArray[np.float32]") -> tuple[Misclassified, ...]:
    """Return at most ``MOST`` wrongly classified test reviews, the furthest from their label first.

    ``probabilities``, float32 (test reviews,), are in the order of ``texts``.

    Raises:
        DataError: there are more or fewer texts than probabilities.

    """
    import numpy as np

    frame = texts.frame
    if len(frame) != len(probabilities):
        raise DataError(
            f"expected the texts behind {len(probabilities):,} test probabilities, found {len(frame):,} texts;"
            " run the step 'evaluate' again"
        )
    labels = frame["label"].to_numpy()
    distance = np.abs(probabilities - labels)
    wrong = np.flatnonzero((probabilities > THRESHOLD) != (labels == 1))
    ranked = wrong[np.argsort(-distance[wrong], kind="stable")][:MOST]
    return tuple(
        Misclassified(
            row=int(frame["row"].iloc[place]),
            label=LABELS[labels[place]],
            probability=float(probabilities[place]),
            text=excerpt(frame["review"].iloc[place]),
        )
        for place in ranked
    )


def excerpt(text: str) -> str:
    """Return the end of ``text`` on one line of at most ``LONGEST`` characters, without tags, control characters,
    characters that turn the direction of writing, or piles of accents.
    """
    import re

    tail = re.sub("<[^>]*>", " ", text[-_READ:])
    line = one_line(unicodedata.normalize("NFC", tail), limit=_READ)
    line = "".join(c for before, c in zip(" " + line, line, strict=False) if not (_marks(c) and _marks(before)))
    if len(line) <= LONGEST:
        return line
    cut = line[-LONGEST + 1 :]
    return "…" + (cut.partition(" ")[2] or cut)


def _marks(character: str) -> bool:
    return unicodedata.category(character).startswith("M")
