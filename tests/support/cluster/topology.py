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
import socket
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path

from scripts.airflow_api import AirflowApi
from scripts.home import MARK
from tests.support.cluster.compose import PROJECT, Service, image_environment, read_services
from tests.support.cluster.database import postgres
from tests.support.cluster.running import Running

NETWORK = "127.24.0"
LOG_SERVERS = 24_000  # the first of the ports, which must differ where workers share a machine
READY = 600.0  # seconds until a service must be healthy, on a slow and busy machine
PAUSE = 1.0  # seconds between two looks
UNUSED = {"worker", "worker-gpu", "worker-cpu-training", "init"}  # nobody calls them by name
# Debian keeps the programs of this server off the path.
PROGRAMS = [str(folder) for folder in Path("/usr/lib/postgresql").glob("*/bin")]


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
            "PYTHONPATH": str(PROJECT),  # for the next line
            "AIRFLOW__CORE__HOSTNAME_CALLABLE": "tests.support.cluster.identity.address",
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
            return postgres(service, self.home / "database", address, self._machine(service))
        if service.image.startswith("redis:"):
            return [*service.command, "--bind", address, "--dir", str(self.home / "queue")]
        return [address if word == "0.0.0.0" else word for word in service.command]  # noqa: S104 - what is replaced
