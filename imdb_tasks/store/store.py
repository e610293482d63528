"""Artifacts named by what they depend on: published at once, verified on every read, made by one process at a time.

ROOT/{kind}/{key}/manifest.json       sha256 and size of every file of the entry; the entry exists if this does
ROOT/refs/{name}.json                 refs, such as "this dataset version -> that entry"
ROOT/refs/used/{kind}/{key}.json      when a run used the entry last, and which run
ROOT/checkpoints/{model key}.npz      states of unfinished trainings
ROOT/locks/...                        who works on what, see ``locks``
ROOT/aside/...                        what failed verification, kept for a look
ROOT/work/...                         unfinished work, free to delete when nothing runs

ROOT is a folder or, through fsspec, a bucket: ``s3://bucket/prefix`` or ``gs://bucket/prefix``, see ``bucket``.
What a file says of itself counts, never its time: a copy of a store may have other file times, see ``seals``.
"""

import contextlib
import logging
import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from imdb_tasks.errors import MissingInputError, SettingsError
from imdb_tasks.settings import StoreSettings
from imdb_tasks.store import locks, refs
from imdb_tasks.store.faults import explaining, tidying
from imdb_tasks.store.local import Files, LocalFiles, replace_file
from imdb_tasks.store.manifest import MANIFEST, first_fault, misplaced, new_manifest
from imdb_tasks.store.names import USES, entry_name, lock_name, ref_file, safe
from imdb_tasks.store.seals import now, seal_bytes, unseal, unseal_bytes

log = logging.getLogger(__name__)

Content = TypeVar("Content")
_KEPT_OF_NAME = 200  # characters; a name can have 255 bytes


@dataclass(frozen=True)
class Entry:
    """A published, verified artifact; ``path`` is a local folder with its files."""

    key: str
    path: Path
    about: Mapping[str, Any]

    def file(self, name: str) -> Path:
        """Return the path of one file of the entry."""
        return self.path / name

    def input_keys(self, kind: str) -> list[str]:
        """Return the keys of the entries of one kind that this one was made of."""
        return [name.partition("/")[2] for name in self.about.get("inputs", ()) if name.startswith(f"{kind}/")]


