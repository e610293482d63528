"""A report folder -> a mail: a text that stands alone, a page with its pictures, and the interactive page attached."""

import io
import zipfile
from collections.abc import Mapping, Sequence
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import getaddresses, localtime
from pathlib import Path
from typing import Any, cast

from imdb_tasks.errors import SettingsError
from imdb_tasks.formatting import one_line
from imdb_tasks.report.build import CHARTS, LINK_PLACE, MAIL_HTML, MAIL_TEXT, PAGE, PDF, picture_id
from imdb_tasks.report.templates import template_environment
from imdb_tasks.study import fingerprint

ATTACHMENT = "imdb-study-report.html"
_ZIP_FROM = 1_000_000  # bytes
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest date of a zip file: equal pages make equal attachments


def compose_mail(  # noqa: PLR0913 - a mail has a sender, recipients, an id and a link
    folder: Path,
    about: Mapping[str, Any],
    *,
    sender: str,
    recipients: Sequence[str],
    identity: str,
    link: str | None = None,
) -> EmailMessage:
    """Build the mail of the report in ``folder``; ``about`` is what ``write_report`` returned.

    ``identity`` makes the Message-ID: a mail that is sent again after a lost answer is the same to whoever receives it.
    ``link`` is the address of the run's report in Airflow; without one, the mail has no button.

    Raises ``SettingsError`` for an address that is none, and where there is no recipient.
    """
    message = new_mail(about["subject"], sender=sender, recipients=recipients, identity=identity)
    text, button = (f"\nThe report in Airflow: {link}\n", _button(link)) if link else ("", "")
    message.set_content(folder.joinpath(MAIL_TEXT).read_text("utf8").replace(LINK_PLACE, text, 1))
    html = folder.joinpath(MAIL_HTML).read_text("utf8").replace(LINK_PLACE, button, 1)
    message.add_alternative(html, subtype="html")
    page = cast("EmailMessage", message.get_body(("html",)))
    for name in about["charts"]:
        picture = folder.joinpath(CHARTS, f"{name}.png").read_bytes()
        cid = f"<{picture_id(name)}>"
        page.add_related(picture, "image", "png", cid=cid, disposition="inline", filename=f"{name}.png")
    _attach(message, folder.joinpath(PAGE).read_bytes())
    if folder.joinpath(PDF).is_file():
        printed = folder.joinpath(PDF).read_bytes()
        message.add_attachment(printed, "application", "pdf", filename="imdb-study-summary.pdf")
    return message


def new_mail(subject: str, *, sender: str, recipients: Sequence[str], identity: str) -> EmailMessage:
    """Return a mail without a body; the arguments and errors are those of ``compose_mail``."""
    if not recipients:
        raise SettingsError("the mail has no recipients; expected at least one mail address")
    message = EmailMessage(policy=SMTP)
    origin = mail_address(sender)
    message["From"] = origin
    message["To"] = [mail_address(recipient) for recipient in recipients]
    message["Subject"] = one_line(subject)
    message["Date"] = localtime()
    message["Message-ID"] = f"<{fingerprint(identity)}@{origin.domain}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office replies, please
    return message


def mail_address(text: str) -> Address:
    """Read one address, with or without a name; a line break in it would start a header of its own."""
    if not text.isprintable():
        raise SettingsError(f"{text!r} is not a mail address: it contains a line break or another control character")
    try:
        [(name, spec)] = getaddresses([text])
        address = Address(display_name=name, addr_spec=spec)
        spec.encode("ascii")
    except (ValueError, IndexError, MessageError) as error:
        raise SettingsError(f"{text!r} is not a mail address ({error}); expected one like name@example.org") from error
    if not address.username or not address.domain:
        raise SettingsError(f"{text!r} is not a mail address; expected one like name@example.org")
    return address


def _button(link: str) -> str:
    return template_environment(escape=True).get_template("mail_button.html.j2").render(link=link)


def _attach(message: EmailMessage, page: bytes) -> None:
    if len(page) <= _ZIP_FROM:
        message.add_attachment(page, "text", "html", filename=ATTACHMENT)
        return
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        member = zipfile.ZipInfo(ATTACHMENT, _EPOCH)
        member.compress_type = zipfile.ZIP_DEFLATED
        archive.writestr(member, page, compresslevel=9)
    message.add_attachment(packed.getvalue(), "application", "zip", filename=f"{ATTACHMENT}.zip")
