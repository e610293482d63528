"""Where things lie in a store; no name leads out of it."""

import re

from imdb_tasks.errors import SettingsError

CHECKPOINTS = "checkpoints"
USES = "used"  # the folder of the refs that say when an entry was last used

_SAFE_NAME = re.compile(r"^(?!\.)[A-Za-z0-9_.~+:=-]+\Z")  # what Airflow allows in a run's id, less hidden files


def is_safe(name: str) -> bool:
    """Tell whether ``name`` can be a part of a name in the store."""
    return _SAFE_NAME.match(name) is not None


def safe(name: str) -> str:
    """Return ``name`` if it can be a part of a name in the store; raise SettingsError if not."""
    if not is_safe(name):
        raise SettingsError(
            f"{name!r} cannot name an artifact; expected letters, digits and _.~+:=- only, and no dot in front"
        )
    return name


def entry_name(kind: str, key: str) -> str:
    """Return the name of an entry's folder."""
    return f"{safe(kind)}/{safe(key)}"


def ref_folder(prefix: str) -> str:
    """Return the name of the folder of the refs whose names begin with ``prefix`` and a slash."""
    return "/".join(["refs", *map(safe, prefix.split("/"))])


def ref_file(name: str) -> str:
    """Return the name of a ref's file."""
    return f"{ref_folder(name)}.json"


def lock_name(kind: str, key: str) -> str:
    """Return the name of the lock that guards the making of an entry."""
    return f"{safe(kind)}-{safe(key)}"
