"""Artifacts in a folder: named by what they depend on, published at once, verified on every read.

ROOT/{kind}/{key}/manifest.json     sha256 and size of every file beside it; the entry exists if this does
ROOT/refs/{name}.json               small pointers, such as "this dataset version -> that entry"
ROOT/checkpoints/{model key}.npz    states of unfinished trainings
ROOT/work/...                       unfinished work, free to delete when nothing runs
ROOT/aside/...                      entries that failed verification, kept for a look
"""

import contextlib
import datetime
import hashlib
import json
import logging
import os
import re
import shutil
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imdb_tasks.errors import MissingInputError, SettingsError

log = logging.getLogger(__name__)

MANIFEST = "manifest.json"
_SAFE_NAME = re.compile(r"^(?!\.)[A-Za-z0-9_.~+:=-]+$")  # what Airflow allows in a run's id, less hidden files


@dataclass(frozen=True)
class Entry:
    """A published, verified artifact."""

    path: Path
    about: Mapping[str, Any]

    @property
    def key(self) -> str:
        """The name of the entry within its kind."""
        return self.path.name

    def file(self, name: str) -> Path:
        """Return the path of one file of the entry."""
        return self.path / name


class Store:
    """A local folder of entries and refs."""

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root)

    @classmethod
    def from_environment(cls) -> "Store":
        """Open the folder that ``IMDB_STORE`` names."""
        root = os.environ.get("IMDB_STORE")
        if not root:
            raise SettingsError("IMDB_STORE is not set; expected the folder that keeps the study's artifacts")
        return cls(Path(root))

    def find(self, kind: str, key: str) -> Entry | None:
        """Return the entry if it is there and whole; set a damaged one aside, say so, and return None."""
        path = self._entry_path(kind, key)
        if not path.is_dir():
            return None
        try:
            manifest = json.loads(path.joinpath(MANIFEST).read_text("utf8"))
            fault = _first_fault(path, manifest["files"])
        except (FileNotFoundError, ValueError, KeyError, TypeError) as error:  # another OSError may pass: not damage
            fault, manifest = f"{MANIFEST} is unreadable ({error})", {}
        if fault:
            self.set_aside(path, fault)
            return None
        return Entry(path, manifest["about"])

    def need(self, kind: str, key: str, *, step: str) -> Entry:
        """Return the entry, or say which ``step`` makes it."""
        entry = self.find(kind, key)
        if entry is None:
            raise MissingInputError(
                f"{self.root} has no {kind}/{key}; run the step '{step}' first, then this one again"
            )
        return entry

    @contextlib.contextmanager
    def publish(self, kind: str, key: str, about: Mapping[str, Any]) -> Iterator[Path]:
        """Yield an empty folder; on a clean exit its files become the entry at once, else nothing is left.

        An entry that someone else published meanwhile is kept: equal keys mean equal content.
        """
        target = self._entry_path(kind, key)
        draft = self.work_folder("drafts") / uuid.uuid4().hex
        draft.mkdir()
        try:
            yield draft
            files = {p.relative_to(draft).as_posix(): _describe(p) for p in sorted(draft.rglob("*")) if p.is_file()}
            manifest = {"kind": kind, "key": key, "created": _now(), "about": about, "files": files}
            write_json(draft / MANIFEST, manifest)
            target.parent.mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(FileExistsError, IsADirectoryError):
                _rename_folder(draft, target)
        finally:
            shutil.rmtree(draft, ignore_errors=True)

    def remove(self, kind: str, key: str) -> None:
        """Delete an entry, if there is one: out of sight at once, then from the disk."""
        out_of_sight = self.work_folder("removed") / uuid.uuid4().hex
        with contextlib.suppress(FileNotFoundError):
            self._entry_path(kind, key).rename(out_of_sight)
        shutil.rmtree(out_of_sight, ignore_errors=True)

    def read_ref(self, name: str) -> dict[str, Any] | None:
        """Return the pointer ``name``, or None where there is none."""
        try:
            value: dict[str, Any] = json.loads(self._ref_path(name).read_text("utf8"))
        except FileNotFoundError:
            return None
        return value

    def write_ref(self, name: str, value: Mapping[str, Any]) -> None:
        """Replace the pointer ``name`` at once."""
        path = self._ref_path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, value)

    def remove_ref(self, name: str) -> None:
        """Forget the pointer ``name``, if there is one."""
        self._ref_path(name).unlink(missing_ok=True)

    def refs(self, prefix: str) -> dict[str, dict[str, Any]]:
        """Return the pointers below the folder ``prefix``, by their name within it."""
        folder = self._ref_path(prefix).with_suffix("")
        return {path.stem: json.loads(path.read_text("utf8")) for path in sorted(folder.glob("*.json"))}

    def latest_ref(self, prefix: str) -> dict[str, Any] | None:
        """Return the pointer below the folder ``prefix`` that was written last, or None where there is none."""
        folder = self._ref_path(prefix).with_suffix("")
        newest = max(folder.glob("*.json"), key=lambda path: path.stat().st_mtime_ns, default=None)
        return json.loads(newest.read_text("utf8")) if newest else None

    def work_folder(self, *names: str) -> Path:
        """Return a folder for unfinished work, made if need be, on the same disk as the entries."""
        folder = self.root.joinpath("work", *map(_safe, names))
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def checkpoint_path(self, key: str) -> Path:
        """Return the place of a model's checkpoint; its folder is made if need be."""
        folder = self.root / "checkpoints"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{_safe(key)}.npz"

    def _entry_path(self, kind: str, key: str) -> Path:
        return self.root / _safe(kind) / _safe(key)

    def _ref_path(self, name: str) -> Path:
        parts = [_safe(part) for part in name.split("/")]
        return self.root.joinpath("refs", *parts[:-1], parts[-1] + ".json")

    def set_aside(self, path: Path, fault: str) -> None:
        """Move something damaged out of the way, and say so."""
        place = self.root / "aside" / f"{path.parent.name}-{path.name}-{uuid.uuid4().hex[:8]}"
        place.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):  # another process was quicker
            path.rename(place)
        log.warning("%s/%s is damaged: %s; set aside as %s", path.parent.name, path.name, fault, place)


