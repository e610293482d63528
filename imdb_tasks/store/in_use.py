"""What the runs of a store use: told by their notes and by their locks, not by the age of what they use.

A run lives while it holds a lock, or while the newest of its notes is younger than an age. What it has noted as used is
in use until then, however old it is.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol

from imdb_tasks.store.names import USES, ref_folder
from imdb_tasks.store.refs import ListedRef
from imdb_tasks.store.store import Store


class RefKind(Protocol):
    """The refs of one folder: what they are named by, and which entry they lead to."""

    @property
    def folder(self) -> str:
        """The folder's name below ``refs``."""

    @property
    def entry(self) -> str | None:
        """The kind of entry by whose key the refs are named: they are of no use without it."""

    @property
    def of_run(self) -> bool:
        """Whether their names begin with the id of a run: they are of no use once the run is not kept."""

    @property
    def target(self) -> tuple[str, str] | None:
        """The kind of entry that they lead to, and the field with its key."""

    @property
    def keeps(self) -> bool:
        """Whether what they lead to is kept, for the newest of them; they say that a run is finished."""


@dataclass(frozen=True)
class Uses:
    """The refs of a store, and what they say of runs and entries.

    Attributes:
        refs: the refs of each kind, the newest of each folder last.
        last: who used an entry last, and when, by the entry's name.
        held: the names of the locks that a living process holds.
        old: the moment, in seconds since 1970, from which on a note or a use is young.

    """

    refs: Mapping[RefKind, Sequence[ListedRef]]
    last: Mapping[str, ListedRef]
    held: frozenset[str]
    old: float

    @classmethod
    def read(cls, store: Store, kinds: Sequence[RefKind], held: frozenset[str], old: float) -> "Uses":
        """Read all refs of ``kinds``; nothing is set aside."""
        last = {ref.name: ref for ref in _below(store, USES)}
        return cls({kind: _below(store, kind.folder) for kind in kinds}, last, held, old)

    @cached_property
    def reports(self) -> Mapping[str, str | None]:
        """The reports of the finished runs, the newest run last."""
        return {ref.name: target_of(kind, ref) for kind in self.refs if kind.keeps for ref in self.refs[kind]}

    @cached_property
    def living(self) -> frozenset[str]:
        """The runs that hold a lock, or whose newest note is young."""
        at_work = {run_of(ref) for kind, ref in self._of_runs() if self._is_young_or_held(kind, ref)}
        users = {_user(ref) for name, ref in self.last.items() if ref.written >= self.old or self.is_held(name)}
        return frozenset(at_work | users) - {""}

    def entries(self) -> set[str]:
        """Return the names of the entries that a living run has noted, or that were used a short time ago."""
        by_note = {target_of(kind, ref) for kind, ref in self._of_runs() if run_of(ref) in self.living}
        by_ref = {
            target_of(kind, ref)
            for kind, listed in self.refs.items()
            for ref in listed
            if not kind.of_run and ref.written >= self.old
        }
        used = {name for name, ref in self.last.items() if ref.written >= self.old or _user(ref) in self.living}
        return {name for name in by_note | by_ref | used if name}

    def kept_runs(self, count: int) -> frozenset[str]:
        """Return the newest ``count`` runs that have a report, as many that have none, and all that live."""
        unfinished: dict[str, float] = {}
        for _, ref in self._of_runs():
            if (run := run_of(ref)) not in self.reports:
                unfinished[run] = max(ref.written, unfinished.get(run, 0.0))
        newest = sorted(unfinished, key=lambda run: (unfinished[run], run))
        return self.living | frozenset(_last(list(self.reports), count)) | frozenset(_last(newest, count))

    def is_held(self, entry: str) -> bool:
        """Return whether a process may be making the entry."""
        return entry.replace("/", "-", 1) in self.held

    def _of_runs(self) -> Iterator[tuple[RefKind, ListedRef]]:
        """Yield what runs have noted while they ran."""
        for kind, listed in self.refs.items():
            if kind.of_run and not kind.keeps:
                yield from ((kind, ref) for ref in listed)

    def _is_young_or_held(self, kind: RefKind, ref: ListedRef) -> bool:
        target = target_of(kind, ref)
        return ref.written >= self.old or (target is not None and self.is_held(target))


def target_of(kind: RefKind, ref: ListedRef) -> str | None:
    """Return the entry that a ref leads to; None where it leads to none, or cannot be read."""
    if kind.target is None or ref.value is None:
        return None
    entry, field = kind.target
    return f"{entry}/{ref.value.get(field)}"


def _below(store: Store, folder: str) -> list[ListedRef]:
    """Return the refs below a folder, the newest of each folder last."""
    found = list(store.listed_refs(folder))
    for inner in store.files.folders(ref_folder(folder)):
        found += [replace(ref, name=f"{inner}/{ref.name}") for ref in _below(store, f"{folder}/{inner}")]
    return found


def run_of(ref: ListedRef) -> str:
    """Return the run that wrote a ref, for kinds that are named by their run."""
    return ref.name.partition("/")[0]


def _user(ref: ListedRef) -> str:
    return str((ref.value or {}).get("by", ""))


def _last(names: list[str], count: int) -> list[str]:
    return names[-count:] if count else []
