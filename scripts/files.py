"""Where the project lies, and files that only their owner may read. Needs nothing but Python."""

import os
from pathlib import Path

PROJECT = Path(__file__).parents[1]


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, and that is never seen half-written."""
    beside = path.with_name(f".{path.name}.new")
    beside.unlink(missing_ok=True)
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf8") as file:
        file.write(text)
    beside.replace(path)
