"""Looking after a store: what is in it, whether it is whole, and what nobody needs any more.

Needed are the reports of the newest runs and, from entry to entry, all that they were made of. What is younger than an
age is kept as well, for a run may be in the middle of using it.

Entries and refs are as old as they say themselves, so a copy of the store keeps the same. Checkpoints, locks,
unfinished work, what was set aside, and entries whose manifest cannot be read have the time of their files: a copy
without times makes them younger at most, so that they stay a little longer.
"""

import contextlib
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from imdb_tasks.errors import SettingsError
from imdb_tasks.store import locks
from imdb_tasks.store.manifest import MANIFEST, misplaced
from imdb_tasks.store.names import CHECKPOINTS, lock_name, ref_file, ref_folder
from imdb_tasks.store.refs import unseal_ref
from imdb_tasks.store.seals import seconds, unseal, unseal_bytes
from imdb_tasks.store.store import Store

KINDS = ("sources", "arrays", "models", "predictions", "evaluations", "analyses", "reports")
# Refs -> the kind of entry by whose key they are named
_REFS_OF_ENTRIES = {"progress": "models", "failures": "models", "analysed": "evaluations"}
_TRAININGS = "trainings"  # refs, of each run
_FETCHING = lock_name("fetching", "sources")  # how the names of the locks of all fetches begin
_SHARED_WORK = ("downloads", "removed")  # folders of unfinished work of many
_DAY = 86_400.0


@dataclass(frozen=True)
class Listed:
    """One entry of the store, as its manifest tells; ``created`` is in seconds since 1970.

    ``bytes`` is None where the manifest cannot be read or is another entry's; ``created`` is then the files' time.
    """

    kind: str
    key: str
    bytes: int | None
    created: float
    inputs: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The entry's place in the store."""
        return f"{self.kind}/{self.key}"


@dataclass(frozen=True)
class PrunePolicy:
    """What ``prune`` keeps."""

    runs: int = 10
    days: float = 7.0

    def __post_init__(self) -> None:
        """Refuse a policy that means nothing."""
        if self.runs < 0 or not 0 <= self.days < float("inf"):
            raise SettingsError(f"prune: expected a number of runs and of days from 0, found {self.runs}, {self.days}")


@dataclass(frozen=True)
class Pruned:
    """What was deleted, or would be: entries, what was set aside, files of nothing, unfinished work of this disk."""

    entries: list[Listed]
    folders: list[str]
    files: list[str]
    work: list[Path]


def list_entries(store: Store) -> Iterator[Listed]:
    """Yield every entry; no file but the manifests is read."""
    for kind in KINDS:
        for key in store.files.folders(kind):
            yield _listed(store, kind, key)


def verify_store(store: Store) -> tuple[int, list[str]]:
    """Read every entry, no copy of it, every ref and every checkpoint, and set aside what is damaged or misplaced.

    Returns how many entries are whole, and the names of what was set aside.
    """
    found = list(list_entries(store))
    damaged = []
    for entry in found:
        store.files.forget_copy(entry.name)
        if store.find(entry.kind, entry.key) is None:
            damaged.append(entry.name)
    whole = len(found) - len(damaged)
    files = [*_ref_files(store, "refs"), *(f"{CHECKPOINTS}/{name}" for name in store.files.names(CHECKPOINTS))]
    for name in files:
        content = store.files.read(name)  # None if a run deleted it meanwhile
        if content is not None and (fault := _fault(name, content)):
            store.set_aside(name, fault)
            damaged.append(name)
    return whole, damaged


def _ref_files(store: Store, folder: str) -> Iterator[str]:
    yield from (f"{folder}/{name}" for name in store.files.names(folder))
    for inner in store.files.folders(folder):
        yield from _ref_files(store, f"{folder}/{inner}")


def _fault(name: str, content: bytes) -> str | None:
    """Say what is wrong with a ref or a checkpoint."""
    try:
        if name.startswith("refs/"):
            unseal_ref(name.removeprefix("refs/").removesuffix(".json"), content)
        else:
            unseal_bytes(name, content)
    except ValueError as error:
        return str(error)
    return None


