"""Mail over the Airflow SMTP connection: the report of a run that went well, a short word on one that did not."""

from __future__ import annotations

import contextlib
import logging
import smtplib
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any, cast

from airflow.providers.smtp.hooks.smtp import SmtpHook
from airflow.sdk.exceptions import AirflowException
from pydantic import ValidationError

from imdb_tasks.errors import MailError, SettingsError
from imdb_tasks.study import Delivery, form_defaults

if TYPE_CHECKING:
    from imdb_tasks.pipeline import Steps
    from imdb_tasks.store import Entry

log = logging.getLogger(__name__)

SMTP_CONNECTION = "smtp_default"
_PERMANENT = 500  # SMTP's replies from here on: the same mail will be refused again (RFC 5321, 4.2.1)

# Rendered by Airflow's own template environment, which does not escape by itself.
FAILURE_MAIL = """\
<p>The run <b>{{ run_id | e }}</b> of <b>{{ dag.dag_id | e }}</b> has failed
{%- if reason %} ({{ reason | e }}){% endif %}.</p>
{% if ti is defined %}<p>Its last task: <a href="{{ ti.log_url | e }}">{{ ti.task_id | e }}</a>.</p>{% endif %}
<p>The log states where the error occurred, what was expected, what was found, and what to do next. Finished variants
are kept: clear the failed tasks and those downstream, and only the missing results are computed.</p>
"""


def send(steps: Steps, delivery: Delivery) -> str:
    """Mail the study's report if it is wanted; return what was done.

    Raises:
        MailError: the server was not reached or asked to try again later.
        SettingsError: the connection is missing or names no sender, or the server refused the login, the mail, or some
            of the recipients.

    """
    report = steps.reported()
    if reason := _not_wanted(steps, delivery, report.key):
        return f"not sent: {reason}"
    refused = _handed_over(report, delivery.recipients, f"{steps.run_id} {report.key}")
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


def _handed_over(report: Entry, recipients: tuple[str, ...], identity: str) -> Collection[str]:
    """Give the report to the mail server; return the recipients that it refused while it took others."""
    from imdb_tasks.report import compose_mail

    with _smtp_errors_translated(), SmtpHook(smtp_conn_id=SMTP_CONNECTION) as hook:
        sender = hook.from_email or hook.smtp_user
        if not sender:
            raise SettingsError(f"the connection {SMTP_CONNECTION!r} has no sender; set from_email in its extra")
        message = compose_mail(report.path, report.about, sender=sender, recipients=recipients, identity=identity)
        # The hook's own send method knows neither a text part nor inline pictures; its client does.
        refused = cast("smtplib.SMTP", hook._smtp_client).send_message(message)
    log.info("the mail server accepted %r", message["Subject"])
    return refused


@contextlib.contextmanager
def _smtp_errors_translated() -> Iterator[None]:
    """Raise what smtplib and the hook raise as SettingsError where another try would be in vain, else as MailError."""
    try:
        yield
    except smtplib.SMTPRecipientsRefused as error:  # all of them, each with an answer of its own
        answers = ", ".join(f"{who} ({code}: {words!r})" for who, (code, words) in sorted(error.recipients.items()))
        told = f"the mail server of {SMTP_CONNECTION!r} refused every recipient: {answers}"
        if any(code < _PERMANENT for code, _ in error.recipients.values()):
            raise MailError(told) from error
        raise SettingsError(f"{told}; correct the form, or the sender in the connection") from error
    except smtplib.SMTPResponseException as error:
        kind = SettingsError if error.smtp_code >= _PERMANENT else MailError
        raise kind(
            f"the mail server of {SMTP_CONNECTION!r} answered {error.smtp_code}: {error.smtp_error!r}"
        ) from error
    except AirflowException as error:  # the hook's, for a connection that is missing and for a server that hangs up
        kind = SettingsError if "not found" in str(error) else MailError
        raise kind(f"the connection {SMTP_CONNECTION!r}: {error}") from error
    except (smtplib.SMTPException, OSError) as error:
        raise MailError(f"the mail server of {SMTP_CONNECTION!r} did not accept the report: {error}") from error


def mail_failure(context: Any) -> None:
    """Mail where to look when a run has failed. Airflow calls it in the DAG processor, once per run."""
    from airflow.providers.smtp.notifications.smtp import SmtpNotifier

    run = context.get("dag_run")
    values = {**form_defaults(), **((run.conf if run else None) or {})}
    recipients = _addresses(values["recipients"])
    if values["notify"] == "never" or not recipients:
        return
    SmtpNotifier(
        smtp_conn_id=SMTP_CONNECTION,
        to=recipients,
        subject="IMDB study: the run failed",
        html_content=FAILURE_MAIL,
    )(context)


def _addresses(recipients: Any) -> list[str]:
    """Return those that the form would take: a bad one must not keep the word from the others."""
    found: list[str] = []
    for address in recipients if isinstance(recipients, list) else ():
        with contextlib.suppress(ValidationError):
            found += Delivery(recipients=(address,)).recipients
    return found
