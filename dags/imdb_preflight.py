"""What `plan` finds out in seconds, so that a run does not fail for it after hours of training."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowNotFoundException
from imdb_notices import check_notifiers
from imdb_smtp import CheckedSmtpHook, sender_of

from imdb_tasks.errors import AccessRefusedError, MailError, PermanentError, SettingsError
from imdb_tasks.settings import AlertSettings, KerasSettings, RetrySettings, ThreadSettings, TrackerSettings

if TYPE_CHECKING:
    from imdb_tasks.pipeline import Steps
    from imdb_tasks.settings import StudySettings
    from imdb_tasks.sources import KaggleCredentials
    from imdb_tasks.study import Delivery, Source

log = logging.getLogger(__name__)

# The DAG file takes the defaults of the first two instead of bad values; the others are read when a training starts.
READ_LATER = (RetrySettings, AlertSettings, KerasSettings, ThreadSettings, TrackerSettings)
ROOM = 200_000_000  # bytes; less is not enough for any first run


def check_ready(steps: Steps, delivery: Delivery, settings: StudySettings) -> None:
    """Raise a PermanentError that names everything which the run would fail for later.

    What may pass until then, such as a mail server that is down, is logged. Whether the pool exists cannot be asked
    from within a task.
    """
    from imdb_tasks.pipeline import check_run_id
    from imdb_tasks.store import check_writable

    looks: tuple[Callable[[], object], ...] = (
        lambda: check_run_id(steps.run_id),
        lambda: check_writable(steps.store, ROOM),
        lambda: _check_kaggle(steps, settings.kaggle_connection),
        lambda: _check_mail(delivery, settings.smtp_connection),
        check_notifiers,
        *(group.read for group in READ_LATER),
    )
    faults = [fault for look in looks if (fault := _fault(look))]
    if len(faults) == 1:
        raise faults[0]
    if faults:
        raise SettingsError("; ".join(map(str, faults)))


def _fault(look: Callable[[], object]) -> PermanentError | None:
    try:
        look()
    except PermanentError as error:
        return error
    return None


def _check_kaggle(steps: Steps, connection: str) -> None:
    from imdb_tasks.sources import HOW_TO_GET_ACCESS, has_own_kaggle_credentials

    if not steps.will_ask_kaggle():
        return
    sources = (steps.study.reviews, steps.study.glove)
    if not any(kaggle_credentials(source, connection) for source in sources) and not has_own_kaggle_credentials():
        raise AccessRefusedError(f"the data comes from Kaggle, and there are no credentials; {HOW_TO_GET_ACCESS}")


def _check_mail(delivery: Delivery, connection: str) -> None:
    """Connect to the mail server as the mail will."""
    if delivery.notify == "never":
        return
    try:
        with CheckedSmtpHook(connection) as hook:
            sender_of(hook)
    except MailError as error:
        log.warning("%s. The run goes on: its mail is hours away", error)


def kaggle_credentials(source: Source, connection: str) -> KaggleCredentials | None:
    """Return the credentials of the Airflow connection, or None: the client then looks in its own places."""
    from imdb_tasks.sources import KaggleCredentials

    if source.kind != "kaggle":
        return None
    try:
        found = BaseHook.get_connection(connection)
    except AirflowNotFoundException:
        return None
    except (ValueError, TypeError) as error:  # it may quote the connection
        raise SettingsError(
            f"the connection {connection!r} cannot be read ({type(error).__name__}); correct it in Airflow, or "
            f"set AIRFLOW_CONN_{connection.upper()} to valid JSON"
        ) from None
    if not found.login:
        return KaggleCredentials(token=found.password or "")
    return KaggleCredentials(username=found.login, key=found.password or "")
