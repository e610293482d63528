"""Mail over the Airflow SMTP connection: the report of a run that went well, a short word on one that did not."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Collection
from email.message import EmailMessage
from email.policy import SMTP
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from imdb_smtp import CheckedSmtpHook, sender_of
from pydantic import ValidationError

from imdb_tasks.errors import SettingsError
from imdb_tasks.study import Delivery, installed_study, study_of_run

if TYPE_CHECKING:
    from imdb_tasks.pipeline import Steps
    from imdb_tasks.store import Entry

log = logging.getLogger(__name__)

FAILURE_MAIL = """\
<p>The run <b>{{ run_id }}</b> of <b>{{ dag.dag_id }}</b> has failed
{%- if reason %} ({{ reason }}){% endif %}.</p>
{% if ti is defined %}<p>Its last task: <a href="{{ ti.log_url }}">{{ ti.task_id }}</a>.</p>{% endif %}
<p>The log states where the error occurred, what was expected, what was found, and what to do next. Finished variants
are kept: clear the failed tasks and those downstream, and only the missing results are computed.</p>
"""


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
    with CheckedSmtpHook(connection) as hook:
        refused = _handed_over(hook, report, delivery.recipients, steps.run_id, report_address(steps.run_id))
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
    from airflow.sdk import conf

    dag_id, run_id = study_of_run(run)
    base = str(conf.get("api", "base_url", fallback="") or "").rstrip("/")
    # "auto" and other words are no address.
    return f"{base}/dags/{dag_id}/runs/{quote(run_id, safe='')}/plugin/imdb-report" if "://" in base else None


def _handed_over(
    hook: CheckedSmtpHook, report: Entry, recipients: tuple[str, ...], run_id: str, link: str | None
) -> Collection[str]:
    """Give the report to the mail server; return the recipients that it refused while it took others."""
    from imdb_tasks.report import compose_mail

    message = compose_mail(
        report.path,
        report.about,
        sender=sender_of(hook),
        recipients=recipients,
        identity=f"{run_id} {report.key}",
        link=link,
    )
    refused = hook.send(message)
    log.info("the mail server accepted %r", message["Subject"])
    return refused


def mail_failure(context: Any) -> None:
    """Mail where to look when a run has failed. Airflow calls it in the DAG processor, once per run."""
    run = context.get("dag_run")
    study = installed_study(context["dag"].dag_id)
    values = study.form_of((run.conf if run else None) or {}, scheduled=bool(run) and run.run_type == "scheduled")
    recipients = _addresses(values["recipients"])
    if values["notify"] == "never" or not recipients:
        return
    with CheckedSmtpHook(study.settings.smtp_connection) as hook:
        hook.send(_failure_mail(context, sender_of(hook), recipients))


def _failure_mail(context: Any, sender: str, recipients: list[str]) -> EmailMessage:
    from jinja2 import Environment

    message = EmailMessage(policy=SMTP)
    message["From"], message["To"] = sender, recipients
    message["Subject"] = "IMDB study: the run failed"
    page = Environment(autoescape=True).from_string(FAILURE_MAIL)
    message.set_content(page.render(context), subtype="html")
    return message


def _addresses(recipients: Any) -> list[str]:
    """Return those that the form would take: a bad one must not keep the word from the others."""
    found: list[str] = []
    for address in recipients if isinstance(recipients, list) else ():
        with contextlib.suppress(ValidationError):
            found += Delivery(recipients=(address,)).recipients
    return found
