"""Exclusive locks, one per key: a lock becomes stale soon after its owner or its owner's machine stops.

ROOT/locks/{name}.{owner}.claim    the lock file, with its owner: written once, deleted to release the lock
ROOT/locks/{name}.{owner}.beat     the heartbeat, a number that grows while the owner lives

A process that wants the lock writes a lock file and then lists the others. If there is another one, it deletes its own,
waits, and tries again. Of two processes that come at the same time, the later one always sees the lock file of the
other, so there are never two owners. This only needs a list that shows every file that was written before it, as local
disks, NFS, S3 and Google Cloud Storage provide. A lock is stale if its process no longer exists (on the same machine),
or if its heartbeat has not grown for ``STALE`` seconds by the clock of the waiting process. Clocks of two machines are
never compared. A lock file that cannot be read is one whose process is not known; once stale, it is set aside.

A process that was suspended for so long that its lock was taken over does not find its lock file: ``Lock.check`` raises
LostLockError before the process can write what another one now works on.
"""

import contextlib
import logging
import random
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field

from imdb_tasks.errors import LostLockError
from imdb_tasks.store import claims
from imdb_tasks.store.faults import tidying
from imdb_tasks.store.local import Files
from imdb_tasks.store.seals import json_bytes

log = logging.getLogger(__name__)

FOLDER = "locks"
BEAT = 10.0  # seconds between two beats
STALE = 120.0  # seconds without a heartbeat after which a lock is stale, unless its process is known to be gone
PAUSE = 1.0  # seconds between two looks at a lock that another holds


@dataclass
class Lock:
    """A lock that this process owns."""

    files: Files
    name: str
    owner: str = field(default_factory=lambda: uuid.uuid4().hex)

    def check(self) -> None:
        """Raise LostLockError if another process has taken over the lock."""
        if self.files.read(self._claim) is None:
            raise LostLockError(
                f"{self.name}: the lock of this process became stale, and another process has taken it over; "
                "this process stops, and the result of the other process is used"
            )

    def claim(self) -> None:
        """Write the claim, then the first beat: who is killed in between leaves nothing that has no owner."""
        self.files.write(self._claim, claims.myself())
        self.beat(0)

    def beat(self, number: int) -> None:
        """Write a heartbeat."""
        self.files.write(_path(self.name, self.owner, "beat"), json_bytes({"beat": number}))

    def release(self) -> None:
        """Delete claim and beat."""
        release(self.files, self.name, self.owner)

    @property
    def _claim(self) -> str:
        return _path(self.name, self.owner, "claim")


@contextlib.contextmanager
def exclusive(files: Files, name: str) -> Iterator[Lock]:
    """Acquire the lock ``name`` for the block and release it afterwards; a background thread sends heartbeats."""
    hold = Lock(files, name)
    done = threading.Event()
    beating = threading.Thread(target=_keep_beating, args=(hold, done), daemon=True)
    try:  # from the beginning: Ctrl-C may come as soon as the claim is written
        _acquire(hold)
        beating.start()
        yield hold
    finally:
        done.set()
        if beating.is_alive():
            beating.join()
        with tidying(f"the lock {name}"):  # else it is stale when this process has ended
            hold.release()


def owners(files: Files, name: str) -> dict[str, claims.Claim]:
    """Return who claims the lock, by owner."""
    found = {}
    for file in files.names(FOLDER):
        if file.startswith(f"{name}.") and file.endswith(".claim"):
            content = files.read(f"{FOLDER}/{file}")
            if content is not None:
                found[file.removeprefix(f"{name}.").removesuffix(".claim")] = claims.Claim.read(content)
    return found


def release_stale(files: Files, name: str) -> None:
    """Delete the stale claims of this machine: those of processes that run no longer."""
    for owner, claim in owners(files, name).items():
        if claims.owner_has_exited(claim):
            release(files, name, owner)


def release(files: Files, name: str, owner: str) -> None:
    """Delete an owner's heartbeat, then its lock file, with what a process that was killed while it wrote them left."""
    for kind in ("beat", "claim"):
        files.delete(_path(name, owner, kind))
        files.sweep(_path(name, owner, kind))


def live_locks(files: Files, since: float) -> set[str]:
    """Return ``{name}.{owner}`` of the claims of all who live: here a process that runs, elsewhere one that has beaten.

    For an owner elsewhere a beat counts from ``since``, and in any case for ``STALE`` seconds. Both are told
    by the clock of the place, see ``Files.now``, in seconds since 1970.
    """
    since = min(since, files.now() - STALE)
    written = files.names(FOLDER)
    found = set()
    for file in written:
        stem, _, kind = file.rpartition(".")
        content = files.read(f"{FOLDER}/{file}") if kind == "claim" else None
        if content is None:
            continue
        claim = claims.Claim.read(content)
        beaten = max(written[file], written.get(f"{stem}.beat", 0.0)) >= since
        if not claims.owner_has_exited(claim) and (beaten or claim.machine == claims.machine()):
            found.add(stem)
    return found


def _path(name: str, owner: str, kind: str) -> str:
    return f"{FOLDER}/{name}.{owner}.{kind}"


def _acquire(hold: Lock) -> None:
    watched = _Watched(hold.files, hold.name)
    while True:
        if not watched.others(hold.owner):
            hold.claim()
            if not watched.others(hold.owner):
                return
            hold.release()
        time.sleep(PAUSE * random.uniform(0.5, 1.5))  # noqa: S311 - so that two do not keep step


def _set_aside(files: Files, name: str, owner: str) -> None:
    place = f"aside/{FOLDER}-{name}.{owner}.claim-{uuid.uuid4().hex[:8]}"
    files.move_entry(_path(name, owner, "claim"), place)
    log.warning("%s.%s.claim is damaged; set aside as %s/%s", name, owner, files.where, place)


class _Watched:
    """The other owners of a lock, as one that waits sees them."""

    def __init__(self, files: Files, name: str) -> None:
        self._files, self._name = files, name
        self._seen: dict[str, tuple[bytes | None, float]] = {}

    def others(self, me: str) -> list[str]:
        """Return the owners that live; stale claims are deleted."""
        alive = []
        for owner, claim in owners(self._files, self._name).items():
            if owner == me:
                continue
            if reason := self._stale_reason(owner, claim):
                log.warning("%s: lock of %s is stale (%s): taken over", self._name, claim.who, reason)
                if not claim.readable:
                    _set_aside(self._files, self._name, owner)
                release(self._files, self._name, owner)
            else:
                alive.append(owner)
        return alive

    def _stale_reason(self, owner: str, claim: claims.Claim) -> str | None:
        if claims.owner_has_exited(claim):
            return "the process no longer exists"
        beat = self._files.read(_path(self._name, owner, "beat"))
        now = time.monotonic()
        if owner not in self._seen:
            log.info("%s: locked by %s; waiting", self._name, claim.who)
        last, since = self._seen.get(owner, (None, now))
        if owner not in self._seen or beat != last:
            self._seen[owner] = beat, now
            return None
        return f"no heartbeat for {now - since:.0f} s" if now - since > STALE else None


def _keep_beating(hold: Lock, done: threading.Event) -> None:
    number = 0
    while not done.wait(BEAT):
        number += 1
        try:
            hold.beat(number)
        except Exception as error:
            log.warning("%s: the heartbeat could not be written (%s)", hold.name, error)
