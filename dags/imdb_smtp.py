"""The SMTP connection of Airflow: its login is checked before it is sent, and every failure says which field to set.

Whether a failure is tried again depends on its cause. What only a change of the connection can mend is a SettingsError;
what may pass is a MailError.
"""

from __future__ import annotations

import contextlib
import smtplib
import ssl
from collections.abc import Collection, Iterator
from email.message import EmailMessage
from functools import partial
from typing import Self

from airflow.providers.smtp.hooks.smtp import SmtpHook, build_xoauth2_string
from airflow.sdk.exceptions import AirflowException, AirflowNotFoundException

from imdb_tasks.errors import MailError, SettingsError, StudyError
from imdb_tasks.typed_values import as_one_line

_PERMANENT = 500  # SMTP's replies from here on: the same mail will be refused again (RFC 5321, 4.2.1)
_CUT = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)  # a connection that was lost
_CONTEXTS = (None, "default", "none")


class CheckedSmtpHook(SmtpHook):
    """Airflow's hook, which raises errors of this project, sends whole messages, and closes what it has opened.

    Airflow's own client is private, and its public method to send knows neither a text part nor inline pictures.
    Therefore this hook connects by itself, with what Airflow's hook reads from the connection.
    """

    def __init__(self, connection: str = SmtpHook.default_conn_name) -> None:
        super().__init__(connection)
        self._opened = contextlib.ExitStack()

    def get_conn(self) -> Self:
        """Connect and sign in."""
        with smtp_errors_explained(self), contextlib.ExitStack() as opened:
            try:
                self.smtp_connection = self.get_connection(self.smtp_conn_id)
            except AirflowNotFoundException:
                raise SettingsError(
                    f"the connection {self.smtp_conn_id!r} is not found; {_how_to_make(self)}"
                ) from None
            self._client = client = self._greeted()
            opened.callback(client.close)
            if self.smtp_starttls:
                client.starttls(context=self._certificates())
                client.ehlo()
            self._sign_in(client)
            self._opened = opened.pop_all()
        return self

    def __enter__(self) -> Self:
        return self.get_conn()

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def send(self, message: EmailMessage) -> Collection[str]:
        """Give a message to the server; return the recipients that it refused while it took others."""
        with smtp_errors_explained(self):
            return self._client.send_message(message)

    def _greeted(self) -> smtplib.SMTP:
        for left in range(self.smtp_retry_limit, -1, -1):
            try:
                if self.use_ssl:
                    return smtplib.SMTP_SSL(
                        self.host, self.port or 0, timeout=self.timeout, context=self._certificates()
                    )
                return smtplib.SMTP(self.host, self.port or 0, timeout=self.timeout)
            except smtplib.SMTPServerDisconnected:
                if not left:
                    raise
        raise SettingsError(f"the connection {self.smtp_conn_id!r}: retry_limit in its extra is negative; correct it")

    def _certificates(self) -> ssl.SSLContext | None:
        return None if self.ssl_context == "none" else ssl.create_default_context()

    def _sign_in(self, client: smtplib.SMTP) -> None:
        if self.auth_type == "oauth2":
            user, token = self.smtp_user or self.from_email or "", self._token()
            client.ehlo_or_helo_if_needed()  # else a server's 503 is taken for "already signed in"
            client.auth("XOAUTH2", lambda _=None: build_xoauth2_string(user, token))
        elif self.smtp_user and self.smtp_password:
            client.login(self.smtp_user, self.smtp_password)

    def _token(self) -> str:
        """Return the token of the connection, or the one that Airflow's hook fetches when it signs in."""
        if self.access_token:
            return self.access_token
        if not {"client_id", "client_secret"} <= self.conn.extra_dejson.keys():
            raise SettingsError(
                f"the connection {self.smtp_conn_id!r}: auth_type is 'oauth2', and its extra has neither "
                "'access_token' nor client credentials; set client_id and client_secret"
            )
        with SmtpHook(self.smtp_conn_id) as signed_in:
            return signed_in.access_token or ""

    @property
    def host(self) -> str:
        """The server's name."""
        if not super().host:
            raise SettingsError(f"the connection {self.smtp_conn_id!r} has no host; set it")
        return super().host

    @property
    def smtp_user(self) -> str:
        """The login, without the spaces and line ends around it."""
        return self._sendable("login", super().smtp_user)

    @property
    def smtp_password(self) -> str:
        """The password, without the spaces and line ends around it."""
        return self._sendable("password", super().smtp_password)

    @property
    def ssl_context(self) -> str | None:
        """How certificates are checked."""
        if super().ssl_context not in _CONTEXTS:
            raise SettingsError(
                f"the connection {self.smtp_conn_id!r}: expected 'default' or 'none' for ssl_context in its "
                f"extra, found {super().ssl_context!r:.80}; correct it"
            )
        return super().ssl_context

    def _sendable(self, name: str, value: str) -> str:
        if (sent := as_one_line(value)) is None:
            raise SettingsError(
                f"the connection {self.smtp_conn_id!r}: its {name} has a character that cannot be sent; expected "
                "printable ASCII in one line; copy it again, or set another one at the mail server"
            )
        return sent


