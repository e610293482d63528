"""What lies in a store and belongs to nothing that is kept: files of dead processes, idle checkpoints, refs to nothing.

Checkpoints, locks, unfinished work and what was set aside have the time of their files: a copy of the store without
times makes them younger at most, so that they stay a little longer.
"""

import contextlib
from collections.abc import Iterator, Set
from pathlib import Path

from imdb_tasks.store import locks
from imdb_tasks.store.in_use import Uses, run_of, target_of
from imdb_tasks.store.names import CHECKPOINTS, USES, lock_name, ref_file
from imdb_tasks.store.store import Store

_SHARED_WORK = ("downloads", "removed")  # folders of unfinished work of many
_WRITING = 3_600.0  # seconds in which a living process certainly writes one small file


def files_of_nothing(store: Store, uses: Uses, claims: Set[str], left: Set[str], kept_runs: Set[str]) -> Iterator[str]:
    """Yield old files that nothing needs; ``left`` are the entries that stay, ``claims`` the locks of the living."""
    yield from _old_files(store, "aside", uses.old)
    for name in _old_files(store, CHECKPOINTS, uses.old):
        if lock_name("models", Path(name).stem) not in uses.held:
            yield name
    yield from _refs(uses, left, kept_runs)
    yield from _locks(store, claims, uses.old)
    # Whoever writes a file needs it under its hidden name for a moment, whatever age is asked for.
    yield from store.files.half_written(min(uses.old, store.files.now() - _WRITING))


def folders_set_aside(store: Store, old: float) -> Iterator[str]:
    """Yield old folders of what was set aside."""
    for name in store.files.folders("aside"):
        written = store.files.names(f"aside/{name}").values()
        if max(written, default=0.0) < old:
            yield f"aside/{name}"


def unfinished_work(store: Store, old: float) -> Iterator[Path]:
    """Yield old drafts, parts of downloads, and what could not be deleted when it was removed."""
    shared = [store.files.scratch / name for name in _SHARED_WORK]
    for folder in (store.files.scratch, *shared):
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            with contextlib.suppress(FileNotFoundError):  # it goes away by itself
                written = max(found.lstat().st_mtime for found in (path, *path.rglob("*")))
                if path not in shared and written < old:
                    yield path


def _old_files(store: Store, folder: str, old: float) -> Iterator[str]:
    yield from (f"{folder}/{name}" for name, at in store.files.names(folder).items() if at < old)


def _refs(uses: Uses, left: Set[str], kept_runs: Set[str]) -> Iterator[str]:
    """Yield old refs that are named by an entry that is gone, lead to one, or belong to a run that is not kept."""
    gone = {run for run, report in uses.reports.items() if report not in left}
    for kind, listed in uses.refs.items():
        for ref in listed:
            target = f"{kind.entry}/{ref.name}" if kind.entry else target_of(kind, ref)
            run = run_of(ref)
            lost = target is not None and target not in left
            if kind.of_run:
                lost = lost or run in gone or run not in kept_runs
            if lost and not (target and uses.is_held(target)) and ref.written < uses.old:
                yield ref_file(f"{kind.folder}/{ref.name}")
    for name, ref in uses.last.items():
        if name not in left and not uses.is_held(name) and ref.written < uses.old:
            yield ref_file(f"{USES}/{name}")


def _locks(store: Store, claims: Set[str], old: float) -> Iterator[str]:
    names = store.files.names(locks.FOLDER)
    for name in names:
        owner = Path(name).stem
        beaten = max(names[name], names.get(f"{owner}.beat", 0.0))  # a beat is younger than its claim
        if owner not in claims and beaten < old:
            yield f"{locks.FOLDER}/{name}"
