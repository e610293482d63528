"""Values as people type them, in the environment and in the form: addresses, paths, schedules, names, secrets.

Where a value is none of its kind, pydantic says so as for any other type.

>>> from pydantic import TypeAdapter
>>> from imdb_tasks.typed_values import Addresses
>>> TypeAdapter(Addresses).validate_python("Ann <a@example.org>; b@example.org")
('a@example.org', 'b@example.org')
"""

import os
import re
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, StringConstraints

# What the HTML standard takes for an address, less dots that RFC 5322 refuses: every mail server takes it, unlike one
# with letters beyond ASCII. The mail, the form and the environment are judged by this alone.
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9-]+"
ADDRESS = rf"^{_ATOM}(\.{_ATOM})*@{_LABEL}(\.{_LABEL})*$"
Address = Annotated[str, StringConstraints(pattern=ADDRESS)]

# A name and an address in angle brackets, from the start of the text or after a separator.
_NAMED = re.compile(r"""(^|[,;\n])(?:\s|"[^"]*"|[^,;<>"@\n])*<([^<>]*)>""")


def _addresses(text: Any) -> Any:
    """Return the addresses of a text, each once, without the names in ``Name <address>``; not checked."""
    if not isinstance(text, str):
        return text
    typed = re.split(r"[\s,;]+", _NAMED.sub(lambda named: f"{named[1]} {named[2].strip() or '<>'} ,", text))
    found = dict[str, str]()
    for address in filter(None, typed):
        found.setdefault(address.casefold(), address)
    return tuple(found.values())


Addresses = Annotated[tuple[Address, ...], BeforeValidator(_addresses)]
TypedAddresses = Annotated[tuple[str, ...], BeforeValidator(_addresses)]


def expanded(path: str) -> str:
    """Return a path with the folder of a user in place of ``~``; raise ValueError if there is no such user."""
    found = os.path.expanduser(path)  # noqa: PTH111 - pathlib raises RuntimeError
    if found.startswith("~"):
        raise ValueError(f"there is no home for {path!r}")
    return found


def as_one_line(secret: str) -> str | None:
    """Return a login or key without the blanks and line ends around it; None if no header or mail login can hold it.

    Only printable ASCII can be sent. Whoever calls must not show the value: it is a secret, and in any other form than
    the stored one no log masks it.
    """
    stripped = secret.strip()
    return stripped if stripped.isascii() and stripped.isprintable() else None


def _absolute(path: str) -> str:
    if not Path(found := expanded(path)).is_absolute():  # each process would take it for another folder
        raise ValueError("expected an absolute path")
    return found


def _schedule(text: str) -> str:
    """Return a schedule that Airflow can run; raise ValueError for another, and for one that never comes."""
    if text in ("none", *PRESETS):
        return text
    from croniter import croniter

    if len(text.split()) != _CRON_FIELDS:
        raise ValueError("expected five fields")
    croniter(text).get_next()
    return text


def _source_name(text: str) -> str:
    return text if text in ("kaggle", "archives", "sample") else _absolute(text)


PRESETS = ("@hourly", "@daily", "@weekly", "@monthly", "@quarterly", "@yearly")
_CRON_FIELDS = 5
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:-]{1,250}$")]
A_NAME = "letters, digits and _.:- only"


Folder = Annotated[Path, BeforeValidator(expanded)]
AbsoluteFolder = Annotated[Path, BeforeValidator(_absolute)]
Place = Annotated[str, BeforeValidator(lambda place: place if "://" in place else _absolute(place))]
Schedule = Annotated[str, AfterValidator(_schedule)]
SourceName = Annotated[str, AfterValidator(_source_name)]
