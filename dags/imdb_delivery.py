"""Mail over the SMTP connection of Airflow: the report of a run, and what others compose."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING
from urllib.parse import quote

from imdb_smtp import CheckedSmtpHook, sender_of

from imdb_tasks.errors import SettingsError
from imdb_tasks.study import Delivery, study_of_run

if TYPE_CHECKING:
    from email.message import EmailMessage

    from imdb_tasks.pipeline import Steps
    from imdb_tasks.store import Entry

log = logging.getLogger(__name__)


def send(steps: Steps, delivery: Delivery, connection: str = CheckedSmtpHook.default_conn_name) -> str:
    """Mail the study's report if it is wanted, with a link to that of the run; return what was done.

    Raises:
        MailError: the server was not reached or asked to try again later.
        SettingsError: the connection is missing, names no sender, or does not fit the server, or the server refused
            the login, the mail, or some of the recipients.

    """
    report = steps.reported()
    if reason := _not_wanted(steps, delivery, report.key):
        return f"not sent: {reason}"
    refused = _hand_over_report(report, delivery.recipients, steps.run_id, connection)
    steps.record_mailed(report.key)
    if refused:  # permanent: another try would send a second copy to everyone else
        raise SettingsError(f"sent, but the mail server refused these recipients: {sorted(refused)}; correct the form")
    return f"sent to {len(delivery.recipients)} recipients"


def _not_wanted(steps: Steps, delivery: Delivery, key: str) -> str | None:
    """Return why the report is not to be mailed; None if it is."""
    if delivery.notify == "never":
        return "notify is 'never'"
    if delivery.notify == "on change" and not steps.result_has_changed():
        return "the result has not changed since the last mail"
    if steps.is_mailed(key):
        return "this run has mailed this report already"
    return None


def report_address(run: str) -> str | None:
    """Return where the report of a run is in Airflow; None where Airflow does not know its own address."""
    page = run_address(*study_of_run(run))
    return f"{page}/plugin/imdb-report" if page else None


def run_address(dag_id: str, run_id: str) -> str | None:
    """Return where a run is in Airflow; None where Airflow does not know its own address."""
    from airflow.sdk import conf

    base = str(conf.get("api", "base_url", fallback="") or "").rstrip("/")
    # "auto" and other words are no address.
    return f"{base}/dags/{dag_id}/runs/{quote(run_id, safe='')}" if "://" in base else None


def hand_over(compose: Callable[[str], EmailMessage], connection: str) -> Collection[str]:
    """Give a mail, composed from its sender, to the mail server; return the recipients that it alone refused.

    Raises MailError and SettingsError as ``send`` does.
    """
    with CheckedSmtpHook(connection) as hook:
        message = compose(sender_of(hook))
        refused = hook.send(message)
    log.info("the mail server accepted %r", message["Subject"])
    return refused


def _hand_over_report(report: Entry, recipients: tuple[str, ...], run: str, connection: str) -> Collection[str]:
    from imdb_tasks.report import compose_mail

    return hand_over(
        lambda sender: compose_mail(
            report.path,
            report.about,
            sender=sender,
            recipients=recipients,
            identity=f"{run} {report.key}",
            link=report_address(run),
        ),
        connection,
    )
