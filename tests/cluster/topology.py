"""The services of docker-compose.yaml as processes of one machine, without containers.

Commands, environments, order, health checks and restarts are those of the file. What a container would give, this
gives instead: every service has a loopback address of its own, which stands for its name; the folders of the image lie
below one folder; a service that ends is started again, after a pause that doubles, as the engine does it. PostgreSQL
and Redis are those of the machine.
"""

import dataclasses
import functools
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from scripts.airflow_api import AirflowApi
from scripts.components import Components
from scripts.home import MARK
from tests.cluster.compose import PROJECT, Service, image_environment, read_services

NETWORK = "127.24.0"
LOG_SERVERS = 24_000  # the first of the ports, which must differ where workers share a machine
READY = 600.0  # seconds until a service must be healthy, on a slow and busy machine
PAUSE = 1.0  # seconds between two looks
UNUSED = {"worker", "worker-gpu", "worker-cpu-training", "init"}  # nobody calls them by name
PROGRAMS = [
    str(folder) for folder in Path("/usr/lib/postgresql").glob("*/bin")
]  # Debian keeps a server's programs off the path


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


class Cluster:
    """All services, up while the ``with`` block runs. ``changes`` go over the environment of every service."""

    def __init__(
        self, home: Path, variables: Mapping[str, str], profiles: set[str], changes: Mapping[str, str]
    ) -> None:
        self.home = home
        self.services = read_services(variables, profiles)
        self.addresses = {name: f"{NETWORK}.{number}" for number, name in enumerate(self.services, 2)}
        self._changes = changes
        self._folders = {
            "/opt/imdb-study": str(PROJECT),
            "/opt/airflow": str(home / "airflow"),
            "/var/lib/imdb-study": str(home),
        }
        for folder in ("airflow/logs", "store", "mail", "queue", "output"):
            home.joinpath(folder).mkdir(parents=True)
        self.running = {name: self._running(service) for name, service in self.services.items()}
        self.api = AirflowApi(
            f"http://{self.addresses['api-server']}:8080", variables["ADMIN_USER"], variables["ADMIN_PASSWORD"]
        )
        self._over = threading.Event()
        self._keeper = threading.Thread(target=self._keep, daemon=True)

    def __enter__(self) -> "Cluster":
        self._keeper.start()
        try:
            for name, service in self.services.items():
                for needed, condition in service.needs.items():
                    self.wait_for(needed, condition)
                self.running[name].start()
            for name, service in self.services.items():
                if service.health:
                    self.wait_for(name)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._keeper.join()
        self.api.__exit__()
        for running in reversed(self.running.values()):
            running.kill()

    def wait_for(self, name: str, condition: str = "service_healthy") -> None:
        """Wait until a service meets a condition of ``depends_on``."""
        running, deadline = self.running[name], time.monotonic() + READY
        while time.monotonic() < deadline:
            if condition == "service_healthy" and running.healthy:
                return
            if condition == "service_completed_successfully" and running.code is not None:
                if running.code:
                    break
                return
            time.sleep(PAUSE)
        raise TimeoutError(f"{name} is not {condition}; its output ends with\n{running.output[-3_000:]}")

    def _keep(self) -> None:
        while not self._over.wait(PAUSE):
            for running in self.running.values():
                running.keep()

    def _running(self, service: Service) -> Running:
        service = dataclasses.replace(
            service,
            command=tuple(map(self._here, service.command)),
            health=tuple(map(self._here, service.health)),
            environment={name: self._here(value) for name, value in service.environment.items()},
        )
        environment = {**self._machine(service), **service.environment, **self._listening(service), **self._changes}
        return Running(service, environment, self.home / "output", functools.partial(self._as_image, service))

    def _machine(self, service: Service) -> dict[str, str]:
        """What the image and the container's own life would give."""
        path = os.pathsep.join([str(Path(sys.executable).parent), *PROGRAMS, os.environ["PATH"]])
        return {
            "PATH": path,
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            "HOSTNAME": socket.gethostname(),
            **{name: self._here(value) for name, value in image_environment().items()},
            MARK: f"{self.home}/{service.name}",
            "SPT_NOENV": "1",  # setproctitle would write over the environment, and the mark with it
            "NO_PROXY": "*",
            "AIRFLOW__CORE__HOSTNAME_CALLABLE": "tests.cluster.identity.address",
            "SERVICE_ADDRESS": self.addresses[service.name],
        }

    def _listening(self, service: Service) -> dict[str, str]:
        address = self.addresses[service.name]
        return {
            "AIRFLOW__API__HOST": address,
            "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_HOST": address,
            "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(LOG_SERVERS + int(address.rpartition(".")[2])),
        }

    def _here(self, text: str) -> str:
        """Put this machine's folders in place of the image's, and addresses in place of names."""
        for there, here in self._folders.items():
            text = text.replace(there, here)
        for name in self.addresses.keys() - UNUSED:
            text = re.sub(
                rf"(?<=@|/|\"){name}(?=[:/\"])|(?<=-h ){name}\b|(?<=--host ){name}\b", self.addresses[name], text
            )
        return text

    def _as_image(self, service: Service) -> list[str]:
        """Return the command as the service's image runs it."""
        address = self.addresses[service.name]
        if service.image.startswith("postgres:"):
            return self._postgres(service, address)
        if service.image.startswith("redis:"):
            return [*service.command, "--bind", address, "--dir", str(self.home / "queue")]
        return [address if word == "0.0.0.0" else word for word in service.command]  # noqa: S104 - what is replaced

    def _postgres(self, service: Service, address: str) -> list[str]:
        """Do what the image's entry point does: make the database where there is none, and run as its own user."""
        data, environment = self.home / "database", self._machine(service)
        as_postgres = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"] if os.getuid() == 0 else []
        if not data.exists():
            data.mkdir()
            if as_postgres:
                shutil.chown(data, "postgres", "postgres")
            user, password, name = (service.environment[f"POSTGRES_{part}"] for part in ("USER", "PASSWORD", "DB"))
            wanted = f"ALTER USER {user} PASSWORD '{password}'\nCREATE DATABASE {name}\n"
            for command in (
                ["initdb", "-D", str(data), "-U", user, "-A", "trust"],
                ["postgres", "--single", "-D", str(data), "postgres"],
            ):
                done = subprocess.run(
                    [*as_postgres, *command], env=environment, input=wanted, capture_output=True, text=True
                )
                if done.returncode:
                    raise RuntimeError(done.stdout + done.stderr)
            data.joinpath("pg_hba.conf").write_text("host all all 127.0.0.0/8 scram-sha-256\n")
        listening = ["-c", f"listen_addresses={address}", "-c", "unix_socket_directories="]
        return [*as_postgres, "postgres", "-D", str(data), *listening]
