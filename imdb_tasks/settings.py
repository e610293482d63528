"""Settings from the environment: every variable that the project reads, with its type, default and meaning.

A group holds what one part of the project needs, so that a bad value stops only what would use it. Groups are read
where they are used, never at import: tests and Airflow set variables late.

>>> from imdb_tasks.settings import RetrySettings
>>> RetrySettings.read().delay
60.0
"""

import json
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from imdb_tasks.errors import SettingsError
from imdb_tasks.typed_values import (
    A_NAME,
    ADDRESS,
    PRESETS,
    AbsoluteFolder,
    Addresses,
    Folder,
    Name,
    Place,
    Schedule,
    SourceName,
    TypedAddresses,
)

Backend = Literal["tensorflow", "jax"]
"""The Keras backends that can train the study."""
DEFAULT_BACKEND: Backend = "tensorflow"
_SHOWN = 80


def _from_json(text: Any) -> Any:
    return json.loads(text) if isinstance(text, str) else text


class Settings(BaseSettings):
    """A group of variables; ``read`` returns what the environment holds now. An empty variable counts as not set."""

    model_config = SettingsConfigDict(frozen=True, case_sensitive=True, extra="ignore", env_ignore_empty=True)

    @classmethod
    def read(cls) -> Self:
        """Read and check the group.

        Raises:
            SettingsError: naming each variable whose value makes no sense, what was expected, and what was found.

        """
        found, faults = cls.checked({})
        if faults:
            raise SettingsError("; ".join(f"{variable}: {words}" for variable, words in faults.items()))
        return found

    @classmethod
    def read_or_default(cls) -> Self:
        """Read the group, with the default in place of each value that makes no sense.

        For code that must not fail, such as a DAG file when it is parsed: some other code must call ``read``.
        """
        return cls.checked({})[0]

    @classmethod
    def checked(cls, given: Mapping[str, Any]) -> tuple[Self, dict[str, str]]:
        """Return what ``given`` and else the environment hold, by variable, and what is wrong, by variable.

        What is wrong has its default in the first result.
        """
        try:
            return cls(**given), {}
        except ValidationError as error:
            faults = {str(fault["loc"][0]): fault["input"] for fault in error.errors(include_url=False)}
        fields = {str(field.validation_alias): field for field in cls.model_fields.values()}
        defaults = {variable: fields[variable].default for variable in faults}
        return cls(**{**given, **defaults}), {name: _readable(fields[name], found) for name, found in faults.items()}


class StoreSettings(Settings):
    """Where artifacts are kept."""

    store: Place | None = Field(
        None,
        validation_alias="IMDB_STORE",
        description="folder of the artifacts as an absolute path, or `s3://bucket/prefix`, `gs://bucket/prefix`",
        json_schema_extra={"expected": "the absolute path of a folder, or the URL of a bucket"},
    )
    cache: AbsoluteFolder | None = Field(
        None,
        validation_alias="IMDB_CACHE",
        description="where a store in a bucket keeps what was read of it",
        json_schema_extra={"expected": "the absolute path of a folder"},
    )


