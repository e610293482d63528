"""Small files and whole folders below one root, written atomically: a reader sees a complete file or none.

``Files`` is what the store needs of a place; a local folder is one such place, a bucket (see ``bucket``) another.
Names are relative, with slashes.
"""

import contextlib
import os
import re
import shutil
import tempfile
import time
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from imdb_tasks.errors import StoreError
from imdb_tasks.store.faults import explaining, naming_the_place

_KEPT_OF_NAME = 200
_BESIDE = re.compile(r"\..+\.[0-9a-f]{32}\Z")  # the names that ``replace_file`` gives to unfinished files


class Files(Protocol):
    """A place that outlives the process."""

    where: str
    """The place, for people."""
    scratch: Path
    """A local folder for unfinished work. Where entries are local, it is on their disk."""

    def now(self) -> float:
        """Return the time that the place gives to a file that is written now, in seconds since 1970.

        That is the clock of a file server or of a cloud. Where nothing can be written, it is this machine's.
        """

    def read(self, name: str) -> bytes | None:
        """Return a file's bytes; None where there is no such file."""

    def read_all(self, names: Iterable[str]) -> dict[str, bytes]:
        """Return the bytes of those files that are there, by name."""

    def write(self, name: str, content: bytes) -> None:
        """Replace a file at once."""

    def delete(self, name: str) -> None:
        """Delete a file, if there is one."""

    def sweep(self, name: str) -> None:
        """Delete what processes that were killed while they wrote a file have left of it."""

    def half_written(self, before: float) -> list[str]:
        """Return what killed processes have left of files that they wrote before a time, in seconds since 1970."""

    def names(self, folder: str) -> dict[str, float]:
        """Return the plain files of a folder and their times, in seconds since 1970. A copy may have other times."""

    def folders(self, folder: str) -> list[str]:
        """Return the names of the folders in a folder."""

    def fetch_entry(self, name: str) -> Path | None:
        """Return a local folder with the files of an entry, not verified; None where there is no such entry."""

    def forget_copy(self, name: str) -> None:
        """Delete this machine's copy of an entry that is kept elsewhere, so that the next look reads it anew."""

    def put_entry(self, draft: Path, name: str) -> None:
        """Make the local folder ``draft`` the entry, at once; where there is one already, that one stays."""

    def move_entry(self, name: str, to: str) -> None:
        """Move an entry elsewhere in the place, if it is still there."""

    def delete_entry(self, name: str) -> None:
        """Delete an entry, if there is one: out of sight at once, then from the disk."""


class LocalFiles:
    """A folder of this machine, or one that several machines mount."""

    def __init__(self, root: Path) -> None:
        """Open a folder; it is made when something is written.

        Raises:
            StoreError: it is a file.

        """
        with explaining(root):
            if root.exists() and not root.is_dir():
                raise StoreError(f"{root}: expected a folder for the store, found a file; choose another place")
        self.root = root
        self.where = str(root)
        self.scratch = root / "work"

    def now(self) -> float:
        """See ``Files``."""
        with contextlib.suppress(OSError):
            self.scratch.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=self.scratch) as file:
                return Path(file.name).stat().st_mtime
        return time.time()

    @naming_the_place
    def read(self, name: str) -> bytes | None:
        """See ``Files``."""
        try:
            return self.root.joinpath(name).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None

    @naming_the_place
    def read_all(self, names: Iterable[str]) -> dict[str, bytes]:
        """See ``Files``."""
        found = {name: self.read(name) for name in names}
        return {name: content for name, content in found.items() if content is not None}

    @naming_the_place
    def write(self, name: str, content: bytes) -> None:
        """See ``Files``."""
        path = self.root / name
        with explaining(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            replace_file(path, content)

    @naming_the_place
    def delete(self, name: str) -> None:
        """See ``Files``."""
        self.root.joinpath(name).unlink(missing_ok=True)

    @naming_the_place
    def sweep(self, name: str) -> None:
        """See ``Files``."""
        path = self.root / name
        for stray in path.parent.glob(f".{path.name}.*"):
            stray.unlink(missing_ok=True)

    @naming_the_place
    def half_written(self, before: float) -> list[str]:
        """See ``Files``. Unfinished work has a folder of its own, and is not looked at."""
        found = []
        for folder, folders, files in os.walk(self.root):
            if Path(folder) == self.root and self.scratch.name in folders:
                folders.remove(self.scratch.name)
            for path in (Path(folder, name) for name in files if _BESIDE.match(name)):
                with contextlib.suppress(FileNotFoundError):
                    if path.lstat().st_mtime < before:
                        found.append(path.relative_to(self.root).as_posix())
        return sorted(found)

    @naming_the_place
    def names(self, folder: str) -> dict[str, float]:
        """See ``Files``. What is being written, or was when a process died, starts with a dot and is left out."""
        found = {}
        with contextlib.suppress(FileNotFoundError):
            for path in self.root.joinpath(folder).iterdir():
                with contextlib.suppress(FileNotFoundError):
                    if path.is_file() and not path.name.startswith("."):
                        found[path.name] = path.stat().st_mtime
        return found

    @naming_the_place
    def folders(self, folder: str) -> list[str]:
        """See ``Files``."""
        place = self.root / folder
        return sorted(path.name for path in place.iterdir() if path.is_dir()) if place.is_dir() else []

    @naming_the_place
    def fetch_entry(self, name: str) -> Path | None:
        """See ``Files``."""
        path = self.root / name
        return path if path.is_dir() else None

    def forget_copy(self, name: str) -> None:
        """See ``Files``. There is no copy here but the entry itself."""

    @naming_the_place
    def put_entry(self, draft: Path, name: str) -> None:
        """See ``Files``."""
        target = self.root / name
        with explaining(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                draft.rename(target)
            except OSError:
                if target.is_dir():  # rename(2) onto a folder with files: ENOTEMPTY or EEXIST
                    return
                raise
        _flush_folder(target.parent)

    @naming_the_place
    def move_entry(self, name: str, to: str) -> None:
        """See ``Files``."""
        target = self.root / to
        target.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):  # another process was quicker
            self.root.joinpath(name).rename(target)

    @naming_the_place
    def delete_entry(self, name: str) -> None:
        """See ``Files``."""
        out_of_sight = self.scratch / "removed" / uuid.uuid4().hex
        self.move_entry(name, out_of_sight.relative_to(self.root).as_posix())
        shutil.rmtree(out_of_sight, ignore_errors=True)


def replace_file(path: Path, content: bytes) -> None:
    """Write beside ``path``, flush to the disk, and move into place: others see the old file or the new one."""
    # Shortened: the id of a run may fill the 255 bytes that a file's name can have.
    beside = path.with_name(f".{path.name[:_KEPT_OF_NAME]}.{uuid.uuid4().hex}")
    try:
        with beside.open("wb") as out:
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
        beside.replace(path)
        _flush_folder(path.parent)
    finally:
        beside.unlink(missing_ok=True)


def _flush_folder(folder: Path) -> None:
    """Make renames in a folder outlast a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