def write_json(path: Path, value: Any) -> None:
    """Write strict JSON (no NaN literals) with ``replace_file``."""
    text = json.dumps(value, indent=1, sort_keys=True, allow_nan=False, ensure_ascii=False)
    replace_file(path, f"{text}\n".encode())


def replace_file(path: Path, content: bytes) -> None:
    """Write beside ``path``, flush to the disk, and move into place: others see the old file or the new one."""
    beside = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        with beside.open("wb") as out:
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
        beside.replace(path)
        _flush_folder(path.parent)
    finally:
        beside.unlink(missing_ok=True)


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _describe(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        os.fsync(file.fileno())
    return {"sha256": sha256_of(path), "bytes": path.stat().st_size}


def _first_fault(folder: Path, files: Mapping[str, Mapping[str, Any]]) -> str | None:
    for name, expected in files.items():
        path = folder / name
        if not path.is_file():
            return f"{name} is missing"
        if path.stat().st_size != expected["bytes"]:
            return f"{name} has {path.stat().st_size:,} bytes, expected {expected['bytes']:,}"
        if sha256_of(path) != expected["sha256"]:
            return f"{name} does not have the sha256 of the manifest"
    return None


def _rename_folder(source: Path, target: Path) -> None:
    try:
        source.rename(target)
    except OSError as error:
        if target.is_dir():  # rename(2) onto a non-empty folder: ENOTEMPTY or EEXIST
            raise FileExistsError(str(target)) from error
        raise
    _flush_folder(target.parent)


def _flush_folder(folder: Path) -> None:
    """Make renames in a folder outlast a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _safe(name: str) -> str:
    if not _SAFE_NAME.match(name):
        raise SettingsError(f"{name!r} cannot name an artifact; expected letters, digits and _.~+:=- only")
    return name


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
