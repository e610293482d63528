"""The reviews as their authors publish them, one text file each, turned into the two-column CSV of the Kaggle dataset.

Source: Maas et al. 2011, "Learning Word Vectors for Sentiment Analysis", aclImdb_v1.tar.gz.
"""

import csv
import re
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from imdb_tasks.errors import UnexpectedContentError, UnsafeArchiveError
from imdb_tasks.sources.archives import check_size, explained, tar_members
from imdb_tasks.study import LABELS

_REVIEW = re.compile(r"^(?:\./)?aclImdb/(?P<split>train|test)/(?P<label>neg|pos)/(?P<number>\d+)_(?P<rating>\d+)\.txt$")
_SENTIMENTS = {"neg": LABELS[0], "pos": LABELS[1]}
_LARGEST_REVIEW = 1 << 20  # bytes; the longest real one has about 14,000
_MOST_REVIEWS = 100_000  # twice the real ones; their places are kept in memory
_ROOM_PER_REVIEW = 4  # headers, padding and the unlabelled half, which are read over


@dataclass(frozen=True, order=True)
class _Place:
    """Where a review stands in the CSV, by the first four fields, and where its text waits in the spool."""

    split: str
    label: str
    number: int
    rating: int
    start: int
    size: int


def holds_reviews(archive: Path, *, max_bytes: int, where: str) -> bool:
    """Whether this tar.gz has the layout of aclImdb; reads no further than the first review."""
    with explained(where):
        members = tar_members(archive, max_bytes=_ROOM_PER_REVIEW * max_bytes, where=where)
        return any(_REVIEW.match(info.name) for _, info in members)


def write_csv(archive: Path, out: Path, *, max_bytes: int, where: str) -> None:
    """Write columns ``review``, ``sentiment``, in UTF-8, one row per labelled review.

    The rows are ordered by split (test, train), label (neg, pos) and number, whatever the order of the archive; the
    unlabelled reviews are left out. Raises UnsafeArchiveError (a link or a device in a review's place, more than
    ``max_bytes``) and UnexpectedContentError (damage, or a text that is not UTF-8).
    """
    # The archive's order is not the wanted one: the texts wait on disk, not in memory.
    with explained(where), tempfile.TemporaryFile(dir=out.parent) as spool:
        places = _spool(archive, spool, max_bytes, where)
        with out.open("w", encoding="utf8", newline="") as target:
            writer = csv.writer(target, lineterminator="\n")
            writer.writerow(("review", "sentiment"))
            for place in sorted(places):
                spool.seek(place.start)
                writer.writerow((spool.read(place.size).decode("utf8"), _SENTIMENTS[place.label]))


def _spool(archive: Path, spool: IO[bytes], max_bytes: int, where: str) -> list[_Place]:
    places = list[_Place]()
    for tar, info in tar_members(archive, max_bytes=_ROOM_PER_REVIEW * max_bytes, where=where):
        if found := _REVIEW.match(info.name):
            if len(places) == _MOST_REVIEWS:
                raise UnsafeArchiveError(f"{where} has more than {_MOST_REVIEWS:,} reviews; check where it comes from")
            text = _text_of(tar, info, where)
            place = _Place(
                found["split"], found["label"], int(found["number"]), int(found["rating"]), spool.tell(), len(text)
            )
            check_size(place.start + place.size, max_bytes, where)
            spool.write(text)
            places.append(place)
    return places


def _text_of(tar: tarfile.TarFile, info: tarfile.TarInfo, where: str) -> bytes:
    content = tar.extractfile(info) if info.isreg() else None
    if content is None or info.size > _LARGEST_REVIEW:
        raise UnsafeArchiveError(
            f"{where}: {info.name!r:.80} is not a text file of at most {_LARGEST_REVIEW:,} bytes; check the archive"
        )
    text = content.read()
    try:
        text.decode("utf8")
    except UnicodeDecodeError as error:
        raise UnexpectedContentError(
            f"{where}: {info.name!r:.80} is not UTF-8 ({error.reason}); check where it comes from"
        ) from error
    return text
