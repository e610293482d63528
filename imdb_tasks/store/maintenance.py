"""What is in a store, whether it is whole, and whether it can be written."""

import contextlib
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

from imdb_tasks.errors import SettingsError
from imdb_tasks.store.manifest import MANIFEST, misplaced
from imdb_tasks.store.names import CHECKPOINTS
from imdb_tasks.store.refs import unseal_ref
from imdb_tasks.store.seals import seconds, unseal, unseal_bytes
from imdb_tasks.store.store import Store

KINDS = ("sources", "texts", "arrays", "models", "predictions", "evaluations", "analyses", "reports")
_NAMES = ("variant", "name", "subject")  # facts of a manifest


@dataclass(frozen=True)
class Listed:
    """One entry of the store, as its manifest tells; ``created`` is in seconds since 1970.

    ``content`` names it for a reader: a model's variant, a source's name, a report's subject; "" for the others.
    ``bytes`` is None where the manifest cannot be read or is another entry's; ``created`` is then the files' time.
    """

    kind: str
    key: str
    bytes: int | None
    created: float
    inputs: tuple[str, ...] = ()
    content: str = ""

    @property
    def name(self) -> str:
        """The entry's place in the store."""
        return f"{self.kind}/{self.key}"


def list_entries(store: Store) -> Iterator[Listed]:
    """Yield every entry; no file but the manifests is read."""
    for kind in KINDS:
        for key in store.files.folders(kind):
            yield _listed(store, kind, key)


def check_writable(store: Store, room: int) -> None:
    """Raise StoreError if the store cannot be written, SettingsError if its disk has less than ``room`` bytes free."""
    probe = f"work/probe-{uuid.uuid4().hex}"
    free = shutil.disk_usage(store.work_folder()).free
    if free < room:
        raise SettingsError(
            f"{store.work_folder()}: expected {room / 1e6:,.0f} MB of free space or more, found"
            f" {free / 1e6:,.0f} MB; free some, for example with 'imdb-study store prune', or set IMDB_STORE to"
            " another place"
        )
    store.files.write(probe, b"probe")
    store.files.delete(probe)


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


def _listed(store: Store, kind: str, key: str) -> Listed:
    folder = f"{kind}/{key}"
    with contextlib.suppress(ValueError, KeyError, TypeError, AttributeError):
        manifest = unseal(store.files.read(f"{folder}/{MANIFEST}") or b"")
        size = sum(file["bytes"] for file in manifest["files"].values())
        if misplaced(manifest, kind, key) is None:
            about = manifest["about"]
            content = str(next((about[fact] for fact in _NAMES if about.get(fact)), ""))
            return Listed(kind, key, size, seconds(manifest["created"]), tuple(about.get("inputs", ())), content)
    written = store.files.names(folder)
    for part in store.files.folders(folder):  # in a bucket, the files of an upload that may still go on
        written |= {f"{part}/{name}": at for name, at in store.files.names(f"{folder}/{part}").items()}
    return Listed(kind, key, None, max(written.values(), default=0.0))
