"""A mail on a run that does not go as planned: what happened, to which tasks, and what to do next."""

from collections.abc import Sequence
from dataclasses import dataclass
from email.message import EmailMessage

from imdb_tasks.report.mail import new_mail
from imdb_tasks.report.templates import template_environment


@dataclass(frozen=True)
class Trouble:
    """Tasks with the same error. ``reason`` says what was found and what to do, ``log`` is the address of one log."""

    tasks: tuple[str, ...]
    reason: str
    log: str = ""


@dataclass(frozen=True)
class Notice:
    """What happened in a run. ``link`` is the address of its page, "" if not known, and ``advice`` what to do next."""

    subject: str
    opening: str
    link: str
    advice: str
    troubles: tuple[Trouble, ...] = ()
    not_run: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The notice as plain text."""
        return template_environment(escape=False).get_template("notice.txt.j2").render(notice=self)

    @property
    def html(self) -> str:
        """The notice as a page."""
        return template_environment(escape=True).get_template("notice.html.j2").render(notice=self)


def compose_notice(notice: Notice, *, sender: str, recipients: Sequence[str], identity: str) -> EmailMessage:
    """Build the mail of a notice, with a text and a page; the arguments and errors are those of ``compose_mail``."""
    message = new_mail(notice.subject, sender=sender, recipients=recipients, identity=identity)
    message.set_content(notice.text)
    message.add_alternative(notice.html, subtype="html")
    return message
