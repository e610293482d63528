"""Whatever keeps a mail from a real server is told with the field to set, and tried again only if it may pass."""

import json
import socket
import traceback
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import AuthResult

from imdb_tasks.errors import MailError, SettingsError
from tests.support.airflow_home import ROOT
from tests.support.certificates import self_signed
from tests.support.smtp_servers import USER, BadMailServer

PLAIN = {"disable_ssl": True, "disable_tls": True}
STARTTLS = {"disable_ssl": True, "disable_tls": False}
SSL = {"disable_ssl": False, "disable_tls": True}
BOTH = {"disable_ssl": False, "disable_tls": False}  # what an untouched connection has


@pytest.fixture
def smtp(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(ROOT / "dags"))
    import imdb_smtp

    return imdb_smtp


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return self_signed(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def trusted(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    return certificate


def connect(smtp: Any, monkeypatch: pytest.MonkeyPatch, port: int, extra: dict[str, Any], **more: object) -> None:
    """Open the connection and close it."""
    options = {"from_email": "study@example.org", "retry_limit": 0, "timeout": 5, **extra}
    connection = {"conn_type": "smtp", "host": "127.0.0.1", "port": port, "extra": options, **more}
    monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", json.dumps(connection))
    with smtp.CheckedSmtpHook():
        pass


def test_each_way_of_encryption_leads_to_the_server_that_offers_it(
    smtp: Any, monkeypatch: pytest.MonkeyPatch, trusted: Path
) -> None:
    with BadMailServer() as plain, BadMailServer(ssl=trusted) as ssl, BadMailServer(starttls=trusted) as starttls:
        connect(smtp, monkeypatch, plain.port, PLAIN)
        connect(smtp, monkeypatch, ssl.port, SSL)
        connect(smtp, monkeypatch, starttls.port, STARTTLS)


def test_a_server_without_starttls_is_permanent_and_names_the_fields(
    smtp: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with BadMailServer() as server, pytest.raises(SettingsError, match=r"set disable_tls to true .*or disable_ssl"):
        connect(smtp, monkeypatch, server.port, STARTTLS)


def test_starttls_within_ssl_as_an_untouched_connection_has_it_names_disable_tls(
    smtp: Any, monkeypatch: pytest.MonkeyPatch, trusted: Path
) -> None:
    with (
        BadMailServer(ssl=trusted) as server,
        pytest.raises(SettingsError, match="encrypted by SSL already: set disable_tls to true"),
    ):
        connect(smtp, monkeypatch, server.port, BOTH)


@pytest.mark.parametrize("extra", [SSL, BOTH])
def test_ssl_on_a_plain_port_names_disable_ssl_and_the_port(
    smtp: Any, monkeypatch: pytest.MonkeyPatch, extra: dict[str, Any]
) -> None:
    with BadMailServer() as server, pytest.raises(SettingsError, match=r"set disable_ssl to true.* or port"):
        connect(smtp, monkeypatch, server.port, extra)


@pytest.mark.parametrize("way", ["ssl", "starttls"])
def test_a_certificate_of_ones_own_names_the_file_to_set(
    smtp: Any, monkeypatch: pytest.MonkeyPatch, certificate: Path, way: str
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    extra = SSL if way == "ssl" else STARTTLS
    with BadMailServer(**{way: certificate}) as server:
        with pytest.raises(SettingsError, match=r"not trusted \(self-signed certificate\); set SSL_CERT_FILE"):
            connect(smtp, monkeypatch, server.port, extra)
        connect(smtp, monkeypatch, server.port, {**extra, "ssl_context": "none"})


def test_a_certificate_for_another_name_names_the_host(
    smtp: Any, monkeypatch: pytest.MonkeyPatch, trusted: Path
) -> None:
    with (
        BadMailServer(ssl=trusted) as server,
        pytest.raises(SettingsError, match="host to the name in the certificate"),
    ):
        connect(smtp, monkeypatch, server.port, SSL, host=socket.gethostname())


@pytest.mark.parametrize("extra", [SSL, STARTTLS])
def test_a_misspelt_ssl_context_is_told_with_what_it_may_be(
    smtp: Any, monkeypatch: pytest.MonkeyPatch, trusted: Path, extra: dict[str, Any]
) -> None:
    way = {"ssl": trusted} if extra == SSL else {"starttls": trusted}
    with (
        BadMailServer(**way) as server,
        pytest.raises(SettingsError, match="expected 'default' or 'none' for ssl_context in its extra, found 'nome'"),
    ):
        connect(smtp, monkeypatch, server.port, {**extra, "ssl_context": "nome"})


@pytest.mark.parametrize("field", ["login", "password"])
@pytest.mark.parametrize("bad", ["canary-\u00fc", "canary\nsecond", "canary\x7f"])
def test_a_login_that_cannot_be_sent_is_named_and_never_shown(
    smtp: Any, monkeypatch: pytest.MonkeyPatch, field: str, bad: str
) -> None:
    login = {"login": USER, "password": "right", field: bad}
    with BadMailServer(password="right") as server:
        with pytest.raises(SettingsError, match=f"its {field} has a character that cannot be sent") as caught:
            connect(smtp, monkeypatch, server.port, PLAIN, **login)
        assert "canary" not in "".join(traceback.format_exception(caught.value))


def test_spaces_and_line_ends_around_a_login_are_not_part_of_it(smtp: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with BadMailServer(password="right") as server:
        connect(smtp, monkeypatch, server.port, PLAIN, login=f"{USER}\n", password=" right\r\n")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"host": ""}, "has no host"),
        ({"extra": {"timeout": "soon"}}, r"cannot be used \(ValueError\); check all its fields"),
        ({"extra": {**PLAIN, "auth_type": "oauth2"}}, "neither 'access_token' nor client credentials"),
    ],
)
def test_a_field_that_no_server_could_like_is_permanent(
    smtp: Any, monkeypatch: pytest.MonkeyPatch, fields: dict[str, Any], message: str
) -> None:
    extra = fields.pop("extra", PLAIN)
    with BadMailServer() as server, pytest.raises(SettingsError, match=message):
        connect(smtp, monkeypatch, server.port, extra, **fields)


def test_a_connection_that_is_no_json_is_one_error_without_its_text(smtp: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", '{"conn_type": "smtp", "password": "canary",')
    with (
        pytest.raises(SettingsError, match="not found.* set AIRFLOW_CONN_SMTP_DEFAULT to valid JSON") as caught,
        smtp.CheckedSmtpHook(),
    ):
        pass
    assert "canary" not in "".join(traceback.format_exception(caught.value))


def test_a_missing_connection_is_permanent(smtp: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AIRFLOW_CONN_SMTP_DEFAULT", raising=False)
    with pytest.raises(SettingsError, match="'smtp_default' is not found"), smtp.CheckedSmtpHook():
        pass


def test_a_server_that_takes_no_login_is_permanent(smtp: Any, monkeypatch: pytest.MonkeyPatch, trusted: Path) -> None:
    class NoLogin(BadMailServer):
        def factory(self) -> Any:
            self.SMTP_kwargs["auth_exclude_mechanism"] = ["LOGIN", "PLAIN"]
            return super().factory()

    with NoLogin() as server, pytest.raises(SettingsError, match="login"):
        connect(smtp, monkeypatch, server.port, PLAIN, login=USER, password="right")


def test_a_server_that_hangs_up_on_ssl_may_pass(smtp: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(MailError, match="check that host, port and disable_ssl"):
        connect(smtp, monkeypatch, port, SSL)


def test_a_token_of_oauth2_is_sent_with_the_user_that_it_belongs_to(smtp: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = []

    class OAuth2(BadMailServer):
        async def auth_XOAUTH2(self, server: object, words: list[str]) -> AuthResult:  # noqa: N802 - aiosmtpd's name
            sent.append(b64decode(words[1]))
            return AuthResult(success=True)

    with OAuth2(password="right") as server:
        connect(smtp, monkeypatch, server.port, {**PLAIN, "auth_type": "oauth2", "access_token": "abc"}, login=USER)
    assert sent == [f"user={USER}\x01auth=Bearer abc\x01\x01".encode()]
