"""The list of runs on the page *Study*: one row for each, filtered, sorted, and in pages."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal
from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from imdb_tasks.analysis import RunSummary
from imdb_tasks.formatting import signed
from imdb_tasks.pipeline import summary_of
from imdb_tasks.store import Store
from imdb_tasks.ui.runs import InAirflow, Run, changes_since, scheduled_study, started

PAGE_ROWS = 50

Kind = Literal["scheduled", "sample", "other"]
Sort = Literal["reported", "run", "epochs", "models", "accuracy"]
KIND_NAMES: Mapping[Kind, str] = {"scheduled": "scheduled study", "sample": "sample", "other": "another study"}


@dataclass(frozen=True)
class RunRow:
    """A run as the list shows it.

    ``summary`` is None where its result is gone or of another form. ``changed`` says what differs from ``before``, the
    run before of the same study; ``difference`` is the accuracy less that of ``before``, as a share.
    """

    run: Run
    kind: Kind
    summary: RunSummary | None
    started: str
    note: str
    before: Run | None
    changed: tuple[str, ...]
    difference: float | None

    @property
    def since(self) -> str:
        """What changed since the run before, in words."""
        if self.run.note.study and self.before is None:
            return "first run of this study"
        moved = [] if self.difference is None else [f"{signed(100 * self.difference, 1)} points"]
        if not moved and not self.changed:
            return "–"
        return "; ".join([*moved, *(self.changed or ["nothing else"])])


class RunQuery(BaseModel):
    """Which rows to show: those that hold ``text``, of one ``kind``, of the same study as the run ``like``."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    text: Annotated[str, StringConstraints(max_length=200)] = ""
    kind: Kind | Literal["all"] = "all"
    like: Annotated[str, StringConstraints(max_length=250)] = ""
    sort: Sort = "reported"
    descending: bool = True
    page: Annotated[int, Field(ge=1, le=1_000_000)] = 1

    @property
    def filters(self) -> bool:
        """Whether rows are left out."""
        return bool(self.text or self.like) or self.kind != "all"

    def address(self, **changes: object) -> str:
        """Return the query part of the address that asks for this, with changes; "" for what is shown unasked."""
        given = self.model_copy(update=changes).model_dump(mode="json", exclude_defaults=True)
        return f"?{urlencode({n: str(v).lower() if v is False else v for n, v in given.items()})}" if given else ""

    def sorted_by(self, sort: Sort) -> str:
        """Return the address of the list sorted by another column, or by the same one the other way round."""
        descending = not self.descending if sort == self.sort else sort != "run"
        return self.address(sort=sort, descending=descending, page=1)


@dataclass(frozen=True)
class RunPage:
    """The rows to show, from which on, of how many, and the number of the last page; ``all_count`` is unfiltered."""

    rows: tuple[RunRow, ...]
    query: RunQuery
    first: int
    count: int
    all_count: int
    last_page: int


def run_rows(store: Store, runs: Sequence[Run], known: Mapping[str, InAirflow]) -> list[RunRow]:
    """Return a row for each run, in the same order."""
    scheduled = scheduled_study(store, runs)
    summaries = {run.id: summary_of(store, run.id, run.note) for run in runs}
    before: dict[str, Run] = {}  # by study, from the oldest run on
    rows = []
    for run in reversed(runs):
        previous = before.get(run.note.study) if run.note.study else None
        now, was = summaries[run.id], summaries[previous.id] if previous else None
        there = known.get(run.id)
        rows.append(
            RunRow(
                run=run,
                kind="scheduled" if run.id in scheduled else "sample" if now and now.sample else "other",
                summary=now,
                started=started(run, known),
                note=(there.note or "") if there else "",
                before=previous,
                changed=tuple(changes_since(run, now, previous, was)) if previous and now and was else (),
                difference=_difference(now, was),
            )
        )
        if run.note.study:
            before[run.note.study] = run
    return rows[::-1]


def page_of(rows: Sequence[RunRow], query: RunQuery) -> RunPage:
    """Return the page that a query asks for; a page beyond the last is the last."""
    found = _sorted(list(filter(_wanted(rows, query), rows)), query)
    last = max(1, -(-len(found) // PAGE_ROWS))
    page = min(query.page, last)
    start = (page - 1) * PAGE_ROWS
    return RunPage(
        rows=tuple(found[start : start + PAGE_ROWS]),
        query=query.model_copy(update={"page": page}),
        first=start + 1,
        count=len(found),
        all_count=len(rows),
        last_page=last,
    )


def _difference(now: RunSummary | None, was: RunSummary | None) -> float | None:
    if now is None or was is None or now.accuracy is None or was.accuracy is None:
        return None
    return now.accuracy - was.accuracy


def _wanted(rows: Sequence[RunRow], query: RunQuery) -> Callable[[RunRow], bool]:
    studies = {row.run.note.study for row in rows if row.run.id == query.like} - {None}
    words = query.text.casefold().split()

    def wanted(row: RunRow) -> bool:
        said = " ".join(_words(row)).casefold()
        of_kind = query.kind in ("all", row.kind)
        alike = not query.like or row.run.id == query.like or row.run.note.study in studies
        return of_kind and alike and all(word in said for word in words)

    return wanted


def _words(row: RunRow) -> Iterable[str]:
    """Return what the text of a query is looked for in."""
    yield from (row.run.id, row.started, row.note, KIND_NAMES[row.kind], row.run.note.code or "")
    yield from row.changed
    if row.summary:
        yield from (row.summary.profile, row.summary.setting or "", row.summary.backend, *row.summary.deviations)


def _sorted(rows: list[RunRow], query: RunQuery) -> list[RunRow]:
    """Sort rows that are the newest first; a row without the value stays at the end, either way."""
    keys: Mapping[Sort, Callable[[RunRow], object]] = {
        "reported": lambda row: row.run.written,
        "run": lambda row: row.run.id.casefold(),
        "epochs": lambda row: row.summary and row.summary.epochs,
        "models": lambda row: row.summary and row.summary.models,
        "accuracy": lambda row: row.summary and row.summary.accuracy,
    }
    key = keys[query.sort]
    have = sorted((row for row in rows if key(row) is not None), key=key, reverse=query.descending)  # type: ignore[arg-type]
    return have + [row for row in rows if key(row) is None]
