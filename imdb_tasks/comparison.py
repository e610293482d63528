"""Two results of the study side by side: what was changed, and what came of it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from imdb_tasks.findings import label, rows
from imdb_tasks.results import StudyResult
from imdb_tasks.study import Variant

_DATA = ("rows", "train_rows", "test_rows", "vocabulary_size", "glove_words", "reviews_sha256", "glove_sha256")


@dataclass(frozen=True)
class Change:
    """Something that one result has and the other has not, in words."""

    name: str
    before: str
    after: str


@dataclass(frozen=True)
class Pair:
    """Test accuracies (0 to 1) of one variant in two results; how it ended in words, None where it is not there."""

    label: str
    before: float | None
    after: float | None
    before_words: str | None
    after_words: str | None

    @property
    def difference(self) -> float | None:
        """The second accuracy less the first."""
        return None if self.before is None or self.after is None else self.after - self.before


@dataclass(frozen=True)
class Comparison:
    """What differs between two results, and every variant of either."""

    settings: tuple[Change, ...]
    data: tuple[Change, ...]
    code: tuple[Change, ...]
    pairs: tuple[Pair, ...]


def compare(before: StudyResult, after: StudyResult, *, revisions: tuple[str, str]) -> Comparison:
    """Compare two results; ``revisions`` are those of the code that made their reports."""
    return Comparison(
        settings=_changes(_flat(before.study.model_dump(mode="json")), _flat(after.study.model_dump(mode="json"))),
        data=_changes(_data(before), _data(after)),
        code=_changes(_code(before, revisions[0]), _code(after, revisions[1])),
        pairs=tuple(_pairs(before, after)),
    )


def _pairs(before: StudyResult, after: StudyResult) -> Iterator[Pair]:
    first, second = ({row.result.variant: row for row in rows(result)} for result in (before, after))
    for variant in sorted({*first, *second}, key=_order):
        here, there = first.get(variant), second.get(variant)
        yield Pair(
            label=label(variant),
            before=here.accuracy if here else None,
            after=there.accuracy if there else None,
            before_words=here.words if here else None,
            after_words=there.words if there else None,
        )


def _order(variant: Variant) -> tuple[str, int, int, int]:
    return (variant.cell, -variant.units, -variant.batch_size, variant.replicate)


def _data(result: StudyResult) -> dict[str, str]:
    return {name.replace("_", " "): _word(getattr(result.data_card, name)) for name in _DATA}


def _code(result: StudyResult, revision: str) -> dict[str, str]:
    """Return revision, backend and the versions of what the models were trained with: those of all of them."""
    found: dict[str, set[str]] = {}
    for row in result.variants:
        for package, version in (row.training.versions if row.training else {}).items():
            found.setdefault(package, set()).add(version)
    versions = {package: ", ".join(sorted(each)) for package, each in sorted(found.items())}
    return {"revision": revision, "backend": result.backend, **versions}


def _changes(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[Change, ...]:
    names = [*before, *(name for name in after if name not in before)]
    pairs = ((name, before.get(name, "–"), after.get(name, "–")) for name in names)
    return tuple(Change(name, here, there) for name, here, there in pairs if here != there)


def _flat(values: Mapping[str, Any], above: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in values.items():
        title = f"{above}{name.replace('_', ' ')}"
        found |= _flat(value, f"{title}: ") if isinstance(value, Mapping) else {title: _word(value)}
    return found


def _word(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, Iterable):
        return ", ".join(map(_word, value))
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return "–" if value is None else str(value)
