"""The study as data: the grid, the text settings, the training settings, and where the bytes come from.

Everything here is frozen and checks itself when it is made. Defaults are the original study.
"""

import hashlib
import itertools
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Protocol, Self, TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

Cell = Literal["GRU", "LSTM"]
CELLS: tuple[Cell, ...] = ("GRU", "LSTM")
MAX_VARIANTS = 1_000
_NAME = re.compile(r"(\d+)_([A-Z]+)_(\d+)(?:_r(\d+))?\Z", re.ASCII)

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Units = Annotated[int, Field(ge=1, le=4_096)]
BatchSize = Annotated[int, Field(ge=1, le=65_536)]


class Record(BaseModel):
    """A frozen record that rejects unknown names and does not convert types."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    def fingerprint(self) -> str:
        """Return 24 hexadecimal digits that change when any value does."""
        return fingerprint(self.model_dump(mode="json"))


class ShrunkRecord(Record):
    """A record that had more fields in earlier releases: those are dropped when it is read, and not refused.

    It has no tuples: behind its validator, pydantic no longer takes a JSON list for one.
    """

    removed: ClassVar[frozenset[str]]

    @model_validator(mode="before")
    @classmethod
    def _without_removed(cls, values: Any) -> Any:
        return {n: v for n, v in values.items() if n not in cls.removed} if isinstance(values, dict) else values


def fingerprint(*parts: Any) -> str:
    """Hash JSON-like ``parts`` into 24 hexadecimal digits (the first 96 bits of SHA-256)."""
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:24]


class Variant(Record):
    """One model of the grid."""

    cell: Cell
    units: Units
    batch_size: BatchSize
    replicate: Annotated[int, Field(ge=0)] = 0

    @property
    def name(self) -> str:
        """The original's name, ``64_GRU_32``; later replicates add theirs, ``64_GRU_32_r1``."""
        name = f"{self.units}_{self.cell}_{self.batch_size}"
        return f"{name}_r{self.replicate}" if self.replicate else name

    @classmethod
    def named(cls, name: str) -> Self:
        """Return the variant of this name; raise ValueError if it is none."""
        found = _NAME.match(name)
        if found is None:
            raise ValueError(f"expected a name such as 64_GRU_32, found {name!r:.80}")
        units, cell, batch_size, replicate = found.groups()
        numbers = {"units": int(units), "batch_size": int(batch_size), "replicate": int(replicate or 0)}
        return cls.model_validate({"cell": cell, **numbers})

    @property
    def setting(self) -> "Variant":
        """What its replicates have in common, as the first of them."""
        return self.model_copy(update={"replicate": 0}) if self.replicate else self

    @property
    def label(self) -> str:
        """The short name for readers: ``GRU-32/64`` is 32 units, batch size 64; later replicates add ``r1``."""
        text = f"{self.cell}-{self.units}/{self.batch_size}"
        return f"{text} r{self.replicate}" if self.replicate else text

    @property
    def title(self) -> str:
        """The name in full: ``GRU, 64 units, batches of 32``."""
        title = f"{self.cell}, {self.units} units, batches of {self.batch_size}"
        return f"{title}, replicate {self.replicate}" if self.replicate else title


class OfVariant(Protocol):
    """What belongs to a variant, such as its result."""

    @property
    def variant(self) -> Variant:
        """The variant."""


Belonging = TypeVar("Belonging", bound=OfVariant)


def by_setting(rows: Iterable[Belonging]) -> dict[Variant, list[Belonging]]:
    """Return the settings in the order of their first rows, each with its rows."""
    found: dict[Variant, list[Belonging]] = {}
    for row in rows:
        found.setdefault(row.variant.setting, []).append(row)
    return found


class TextSettings(Record):
    """How reviews become arrays.

    ``vocabulary_limit`` is the Tokenizer's ``num_words``: ids are below it. ``max_tokens`` is the length of a row.
    """

    max_tokens: Annotated[int, Field(ge=1, le=10_000)] = 100
    vocabulary_limit: Annotated[int, Field(ge=2, le=1_000_000)] = 5_000
    dimensions: Annotated[int, Field(ge=1, le=4_096)] = 100
    test_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.2
    split_seed: Annotated[int, Field(ge=0, lt=2**32)] = 42


