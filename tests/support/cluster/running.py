"""A service as processes: started, kept running as the compose file says, asked how it is, stopped, killed."""

import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from scripts.components import Components
from tests.support.cluster.compose import PROJECT, Service


class Running:
    """One service: its processes, and the hand that starts them again."""

    def __init__(
        self, service: Service, environment: Mapping[str, str], logs: Path, start: Callable[[], list[str]]
    ) -> None:
        self.service = service
        self.environment = environment
        self.components = Components(environment, logs)
        self.starts = 0
        self.down = False  # on purpose: stays down until it is started
        self._command = start
        self._next = 0.0

    def start(self) -> None:
        """Start the service; each start has a log file of its own."""
        if self.starts:
            self.components.kill()  # nothing in a container outlives its first process
        self.components.launch(f"{self.service.name}-{self.starts + 1}", self._command())
        self.starts += 1
        self.down = False

    def keep(self) -> None:
        """Start it again if it has ended and the file says so."""
        if self.down or not self.starts or self.service.restart != "always" or self.code is None:
            return
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + min(0.1 * 2**self.starts, 10)
            self.start()

    def stop(self) -> None:
        """Ask it to end, as the engine does: its first process, which has the grace period of the file."""
        self.down = True
        polite = signal.SIGINT if self.service.image.startswith("postgres:") else signal.SIGTERM  # as its image says
        self.components.ask_one(self._log, polite, self.service.stop_grace)
        self.components.kill()

    def kill(self) -> None:
        """End all its processes at once, and leave it down."""
        self.down = True
        self.components.kill()

    @property
    def code(self) -> int | None:
        """The exit code of the last start; None while it runs."""
        return self.components.code(self._log)

    @property
    def healthy(self) -> bool:
        """Whether the file's own health check passes now."""
        check = subprocess.Popen(
            self.service.health, cwd=PROJECT, env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            return check.wait(self.service.health_timeout) == 0
        except subprocess.TimeoutExpired:
            check.kill()
            check.wait()
            return False

    @property
    def output(self) -> str:
        """What it has written, over all its starts."""
        files = self.components.logs.glob(f"{self.service.name}-[0-9]*.log")
        return "".join(file.read_text("utf8", errors="replace") for file in sorted(files))

    @property
    def _log(self) -> str:
        return f"{self.service.name}-{self.starts}"
