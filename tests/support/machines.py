"""Two machines on one store: processes with a host name, a clock, a home and a cache of their own.

    python -m tests.support.machines MOMENT ARGUMENT...

runs ``imdb-study ARGUMENT...`` with a short patience for locks, and stops itself with SIGSTOP, as a machine that is
frozen does, right before the first call of a method of the store's ``Files`` that MOMENT names, such as "put_entry
models/". That is after the last look at the lock: the worst moment there is.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

ROOT = Path(__file__).parents[2]
NEVER = ""
PATIENCE = 3.0  # seconds; 120 outside of tests


def main() -> int:
    """Run the command line in this process."""
    from imdb_tasks.store import locks
    from imdb_tasks.store.bucket import BucketFiles
    from imdb_tasks.store.local import LocalFiles
    from imdb_tasks.ui import cli

    moment, *arguments = sys.argv[1:]
    time.sleep = threading.Event().wait  # libfaketime 0.9.10 makes the original fail
    locks.BEAT, locks.STALE, locks.PAUSE = 0.3, PATIENCE, 0.2
    if moment:
        method, _, name = moment.partition(" ")
        for files in (LocalFiles, BucketFiles):
            stop_once_before(files, method, name)
    return cli.main(arguments)


def stop_once_before(files: type, method: str, prefix: str) -> None:
    """Let the first call of a method with a name that begins with ``prefix`` wait for SIGCONT."""
    original, stopped = getattr(files, method), []

    def call(self: Any, *arguments: Any) -> Any:
        if not stopped and any(str(argument).startswith(prefix) for argument in arguments):
            stopped.append(True)
            os.kill(os.getpid(), signal.SIGSTOP)
        return original(self, *arguments)

    setattr(files, method, call)


@dataclass(frozen=True)
class Machine:
    """A host name, hours that its clock is ahead, and a folder for its home and its cache."""

    name: str
    hours: float
    home: Path

    def start(self, arguments: list[str], moment: str = NEVER) -> "subprocess.Popen[str]":
        """Start ``imdb-study``; its two outputs are one."""
        self.home.mkdir(exist_ok=True)
        own = ["unshare", "--uts"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--uts"]
        named = [*own, "sh", "-c", 'hostname "$0" && exec "$@"', self.name]
        run = [sys.executable, "-m", "tests.support.machines", moment, *arguments]
        places = {"HOME": str(self.home), "IMDB_CACHE": str(self.home / "cache"), "BROWSER_PATH": "/no-such-browser"}
        # A wrong clock runs as fast as a right one, and the times of files are those of the file server.
        clock = {"FAKETIME": f"{self.hours:+.0f}h", "FAKETIME_DONT_FAKE_MONOTONIC": "1", "NO_FAKE_STAT": "1"}
        clock["LD_PRELOAD"] = str(faketime())
        return subprocess.Popen(
            [*named, *run],
            cwd=ROOT,
            env={**os.environ, **places, **clock},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )


def faketime() -> Path:
    """Return the library that gives a process a clock of its own; without it, CI fails, and other tests are skipped."""
    found = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
    if found is None:
        missing = "libfaketime is missing; install it, as with `apt-get install libfaketime`"
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
    return found


def is_frozen(process: "subprocess.Popen[str]") -> bool:
    """Tell whether a process has been stopped."""
    return bool(psutil.Process(process.pid).status() == psutil.STATUS_STOPPED)


if __name__ == "__main__":
    sys.exit(main())
