"""The stack of docker-compose.yaml on a real engine, under a project name of its own."""

import json
import os
import shlex
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

from tests.support.cluster.compose import PROJECT, Service, read_services

NAME = "imdb-study-test"
PATIENCE = 600.0  # seconds until every service must be healthy; the image may have to be built before


class NoEngineError(Exception):
    """There is no container engine to test with."""


class Stack:
    """All services of some profiles, from built to gone while the ``with`` block runs."""

    def __init__(self, env_file: Path, variables: dict[str, str], profiles: set[str], scale: dict[str, int]) -> None:
        self.services: dict[str, Service] = read_services(variables, profiles)
        self._scale = scale
        files = [PROJECT / "docker-compose.yaml", Path(__file__).with_name("override.yaml")]
        self._compose = [*_compose(), "--project-name", NAME, "--env-file", str(env_file)]
        self._compose += [word for file in files for word in ("--file", str(file))]
        # What a variable of the shell says counts for more than the file: here nothing but the file's may.
        self._environment = {**os.environ, **variables, "COMPOSE_PROFILES": ",".join(sorted(profiles))}

    def __enter__(self) -> "Stack":
        self.compose("down", "--volumes", "--remove-orphans")
        try:
            self.compose("build", "--quiet")
            scaled = [word for name, count in self._scale.items() for word in ("--scale", f"{name}={count}")]
            self.compose("up", "--detach", *scaled)
            self.wait()
        except BaseException:
            print(self.compose("ps"), self.logs()[-20_000:])
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.compose("down", "--volumes", "--remove-orphans", "--timeout", "5")

    def compose(self, *arguments: str) -> str:
        """Run a command of docker compose; return what it says."""
        return _run([*self._compose, *arguments], self._environment)

    def shell(self, commands: str, folder: Path) -> None:
        """Run lines for a shell that speak of ``docker compose``, in a folder."""
        script = commands.replace("docker compose", shlex.join(self._compose))
        _run(["bash", "-euo", "pipefail", "-c", script], self._environment, folder)

    def wait(self) -> None:
        """Wait until all services are healthy."""
        deadline = time.monotonic() + PATIENCE
        while {status for found in self.health().values() for status in found} != {"healthy"}:
            if time.monotonic() > deadline:
                raise TimeoutError(f"not healthy after {PATIENCE:.0f} s: {self.health()}")
            time.sleep(2)

    def logs(self) -> str:
        """Return what all services have written."""
        return self.compose("logs", "--no-color")

    def containers(self, service: str) -> list[dict[str, Any]]:
        """Return what the engine knows of the containers of a service, ended ones included."""
        ids = self.compose("ps", "--all", "--quiet", service)
        return list(json.loads(_run(["docker", "inspect", *ids.split()]))) if ids else []

    def health(self) -> dict[str, list[str]]:
        """Return the state of health of every service that has one, one word for each container."""
        return {
            name: [container["State"]["Health"]["Status"] for container in self.containers(name)]
            for name, service in self.services.items()
            if service.health
        }


def _compose() -> list[str]:
    """Return the command of this machine: the plugin, else the older program."""
    for command in (["docker", "compose"], ["docker-compose"]):
        if shutil.which(command[0]) and not subprocess.run([*command, "version"], capture_output=True).returncode:
            break
    else:
        raise NoEngineError("neither `docker compose` nor `docker-compose` is installed")
    engine = subprocess.run(["docker", "info"], capture_output=True, text=True)
    if engine.returncode:
        raise NoEngineError(f"no container engine answers: {engine.stderr.strip()}")
    return command


def _run(command: list[str], environment: dict[str, str] | None = None, folder: Path | None = None) -> str:
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done.stdout
