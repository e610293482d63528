"""Fetching where the only way out is a proxy, as in many companies: for public archives and for Kaggle's client."""

import base64
import socket
import traceback
from pathlib import Path

import pytest

from imdb_tasks.errors import ConnectionLostError, PermanentError, SettingsError
from imdb_tasks.sources import REVIEWS, KaggleCredentials, fetch
from imdb_tasks.sources.retry import RetryPolicy
from imdb_tasks.study import ArchiveSource, KaggleSource
from tests.support.certificates import self_signed
from tests.support.proxies import Proxy
from tests.support.stand_ins import REVIEWS_CSV, StandIn, file_server, kaggle_running, zip_of

ARCHIVE = zip_of({"IMDB Dataset.csv": REVIEWS_CSV})
TOKEN = KaggleCredentials(token="token-of-someone")
KAGGLE = KaggleSource(dataset="owner/films", version=2)
ONCE = RetryPolicy(tries=1)
LOGIN = base64.b64encode(b"someone:canary-of-the-proxy").decode()


@pytest.fixture(autouse=True)
def no_other_proxy(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def server():
    with StandIn() as stand_in:
        stand_in.answer("/reviews.zip", file_server(ARCHIVE))
        yield stand_in


@pytest.fixture
def kaggle(monkeypatch, tmp_path_factory):
    with kaggle_running(monkeypatch, tmp_path_factory.mktemp("home"), ARCHIVE) as stand_in:
        yield stand_in


def use(monkeypatch, url):
    for name in ("HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, url)
        monkeypatch.setenv(name.lower(), url)


def get(source, store):
    return fetch(source, REVIEWS, store, credentials=TOKEN, retries=ONCE).file("IMDB Dataset.csv").read_bytes()


def test_an_archive_and_a_kaggle_dataset_come_through_the_proxy(server, kaggle, store, monkeypatch):
    with Proxy() as proxy:
        use(monkeypatch, proxy.url)
        assert get(ArchiveSource(url=f"{server.url}/reviews.zip"), store) == REVIEWS_CSV
        assert get(KAGGLE, store) == REVIEWS_CSV
    assert proxy.seen[0] == f"{server.url}/reviews.zip"
    assert [path for path in proxy.seen if path.startswith(kaggle.url)]


def test_https_goes_through_a_tunnel_and_its_certificate_is_checked(server, kaggle, store, monkeypatch, tmp_path):
    certificate = self_signed(tmp_path)
    for stand_in in (server, kaggle):
        stand_in.speak_tls(certificate)
    monkeypatch.setenv("KAGGLE_STAND_IN", kaggle.url)
    with Proxy() as proxy:
        use(monkeypatch, proxy.url)
        archive = ArchiveSource(url=f"{server.url}/reviews.zip")
        for source in (archive, KAGGLE):
            with pytest.raises(SettingsError, match=r"certificate is not trusted.*set \w+ to the file"):
                get(source, store)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
        assert get(archive, store) == get(KAGGLE, store) == REVIEWS_CSV
    assert {path.partition(":")[0] for path in proxy.seen} == {"localhost"}


@pytest.mark.parametrize("tls", [False, True])
def test_a_proxy_that_wants_a_login_is_a_setting_to_change_and_its_password_is_not_shown(
    server, kaggle, store, monkeypatch, tls
):
    certificate = self_signed(Path(store.where).parent)
    for stand_in in (server, kaggle) if tls else ():
        stand_in.speak_tls(certificate)
    monkeypatch.setenv("KAGGLE_STAND_IN", kaggle.url)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    archive = ArchiveSource(url=f"{server.url}/reviews.zip")
    with Proxy(login=LOGIN) as proxy:
        use(monkeypatch, f"http://someone:canary-but-wrong@127.0.0.1:{proxy.port}")
        for source in (archive, KAGGLE):
            with pytest.raises(PermanentError, match="407") as caught:
                get(source, store)
            assert "canary" not in "".join(traceback.format_exception(caught.value))
        use(monkeypatch, f"http://someone:canary-of-the-proxy@127.0.0.1:{proxy.port}")
        assert get(archive, store) == get(KAGGLE, store) == REVIEWS_CSV


def test_a_proxy_that_is_not_there_may_come_back(server, kaggle, store, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        use(monkeypatch, f"http://127.0.0.1:{listener.getsockname()[1]}")
    for source in (ArchiveSource(url=f"{server.url}/reviews.zip"), KAGGLE):
        with pytest.raises(ConnectionLostError):
            get(source, store)


@pytest.mark.parametrize("url", ["ftp://someone:canary@127.0.0.1:1", "http://someone:canary@127.0.0.1:port"])
def test_a_proxy_that_cannot_be_one_is_a_setting_to_change(server, kaggle, store, monkeypatch, url):
    use(monkeypatch, url)
    for source in (ArchiveSource(url=f"{server.url}/reviews.zip"), KAGGLE):
        with pytest.raises(PermanentError) as caught:
            get(source, store)
        assert "canary" not in "".join(traceback.format_exception(caught.value))
