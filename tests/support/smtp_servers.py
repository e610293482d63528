"""A real SMTP server that can have every bad day that the mail task may meet."""

from collections.abc import Mapping
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from ssl import Purpose, SSLContext, create_default_context
from types import MappingProxyType, TracebackType
from typing import Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

LOST = "the answer is lost"
USER = "study"
RECIPIENT = "a@example.org"


def _server_side(certificate: Path | None) -> SSLContext | None:
    if certificate is None:
        return None
    context = create_default_context(Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    return context


class BadMailServer(Controller):
    """Takes mail, unless ``answers`` has a line for its recipient: one line per mail, used up from the front.

    ``refused`` has a line for each recipient whose very address is refused, before any mail is seen. Whoever
    signs in must be ``USER`` and know the ``password``. ``ssl`` is a certificate with its key: the port then speaks
    SSL; with ``starttls`` it offers STARTTLS.
    """

    def __init__(
        self,
        *answers: str,
        password: str | None = None,
        refused: Mapping[str, str] = MappingProxyType({}),
        ssl: Path | None = None,
        starttls: Path | None = None,
    ) -> None:
        super().__init__(
            self,
            hostname="127.0.0.1",
            port=0,
            auth_require_tls=False,
            authenticator=self._authenticate,
            data_size_limit=2**26,
            ready_timeout=20,
            ssl_context=_server_side(ssl),
            tls_context=_server_side(starttls),
        )
        self.answers = {RECIPIENT: list(answers)}
        self.password = password
        self.refused = refused
        self.taken: list[EmailMessage] = []
        self.offered: list[EmailMessage] = []

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]  # the system has chosen it
        super()._trigger_server()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object
    ) -> AuthResult:
        right = isinstance(data, LoginPassword) and (data.login, data.password) == (
            USER.encode(),
            (self.password or "").encode(),
        )
        return AuthResult(success=right, handled=False)

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        message = message_from_bytes(envelope.original_content or b"", policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.offered.append(message)
        answers = self.answers.get(envelope.rcpt_tos[0])
        answer = answers.pop(0) if answers else "250 taken"
        if answer == LOST or answer.startswith("250"):
            self.taken.append(message)
        if answer == LOST:
            server.transport.abort()
        return answer
