"""A mail server, by default on the loopback interface, that keeps every message in a folder, as an .eml file."""

import base64
import datetime
import email
import email.policy
import uuid
from email.message import EmailMessage
from pathlib import Path
from types import TracebackType
from typing import Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from scripts.home import LOOPBACK, free_port

PREFERRED_PORT = 1025
LARGEST_MESSAGE = 64 * 2**20  # bytes


class MailCatcher:
    """Runs in a thread while its ``with`` block does; ``received`` lists what arrived since."""

    def __init__(self, folder: Path, host: str = LOOPBACK, port: int | None = None) -> None:
        self.folder = folder
        self.received: list[Path] = []
        self.port = port or free_port(PREFERRED_PORT)
        self._controller = Controller(
            self, hostname=host, port=self.port, data_size_limit=LARGEST_MESSAGE, ready_timeout=10
        )

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._controller.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._controller.stop()

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Keep one message; called by the server, which fixes the name."""
        content = envelope.original_content or b""
        now = datetime.datetime.now(datetime.UTC).strftime("%Y%m%d-%H%M%S")
        path = self.folder / f"{now}-{uuid.uuid4().hex[:8]}.eml"
        beside = path.with_suffix(".part")
        beside.write_bytes(content)
        beside.replace(path)
        self.received.append(path)
        return "250 Message kept"


def read_mail(path: Path) -> EmailMessage:
    """Read a message that was kept."""
    return email.message_from_bytes(path.read_bytes(), policy=email.policy.default)


def mail_as_page(mail: EmailMessage) -> str:
    """Return the HTML part as a page of its own, with the pictures in it instead of beside it; "" if there is none."""
    html = mail.get_body(("html",))
    page = str(html.get_content()) if html else ""
    for part in mail.walk():
        if part.get_content_maintype() == "image" and part["Content-ID"]:
            data = base64.b64encode(part.get_content()).decode()
            name = str(part["Content-ID"]).strip("<> ")
            page = page.replace(f"cid:{name}", f"data:{part.get_content_type()};base64,{data}")
    return page
