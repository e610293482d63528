import os
import subprocess
import sys
import time
import traceback

import pytest

from imdb_tasks.errors import (
    AccessRefusedError,
    ConnectionLostError,
    NotFoundError,
    ServerBusyError,
    StudyError,
    UnexpectedContentError,
    UnsafeArchiveError,
)
from imdb_tasks.sources import kaggle as kaggle_source
from imdb_tasks.sources.kaggle import KaggleCredentials
from imdb_tasks.sources.retry import RetryPolicy
from tests.support.stand_ins import KAGGLE_BASIC, REVIEWS_CSV, KaggleStandIn, Reply, kaggle_running, zip_of

ARCHIVE = zip_of({"IMDB Dataset.csv": REVIEWS_CSV * 5_000})
BY_KEY = KaggleCredentials(username="someone", key="key-of-someone")
BY_TOKEN = KaggleCredentials(token="token-of-someone")
SECRETS = ("key-of-someone", "token-of-someone", "c29tZW9uZTpr", KaggleStandIn.SIGNATURE)
QUICK = RetryPolicy(tries=3, first_pause=0.01, longest_pause=2)
PINNED = "owner/films/2"


@pytest.fixture
def kaggle(monkeypatch, tmp_path_factory):
    with kaggle_running(monkeypatch, tmp_path_factory.mktemp("home"), ARCHIVE) as stand_in:
        yield stand_in


def download(folder, credentials=BY_KEY, *, max_bytes=10_000_000, retries=QUICK):
    return kaggle_source.download(PINNED, folder, credentials, max_bytes=max_bytes, retries=retries)


@pytest.mark.parametrize("credentials", [BY_KEY, BY_TOKEN])
def test_a_dataset_is_downloaded_with_a_key_or_a_token(kaggle, tmp_path, credentials):
    assert download(tmp_path, credentials).read_bytes() == ARCHIVE


def test_the_pinned_version_is_the_one_that_is_asked_for(kaggle, tmp_path):
    download(tmp_path)
    asked = kaggle.asked("DownloadDataset")[0].json
    assert (asked["ownerSlug"], asked["datasetSlug"], asked["datasetVersionNumber"]) == ("owner", "films", 2)


def test_the_newest_version_is_asked_for(kaggle):
    assert kaggle_source.newest_version("owner/films", BY_TOKEN, retries=QUICK) == 3


def test_a_service_that_names_no_version_is_refused(kaggle):
    kaggle.newest = None
    with pytest.raises(UnexpectedContentError, match="no current version"):
        kaggle_source.newest_version("owner/films", BY_TOKEN, retries=QUICK)


def test_a_page_of_html_in_place_of_the_version_is_refused(kaggle):
    kaggle.answer("/api/v1/datasets.DatasetApiService/GetDataset", Reply(200, b"<html>"))
    with pytest.raises(UnexpectedContentError, match="JSON"):
        kaggle_source.newest_version("owner/films", BY_TOKEN, retries=QUICK)


def test_the_environment_serves_where_no_credentials_are_given(kaggle, tmp_path, monkeypatch):
    monkeypatch.setenv("KAGGLE_USERNAME", "someone")
    monkeypatch.setenv("KAGGLE_KEY", "key-of-someone")
    assert download(tmp_path, None).read_bytes() == ARCHIVE


def test_a_token_in_the_environment_serves_too(kaggle, tmp_path, monkeypatch):
    monkeypatch.setenv("KAGGLE_API_TOKEN", "token-of-someone")
    assert download(tmp_path, None).read_bytes() == ARCHIVE


def test_given_credentials_win_over_those_in_the_environment(kaggle, tmp_path, monkeypatch):
    monkeypatch.setenv("KAGGLE_API_TOKEN", "token-of-another")
    assert download(tmp_path).read_bytes() == ARCHIVE
    assert kaggle.asked("DownloadDataset")[0].headers["authorization"] == KAGGLE_BASIC


def test_given_credentials_do_not_stay_in_the_environment(kaggle, tmp_path):
    before = dict(os.environ)
    download(tmp_path)
    download(tmp_path, BY_TOKEN)
    assert dict(os.environ) == before


def test_without_credentials_access_is_refused_and_the_process_lives_on(kaggle, tmp_path, capsys):
    with pytest.raises(AccessRefusedError, match=r"kaggle_default.*KAGGLE_API_TOKEN.*public archives"):
        download(tmp_path, None)
    assert kaggle.asked("DownloadDataset") == []
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("incomplete", [{}, {"username": "someone"}, {"key": "key-of-someone"}])
def test_incomplete_credentials_are_refused_at_once(incomplete):
    with pytest.raises(AccessRefusedError, match="KAGGLE_KEY"):
        KaggleCredentials(**incomplete)


