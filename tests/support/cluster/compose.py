"""docker-compose.yaml and Dockerfile as data: what each service runs, after what, and how it is known to be well.

Only what this project's file uses of the compose specification is understood; the rest is left to a real engine.
"""

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

PROJECT = Path(__file__).parents[3]
_VARIABLE = re.compile(r"\$(?:(?P<escaped>\$)|\{(?P<name>\w+)(?::(?P<kind>[-?])(?P<rest>[^}]*))?\})")
_SECONDS = {"h": 3600, "m": 60, "s": 1}


@dataclass(frozen=True)
class Service:
    """One service, every variable filled in. ``health`` is a command; seconds are of the file's own intervals."""

    name: str
    image: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    needs: Mapping[str, str]
    health: tuple[str, ...]
    health_timeout: float
    restart: str
    stop_grace: float


def read_services(variables: Mapping[str, str], profiles: set[str]) -> dict[str, Service]:
    """Return the services that run with these profiles, in an order in which each comes after what it needs."""
    text = PROJECT.joinpath("docker-compose.yaml").read_text("utf8")
    raw = filled_in(yaml.safe_load(text)["services"], variables)
    wanted = {name: service for name, service in raw.items() if not {*service.get("profiles", ())} - profiles}
    ordered: dict[str, Service] = {}

    def add(name: str) -> None:
        for needed in wanted[name].get("depends_on", {}):
            add(needed)
        ordered.setdefault(name, _service(name, wanted[name]))

    for name in wanted:
        add(name)
    return ordered


def filled_in(value: Any, variables: Mapping[str, str]) -> Any:
    """Replace ``${NAME}``, ``${NAME:-default}`` and ``${NAME:?message}`` in every text of a structure; ``$$`` is ``$``.

    Raises:
        KeyError: a variable without a default is missing, or empty where it must not be.

    """
    if isinstance(value, dict):
        return {key: filled_in(inner, variables) for key, inner in value.items()}
    if isinstance(value, list):
        return [filled_in(inner, variables) for inner in value]
    if not isinstance(value, str):
        return value

    def replace(found: "re.Match[str]") -> str:
        if found["escaped"]:
            return "$"
        content = variables.get(found["name"], "")
        if not content and found["kind"] == "?":
            raise KeyError(f"{found['name']}: {found['rest']}")
        return content or (found["rest"] if found["kind"] == "-" else "")

    return _VARIABLE.sub(replace, value)


def read_example() -> dict[str, str]:
    """Return the variables of .env.example."""
    return read_env(PROJECT.joinpath(".env.example").read_text("utf8"))


def read_env(text: str) -> dict[str, str]:
    """Return the variables of a file such as .env."""
    lines = (line for line in text.splitlines() if line and not line.startswith("#"))
    return {name: value.strip("'") for name, _, value in (line.partition("=") for line in lines)}


def image_environment() -> dict[str, str]:
    """Return what the Dockerfile sets for every process, except what only its build reads."""
    text = PROJECT.joinpath("Dockerfile").read_text("utf8").replace("\\\n", " ")
    return {name: value for name, value in _settings(text) if not name.startswith("PIP_") and "$" not in value}


def _settings(dockerfile: str) -> Iterator[tuple[str, str]]:
    for line in re.findall(r"^ENV (.*)$", dockerfile, re.MULTILINE):
        for setting in shlex.split(line):
            name, _, value = setting.partition("=")
            yield name, value


def _service(name: str, raw: Mapping[str, Any]) -> Service:
    check = raw.get("healthcheck", {})
    return Service(
        name=name,
        image=raw["image"],
        command=tuple(_words(raw.get("command", []))),
        environment={key: str(value) for key, value in raw.get("environment", {}).items()},
        needs={needed: how["condition"] for needed, how in raw.get("depends_on", {}).items()},
        health=_test(check["test"]) if check else (),
        health_timeout=_duration(check.get("timeout", "30s")),
        restart=raw["restart"],
        stop_grace=_duration(raw.get("stop_grace_period", "10s")),
    )


def _words(command: Any) -> list[str]:
    return shlex.split(command) if isinstance(command, str) else list(command)


def _test(test: Any) -> tuple[str, ...]:
    return ("sh", "-c", test) if isinstance(test, str) else tuple(test[1:])


def _duration(text: str) -> float:
    return sum(float(number) * _SECONDS[unit] for number, unit in re.findall(r"(\d+)([hms])", text))