def prune_store(store: Store, policy: PrunePolicy, *, dry_run: bool) -> Pruned:
    """Delete what ``policy`` does not keep; with ``dry_run``, only say what that would be.

    Entries go before what they were made of, so that a killed prune leaves nothing that lacks its inputs.
    """
    old = time.time() - policy.days * _DAY
    listed = {entry.name: entry for entry in list_entries(store)}
    runs = store.ref_names("runs")
    kept = {f"reports/{run['report']}" for name, run in store.refs("runs").items() if name in runs[-policy.runs :]}
    kept = _with_inputs(kept if policy.runs else set(), listed)
    kept = _with_inputs(kept | {entry.name for entry in listed.values() if entry.created > old}, listed)
    claims = locks.living(store.files, old)
    held = {claim.rpartition(".")[0] for claim in claims}
    gone = [entry for entry in reversed(listed.values()) if entry.name not in kept and not _is_made(entry, held)]
    left = listed.keys() - {entry.name for entry in gone}
    strays = [*_strays(store, left, held, old), *_notes_of_runs(store, left, old)]
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


def _listed(store: Store, kind: str, key: str) -> Listed:
    folder = f"{kind}/{key}"
    with contextlib.suppress(ValueError, KeyError, TypeError, AttributeError):
        manifest = unseal(store.files.read(f"{folder}/{MANIFEST}") or b"")
        size = sum(file["bytes"] for file in manifest["files"].values())
        if misplaced(manifest, kind, key) is None:
            return Listed(kind, key, size, seconds(manifest["created"]), tuple(manifest["about"].get("inputs", ())))
    written = store.files.names(folder)
    for part in store.files.folders(folder):  # in a bucket, the files of an upload that may still go on
        written |= {f"{part}/{name}": at for name, at in store.files.names(f"{folder}/{part}").items()}
    return Listed(kind, key, None, max(written.values(), default=0.0))


def _with_inputs(names: set[str], listed: dict[str, Listed]) -> set[str]:
    reached, waiting = set[str](), list(names)
    while waiting:
        name = waiting.pop()
        if name in listed and name not in reached:
            reached.add(name)
            waiting += listed[name].inputs
    return reached


def _is_made(entry: Listed, held: set[str]) -> bool:
    """Tell whether somebody may be at work on an entry; which source a fetch will lead to, nobody knows before."""
    fetched = entry.kind == "sources" and entry.bytes is None
    return lock_name(entry.kind, entry.key) in held or (fetched and any(name.startswith(_FETCHING) for name in held))


def _strays(store: Store, left: set[str], held: set[str], old: float) -> Iterator[str]:
    """Yield old files that belong to nothing: what was set aside, refs to what is gone, idle checkpoints."""
    names = store.files.names("aside")
    yield from (f"aside/{name}" for name in names if names[name] < old)
    for prefix, kind in _REFS_OF_ENTRIES.items():
        for key, written in store.ref_times(prefix).items():
            if written < old and f"{kind}/{key}" not in left and lock_name(kind, key) not in held:
                yield ref_file(f"{prefix}/{key}")
    names = store.files.names(CHECKPOINTS)
    for name in names:
        if names[name] < old and lock_name("models", Path(name).stem) not in held:
            yield f"{CHECKPOINTS}/{name}"


def _notes_of_runs(store: Store, left: set[str], old: float) -> Iterator[str]:
    """Yield old refs of runs whose report is gone, and old ones to models that are."""
    gone = {run for run, note in store.refs("runs").items() if f"reports/{note['report']}" not in left}
    for run in store.files.folders(ref_folder(_TRAININGS)):
        for variant, written in store.ref_times(f"{_TRAININGS}/{run}").items():
            if written < old and (run in gone or _model(store, run, variant) not in left):
                yield ref_file(f"{_TRAININGS}/{run}/{variant}")
    for prefix in ("mailed-by", "runs"):  # a run itself goes last: a killed prune goes on from it
        times = store.ref_times(prefix)
        yield from (ref_file(f"{prefix}/{run}") for run, written in times.items() if written < old and run in gone)


def _stale_locks(store: Store, claims: set[str], old: float) -> Iterator[str]:
    names = store.files.names(locks.FOLDER)
    for name in names:
        owner = Path(name).stem
        beaten = max(names[name], names.get(f"{owner}.beat", 0.0))  # a beat is younger than its claim
        if owner not in claims and beaten < old:
            yield f"{locks.FOLDER}/{name}"


def _model(store: Store, run: str, variant: str) -> str:
    training = store.read_ref(f"{_TRAININGS}/{run}/{variant}")
    return f"models/{training['model']}" if training else ""


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
