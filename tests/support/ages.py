"""Makes what lies in a store older. Entries and refs say their time themselves; other files have that of the file."""

import datetime
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from imdb_tasks.store import Store
from imdb_tasks.store.manifest import MANIFEST
from imdb_tasks.store.names import ref_file
from imdb_tasks.store.refs import seal_ref
from imdb_tasks.store.seals import seal, timestamp, unseal

HOUR = 3_600


def age_entry(store: Store, name: str, hours: float) -> None:
    """Make an entry so old."""
    content = store.files.read(f"{name}/{MANIFEST}")
    assert content is not None
    created = timestamp(_moment(time.time() - hours * HOUR))
    store.files.write(f"{name}/{MANIFEST}", seal({**unseal(content), "created": created}))


def age_ref(store: Store, name: str, hours: float) -> None:
    """Make a ref so old."""
    value = store.read_ref(name)
    assert value is not None
    write_ref_at(store, name, value, time.time() - hours * HOUR)


def write_ref_at(store: Store, name: str, value: Mapping[str, Any], at: float) -> None:
    """Write a ref as it was written then, in seconds since 1970."""
    store.files.write(ref_file(name), seal_ref(name, value, _moment(at)))


def write_earlier_ref(store: Store, name: str, value: Mapping[str, Any], at: float) -> None:
    """Write a ref as earlier releases did, without its name and time; its file has the time."""
    store.files.write(ref_file(name), seal(value))
    os.utime(Path(store.where, ref_file(name)), (at, at))


def age_file(path: Path, hours: float) -> None:
    """Make a file or a folder so old."""
    moment = time.time() - hours * HOUR
    os.utime(path, (moment, moment))


def copied_without_times(store: Store, root: Path) -> Store:
    """Copy a store as ``cp -r`` does, or a sync to a bucket: all files have one time."""
    for path in Path(store.where).rglob("*"):
        copy = root / path.relative_to(store.where)
        if path.is_dir():
            copy.mkdir(parents=True, exist_ok=True)
        else:
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
    now = time.time()
    for path in root.rglob("*"):
        os.utime(path, (now, now))
    return Store(root)


def _moment(seconds: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC)
