"""Prune: delete what no kept run needs.

Prune keeps the reports of the newest runs and all their inputs, direct and indirect. It also keeps entries younger than
an age, because a run may be using them.

Entries and refs are as old as they say themselves, so a copy of the store keeps the same. Checkpoints, locks,
unfinished work, what was set aside, and entries whose manifest cannot be read have the time of their files: a copy
without times makes them younger at most, so that they stay a little longer.
"""

import contextlib
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from imdb_tasks.errors import SettingsError
from imdb_tasks.store import locks
from imdb_tasks.store.maintenance import Listed, list_entries
from imdb_tasks.store.names import CHECKPOINTS, lock_name, ref_file, ref_folder
from imdb_tasks.store.refs import ListedRef
from imdb_tasks.store.store import Store

_FETCHING = lock_name("fetching", "sources")  # how the names of the locks of all fetches begin
_SHARED_WORK = ("downloads", "removed")  # folders of unfinished work of many
_DAY = 86_400.0


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
        """Whether their names begin with the id of a run: they are of no use once its report is gone."""

    @property
    def target(self) -> tuple[str, str] | None:
        """The kind of entry that they lead to, and the field with its key."""

    @property
    def keeps(self) -> bool:
        """Whether what they lead to is kept, for the newest of them."""


@dataclass(frozen=True)
class PrunePolicy:
    """What ``prune`` keeps."""

    runs: int = 10
    days: float = 7.0

    def __post_init__(self) -> None:
        """Refuse a policy that means nothing."""
        if self.runs < 0 or not 0 <= self.days < float("inf"):
            raise SettingsError(
                f"prune: expected non-negative numbers of runs and days, found {self.runs} and {self.days}"
            )


@dataclass(frozen=True)
class Pruned:
    """What was deleted, or would be: entries, what was set aside, files of nothing, unfinished work of this disk."""

    entries: list[Listed]
    folders: list[str]
    files: list[str]
    work: list[Path]


def prune_store(store: Store, policy: PrunePolicy, kinds: Sequence[RefKind], *, dry_run: bool) -> Pruned:
    """Delete what ``policy`` does not keep; with ``dry_run``, only say what that would be.

    ``kinds`` are the refs that there are; those that keep an entry come last, so that a killed prune goes on from them.

    Entries are deleted before their inputs, so that after a killed prune every remaining entry has its inputs.
    """
    old = time.time() - policy.days * _DAY
    listed = {entry.name: entry for entry in list_entries(store)}
    refs = {kind: _refs(store, kind.folder) for kind in kinds}
    reports = [str(_target(kind, ref)) for kind in kinds if kind.keeps for ref in refs[kind]]
    kept = _with_inputs(set(reports[-policy.runs :] if policy.runs else ()), listed)
    kept = _with_inputs(kept | {entry.name for entry in listed.values() if entry.created > old}, listed)
    claims = locks.live_locks(store.files, old)
    held = {claim.rpartition(".")[0] for claim in claims}
    gone = [entry for entry in reversed(listed.values()) if entry.name not in kept and not _is_made(entry, held)]
    left = listed.keys() - {entry.name for entry in gone}
    strays = [*_strays(store, held, old), *_stray_refs(refs, left, held, old)]
    strays += _stale_locks(store, claims, old)
    work = [] if held else list(_unfinished(store, old))
    pruned = Pruned(gone, list(_set_aside(store, old)), strays, work)
    if not dry_run:
        for name in (*(entry.name for entry in gone), *pruned.folders):
            store.files.delete_entry(name)
        for name in pruned.files:
            store.files.delete(name)
        for path in pruned.work:
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
    return pruned


def _with_inputs(names: set[str], listed: dict[str, Listed]) -> set[str]:
    reached, waiting = set[str](), list(names)
    while waiting:
        name = waiting.pop()
        if name in listed and name not in reached:
            reached.add(name)
            waiting += listed[name].inputs
    return reached


def _is_made(entry: Listed, held: set[str]) -> bool:
    """Return whether a process may be making the entry; a fetch may lead to any unfinished source."""
    fetched = entry.kind == "sources" and entry.bytes is None
    return lock_name(entry.kind, entry.key) in held or (fetched and any(name.startswith(_FETCHING) for name in held))


def _strays(store: Store, held: set[str], old: float) -> Iterator[str]:
    """Yield old files that belong to nothing: what was set aside, idle checkpoints."""
    names = store.files.names("aside")
    yield from (f"aside/{name}" for name in names if names[name] < old)
    names = store.files.names(CHECKPOINTS)
    for name in names:
        if names[name] < old and lock_name("models", Path(name).stem) not in held:
            yield f"{CHECKPOINTS}/{name}"


def _stray_refs(
    refs: Mapping[RefKind, Sequence[ListedRef]], left: set[str], held: set[str], old: float
) -> Iterator[str]:
    """Yield old refs that are named by an entry that is gone, lead to one, or belong to a run whose report is gone."""
    reported = {ref.name: _target(kind, ref) for kind in refs if kind.keeps for ref in refs[kind]}
    gone = {run for run, report in reported.items() if report not in left}
    for kind, listed in refs.items():
        for ref in listed:
            target = f"{kind.entry}/{ref.name}" if kind.entry else _target(kind, ref)
            needed = {target} if target else set[str]()
            lost = bool(needed - left) or (kind.of_run and ref.name.partition("/")[0] in gone)
            is_made = any(entry.replace("/", "-", 1) in held for entry in needed)
            if lost and not is_made and ref.written < old:
                yield ref_file(f"{kind.folder}/{ref.name}")


def _target(kind: RefKind, ref: ListedRef) -> str | None:
    """Return the entry that a ref leads to; None where it leads to none, or cannot be read."""
    if kind.target is None or ref.value is None:
        return None
    entry, field = kind.target
    return f"{entry}/{ref.value.get(field)}"


def _refs(store: Store, folder: str) -> list[ListedRef]:
    """Return the refs below a folder, the newest of each folder last; nothing is set aside."""
    found = list(store.listed_refs(folder))
    for inner in store.files.folders(ref_folder(folder)):
        found += [replace(ref, name=f"{inner}/{ref.name}") for ref in _refs(store, f"{folder}/{inner}")]
    return found


def _stale_locks(store: Store, claims: set[str], old: float) -> Iterator[str]:
    names = store.files.names(locks.FOLDER)
    for name in names:
        owner = Path(name).stem
        beaten = max(names[name], names.get(f"{owner}.beat", 0.0))  # a beat is younger than its claim
        if owner not in claims and beaten < old:
            yield f"{locks.FOLDER}/{name}"


def _set_aside(store: Store, old: float) -> Iterator[str]:
    """Yield old folders of what was set aside."""
    for name in store.files.folders("aside"):
        written = store.files.names(f"aside/{name}").values()
        if max(written, default=0.0) < old:
            yield f"aside/{name}"


def _unfinished(store: Store, old: float) -> Iterator[Path]:
    """Yield old drafts, parts of downloads, and what could not be deleted when it was removed."""
    shared = [store.files.scratch / name for name in _SHARED_WORK]
    for folder in (store.files.scratch, *shared):
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            with contextlib.suppress(FileNotFoundError):  # it goes away by itself
                written = max(found.lstat().st_mtime for found in (path, *path.rglob("*")))
                if path not in shared and written < old:
                    yield path