def sender_of(hook: SmtpHook) -> str:
    """Return whom the mail comes from; raise SettingsError if that is nobody, or no address."""
    from imdb_tasks.report import mail_address

    sender = hook.from_email or hook.smtp_user
    if not sender:
        raise SettingsError(f"the connection {hook.smtp_conn_id!r} has no sender; set from_email in its extra")
    try:
        mail_address(sender)
    except SettingsError as error:
        raise SettingsError(
            f"the connection {hook.smtp_conn_id!r}: {error}; correct from_email in its extra"
        ) from error
    return sender


def _server(hook: SmtpHook) -> str:
    return f"the mail server of {hook.smtp_conn_id!r}"


def _how_to_make(hook: SmtpHook) -> str:
    return f"make it in Airflow, or set AIRFLOW_CONN_{hook.smtp_conn_id.upper()} to valid JSON"


@contextlib.contextmanager
def smtp_errors_explained(hook: SmtpHook) -> Iterator[None]:
    """Raise whatever smtplib and the hook raise as SettingsError or MailError."""
    try:
        yield
    except StudyError:
        raise
    except (smtplib.SMTPException, AirflowException, OSError) as error:
        raise _explanation(error, hook) from error
    except Exception as error:
        kind = SettingsError if isinstance(error, ValueError | TypeError | ImportError) else MailError
        # The original may quote the connection.
        raise kind(
            f"the connection {hook.smtp_conn_id!r} cannot be used ({type(error).__name__}); check all its fields"
        ) from None


def _explanation(error: Exception, hook: SmtpHook) -> StudyError:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return _all_refused(error, hook)
    if isinstance(error, smtplib.SMTPResponseException):
        kind = SettingsError if error.smtp_code >= _PERMANENT else MailError
        return kind(f"{_server(hook)} answered {error.smtp_code}: {error.smtp_error!r}")
    return _misfit(error, hook) or MailError(
        f"{_server(hook)} did not accept the report: {error}; if this goes on, check that host, port and disable_ssl "
        "of the connection fit the server"
    )


def _misfit(error: Exception, hook: SmtpHook) -> SettingsError | None:
    """Return what to change if connection and server do not fit each other; None if the error may pass."""
    if isinstance(error, ssl.SSLError) and not isinstance(error, _CUT):
        return _tls_failed(error, hook)
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return _not_offered(error, hook)
    if isinstance(error, AirflowException):
        return SettingsError(f"the connection {hook.smtp_conn_id!r}: {error}; correct it, or {_how_to_make(hook)}")
    if isinstance(error, smtplib.SMTPException) and not isinstance(error, smtplib.SMTPServerDisconnected):
        return SettingsError(f"{_server(hook)}: {error}; check the login, and auth_type in the connection's extra")
    return None


def _all_refused(error: smtplib.SMTPRecipientsRefused, hook: SmtpHook) -> StudyError:
    answers = ", ".join(f"{who} ({code}: {words!r})" for who, (code, words) in sorted(error.recipients.items()))
    told = f"{_server(hook)} refused every recipient: {answers}"
    if any(code < _PERMANENT for code, _ in error.recipients.values()):
        return MailError(told)
    return SettingsError(f"{told}; correct the form, or the sender in the connection")


def _tls_failed(error: ssl.SSLError, hook: SmtpHook) -> SettingsError:
    if isinstance(error, ssl.SSLCertVerificationError):
        return SettingsError(
            f"{_server(hook)}: its certificate is not trusted ({error.verify_message}); set SSL_CERT_FILE to the file "
            "with the certificates of its authority and host to the name in the certificate, or ssl_context in the "
            "connection's extra to 'none', which checks nothing"
        )
    if hook.use_ssl:
        return SettingsError(
            f"{_server(hook)} does not speak SSL on this port ({error.reason}); set disable_ssl to true in the "
            "connection's extra, or port to the server's port for SSL, usually 465"
        )
    return SettingsError(
        f"{_server(hook)}: STARTTLS failed ({error.reason}); check which versions of TLS the server takes"
    )


def _not_offered(error: smtplib.SMTPNotSupportedError, hook: SmtpHook) -> SettingsError:
    refuse = partial("{} ({}); {}".format, _server(hook), error)
    if "STARTTLS" not in str(error):
        return SettingsError(
            refuse(
                "if it takes no login, remove login and password from the connection; if an address has characters"
                " beyond ASCII, use another one"
            )
        )
    if hook.use_ssl:
        return SettingsError(refuse("the connection is encrypted by SSL already: set disable_tls to true in its extra"))
    return SettingsError(
        refuse(
            "set disable_tls to true in the connection's extra to send without encryption, or disable_ssl to false"
            " and port to the server's port for SSL, usually 465"
        )
    )
