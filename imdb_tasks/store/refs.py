"""Refs: small values under a name, such as "this dataset version -> that entry". Each carries its name and its time.

Copies of a store may have other file times, so what was written last is told from inside.
"""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from imdb_tasks.store.local import Files
from imdb_tasks.store.names import ref_folder
from imdb_tasks.store.seals import seal, seconds, timestamp, unseal

_FIELDS = {"name", "written", "value"}


@dataclass(frozen=True)
class Ref:
    """What a ref holds. ``written`` is in seconds since 1970; None in a ref of an earlier release."""

    value: dict[str, Any]
    written: float | None


def seal_ref(name: str, value: Mapping[str, Any], written: datetime.datetime) -> bytes:
    """Return the file of the ref ``name``; ``written`` is in UTC."""
    return seal({"name": name, "written": timestamp(written), "value": value})


def unseal_ref(name: str, content: bytes) -> Ref:
    """Return the ref ``name``; raise ValueError if its file was changed, or written as another ref.

    A ref of an earlier release is its value alone, and is taken for what its file is called.
    """
    sealed = unseal(content)
    if sealed.keys() != _FIELDS:
        return Ref(sealed, None)
    if sealed["name"] != name:
        raise ValueError(f"it is the ref {sealed['name']!r}, not {name!r}")
    return Ref(sealed["value"], seconds(sealed["written"]))


def ref_times(files: Files, prefix: str) -> dict[str, float]:
    """Return when the refs of ``prefix`` were written, in seconds since 1970, the last one at the end.

    That is the time in the ref; equal times are ordered by name. A ref without one has its file's time and comes before
    all others: it is older than they are, but in a copy of the store its file may be younger. A damaged one does, too.
    """
    folder = ref_folder(prefix)
    file_times = {f"{folder}/{file}": at for file, at in files.names(folder).items()}
    found = []
    for file, content in files.read_all(file_times).items():
        name = file.removeprefix(f"{folder}/").removesuffix(".json")
        written = _written(f"{prefix}/{name}", content)
        found.append((written is not None, file_times[file] if written is None else written, name))
    return {name: at for _, at, name in sorted(found)}


def _written(name: str, content: bytes) -> float | None:
    try:
        return unseal_ref(name, content).written
    except ValueError:
        return None
