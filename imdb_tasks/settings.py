"""Settings from the environment: every variable that the project reads, with its type, default and meaning.

A group holds what one part of the project needs, so that a bad value stops only what would use it. Groups are read
where they are used, never at import: tests and Airflow set variables late.

>>> from imdb_tasks.settings import RetrySettings
>>> RetrySettings.read().delay
60.0
"""

import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self, cast

from pydantic import BeforeValidator, Field, StringConstraints, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from imdb_tasks.errors import SettingsError

Backend = Literal["tensorflow", "jax"]
"""The Keras backends that can train the study."""
DEFAULT_BACKEND: Backend = "tensorflow"
# What the HTML standard takes for an address, less dots that RFC 5322 refuses: every mail server takes it, unlike one
# with letters beyond ASCII. The mail, the form and the environment are judged by this alone.
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9-]+"
ADDRESS = rf"^{_ATOM}(\.{_ATOM})*@{_LABEL}(\.{_LABEL})*$"
Address = Annotated[str, StringConstraints(pattern=ADDRESS)]

_SHOWN = 80
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


_SEPARATED = BeforeValidator(_addresses)


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


_Folder = Annotated[Path, BeforeValidator(expanded)]
_AbsoluteFolder = Annotated[Path, BeforeValidator(_absolute)]
_Place = Annotated[str, BeforeValidator(lambda place: place if "://" in place else _absolute(place))]


class Settings(BaseSettings):
    """A group of variables; ``read`` returns what the environment holds now. An empty variable counts as not set."""

    model_config = SettingsConfigDict(frozen=True, case_sensitive=True, extra="ignore", env_ignore_empty=True)

    @classmethod
    def read(cls) -> Self:
        """Read and check the group.

        Raises:
            SettingsError: naming each variable whose value makes no sense, what was expected, and what was found.

        """
        try:
            return cls()
        except ValidationError as error:
            faults = [_readable(cls, fault["loc"][0], fault["input"]) for fault in error.errors(include_url=False)]
            raise SettingsError("; ".join(faults)) from None

    @classmethod
    def read_or_default(cls) -> Self:
        """Read the group, or take its defaults if a value makes no sense.

        For code that must not fail, such as a DAG file when it is parsed: some other code must call ``read``.
        """
        try:
            return cls.read()
        except SettingsError:
            return cast("Self", cls.model_construct())


class StoreSettings(Settings):
    """Where artifacts are kept."""

    store: _Place | None = Field(
        None,
        validation_alias="IMDB_STORE",
        description="folder of the artifacts as an absolute path, or `s3://bucket/prefix`, `gs://bucket/prefix`",
        json_schema_extra={"expected": "the absolute path of a folder, or the URL of a bucket"},
    )
    cache: _AbsoluteFolder | None = Field(
        None,
        validation_alias="IMDB_CACHE",
        description="where a store in a bucket keeps what was read of it",
        json_schema_extra={"expected": "the absolute path of a folder"},
    )


class MailSettings(Settings):
    """Who gets the report."""

    recipients: Annotated[tuple[Address, ...], NoDecode, _SEPARATED] = Field(
        (),
        validation_alias="IMDB_RECIPIENTS",
        description="who gets the report: `a@example.org, Name <b@example.org>`; commas or semicolons",
        json_schema_extra={"expected": "mail addresses, separated by commas"},
    )

    @classmethod
    def read_valid(cls) -> tuple[str, ...]:
        """Return the recipients that are addresses, and leave out what ``read`` refuses."""
        return tuple(address for address in _TypedMailSettings.read().recipients if re.match(ADDRESS, address))


class _TypedMailSettings(Settings):
    """The recipients as they were typed."""

    recipients: Annotated[tuple[str, ...], NoDecode, _SEPARATED] = Field((), validation_alias="IMDB_RECIPIENTS")


class KerasSettings(Settings):
    """What a training computes with."""

    backend: Backend = Field(
        DEFAULT_BACKEND,
        validation_alias="KERAS_BACKEND",
        description="`tensorflow` or `jax`",
        json_schema_extra={"expected": "one of tensorflow, jax"},
    )


class ThreadSettings(Settings):
    """How much of the machine one training uses."""

    threads: int = Field(
        1,
        ge=1,
        validation_alias="IMDB_TRAINING_THREADS",
        description="threads of one training task",
        json_schema_extra={"expected": "a whole number from 1"},
    )


class CodeSettings(Settings):
    """Which code made a result."""

    revision: str | None = Field(
        None,
        validation_alias="IMDB_CODE_REVISION",
        description="the revision of the code that results are marked with; the images set it",
        json_schema_extra={"expected": "a text"},
    )


class RetrySettings(Settings):
    """When Airflow tries a failed task again."""

    delay: float = Field(
        60.0,
        ge=0,
        le=86_400,
        allow_inf_nan=False,
        validation_alias="IMDB_RETRY_DELAY",
        description="seconds before the first retry",
        json_schema_extra={"expected": "a number of seconds from 0 to 86400"},
    )


class LocalAirflowSettings(Settings):
    """The local Airflow behind make."""

    home: _Folder | None = Field(
        None,
        validation_alias="IMDB_AIRFLOW_HOME",
        description="home of the local Airflow behind make",
        json_schema_extra={"expected": "a folder"},
    )
    slots: Annotated[int | None, Field(ge=1)] = Field(
        None,
        validation_alias="IMDB_TRAINING_SLOTS",
        description="variants that train side by side under make",
        json_schema_extra={"expected": "a whole number from 1"},
    )


GROUPS: tuple[type[Settings], ...] = (
    StoreSettings,
    MailSettings,
    KerasSettings,
    ThreadSettings,
    CodeSettings,
    RetrySettings,
    LocalAirflowSettings,
)


def _readable(group: type[Settings], variable: int | str, found: Any) -> str:
    [field] = [field for field in group.model_fields.values() if field.validation_alias == variable]
    expected = field.json_schema_extra["expected"] if isinstance(field.json_schema_extra, dict) else ""
    return f"{variable}: expected {expected}, found {found!r:.{_SHOWN}}"
