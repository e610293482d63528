"""The SMTP connection of Airflow: its login is checked before it is sent, and every failure says which field to set.

Whether a failure is tried again depends on its cause. What only a change of the connection can mend is a SettingsError;
what may pass is a MailError.
"""

from __future__ import annotations

import contextlib
import smtplib
import ssl
from collections.abc import Iterator
from functools import partial

from airflow.providers.smtp.hooks.smtp import SmtpHook
from airflow.sdk.exceptions import AirflowException

from imdb_tasks.errors import MailError, SettingsError, StudyError
from imdb_tasks.settings import as_one_line

SMTP_CONNECTION = "smtp_default"
_SERVER = f"the mail server of {SMTP_CONNECTION!r}"
_PERMANENT = 500  # SMTP's replies from here on: the same mail will be refused again (RFC 5321, 4.2.1)
_CUT = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)  # a connection that was lost
_CONTEXTS = (None, "default", "none")


class CheckedSmtpHook(SmtpHook):
    """Airflow's hook for ``SMTP_CONNECTION``, which raises errors of this project and closes what it has opened."""

    def __init__(self) -> None:
        super().__init__(SMTP_CONNECTION)

    def get_conn(self) -> SmtpHook:
        """Connect and sign in."""
        with smtp_errors_explained(self):
            try:
                return super().get_conn()
            except BaseException:
                if isinstance(self._smtp_client, smtplib.SMTP):
                    self._smtp_client.close()
                raise

    @property
    def host(self) -> str:
        """The server's name."""
        if not super().host:
            raise SettingsError(f"the connection {SMTP_CONNECTION!r} has no host; set it")
        return super().host

    @property
    def smtp_user(self) -> str:
        """The login, without the spaces and line ends around it."""
        return _sendable("login", super().smtp_user)

    @property
    def smtp_password(self) -> str:
        """The password, without the spaces and line ends around it."""
        return _sendable("password", super().smtp_password)

    @property
    def ssl_context(self) -> str | None:
        """How certificates are checked."""
        if super().ssl_context not in _CONTEXTS:
            raise SettingsError(
                f"the connection {SMTP_CONNECTION!r}: expected 'default' or 'none' for ssl_context in its extra, found "
                f"{super().ssl_context!r:.80}; correct it"
            )
        return super().ssl_context


def sender_of(hook: SmtpHook) -> str:
    """Return whom the mail comes from; raise SettingsError if that is nobody, or no address."""
    from imdb_tasks.report import mail_address

    sender = hook.from_email or hook.smtp_user
    if not sender:
        raise SettingsError(f"the connection {SMTP_CONNECTION!r} has no sender; set from_email in its extra")
    try:
        mail_address(sender)
    except SettingsError as error:
        raise SettingsError(f"the connection {SMTP_CONNECTION!r}: {error}; correct from_email in its extra") from error
    return sender


def _sendable(name: str, value: str) -> str:
    if (sent := as_one_line(value)) is None:
        raise SettingsError(
            f"the connection {SMTP_CONNECTION!r}: its {name} has a character that cannot be sent; expected printable "
            "ASCII in one line; copy it again, or set another one at the mail server"
        )
    return sent


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
            f"the connection {SMTP_CONNECTION!r} cannot be used ({type(error).__name__}); check all its fields"
        ) from None


def _explanation(error: Exception, hook: SmtpHook) -> StudyError:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return _all_refused(error)
    if isinstance(error, smtplib.SMTPResponseException):
        kind = SettingsError if error.smtp_code >= _PERMANENT else MailError
        return kind(f"{_SERVER} answered {error.smtp_code}: {error.smtp_error!r}")
    return _misfit(error, hook) or MailError(
        f"{_SERVER} did not accept the report: {error}; if this goes on, check that host, port and disable_ssl of the "
        "connection fit the server"
    )


def _misfit(error: Exception, hook: SmtpHook) -> SettingsError | None:
    """Return what to change if connection and server do not fit each other; None if the error may pass."""
    if isinstance(error, ssl.SSLError) and not isinstance(error, _CUT):
        return _tls_failed(error, hook)
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return _not_offered(error, hook)
    if isinstance(error, AirflowException) and "Unable to connect" not in str(error):  # that one: a server hung up
        return SettingsError(
            f"the connection {SMTP_CONNECTION!r}: {error}; make it or correct it in Airflow, or set "
            "AIRFLOW_CONN_SMTP_DEFAULT to valid JSON"
        )
    if isinstance(error, smtplib.SMTPException) and not isinstance(error, smtplib.SMTPServerDisconnected):
        return SettingsError(f"{_SERVER}: {error}; check the login, and auth_type in the connection's extra")
    return None


def _all_refused(error: smtplib.SMTPRecipientsRefused) -> StudyError:
    answers = ", ".join(f"{who} ({code}: {words!r})" for who, (code, words) in sorted(error.recipients.items()))
    told = f"{_SERVER} refused every recipient: {answers}"
    if any(code < _PERMANENT for code, _ in error.recipients.values()):
        return MailError(told)
    return SettingsError(f"{told}; correct the form, or the sender in the connection")


def _tls_failed(error: ssl.SSLError, hook: SmtpHook) -> SettingsError:
    if isinstance(error, ssl.SSLCertVerificationError):
        return SettingsError(
            f"{_SERVER}: its certificate is not trusted ({error.verify_message}); set SSL_CERT_FILE to the file with "
            "the certificates of its authority and host to the name in the certificate, or ssl_context in the "
            "connection's extra to 'none', which checks nothing"
        )
    if hook.use_ssl:
        return SettingsError(
            f"{_SERVER} does not speak SSL on this port ({error.reason}); set disable_ssl to true in the connection's "
            "extra, or port to the server's port for SSL, usually 465"
        )
    return SettingsError(f"{_SERVER}: STARTTLS failed ({error.reason}); check which versions of TLS the server takes")


def _not_offered(error: smtplib.SMTPNotSupportedError, hook: SmtpHook) -> SettingsError:
    refuse = partial("{} ({}); {}".format, _SERVER, error)
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
