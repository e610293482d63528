"""One at a time: a lock per key that is stale as soon as its owner is gone, or its machine has been silent for a while.

ROOT/locks/{name}.{owner}.claim    who holds the lock: written once, deleted on release
ROOT/locks/{name}.{owner}.beat     a number that grows while the owner lives

Whoever wants the lock writes a claim and then looks around: if there is another claim, it takes its own back, waits a
little, and tries again. Of two that come at once, the later one is sure to see the other's claim, so there are never
two owners; this needs no more of a place than that a list shows what was written before it, as local disks, NFS, S3
and Google Cloud Storage do. A claim is stale if its process is gone (told at once on the same machine) or its number
has not grown for ``STALE`` seconds by the clock of the one that waits; clocks of two machines are never compared.

An owner whose claim was taken for stale, such as a stopped process that goes on, finds its claim gone: ``Hold.check``
then raises LostLockError, before it can touch what another now works on.
"""

import contextlib
import functools
import json
import logging
import os
import random
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from imdb_tasks.errors import LostLockError
from imdb_tasks.store.local import Files
from imdb_tasks.store.seals import json_bytes

log = logging.getLogger(__name__)

FOLDER = "locks"
BEAT = 10.0  # seconds between two beats
STALE = 120.0  # seconds without a beat after which the claim of an owner on another machine is stale
PAUSE = 1.0  # seconds between two looks at a lock that another holds
_SAME_START = 1.0  # seconds; no process number is given out twice in less


@dataclass
class Hold:
    """A lock that this process has."""

    files: Files
    name: str
    owner: str = field(default_factory=lambda: uuid.uuid4().hex)

    def check(self) -> None:
        """Raise LostLockError if another process has taken the lock over."""
        if self.files.read(self._claim) is None:
            raise LostLockError(
                f"{self.name}: this process was silent for so long that another has taken its work over; "
                "it stops here, and the other's result counts"
            )

    def claim(self) -> None:
        """Write the claim, after the first beat."""
        self.beat(0)
        self.files.write(self._claim, json_bytes(_myself()))

    def beat(self, number: int) -> None:
        """Show that the owner lives."""
        self.files.write(_path(self.name, self.owner, "beat"), json_bytes({"beat": number}))

    def release(self) -> None:
        """Delete claim and beat."""
        release(self.files, self.name, self.owner)

    @property
    def _claim(self) -> str:
        return _path(self.name, self.owner, "claim")


@contextlib.contextmanager
def exclusive(files: Files, name: str) -> Iterator[Hold]:
    """Wait for the lock ``name`` and keep it for the block, with a beat in the background."""
    hold = Hold(files, name)
    _acquire(hold)
    done = threading.Event()
    beating = threading.Thread(target=_keep_beating, args=(hold, done), daemon=True)
    beating.start()
    try:
        yield hold
    finally:
        done.set()
        beating.join()
        hold.release()


def owners(files: Files, name: str) -> dict[str, dict[str, Any]]:
    """Return who claims the lock, and where: host, pid and the like, by owner."""
    found = {}
    for file in files.names(FOLDER):
        if file.startswith(f"{name}.") and file.endswith(".claim"):
            content = files.read(f"{FOLDER}/{file}")
            if content is not None:
                found[file.removeprefix(f"{name}.").removesuffix(".claim")] = json.loads(content)
    return found


def release_stale(files: Files, name: str) -> None:
    """Delete the stale claims of this machine: those of processes that run no longer."""
    for owner, claim in owners(files, name).items():
        if is_gone(claim):
            release(files, name, owner)


def release(files: Files, name: str, owner: str) -> None:
    """Delete an owner's claim, then its beat."""
    files.delete(_path(name, owner, "claim"))
    files.delete(_path(name, owner, "beat"))


def living(files: Files, since: float) -> set[str]:
    """Return ``{name}.{owner}`` of the claims of all who live: here a process that runs, elsewhere one that has beaten.

    For an owner elsewhere a beat counts from ``since``, in seconds since 1970, and in any case for ``STALE`` seconds.
    """
    since = min(since, time.time() - STALE)
    written = files.names(FOLDER)
    found = set()
    for file in written:
        stem, _, kind = file.rpartition(".")
        content = files.read(f"{FOLDER}/{file}") if kind == "claim" else None
        if content is None:
            continue
        claim = json.loads(content)
        beaten = max(written[file], written.get(f"{stem}.beat", 0.0)) >= since
        if not is_gone(claim) and (beaten or claim["machine"] == _machine()):
            found.add(stem)
    return found


def is_gone(claim: dict[str, Any]) -> bool:
    """Tell whether a claim's process ran on this machine and runs no longer."""
    import psutil

    if claim["machine"] != _machine():
        return False
    try:
        apart = abs(_started(claim["pid"]) - claim["started"])
        return apart > _SAME_START or bool(psutil.Process(claim["pid"]).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def _path(name: str, owner: str, kind: str) -> str:
    return f"{FOLDER}/{name}.{owner}.{kind}"


def _acquire(hold: Hold) -> None:
    watched = _Watched(hold.files, hold.name)
    while True:
        if not watched.others(hold.owner):
            hold.claim()
            if not watched.others(hold.owner):
                return
            hold.release()
        time.sleep(PAUSE * random.uniform(0.5, 1.5))  # noqa: S311 - so that two do not keep step


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
            if reason := self._fault(owner, claim):
                log.warning("%s: taken over from process %s on %s, %s", self._name, claim["pid"], claim["host"], reason)
                release(self._files, self._name, owner)
            else:
                alive.append(owner)
        return alive

    def _fault(self, owner: str, claim: dict[str, Any]) -> str | None:
        if is_gone(claim):
            return "which is gone"
        beat = self._files.read(_path(self._name, owner, "beat"))
        now = time.monotonic()
        if owner not in self._seen:
            log.info("%s: process %s on %s works on it; waiting", self._name, claim["pid"], claim["host"])
        last, since = self._seen.get(owner, (None, now))
        if owner not in self._seen or beat != last:
            self._seen[owner] = beat, now
            return None
        return f"which has been silent for {now - since:.0f} s" if now - since > STALE else None


def _keep_beating(hold: Hold, done: threading.Event) -> None:
    number = 0
    while not done.wait(BEAT):
        number += 1
        try:
            hold.beat(number)
        except Exception as error:
            log.warning("%s: no beat could be written (%s)", hold.name, error)


def _myself() -> dict[str, Any]:
    pid = os.getpid()
    return {
        "host": socket.gethostname(),
        "machine": _machine(),
        "pid": pid,
        "started": _started(pid),
    }


def _started(pid: int) -> float:
    """Return when a process started, in seconds: on Linux since the boot, which no step of the clock moves.

    That is field 22 of proc_pid_stat(5), in ticks; field 2, in brackets, may have spaces. Elsewhere psutil's time
    counts. Raises psutil.NoSuchProcess.
    """
    import psutil

    with contextlib.suppress(OSError):
        after_name = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        return int(after_name[22 - 3]) / os.sysconf("SC_CLK_TCK")
    return float(psutil.Process(pid).create_time())


@functools.cache
def _machine() -> str:
    """Return what two processes share if they can see each other's process numbers."""
    parts = [socket.gethostname()]
    with contextlib.suppress(OSError):  # elsewhere than on Linux the name must do
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip())
        parts.append(Path("/proc/self/ns/pid").readlink().name)
    return " ".join(parts)
