"""Prune: delete what no kept run needs.

Prune keeps the reports of the newest runs, what living runs use (see ``in_use``), and all their inputs, direct and
indirect. It also keeps what was made or used within an age. Entries and refs are as old as they say themselves, so a
copy of the store keeps the same.
"""

import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from imdb_tasks.errors import SettingsError
from imdb_tasks.store import locks
from imdb_tasks.store.in_use import RefKind, Uses
from imdb_tasks.store.leftovers import files_of_nothing, folders_set_aside, unfinished_work
from imdb_tasks.store.maintenance import Listed, list_entries
from imdb_tasks.store.names import USES, lock_name
from imdb_tasks.store.store import Store

_FETCHING = lock_name("fetching", "sources")  # how the names of the locks of all fetches begin
_DAY = 86_400.0


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

    def is_something(self) -> bool:
        """Tell whether there is anything in it."""
        return bool(self.entries or self.folders or self.files or self.work)

    def within(self, agreed: "Pruned") -> "Pruned":
        """Return the part of this that is in ``agreed``, too."""
        names = {entry.name for entry in agreed.entries}
        return Pruned(
            [entry for entry in self.entries if entry.name in names],
            [name for name in self.folders if name in agreed.folders],
            [name for name in self.files if name in agreed.files],
            [path for path in self.work if path in agreed.work],
        )


def prune_store(
    store: Store, policy: PrunePolicy, kinds: Sequence[RefKind], *, dry_run: bool, agreed: Pruned | None = None
) -> Pruned:
    """Delete what ``policy`` does not keep; with ``dry_run``, only say what that would be.

    ``kinds`` are the refs that there are; those that keep an entry come last, so that a killed prune goes on from them.
    With ``agreed``, the answer of an earlier dry run, nothing else is deleted, and nothing of it that is in use now.

    Entries are deleted before their inputs, so that after a killed prune every remaining entry has its inputs.
    """
    found, uses = _prunable(store, policy, kinds)
    if agreed:
        found = found.within(agreed)
    if dry_run:
        return found
    entries = _delete_entries(store, found.entries, uses)
    for name in found.folders:
        store.files.delete_entry(name)
    for name in found.files:
        store.files.delete(name)
    for path in found.work:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    return Pruned(entries, found.folders, found.files, found.work)


def _prunable(store: Store, policy: PrunePolicy, kinds: Sequence[RefKind]) -> tuple[Pruned, Uses]:
    old = store.files.now() - policy.days * _DAY  # the clock of this machine may be hours off
    claims = locks.live_locks(store.files, old)
    held = frozenset(claim.rpartition(".")[0] for claim in claims)
    listed = {entry.name: entry for entry in list_entries(store)}
    uses = Uses.read(store, kinds, held, old)  # after the entries: a run may use one of them by now
    young = {entry.name for entry in listed.values() if entry.created > old}
    kept = _with_inputs(_newest(uses, policy.runs) | uses.entries() | young, listed)
    gone = [entry for entry in reversed(listed.values()) if entry.name not in kept and not _is_made(entry, uses)]
    left = listed.keys() - {entry.name for entry in gone}
    files = files_of_nothing(store, uses, claims, left, uses.kept_runs(policy.runs))
    work = [] if held else list(unfinished_work(store, old))
    return Pruned(gone, list(folders_set_aside(store, old)), list(files), work), uses


def _newest(uses: Uses, runs: int) -> set[str]:
    reports = list(uses.reports.values())
    return {report for report in (reports[-runs:] if runs else ()) if report}


def _delete_entries(store: Store, entries: Sequence[Listed], uses: Uses) -> list[Listed]:
    """Delete the entries that no run has begun to use since ``uses`` was read; return those that are gone."""
    gone = []
    spared = set[str]()
    for entry in entries:
        seen = uses.last.get(entry.name)
        if entry.name in spared or store.ref_time(f"{USES}/{entry.name}") != (seen.written if seen else 0.0):
            spared.update(entry.inputs)
        else:
            store.files.delete_entry(entry.name)
            gone.append(entry)
    return gone


def _with_inputs(names: Iterable[str], listed: dict[str, Listed]) -> set[str]:
    reached, waiting = set[str](), list(names)
    while waiting:
        name = waiting.pop()
        if name in listed and name not in reached:
            reached.add(name)
            waiting += listed[name].inputs
    return reached


def _is_made(entry: Listed, uses: Uses) -> bool:
    """Return whether a process may be making the entry; a fetch may lead to any unfinished source."""
    fetched = entry.kind == "sources" and entry.bytes is None
    return uses.is_held(entry.name) or (fetched and any(name.startswith(_FETCHING) for name in uses.held))
