"""Airflow's processes: each component in a session of its own, and none of them left behind.

A task runs in its own process group, so a signal to the group of the scheduler does not reach it, and it may start a
session of its own (a browser, for pictures). All of them carry ``MARK`` in their environment: that is how they are
found, even those of a runner that was killed before it could end them.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import psutil

from scripts.files import PROJECT
from scripts.home import MARK

GRACE = 4.0  # seconds between the polite signal and the other one
TAIL = 25  # lines


class ComponentError(Exception):
    """A component ended, or did not get ready."""


class Components:
    """The processes of one local Airflow."""

    def __init__(self, environment: Mapping[str, str], logs: Path) -> None:
        self.environment = dict(environment)
        self.logs = logs
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, *arguments: str, **changes: str) -> None:
        """Start ``airflow ARGUMENTS``, see ``launch``."""
        self.launch(name, [sys.executable, "-m", "airflow", *arguments], **changes)

    def launch(self, name: str, command: Sequence[str], **changes: str) -> None:
        """Start a command as a session of its own, its output in a log file of that name."""
        with self.log_of(name).open("wb") as log:
            self._processes[name] = subprocess.Popen(
                command,
                cwd=PROJECT,
                env={**self.environment, **changes},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def finish(self, name: str, *arguments: str, **changes: str) -> None:
        """Run ``airflow ARGUMENTS`` to its end."""
        self.start(name, *arguments, **changes)
        code = self._processes[name].wait()
        if code:
            raise ComponentError(f"airflow {' '.join(arguments)} ended with code {code}\n{self.tail(name)}")
        del self._processes[name]

    def check(self) -> None:
        """Raise if a component has ended."""
        for name in self._processes:
            if (code := self.code(name)) is not None:
                raise ComponentError(f"{name} ended with code {code}\n{self.tail(name)}")

    def code(self, name: str) -> int | None:
        """Return the exit code of a component, None while it runs."""
        return self._processes[name].poll()

    def log_of(self, name: str) -> Path:
        """Return the log file of a component."""
        return self.logs / f"{name}.log"

    def tail(self, name: str) -> str:
        """Return the last lines of a component's log, under its name."""
        path = self.log_of(name)
        lines = path.read_text("utf8", errors="replace").splitlines() if path.exists() else []
        return "\n".join([f"--- the end of {path}", *lines[-TAIL:]])

    def stop(self) -> None:
        """Ask every process to end, wait a little, and end those that did not.

        What was started first goes last: tasks tell the API server how they ended.
        """
        first = next(iter(self._processes.values()), None)
        self._ask(lambda: [pid for pid in self.alive() if first and _session(pid) != first.pid])
        self._ask(self.alive)
        self.kill()

    def ask_one(self, name: str, number: signal.Signals, grace: float) -> None:
        """Send one component a signal, and give it that many seconds to end."""
        self._processes[name].send_signal(number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._processes[name].wait(grace)

    def kill(self) -> None:
        """End every process at once; look again until none is left, as some may just be starting others."""
        while alive := self.alive():
            _signal(alive, signal.SIGKILL)
            time.sleep(0.05)
        for process in self._processes.values():
            process.wait()  # ended, all of them; nobody else would ask how

    def alive(self) -> list[int]:
        """Return every process that carries our mark, and every other one of their sessions."""
        for process in self._processes.values():
            process.poll()  # a process that ended stays listed until its parent asks
        sessions = {pid: session for pid in psutil.pids() if (session := _session(pid)) != os.getsid(0)}
        ours = {session for pid, session in sessions.items() if self._is_marked(pid)}
        # A program may write over its environment, as PostgreSQL does to show what it is at.
        ours |= {process.pid for process in self._processes.values() if process.returncode is None}
        return [pid for pid, session in sessions.items() if session in ours]

    def _ask(self, processes: Callable[[], list[int]]) -> None:
        asked: set[int] = set()
        deadline = time.monotonic() + GRACE
        while (alive := processes()) and time.monotonic() < deadline:
            _signal([pid for pid in alive if pid not in asked], signal.SIGTERM)
            asked.update(alive)  # a worker that takes its next task meanwhile: that one is asked in its turn
            time.sleep(0.1)

    def _is_marked(self, pid: int) -> bool:
        try:
            return bool(psutil.Process(pid).environ().get(MARK) == self.environment[MARK])
        except (psutil.Error, OSError):
            return False  # ended meanwhile, or another user's


def _session(pid: int) -> int:
    try:
        return os.getsid(pid)
    except OSError:
        return 0


def _signal(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue
