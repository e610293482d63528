"""Which revision of the code this is. Needs nothing but Python."""

import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_ROOT = Path(__file__).parents[1]


def source_revision() -> str:
    """Return git's revision of the checkout, or the version of the installed package, else "unknown"."""
    try:
        # Only in a checkout: an environment may lie in the repository of another project.
        return _git_revision() if _ROOT.joinpath("pyproject.toml").is_file() else f"v{version('imdb-tasks')}"
    except (OSError, subprocess.SubprocessError, PackageNotFoundError):
        return "unknown"


def _git_revision() -> str:
    command = ["git", "-C", str(_ROOT), "describe", "--always", "--dirty", "--abbrev=12"]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()  # noqa: S603
