"""Who holds a lock, as its lock file says, and whether that process still exists."""

import contextlib
import functools
import json
import os
import socket
from dataclasses import dataclass
from pathlib import Path

from imdb_tasks.store.seals import json_bytes

_LARGEST_PID = 2**31 - 1
_SAME_START = 1.0  # seconds; no process number is given out twice in less


@dataclass(frozen=True)
class Claim:
    """Who claims a lock, as the lock file says; a file that cannot be read is the claim of nobody who is known."""

    host: str = "an unknown machine"
    machine: str = ""
    pid: int = 0
    started: float = 0.0
    readable: bool = True

    @classmethod
    def read(cls, content: bytes) -> "Claim":
        """Read a lock file, whatever is in it."""
        with contextlib.suppress(ValueError, KeyError, TypeError, OverflowError):
            found = json.loads(content)
            claim = cls(str(found["host"]), str(found["machine"]), int(found["pid"]), float(found["started"]))
            if 0 < claim.pid <= _LARGEST_PID:
                return claim
        return cls(readable=False)

    @property
    def who(self) -> str:
        """The owner, for people."""
        return f"process {self.pid} on {self.host}" if self.readable else "an unknown process: its lock file is damaged"


def owner_has_exited(claim: Claim) -> bool:
    """Return whether the owner ran on this machine and no longer exists."""
    import psutil

    if claim.machine != machine():
        return False
    try:
        apart = abs(_started(claim.pid) - claim.started)
        return apart > _SAME_START or bool(psutil.Process(claim.pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def myself() -> bytes:
    """Return the lock file of this process."""
    pid = os.getpid()
    claim = {"host": socket.gethostname(), "machine": machine(), "pid": pid, "started": _started(pid)}
    return json_bytes(claim)


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
def machine() -> str:
    """Return what two processes share if they can see each other's process numbers."""
    parts = [socket.gethostname()]
    with contextlib.suppress(OSError):  # elsewhere than on Linux the name must do
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip())
        parts.append(Path("/proc/self/ns/pid").readlink().name)
    return " ".join(parts)
