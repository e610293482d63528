"""What `plan` finds out in seconds, so that a run does not fail for it after hours of training."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowNotFoundException
from imdb_smtp import CheckedSmtpHook, sender_of

from imdb_tasks.errors import AccessRefusedError, MailError, PermanentError, SettingsError

if TYPE_CHECKING:
    from imdb_tasks.pipeline import Steps
    from imdb_tasks.sources import KaggleCredentials
    from imdb_tasks.study import Delivery, Source

log = logging.getLogger(__name__)

KAGGLE_CONNECTION = "kaggle_default"
ROOM = 200_000_000  # bytes; less is not enough for any first run


def check_ready(steps: Steps, delivery: Delivery) -> None:
    """Raise a PermanentError that names everything which the run would fail for later.

    What may pass until then, such as a mail server that is down, is logged. Whether the pool exists cannot be asked
    from within a task.
    """
    from imdb_tasks.pipeline import check_run_id
    from imdb_tasks.store import check_writable

    looks: tuple[Callable[[], object], ...] = (
        lambda: check_run_id(steps.run_id),
        lambda: check_writable(steps.store, ROOM),
        lambda: _check_kaggle(steps),
        lambda: _check_mail(delivery),
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


def _check_kaggle(steps: Steps) -> None:
    from imdb_tasks.sources import HOW_TO_GET_ACCESS, has_own_kaggle_credentials

    if not steps.will_ask_kaggle():
        return
    sources = (steps.study.reviews, steps.study.glove)
    if not any(map(kaggle_credentials, sources)) and not has_own_kaggle_credentials():
        raise AccessRefusedError(f"the data comes from Kaggle, and there are no credentials; {HOW_TO_GET_ACCESS}")


def _check_mail(delivery: Delivery) -> None:
    """Connect to the mail server as the mail will."""
    if delivery.notify == "never":
        return
    try:
        with CheckedSmtpHook() as hook:
            sender_of(hook)
    except MailError as error:
        log.warning("%s. The run goes on: its mail is hours away", error)


def kaggle_credentials(source: Source) -> KaggleCredentials | None:
    """Return the credentials of the Airflow connection, or None: the client then looks in its own places."""
    from imdb_tasks.sources import KaggleCredentials

    if source.kind != "kaggle":
        return None
    try:
        connection = BaseHook.get_connection(KAGGLE_CONNECTION)
    except AirflowNotFoundException:
        return None
    except (ValueError, TypeError) as error:  # it may quote the connection
        raise SettingsError(
            f"the connection {KAGGLE_CONNECTION!r} cannot be read ({type(error).__name__}); correct it in Airflow, or "
            "set AIRFLOW_CONN_KAGGLE_DEFAULT to valid JSON"
        ) from None
    if not connection.login:
        return KaggleCredentials(token=connection.password or "")
    return KaggleCredentials(username=connection.login, key=connection.password or "")
