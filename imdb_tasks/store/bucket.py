"""Entries in a bucket of an object store (S3, Google Cloud Storage), read through a local cache.

An object store has no rename: an entry's files are uploaded below a folder that their manifest's hash names, and the
manifest, which names that folder, is created last, where there is none. So two that publish the same entry never mix
their files, and the first one's entry stays.

BUCKET/{kind}/{key}/{part}/{file}        the files
BUCKET/{kind}/{key}/manifest.json        what makes them an entry: the manifest, and its part

CACHE/{sha of the URL}/{kind}/{key}-{part}/{file}     what this machine has read; free to delete
"""

import contextlib
import hashlib
import os
import shutil
import time
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from imdb_tasks.errors import SettingsError
from imdb_tasks.settings import StoreSettings
from imdb_tasks.store.faults import explaining, naming_the_place, tidying
from imdb_tasks.store.manifest import MANIFEST, first_fault
from imdb_tasks.store.seals import unseal

_PROTOCOLS = {"s3": "s3fs", "gs": "gcsfs"}
_PART_DIGITS = 16


class BucketFiles:
    """A bucket, or a prefix in one, that fsspec reaches: ``s3://bucket/prefix`` or ``gs://bucket/prefix``."""

    def __init__(self, url: str) -> None:
        """Open the bucket; credentials and endpoint are those of the cloud's own environment variables and files.

        Raises:
            SettingsError: the URL's protocol is not known, or names no bucket.

        """
        import fsspec

        protocol, _, path = url.partition("://")
        if protocol not in _PROTOCOLS or not path.strip("/"):
            raise SettingsError(
                f"{url!r}: expected a folder, or a URL of {' or '.join(_PROTOCOLS)} such as s3://bucket/prefix"
            )
        self.where = url.rstrip("/")
        # Listings must show what others wrote a moment ago; a forked process must not share connections.
        self._fs = fsspec.filesystem(protocol, use_listings_cache=False, skip_instance_cache=True)
        self._root = path.strip("/")
        self._cache = _cache_folder() / hashlib.sha256(self.where.encode()).hexdigest()[:_PART_DIGITS]
        self.scratch = self._cache / "work"

    def now(self) -> float:
        """See ``Files``."""
        probe = self._path(f"work/{uuid.uuid4().hex}")
        with contextlib.suppress(Exception):  # whatever a client says of what may not be written
            self._fs.pipe_file(probe, b"")
            info = self._fs.info(probe)
            self._fs.rm_file(probe)
            return _written(info)
        return time.time()

    @naming_the_place
    def read(self, name: str) -> bytes | None:
        """See ``Files``."""
        try:
            content: bytes = self._fs.cat_file(self._path(name))
        except FileNotFoundError:
            return None
        return content

    @naming_the_place
    def read_all(self, names: Iterable[str]) -> dict[str, bytes]:
        """See ``Files``. They are read side by side."""
        by_path = {self._path(name): name for name in names}
        found = self._fs.cat(list(by_path), on_error="return") if by_path else {}
        for content in found.values():
            if isinstance(content, Exception) and not isinstance(content, FileNotFoundError):
                raise content
        return {by_path[path]: content for path, content in found.items() if isinstance(content, bytes)}

    @naming_the_place
    def write(self, name: str, content: bytes) -> None:
        """See ``Files``."""
        self._fs.pipe_file(self._path(name), content)

    @naming_the_place
    def delete(self, name: str) -> None:
        """See ``Files``."""
        with contextlib.suppress(FileNotFoundError):
            self._fs.rm_file(self._path(name))

    def sweep(self, name: str) -> None:
        """See ``Files``. An object is written whole or not at all."""

    def half_written(self, before: float) -> list[str]:  # noqa: ARG002 - a folder needs it
        """See ``Files``. An object is written whole or not at all."""
        return []

    @naming_the_place
    def names(self, folder: str) -> dict[str, float]:
        """See ``Files``."""
        return {
            info["name"].rpartition("/")[2]: _written(info) for info in self._list(folder) if info["type"] == "file"
        }

    @naming_the_place
    def folders(self, folder: str) -> list[str]:
        """See ``Files``."""
        infos = self._list(folder)
        return sorted(info["name"].rstrip("/").rpartition("/")[2] for info in infos if info["type"] == "directory")

    @naming_the_place
    def fetch_entry(self, name: str) -> Path | None:
        """See ``Files``. A copy in the cache that is not whole is fetched anew."""
        manifest = self.read(f"{name}/{MANIFEST}")
        if manifest is None:
            return None
        part = _part(manifest)
        folder = self._cache / f"{name}-{part}"
        if not _is_whole(folder, manifest):
            shutil.rmtree(folder, ignore_errors=True)
            with self._draft() as draft:
                draft.mkdir(parents=True)
                for remote in self._objects(f"{name}/{part}"):
                    self._get(remote, draft / remote.removeprefix(self._path(f"{name}/{part}/")))
                draft.joinpath(MANIFEST).write_bytes(manifest)
                folder.parent.mkdir(parents=True, exist_ok=True)
                with contextlib.suppress(OSError):  # another process was quicker
                    draft.rename(folder)
        return folder

    def forget_copy(self, name: str) -> None:
        """See ``Files``."""
        for cached in self._cache.joinpath(name).parent.glob(f"{name.rpartition('/')[2]}-*"):
            shutil.rmtree(cached, ignore_errors=True)

    @naming_the_place
    def put_entry(self, draft: Path, name: str) -> None:
        """See ``Files``. Who finds, at the end of the upload, that another was quicker, deletes what was uploaded."""
        if self._fs.exists(self._path(f"{name}/{MANIFEST}")):
            return
        manifest = draft.joinpath(MANIFEST).read_bytes()
        part = _part(manifest)
        for path in sorted(draft.rglob("*")):
            if path.is_file() and path.name != MANIFEST:
                self._fs.put_file(path, self._path(f"{name}/{part}/{path.relative_to(draft).as_posix()}"))
        try:
            self._fs.pipe_file(self._path(f"{name}/{MANIFEST}"), manifest, mode="create")
        except OSError:  # FileExistsError where the server says why it refused, which not every one does
            first = self.read(f"{name}/{MANIFEST}")
            if first is None:
                raise
            if _part(first) != part:  # else it is this one: its upload was repeated when the answer was lost
                with tidying(f"{name}/{part}"):
                    self._fs.rm(self._path(f"{name}/{part}"), recursive=True)

    @naming_the_place
    def move_entry(self, name: str, to: str) -> None:
        """See ``Files``. The manifest goes first: without it the entry does not count any more."""
        objects = self._objects(name)
        for remote in sorted(objects, key=lambda remote: not remote.endswith(f"/{MANIFEST}")):
            with contextlib.suppress(FileNotFoundError):  # another process was quicker
                rest = remote.removeprefix(self._path(name))
                self._fs.cp_file(remote, self._path(to) + rest)
                self._fs.rm_file(remote)

    @naming_the_place
    def delete_entry(self, name: str) -> None:
        """See ``Files``."""
        self.delete(f"{name}/{MANIFEST}")
        for remote in self._objects(name):
            with contextlib.suppress(FileNotFoundError):
                self._fs.rm_file(remote)
        self.forget_copy(name)

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"

    def _list(self, folder: str) -> list[dict[str, Any]]:
        try:
            infos: list[dict[str, Any]] = self._fs.ls(self._path(folder), detail=True)
        except FileNotFoundError:
            return []
        return [info for info in infos if info["name"].rstrip("/") != self._path(folder)]

    def _objects(self, name: str) -> list[str]:
        return list(self._fs.find(self._path(name)))

    def _get(self, remote: str, local: Path) -> None:
        with explaining(local):
            local.parent.mkdir(parents=True, exist_ok=True)
            self._fs.get_file(remote, str(local))

    @contextlib.contextmanager
    def _draft(self) -> Iterator[Path]:
        folder = self.scratch / uuid.uuid4().hex
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _cache_folder() -> Path:
    """Return the folder that ``IMDB_CACHE`` names, else one in the user's cache folder."""
    if named := StoreSettings.read().cache:
        return named
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "imdb-study"
    except RuntimeError as error:
        raise SettingsError(
            "a store in a bucket needs a folder for what it reads, and this user has no home folder; set IMDB_CACHE"
        ) from error


def _is_whole(folder: Path, manifest: bytes) -> bool:
    with contextlib.suppress(ValueError, KeyError, TypeError):
        return first_fault(folder, unseal(manifest)["files"]) is None and folder.joinpath(MANIFEST).is_file()
    return False


def _part(manifest: bytes) -> str:
    return hashlib.sha256(manifest).hexdigest()[:_PART_DIGITS]


def _written(info: dict[str, Any]) -> float:
    moment = info.get("LastModified") or info.get("mtime") or info.get("updated")
    return float(moment.timestamp()) if moment is not None and hasattr(moment, "timestamp") else 0.0