class MailSettings(Settings):
    """Who gets the report."""

    recipients: Annotated[Addresses, NoDecode] = Field(
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

    recipients: Annotated[TypedAddresses, NoDecode] = Field((), validation_alias="IMDB_RECIPIENTS")


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


class StudySettings(Settings):
    """What a study's DAG is in Airflow; ``imdb_tasks.study.installed_studies`` reads it for each DAG."""

    schedule: Schedule = Field(
        "@weekly",
        validation_alias="IMDB_SCHEDULE",
        description="when runs start by themselves: a preset such as `@daily`, or cron, in UTC; `none`: never",
        json_schema_extra={"expected": f"one of none, {', '.join(PRESETS)}, or a cron expression of five fields"},
    )
    profile: Literal["full", "quick"] = Field(
        "full",
        validation_alias="IMDB_PROFILE",
        description="profile of a scheduled run, and default of the form: `full` or `quick`",
        json_schema_extra={"expected": "one of full, quick"},
    )
    source: SourceName = Field(
        "kaggle",
        validation_alias="IMDB_SOURCE",
        description="source of a scheduled run, and default of the form: `kaggle`, `archives`, `sample`, or the "
        "absolute path of a folder",
        json_schema_extra={"expected": "one of kaggle, archives, sample, or the absolute path of a folder"},
    )
    replicates: Annotated[int, Field(ge=1, le=100)] | Literal["until decided"] = Field(
        "until decided",
        validation_alias="IMDB_REPLICATES",
        description="replicates of a scheduled run: a number, which is then also the default of the form, or "
        "`until decided`: more in each run, until every claim is decided",
        json_schema_extra={"expected": "a whole number from 1 to 100, or 'until decided'"},
    )
    max_replicates: int = Field(
        5,
        ge=2,
        le=20,
        validation_alias="IMDB_MAX_REPLICATES",
        description="the most replicates that `until decided` may come to",
        json_schema_extra={"expected": "a whole number from 2 to 20"},
    )
    replicates_per_run: int = Field(
        1,
        ge=1,
        le=20,
        validation_alias="IMDB_REPLICATES_PER_RUN",
        description="how many replicates each run adds, with `until decided`",
        json_schema_extra={"expected": "a whole number from 1 to 20"},
    )
    notify: Literal["always", "on change", "never"] = Field(
        "on change",
        validation_alias="IMDB_NOTIFY",
        description="when the report of a scheduled run is mailed: `always`, `on change`, `never`",
        json_schema_extra={"expected": "one of always, on change, never"},
    )
    pool: Name = Field(
        "training",
        validation_alias="IMDB_POOL",
        description="pool of the training tasks",
        json_schema_extra={"expected": A_NAME},
    )
    queue: Name = Field(
        "gpu",
        validation_alias="IMDB_QUEUE",
        description="queue of the training tasks",
        json_schema_extra={"expected": A_NAME},
    )
    smtp_connection: Name = Field(
        "smtp_default",
        validation_alias="IMDB_SMTP_CONNECTION",
        description="Airflow connection to the mail server",
        json_schema_extra={"expected": A_NAME},
    )
    kaggle_connection: Name = Field(
        "kaggle_default",
        validation_alias="IMDB_KAGGLE_CONNECTION",
        description="Airflow connection with the credentials for Kaggle",
        json_schema_extra={"expected": A_NAME},
    )


class StudiesSettings(Settings):
    """Which DAGs there are."""

    studies: str | None = Field(
        None,
        validation_alias="IMDB_STUDIES",
        description="several studies, or another DAG id: JSON with each DAG id and the settings that are its own",
        json_schema_extra={"expected": "JSON"},
    )


_Hours = Annotated[float, Field(ge=0, le=10_000, allow_inf_nan=False)]


class AlertSettings(Settings):
    """When a run that has not ended is reported."""

    late_hours: _Hours = Field(
        24.0,
        validation_alias="IMDB_LATE_HOURS",
        description="hours after which a run that has not ended is reported; `0`: never",
        json_schema_extra={"expected": "a number of hours from 0 to 10000"},
    )
    wait_hours: _Hours = Field(
        2.0,
        validation_alias="IMDB_WAIT_HOURS",
        description="hours after which a run is reported if no training of it has begun; `0`: never",
        json_schema_extra={"expected": "a number of hours from 0 to 10000"},
    )


class Notifier(BaseModel):
    """A notifier of Airflow: the import path of its class, and its arguments."""

    model_config = ConfigDict(frozen=True, extra="allow")

    path: Annotated[str, StringConstraints(pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)+$"), Field(alias="class")]

    @property
    def arguments(self) -> dict[str, Any]:
        """Return what the class is called with."""
        return dict(self.__pydantic_extra__ or {})


class NotifierSettings(Settings):
    """Who hears of a failed or late run, besides those who get its mail."""

    notifiers: Annotated[tuple[Notifier, ...], NoDecode, BeforeValidator(_from_json)] = Field(
        (),
        validation_alias="IMDB_NOTIFIERS",
        description="Airflow notifiers that report a failed or late run, as JSON; see docs/operations.md",
        json_schema_extra={
            "expected": 'a JSON list of notifiers, such as [{"class": "package.module.Class"}]',
            "secret": True,  # someone will have put the address of a webhook into it
        },
    )


class TrackerSettings(Settings):
    """Where trainings are published besides the store."""

    uri: Annotated[str, StringConstraints(pattern=r"^https?://[^\s/]+")] | None = Field(
        None,
        validation_alias="MLFLOW_TRACKING_URI",
        description="MLflow server that trainings and reports are published to; needs the extra `mlflow`",
        json_schema_extra={
            "expected": "the http:// or https:// address of an MLflow server",
            "secret": True,  # it may contain a login
        },
    )


class LocalAirflowSettings(Settings):
    """The local Airflow behind make."""

    home: Folder | None = Field(
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
    warm: bool | None = Field(
        None,
        validation_alias="IMDB_WARM_TASKS",
        description="whether tasks under make are forked from a process that has imported Keras",
        json_schema_extra={"expected": "true or false"},
    )


GROUPS: tuple[type[Settings], ...] = (
    StoreSettings,
    MailSettings,
    KerasSettings,
    ThreadSettings,
    CodeSettings,
    RetrySettings,
    StudySettings,
    StudiesSettings,
    AlertSettings,
    NotifierSettings,
    TrackerSettings,
    LocalAirflowSettings,
)


def _readable(field: FieldInfo, found: Any) -> str:
    about = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    shown = "something else" if about.get("secret") else f"{found!r:.{_SHOWN}}"
    return f"expected {about.get('expected', '')}, found {shown}"
