"""Settings from the environment: every variable that the project reads, with its type, default and meaning.

A group holds what one part of the project needs, so that a bad value stops only what would use it. Groups are read
where they are used, never at import: tests and Airflow set variables late.

>>> from imdb_tasks.settings import RetrySettings
>>> RetrySettings.read().delay
60.0
"""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, StringConstraints, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from imdb_tasks.errors import SettingsError

Backend = Literal["tensorflow", "jax"]
"""The Keras backends that can train the study."""
DEFAULT_BACKEND: Backend = "tensorflow"
# What the HTML standard takes for an address: every mail server takes it too, unlike one with letters beyond ASCII.
ADDRESS = r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$"
Address = Annotated[str, StringConstraints(pattern=ADDRESS)]

_SHOWN = 80
_SEPARATED = BeforeValidator(lambda value: value.replace(",", " ").split() if isinstance(value, str) else value)


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


class StoreSettings(Settings):
    """Where artifacts are kept."""

    store: str | None = Field(
        None,
        validation_alias="IMDB_STORE",
        description="folder of the artifacts, or `s3://bucket/prefix`, `gs://bucket/prefix`",
        json_schema_extra={"expected": "a folder or the URL of a bucket"},
    )
    cache: Path | None = Field(
        None,
        validation_alias="IMDB_CACHE",
        description="where a store in a bucket keeps what was read of it",
        json_schema_extra={"expected": "a folder"},
    )


class MailSettings(Settings):
    """Who gets the report."""

    recipients: Annotated[tuple[Address, ...], NoDecode, _SEPARATED] = Field(
        (),
        validation_alias="IMDB_RECIPIENTS",
        description="who gets the report, comma-separated",
        json_schema_extra={"expected": "mail addresses, separated by commas"},
    )


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

    home: Path | None = Field(
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
