"""A real Airflow on this machine: API server, scheduler and dag-processor, SQLite, LocalExecutor, loopback only.

``make ui`` runs this file and leaves Airflow up until Ctrl-C.
"""

import contextlib
import datetime
import importlib.metadata
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from types import FrameType, TracebackType
from typing import Self

import httpx

from imdb_tasks.errors import StudyError
from scripts.airflow_api import AirflowApi
from scripts.components import ComponentError, Components
from scripts.home import LOOPBACK, USER, Home, HomeInUseError, environment, free_port, sqlite_address, training_slots
from scripts.mail_catcher import MailCatcher

DAG = "imdb_study"
PREFERRED_PORT = 8080
PATIENCE = 120.0  # seconds for Airflow to get ready, on a slow and busy machine
POOL = "training"
FULL = 1_000_000  # bytes; a database that must grow finds less than that


class Shutdown:
    """The first signal unwinds the program and so ends Airflow in good order; a second one ends it at once."""

    def __init__(self) -> None:
        self.begun = False
        self.at_once: Callable[[], None] = lambda: None

    def install(self) -> None:
        """Answer Ctrl-C, a polite kill, and a closed terminal; exit codes are the shell's: 130, 143, 129.

        Whoever starts with ``nohup`` wants the closed terminal to be ignored.
        """
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._answer)

    def _answer(self, number: int, _frame: FrameType | None) -> None:
        code = 128 + number
        if self.begun:
            self.at_once()
            os._exit(code)
        self.begun = True
        raise SystemExit(code)


class LocalAirflow:
    """Runs while its ``with`` block does, from healthy to gone."""

    def __init__(self, home: Home, shutdown: Shutdown, *, smtp_port: int) -> None:
        self.home = home
        port = free_port(PREFERRED_PORT)
        self.api = AirflowApi(f"http://{LOOPBACK}:{port}", USER, home.password)
        self.components = Components(environment(home, port=port, smtp_port=smtp_port), home.logs)
        self._shutdown = shutdown

    def __enter__(self) -> Self:
        self._shutdown.at_once = self.components.kill
        try:
            self._start()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def _start(self) -> None:
        self.components.kill()  # what an earlier run could not end, because it was killed itself
        began = datetime.datetime.now(datetime.UTC)
        self._migrate()
        self.components.start("api-server", "api-server")
        # The scheduler's log server would listen on every interface; here the API server reads the files themselves.
        self.components.start("scheduler", "scheduler", "--skip-serve-logs")
        self.components.start("dag-processor", "dag-processor")
        self._wait_until(lambda: unhealthy(self.api, began))
        self.api.set_pool(POOL, training_slots(), "One slot per variant that may train at the same time")
        self._wait_until(lambda: self._unparsed(began))

    def _stop(self) -> None:
        self._shutdown.begun = True
        say("Stopping Airflow")
        self.api.close()
        self.components.stop()

    def _migrate(self) -> None:
        """Bring the database to this Airflow's version, in a copy: an interrupted migration leaves no ruin."""
        stamp = self.home.root / "database-version"
        version = importlib.metadata.version("apache-airflow-core")
        if self.home.database.exists() and stamp.exists() and stamp.read_text("utf8") == version:
            return
        say("Preparing Airflow's database (only the first time)")
        draft = self.home.database.with_suffix(".new")
        draft.unlink(missing_ok=True)
        if self.home.database.exists():
            shutil.copyfile(self.home.database, draft)
        self.components.finish("migrate", "db", "migrate", AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=sqlite_address(draft))
        draft.replace(self.home.database)
        stamp.write_text(version, "utf8")

    def _wait_until(self, missing: Callable[[], dict[str, str]]) -> None:
        """Wait until nothing is ``missing``: what should be ready, by the component whose log says why it is not."""
        deadline = time.monotonic() + PATIENCE
        while still := missing():
            self.components.check()
            if time.monotonic() > deadline:
                tails = (self.components.tail(name) for name in still)
                raise ComponentError("\n".join([f"not ready after {PATIENCE:.0f} s: {still}", *tails]))
            time.sleep(0.2)

    def _unparsed(self, began: datetime.datetime) -> dict[str, str]:
        parsed = self.api.parsed_at(DAG)
        if parsed and parsed >= began:
            return {}
        if errors := self.api.import_errors():
            raise ComponentError("\n".join(["Airflow could not import the DAG:", *errors]))
        return {"dag-processor": f"the DAG {DAG}"}


def unhealthy(api: AirflowApi, began: datetime.datetime) -> dict[str, str]:
    """Return what is not up yet, by component."""
    try:
        health = api.health()
    except httpx.HTTPError as error:
        return {"api-server": str(error)}
    faults = {} if health["metadatabase"]["status"] == "healthy" else {"api-server": "the database"}
    for name in ("scheduler", "dag_processor"):
        # A heartbeat from before the start is that of a predecessor.
        beat = health[name][f"latest_{name}_heartbeat"]
        if health[name]["status"] != "healthy" or datetime.datetime.fromisoformat(beat) < began:
            faults[name.replace("_", "-")] = f"status {health[name]['status']}, last heartbeat {beat}"
    return faults


def say(text: str) -> None:
    """Print a line now, even into a pipe. A terminal that was closed meanwhile keeps no clean-up from going on."""
    with contextlib.suppress(OSError):
        print(text, flush=True)


def run_locally(work: Callable[[LocalAirflow, MailCatcher], int]) -> int:
    """Start everything, do the ``work``, end everything, and return the exit code."""
    shutdown = Shutdown()
    shutdown.install()
    try:
        home = Home.from_environment()
        home.check_room()
        with home.locked(), telling_of_a_full_disk(home), MailCatcher(home.root / "mail") as mail:
            say("Starting Airflow")
            began = time.monotonic()
            with LocalAirflow(home, shutdown, smtp_port=mail.port) as airflow:
                say(f"Airflow is up at {airflow.api.url} after {time.monotonic() - began:.0f} s")
                return work(airflow, mail)
    except (ComponentError, HomeInUseError, StudyError) as error:
        print(error, file=sys.stderr)
    except httpx.HTTPError as error:
        print(
            f"Airflow's API server returned an unexpected answer: {error}\nIts log is in {home.logs}", file=sys.stderr
        )
    return 1


@contextlib.contextmanager
def telling_of_a_full_disk(home: Home) -> Iterator[None]:
    """Raise DiskFullError instead of what a component or the API server says once their disk is full."""
    try:
        yield
    except (ComponentError, httpx.HTTPError, OSError):
        home.check_room(FULL)
        raise


def serve(airflow: LocalAirflow, mail: MailCatcher) -> int:
    """Keep Airflow up until a signal, or until a component ends."""
    say(f"  user            {USER}\n  password        in {airflow.home.passwords}")
    say(f"  caught mail     {mail.folder}\n  logs            {airflow.home.logs}\nCtrl-C ends it.")
    while True:
        airflow.components.check()
        time.sleep(1)


if __name__ == "__main__":
    sys.exit(run_locally(serve))
