"""Resolve the dependencies again, or check that the files which name them agree. `make lock`, and part of `make lint`.

pyproject.toml says what is needed and uv.lock which versions that is; the requirement files are exports of uv.lock, for
pip. The check needs no network.
"""

import argparse
import subprocess
import sys
from collections.abc import Sequence

from scripts.files import PROJECT

_IMAGES = ("--extra", "airflow", "--extra", "kubernetes", "--group", "services", "--group", "build")
EXPORTS: dict[str, tuple[str, ...]] = {
    "requirements.txt": (*_IMAGES, "--extra", "worker"),
    "requirements-airflow.txt": _IMAGES,
    "requirements-dev.txt": ("--all-extras", "--group", "dev"),
    "requirements-mlflow.txt": ("--only-group", "mlflow-server"),
    "requirements-gpu.txt": ("--only-group", "gpu"),
    "requirements-uv.txt": ("--only-group", "uv"),
}
_EXPORT = ("export", "--frozen", "--offline", "--no-header", "--no-emit-project", "--no-default-groups")


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the lock and its exports; with ``--check``, return 1 if one of them is not what it should be."""
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--check", action="store_true", help="change nothing; say what disagrees")
    reader.add_argument("--upgrade", action="store_true", help="take the newest versions, not those of today's lock")
    options = reader.parse_args(arguments)
    if options.check:
        return _check()
    _uv("lock", *(["--upgrade"] if options.upgrade else []))
    for name in EXPORTS:
        PROJECT.joinpath(name).write_text(exported(name), "utf8")
    return 0


def exported(name: str) -> str:
    """Return what a requirement file should hold, by uv.lock."""
    return _uv(*_EXPORT, "--format", "requirements.txt", *EXPORTS[name])


def stale() -> list[str]:
    """Return the names of the requirement files that are not what uv.lock says."""
    return [name for name in EXPORTS if PROJECT.joinpath(name).read_text("utf8") != exported(name)]


def _check() -> int:
    faults = [f"{name} is not what uv.lock says" for name in stale()]
    try:
        _uv("lock", "--check", "--offline")
    except subprocess.CalledProcessError:  # uv has said more
        faults.append("uv.lock is not what pyproject.toml says")
    if faults:
        print("\n".join([*faults, "Run make lock, and commit what it changes."]), file=sys.stderr)
    return 1 if faults else 0


def _uv(*arguments: str) -> str:
    command = [sys.executable, "-m", "uv", *arguments, "--quiet", "--python", sys.executable]
    return subprocess.run(command, cwd=PROJECT, check=True, stdout=subprocess.PIPE, text=True).stdout


if __name__ == "__main__":
    sys.exit(main())
