"""The manifest of an entry: kind, key, when it was made, what it is about, and size and SHA-256 of its files.

A folder is an entry if it has one. It is sealed, so it holds for the entry that it names, and for no other.
"""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from imdb_tasks.store.seals import now, seal, timestamp

MANIFEST = "manifest.json"


def new_manifest(kind: str, key: str, about: Mapping[str, Any], folder: Path) -> bytes:
    """Return the manifest of the entry whose files lie in ``folder``, each flushed to the disk first."""
    files = {path.relative_to(folder).as_posix(): _facts(path) for path in sorted(folder.rglob("*")) if path.is_file()}
    return seal({"kind": kind, "key": key, "created": timestamp(now()), "about": about, "files": files})


def misplaced(manifest: Mapping[str, Any], kind: str, key: str) -> str | None:
    """Say whose manifest this is, if it is not that of the entry ``kind``/``key``."""
    if (manifest["kind"], manifest["key"]) == (kind, key):
        return None
    return f"its {MANIFEST} is that of {manifest['kind']}/{manifest['key']}"


def first_fault(folder: Path, files: Mapping[str, Mapping[str, Any]]) -> str | None:
    """Say what is wrong with the first file of ``folder`` that is not as its manifest describes it; None if all are."""
    for name, expected in files.items():
        path = folder / name
        if not path.is_file():
            return f"{name} is missing"
        if path.stat().st_size != expected["bytes"]:
            return f"{name} has {path.stat().st_size:,} bytes, expected {expected['bytes']:,}"
        if sha256_of(path) != expected["sha256"]:
            return f"{name}: its sha256 differs from the one in the manifest"
    return None


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _facts(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        os.fsync(file.fileno())
    return {"sha256": sha256_of(path), "bytes": path.stat().st_size}
