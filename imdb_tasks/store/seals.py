"""What the store writes carries a SHA-256 of itself and the name that it was written under.

So a change is noticed, and so is a file that lies under the name of another.

A sealed JSON file has a field ``sha256``, over its other fields, of which one or two name it. A sealed file of bytes
begins with 32 bytes of SHA-256 over the rest, which is its name, a line feed, and the content.
"""

import datetime
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from imdb_tasks.store.local import replace_file

_SEAL = "sha256"
_DIGEST_BYTES = hashlib.sha256().digest_size
_CHANGED = "its sha256 differs from the recorded one"
_ZIP = b"PK\x03\x04"  # how an .npz begins, which in earlier releases followed the hash at once, without a name


def write_json(path: Path, value: Any) -> None:
    """Write strict JSON (no NaN literals) with ``replace_file``."""
    replace_file(path, json_bytes(value))


def json_bytes(value: Any) -> bytes:
    """Return strict, readable JSON in UTF-8; raise ValueError for NaN and infinity."""
    text = json.dumps(value, indent=1, sort_keys=True, allow_nan=False, ensure_ascii=False)
    return f"{text}\n".encode()


def seal(value: Mapping[str, Any]) -> bytes:
    """Return ``value`` as JSON with a SHA-256 of itself, so that ``unseal`` notices every change."""
    return json_bytes({**value, _SEAL: _digest(value)})


def unseal(content: bytes) -> dict[str, Any]:
    """Return what was sealed; raise ValueError if it is not to the letter what ``seal`` wrote."""
    value = json.loads(content)
    if not isinstance(value, dict) or value.pop(_SEAL, None) != _digest(value):
        raise ValueError(_CHANGED)
    return value


def seal_bytes(name: str, content: bytes) -> bytes:
    """Return ``content`` with its name before it, and the SHA-256 of both before that."""
    rest = name.encode() + b"\n" + content
    return hashlib.sha256(rest).digest() + rest


def unseal_bytes(name: str, sealed: bytes) -> bytes:
    """Return the content; raise ValueError if it was changed, or written under another name."""
    digest, rest = sealed[:_DIGEST_BYTES], sealed[_DIGEST_BYTES:]
    if hashlib.sha256(rest).digest() != digest:
        raise ValueError(_CHANGED)
    if rest.startswith(_ZIP):
        return rest
    written_as, _, content = rest.partition(b"\n")
    if written_as != name.encode():
        raise ValueError(f"it is {written_as.decode()!r}, not {name!r}")
    return content


def timestamp(moment: datetime.datetime) -> str:
    """Return a moment as ISO 8601 with microseconds, as ``seconds`` reads it."""
    return moment.isoformat(timespec="microseconds")


def seconds(stamp: str) -> float:
    """Return an ISO 8601 moment in seconds since 1970; raise ValueError if it is none."""
    return datetime.datetime.fromisoformat(stamp).timestamp()


def now() -> datetime.datetime:
    """Return the moment by this machine's clock, in UTC."""
    return datetime.datetime.now(datetime.UTC)


def _digest(value: Mapping[str, Any]) -> str:
    return hashlib.sha256(json_bytes(value)).hexdigest()