class Store:
    """Entries, refs, checkpoints and locks in one place."""

    def __init__(self, root: Path | str) -> None:
        """Open a folder, or the bucket that a URL names."""
        if "://" in str(root):
            from imdb_tasks.store.bucket import BucketFiles

            self.files: Files = BucketFiles(str(root))
        else:
            self.files = LocalFiles(Path(root))

    @property
    def where(self) -> str:
        """The folder or the URL, as ``Store`` takes it."""
        return self.files.where

    @classmethod
    def from_environment(cls) -> "Store":
        """Open the folder or the bucket that ``IMDB_STORE`` names."""
        root = StoreSettings.read().store
        if root is None:
            raise SettingsError("IMDB_STORE is not set; expected the folder that keeps the study's artifacts")
        return cls(root)

    def find(self, kind: str, key: str, *, repair: bool = True) -> Entry | None:
        """Return the entry if it is there and whole; move a damaged one to ``aside/``, log it, and return None.

        Without ``repair``, for those who only look, a damaged one stays where it is; None is returned all the same.
        """
        name = entry_name(kind, key)
        path = self.files.fetch_entry(name)
        if path is None:
            return None
        try:
            manifest = unseal(path.joinpath(MANIFEST).read_bytes())
            fault = misplaced(manifest, kind, key) or first_fault(path, manifest["files"])
        except (FileNotFoundError, ValueError, KeyError, TypeError) as error:  # another OSError may pass: not damage
            fault, manifest = f"{MANIFEST} is unreadable ({error})", {}
        if fault:
            if repair:
                self.set_aside(name, fault)
            return None
        return Entry(key, path, manifest["about"])

    def need(self, kind: str, key: str, *, step: str) -> Entry:
        """Return the entry, or say which ``step`` makes it."""
        entry = self.find(kind, key)
        if entry is None:
            raise MissingInputError(
                f"{self.where} has no {kind}/{key}; run the step '{step}' first, then repeat this step"
            )
        return entry

    @contextlib.contextmanager
    def exclusive(self, kind: str, key: str) -> Iterator[locks.Lock]:
        """Wait until nobody else makes this entry, then yield. What killed processes left of it is deleted."""
        with locks.exclusive(self.files, lock_name(kind, key)) as hold:
            for draft in self.files.scratch.glob(f"{safe(kind)}-{safe(key)}-*"):
                shutil.rmtree(draft, ignore_errors=True)
            yield hold

    def release_stale(self, kind: str, key: str) -> None:
        """Delete the stale claims of processes that were killed after they had published the entry."""
        with tidying(f"the locks of {kind}/{key}"):
            locks.release_stale(self.files, lock_name(kind, key))

    @contextlib.contextmanager
    def draft(self, *names: str) -> Iterator[Path]:
        """Yield an empty folder for unfinished work that is gone afterwards; a full disk is said in plain words."""
        folder = self.work_folder() / "-".join([*map(safe, names), uuid.uuid4().hex])
        try:
            with explaining(folder, below=True):
                folder.mkdir()
                yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    @contextlib.contextmanager
    def publish(
        self, kind: str, key: str, about: Mapping[str, Any], *, hold: locks.Lock | None = None
    ) -> Iterator[Path]:
        """Yield an empty folder; on a clean exit its files become the entry at once, else nothing is left.

        An entry that someone else published meanwhile is kept: equal keys mean equal content. With ``hold``, nothing
        is published once that lock is lost.
        """
        with self.draft(kind, key) as draft, _while_held(hold):
            yield draft
            replace_file(draft / MANIFEST, new_manifest(kind, key, about, draft))
            if hold:
                hold.check()
            self.files.put_entry(draft, entry_name(kind, key))

    def note_use(self, kind: str, key: str, *, by: str = "") -> None:
        """Note that the run ``by`` uses an entry now, so that prune keeps it. Call this before you look for it."""
        self.write_ref(f"{USES}/{kind}/{key}", {"by": by})

    def remove(self, kind: str, key: str) -> None:
        """Delete an entry, if there is one."""
        self.files.delete_entry(entry_name(kind, key))

    def set_aside(self, name: str, fault: str) -> None:
        """Move something damaged out of the way, and say so."""
        place = f"aside/{name.replace('/', '-')[:_KEPT_OF_NAME]}-{uuid.uuid4().hex[:8]}"
        self.files.move_entry(name, place)
        log.warning("%s is damaged (%s); set aside as %s/%s", name, fault, self.where, place)

    def read_ref(self, name: str) -> dict[str, Any] | None:
        """Return the ref ``name``; None where there is none. A damaged or misplaced one is set aside and logged."""
        ref = self._unsealed(ref_file(name), lambda content: refs.unseal_ref(name, content))
        return ref.value if ref else None

    def write_ref(self, name: str, value: Mapping[str, Any]) -> None:
        """Replace the ref ``name`` at once; its time is that of this machine's clock."""
        self.files.write(ref_file(name), refs.seal_ref(name, value, now()))

    def remove_ref(self, name: str) -> None:
        """Delete the ref ``name``, if there is one."""
        self.files.delete(ref_file(name))

    def ref_times(self, prefix: str) -> dict[str, float]:
        """Return when the refs in the folder ``prefix`` were written, in seconds since 1970, the last one at the end.

        Nothing is set aside. See ``refs`` for equal times, and for refs of earlier releases.
        """
        return {ref.name: ref.written for ref in self.listed_refs(prefix)}

    def ref_time(self, name: str) -> float:
        """Return when the ref ``name`` was written, in seconds since 1970; 0 where there is none."""
        ref = self._unsealed(ref_file(name), lambda content: refs.unseal_ref(name, content))
        if ref and ref.written is not None:
            return ref.written
        folder, _, file = ref_file(name).rpartition("/")
        return self.files.names(folder).get(file, 0.0)

    def listed_refs(self, prefix: str) -> list[refs.ListedRef]:
        """Return name, value and time of the refs in the folder ``prefix``, as ``ref_times`` does."""
        return refs.list_refs(self.files, prefix)

    def refs(self, prefix: str) -> dict[str, dict[str, Any]]:
        """Return the refs in the folder ``prefix`` by their name within it, in the order of ``ref_times``."""
        found = self.listed_refs(prefix)
        for ref in found:
            if ref.value is None:
                self.read_ref(f"{prefix}/{ref.name}")  # sets it aside, and says so
        return {ref.name: ref.value for ref in found if ref.value is not None}

    def read_sealed(self, name: str) -> bytes | None:
        """Return a file's content; None where there is none. A damaged or misplaced one is set aside and logged."""
        return self._unsealed(name, lambda content: unseal_bytes(name, content))

    def write_sealed(self, name: str, content: bytes) -> None:
        """Replace a file at once; it is sealed with its name."""
        self.files.write(name, seal_bytes(name, content))

    def work_folder(self, *names: str) -> Path:
        """Return a local folder for unfinished work, made if need be; where entries are local, on their disk."""
        folder = self.files.scratch.joinpath(*map(safe, names))
        with explaining(folder, making=True):
            folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _unsealed(self, file: str, unsealed: Callable[[bytes], Content]) -> Content | None:
        content = self.files.read(file)
        if content is None:
            return None
        try:
            return unsealed(content)
        except ValueError as error:
            self.set_aside(file, str(error))
            return None


@contextlib.contextmanager
def _while_held(hold: locks.Lock | None) -> Iterator[None]:
    """Raise LostLockError instead of FileNotFoundError if the lock was taken over."""
    try:
        yield
    except FileNotFoundError:
        if hold:
            hold.check()
        raise
