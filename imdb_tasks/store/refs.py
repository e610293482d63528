"""Refs: small values under a name, such as "this dataset version -> that entry". Each carries its name and its time.

Copies of a store may have other file times, so the time inside counts.
"""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from imdb_tasks.store.local import Files
from imdb_tasks.store.names import ref_folder
from imdb_tasks.store.seals import seal, seconds, timestamp, unseal

_SELF = "ref"  # the field in which a ref says its name and its time; earlier releases read past it


@dataclass(frozen=True)
class Ref:
    """What a ref holds, and when it was written, in seconds since 1970; ``written`` is None if it does not say."""

    value: dict[str, Any]
    written: float | None


@dataclass(frozen=True)
class ListedRef:
    """A ref as it is found in its folder; ``value`` is None if it is damaged."""

    name: str
    value: dict[str, Any] | None
    written: float


def seal_ref(name: str, value: Mapping[str, Any], written: datetime.datetime) -> bytes:
    """Return the file of the ref ``name``; ``written`` is in UTC."""
    if _SELF in value:
        raise ValueError(f"refs/{name}: the field {_SELF!r} is the store's own; give yours another name")
    return seal({**value, _SELF: {"name": name, "written": timestamp(written)}})


def unseal_ref(name: str, content: bytes) -> Ref:
    """Return the ref ``name``; raise ValueError if its file was changed, or written as another ref.

    A ref of an earlier release is its value alone, and is taken for what its file is called.
    """
    value = unseal(content)
    itself = value.pop(_SELF, None)
    if itself is None:
        return Ref(value, None)
    if itself["name"] != name:
        raise ValueError(f"it is the ref {itself['name']!r}, not {name!r}")
    return Ref(value, seconds(itself["written"]))


def list_refs(files: Files, prefix: str) -> list[ListedRef]:
    """Return the refs of ``prefix``, the one written last at the end.

    The time in the ref counts; equal times are ordered by name. A ref without one has its file's time and comes before
    all others: it is older than they are, but in a copy of the store its file may be younger. A damaged one does, too.
    """
    folder = ref_folder(prefix)
    file_times = {f"{folder}/{file}": at for file, at in files.names(folder).items()}
    dated, undated = list[ListedRef](), list[ListedRef]()
    for file, content in files.read_all(file_times).items():
        name = file.removeprefix(f"{folder}/").removesuffix(".json")
        ref = _ref_or_none(f"{prefix}/{name}", content)
        value = ref.value if ref else None
        if ref and ref.written is not None:
            dated.append(ListedRef(name, value, ref.written))
        else:
            undated.append(ListedRef(name, value, file_times[file]))
    return [*sorted(undated, key=_by_time), *sorted(dated, key=_by_time)]


def _by_time(ref: ListedRef) -> tuple[float, str]:
    return ref.written, ref.name


def _ref_or_none(name: str, content: bytes) -> Ref | None:
    try:
        return unseal_ref(name, content)
    except ValueError:
        return None