def test_rejected_credentials_are_reported_with_what_to_do(kaggle, tmp_path):
    with pytest.raises(AccessRefusedError, match=r"401.*kaggle_default"):
        download(tmp_path, KaggleCredentials(token="wrong"))


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (Reply(403), AccessRefusedError),
        (Reply(404), NotFoundError),
        (Reply(200, b'{"code": 404, "message": "gone"}', {"Content-Type": "application/json"}), NotFoundError),
        (Reply(200, b"<html>", {"Content-Type": "text/html"}), UnexpectedContentError),
    ],
)
def test_a_permanent_refusal_is_not_tried_again(kaggle, tmp_path, reply, expected):
    kaggle.refuse(reply)
    with pytest.raises(expected, match=PINNED if reply.body[:1] != b"<" else "web page"):
        download(tmp_path)
    assert len(kaggle.asked("DownloadDataset")) == 1


@pytest.mark.parametrize("reply", [Reply(429, headers={"Retry-After": "1"}), Reply(500), Reply(503)])
def test_a_busy_service_is_asked_again(kaggle, tmp_path, reply):
    kaggle.refuse(reply)
    assert download(tmp_path).read_bytes() == ARCHIVE


def test_a_service_that_asks_for_a_pause_too_long_to_sleep_through_is_left_to_the_scheduler(kaggle, tmp_path):
    kaggle.refuse(*[Reply(429, headers={"Retry-After": "90"})] * 9)
    with pytest.raises(ServerBusyError) as caught:
        download(tmp_path, retries=RetryPolicy(tries=3, longest_pause=0.01))
    assert caught.value.retry_after == 90
    assert len(kaggle.asked("DownloadDataset")) == 1


def test_a_cut_download_starts_over_and_is_whole(kaggle, tmp_path):
    kaggle.serve(Reply(200, ARCHIVE, {"Accept-Ranges": "bytes"}, cut_after=500), Reply(200, ARCHIVE))
    assert download(tmp_path).read_bytes() == ARCHIVE
    assert all("range" not in request.headers for request in kaggle.requests)


def test_an_error_after_a_cut_is_never_written_over_the_file(kaggle, tmp_path):
    kaggle.serve(Reply(200, ARCHIVE, {"Accept-Ranges": "bytes"}, cut_after=500), Reply(403, b"<Error/>" * 1_000))
    with pytest.raises(AccessRefusedError):
        download(tmp_path)


def test_a_connection_that_keeps_breaking_is_lost(kaggle, tmp_path):
    kaggle.serve(Reply(200, ARCHIVE, cut_after=500))
    with pytest.raises(ConnectionLostError):
        download(tmp_path)


def test_a_silent_service_is_given_up(kaggle, tmp_path, monkeypatch):
    monkeypatch.setattr(kaggle_source, "READ_SECONDS", 0.2)
    kaggle.refuse(lambda request: time.sleep(1) or Reply(500))
    with pytest.raises(ConnectionLostError, match="ReadTimeout"):
        download(tmp_path, retries=RetryPolicy(tries=1))


def test_more_than_the_cap_is_refused(kaggle, tmp_path):
    with pytest.raises(UnsafeArchiveError, match="at most 100"):
        download(tmp_path, max_bytes=100)


@pytest.mark.parametrize("credentials", [BY_KEY, BY_TOKEN])
@pytest.mark.parametrize("storage", [Reply(200, ARCHIVE), Reply(403), Reply(500), Reply(200, ARCHIVE, cut_after=9)])
def test_secrets_are_in_no_traceback_and_no_log(kaggle, tmp_path, caplog, credentials, storage):
    caplog.set_level("INFO")
    kaggle.serve(storage)
    said = repr(credentials)
    try:
        download(tmp_path, credentials)
    except StudyError:
        said += traceback.format_exc()
    said += caplog.text
    assert not [secret for secret in SECRETS if secret in said]


def test_a_home_that_cannot_be_written_is_a_setting_to_change(tmp_path):
    (tmp_path / "file").touch()
    script = "from imdb_tasks.sources import kaggle as kaggle_source; kaggle_source._client_class()"
    environment = {**os.environ, "KAGGLE_CONFIG_DIR": str(tmp_path / "file" / "folder")}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False)
    assert "SettingsError" in done.stderr
    assert "set KAGGLE_CONFIG_DIR" in done.stderr