class TrainingSettings(Record):
    """How one variant is fitted."""

    epochs: Annotated[int, Field(ge=1, le=10_000)] = 100
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 0.0001
    validation_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.2
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 42


class KaggleSource(Record):
    """A Kaggle dataset; ``version=None`` means the newest, asked for at each run."""

    kind: Literal["kaggle"] = "kaggle"
    dataset: Annotated[str, StringConstraints(pattern=r"^[\w-]+/[\w-]+$")]
    version: Annotated[int, Field(ge=1)] | None = 1
    sha256: Sha256 | None = None

    @property
    def words(self) -> str:
        """The source for readers."""
        return f"Kaggle, {self.dataset}" + (f", version {self.version}" if self.version else ", newest version")


class ArchiveSource(Record):
    """A public archive at a URL."""

    kind: Literal["archive"] = "archive"
    url: Annotated[str, StringConstraints(pattern=r"^https?://\S+$")]
    sha256: Sha256 | None = None

    @property
    def words(self) -> str:
        """The source for readers, without the login or the token that an address may hold."""
        parts = urlsplit(self.url)
        return f"{parts.hostname}{parts.path}"


class LocalSource(Record):
    """A file, or a folder that holds it: the expected file itself, or the archive as it is downloaded."""

    kind: Literal["local"] = "local"
    path: str
    sha256: Sha256 | None = None

    @property
    def words(self) -> str:
        """The source for readers: a path of one machine means nothing on another."""
        return "a local file"

    @field_validator("path")
    @classmethod
    def _absolute(cls, path: str) -> str:
        # A relative path would mean another file on every worker.
        if not Path(path).is_absolute():
            raise ValueError(f"expected an absolute path, found {path!r}")
        return path


Source = Annotated[KaggleSource | ArchiveSource | LocalSource, Field(discriminator="kind")]

KAGGLE_REVIEWS = KaggleSource(dataset="lakshmi25npathi/imdb-dataset-of-50k-movie-reviews")
KAGGLE_GLOVE = KaggleSource(dataset="danielwillgeorge/glove6b100dtxt")
PUBLIC_REVIEWS = ArchiveSource(url="https://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz")
PUBLIC_GLOVE = ArchiveSource(url="https://nlp.stanford.edu/data/glove.6B.zip")


class Study(Record):
    """The whole study: what is compared, on what data, and how it is trained.

    ``margin`` is the loss in test accuracy, as a share, that a cheaper setting may have and still be recommended.
    """

    cells: Annotated[tuple[Cell, ...], Field(strict=False)] = CELLS
    units: Annotated[tuple[Units, ...], Field(strict=False)] = (128, 64, 32)
    batch_sizes: Annotated[tuple[BatchSize, ...], Field(strict=False)] = (128, 64, 32)
    replicates: Annotated[int, Field(ge=1, le=100)] = 1
    margin: Annotated[float, Field(gt=0, le=0.5)] = 0.01
    text: TextSettings = TextSettings()
    training: TrainingSettings = TrainingSettings()
    reviews: Source = KAGGLE_REVIEWS
    glove: Source = KAGGLE_GLOVE

    @field_validator("cells", "units", "batch_sizes")
    @classmethod
    def _check_levels(cls, levels: tuple[Any, ...]) -> tuple[Any, ...]:
        # Field by field, so that one fault does not hide the others.
        if not levels:
            raise ValueError("expected at least one level, found none")
        if len(set(levels)) != len(levels):
            raise ValueError(f"expected each level once, found {list(levels)}")
        return levels

    @model_validator(mode="after")
    def _check_grid(self) -> Self:
        count = len(self.cells) * len(self.units) * len(self.batch_sizes) * self.replicates
        if count > MAX_VARIANTS:
            raise ValueError(f"the grid has {count:,} variants; at most {MAX_VARIANTS:,} can be mapped")
        return self

    def with_replicates(self, count: int) -> "Study":
        """Return the same study with another number of replicates."""
        return self.model_copy(update={"replicates": count})

    @property
    def variants(self) -> tuple[Variant, ...]:
        """Every variant, ordered by cell, units, batch size, replicate: the order of the mapped tasks."""
        grid = itertools.product(self.cells, self.units, self.batch_sizes, range(self.replicates))
        return tuple(Variant(cell=c, units=u, batch_size=b, replicate=r) for c, u, b, r in grid)
