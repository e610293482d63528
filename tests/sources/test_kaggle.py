import errno
import os
import re
import signal
import subprocess
import sys
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from imdb_tasks.errors import (
    AccessRefusedError,
    ConnectionLostError,
    NotFoundError,
    PermanentError,
    ServerBusyError,
    SettingsError,
    StudyError,
    TransientError,
    UnexpectedContentError,
    UnsafeArchiveError,
)
from imdb_tasks.sources import kaggle as kaggle_source
from imdb_tasks.sources import kaggle_child
from imdb_tasks.sources.kaggle import KaggleCredentials
from imdb_tasks.sources.retry import RetryPolicy
from tests.support.certificates import self_signed
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
        download(tmp_path, credentials, retries=RetryPolicy(tries=1))
    except StudyError:
        said += traceback.format_exc()
    said += caplog.text
    assert not [secret for secret in SECRETS if secret in said]


def test_the_client_reaches_neither_the_input_nor_the_output_of_the_process_that_asks(kaggle, tmp_path):
    script = (
        "import os, sys; from pathlib import Path\n"
        "from imdb_tasks.errors import AccessRefusedError\n"
        "from imdb_tasks.sources import kaggle; from imdb_tasks.sources.retry import RetryPolicy\n"
        "before = dict(os.environ), Path.cwd()\n"
        "try: kaggle.download('owner/films/2', Path(sys.argv[1]), None, max_bytes=1, retries=RetryPolicy())\n"
        "except AccessRefusedError: print(sys.stdin.read(), (dict(os.environ), Path.cwd()) == before)"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    done = subprocess.run(command, input="still open", capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("still open True\n", "")


def test_no_folder_is_made_in_the_home_so_that_two_processes_do_not_race_for_it(kaggle, tmp_path):
    home = Path(os.environ["HOME"])
    download(tmp_path)
    with pytest.raises(AccessRefusedError):
        download(tmp_path, None)
    assert list(home.iterdir()) == []


def test_two_first_downloads_at_the_same_time_both_end_well(kaggle, tmp_path):
    folders = [tmp_path / name for name in "abcd"]
    for folder in folders:
        folder.mkdir()
    with ThreadPoolExecutor(len(folders)) as pool:
        archives = list(pool.map(download, folders))
    assert [archive.read_bytes() for archive in archives] == [ARCHIVE] * len(folders)


@pytest.mark.parametrize(
    "folder", ["person/.kaggle/folder", "nowhere", "person/.kaggle"], ids=["below a file", "missing", "a file"]
)
def test_a_folder_that_the_client_cannot_make_or_use_does_not_matter(kaggle, tmp_path, monkeypatch, folder):
    tmp_path.joinpath("person").mkdir()
    tmp_path.joinpath("person/.kaggle").touch()
    monkeypatch.setenv("HOME", str(tmp_path / "person"))
    monkeypatch.setenv("KAGGLE_CONFIG_DIR", str(tmp_path / folder))
    assert download(tmp_path).read_bytes() == ARCHIVE


KEY_FILE = '{"username": "someone", "key": "key-of-someone"}'


@pytest.mark.parametrize(
    ("place", "content"),
    [
        (".kaggle/kaggle.json", KEY_FILE),
        (".config/kaggle/kaggle.json", KEY_FILE),
        ("elsewhere/kaggle.json", KEY_FILE),
        (".kaggle/access_token", "token-of-someone\n"),
    ],
)
def test_the_files_in_the_usual_places_serve(kaggle, tmp_path, monkeypatch, place, content):
    home = Path(os.environ["HOME"])
    assert not kaggle_source.has_own_kaggle_credentials()
    home.joinpath(place).parent.mkdir(parents=True)
    home.joinpath(place).write_text(content)
    if place.startswith("elsewhere"):
        monkeypatch.setenv("KAGGLE_CONFIG_DIR", str(home / "elsewhere"))
    assert kaggle_source.has_own_kaggle_credentials()
    assert download(tmp_path, None).read_bytes() == ARCHIVE


def test_given_credentials_win_over_those_in_files(kaggle, tmp_path):
    file = Path(os.environ["HOME"]) / ".kaggle" / "access_token"
    file.parent.mkdir()
    file.write_text("token-of-another")
    assert download(tmp_path).read_bytes() == ARCHIVE
    assert {request.headers["authorization"] for request in kaggle.asked("Dataset")} == {KAGGLE_BASIC}


def test_a_token_in_the_environment_may_be_the_path_of_a_file(kaggle, tmp_path, monkeypatch):
    path = tmp_path / "the token, as typed.txt"
    path.write_text("token-of-someone\n")
    monkeypatch.setenv("KAGGLE_API_TOKEN", str(path))
    assert download(tmp_path, None).read_bytes() == ARCHIVE


@pytest.mark.parametrize("around", ["\n", "\r\n", " ", "\t"])
def test_spaces_and_line_ends_around_credentials_are_not_part_of_them(kaggle, tmp_path, monkeypatch, around):
    typed = [f"{around}{word}{around}" for word in ("token-of-someone", "someone", "key-of-someone")]
    assert KaggleCredentials(token=typed[0]) == BY_TOKEN
    assert KaggleCredentials(username=typed[1], key=typed[2]) == BY_KEY
    monkeypatch.setenv("KAGGLE_API_TOKEN", typed[0])
    assert download(tmp_path, None).read_bytes() == ARCHIVE


@pytest.mark.parametrize("bad", ["canary\nX: y", "canary\x00", "canary-\u00fc", "canary\x7f", "canary\u2028x"])
def test_credentials_that_no_header_can_hold_are_refused_by_name_and_never_shown(kaggle, tmp_path, monkeypatch, bad):
    for given in ({"token": bad}, {"username": "someone", "key": bad}, {"username": bad, "key": "key"}):
        with pytest.raises(AccessRefusedError, match="expected printable ASCII in one line") as caught:
            KaggleCredentials(**given)
        assert "canary" not in "".join(traceback.format_exception(caught.value))
    if "\x00" in bad:  # no variable can hold it
        return
    monkeypatch.setenv("KAGGLE_API_TOKEN", bad)
    with pytest.raises(AccessRefusedError, match="KAGGLE_API_TOKEN has a character that cannot be sent"):
        download(tmp_path, None)
    assert kaggle.requests == []


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("access_token", "canary\nX: y"),
        ("access_token", "canary-\u20ac"),
        ("kaggle.json", '{"username": "someone", "key": "canary-\u20ac"}'),
        ("kaggle.json", '{"username": "someone", "key": 7}'),
        ("kaggle.json", "[]"),
        ("kaggle.json", "canary"),
    ],
)
def test_a_credentials_file_that_the_client_stumbles_over_is_one_error_without_its_content(
    kaggle, tmp_path, file, content
):
    folder = Path(os.environ["HOME"]) / ".kaggle"
    folder.mkdir()
    folder.joinpath(file).write_text(content)
    with pytest.raises(PermanentError, match="kaggle_default") as caught:
        download(tmp_path, None)
    assert "canary" not in "".join(traceback.format_exception(caught.value))


def test_the_arguments_of_the_clients_process_hold_no_secret(kaggle, tmp_path):
    seen: list[str] = []

    def look(request):
        for child in psutil.Process().children():
            seen.extend(child.cmdline())
        return Reply(404)

    kaggle.refuse(look)
    with pytest.raises(NotFoundError):
        download(tmp_path)
    assert "imdb_tasks.sources.kaggle_child" in seen
    assert not [secret for secret in (*SECRETS, KAGGLE_BASIC) if secret in " ".join(seen)]


def test_the_progress_of_a_download_reaches_the_log(kaggle, tmp_path, caplog):
    caplog.set_level("INFO")
    download(tmp_path)
    assert re.search(r"Kaggle's films\.zip: .* MB \(100 %\) after", caplog.text)


class TimeIsUp(Exception):  # noqa: N818 - not an error
    pass


def test_a_task_whose_time_is_up_ends_the_clients_process(kaggle, tmp_path):
    answered = threading.Event()

    def ring(*_):
        raise TimeIsUp

    kaggle.refuse(lambda request: answered.wait(60) and Reply(500))
    before = signal.signal(signal.SIGALRM, ring)  # as Airflow does for execution_timeout
    try:
        signal.alarm(4)
        with pytest.raises(TimeIsUp):
            download(tmp_path)
        assert psutil.Process().children() == []
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
        answered.set()


KILLED = """
import sys; from pathlib import Path
from imdb_tasks.sources import kaggle; from imdb_tasks.sources.retry import RetryPolicy
kaggle.download("owner/films/2", Path(sys.argv[1]), None, max_bytes=1, retries=RetryPolicy())
"""


def test_the_clients_process_ends_soon_after_a_task_that_is_killed(kaggle, tmp_path, monkeypatch):
    monkeypatch.setenv("KAGGLE_API_TOKEN", "token-of-someone")
    asked, answered = threading.Event(), threading.Event()

    def hang(request):
        asked.set()
        answered.wait(60)
        return Reply(500)

    kaggle.refuse(hang)
    with subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path)]) as task:
        assert asked.wait(60)
        [client] = psutil.Process(task.pid).children()
        task.kill()
    try:
        assert psutil.wait_procs([client], timeout=20)[1] == []
    finally:
        answered.set()


@pytest.mark.parametrize(
    ("number", "expected"),
    [(errno.EACCES, SettingsError), (errno.EROFS, SettingsError), (errno.ENOTDIR, SettingsError)]
    + [(errno.EEXIST, TransientError), (errno.EIO, TransientError), (errno.EMFILE, TransientError)],
)
def test_an_error_of_the_system_is_permanent_only_if_a_person_must_mend_it(number, expected):
    found = kaggle_child._explanation(OSError(number, "told", "/a/file"), {"dataset": "owner/films"})
    assert isinstance(found, expected)


def test_a_client_that_dies_without_an_answer_is_tried_again(kaggle, tmp_path, monkeypatch):
    def kill(request):
        for child in psutil.Process().children():
            child.kill()
        return Reply(500)

    kaggle.refuse(kill)
    assert download(tmp_path).read_bytes() == ARCHIVE


def test_a_certificate_that_is_not_trusted_is_a_setting_to_change_and_one_that_is_named_is_trusted(
    kaggle, tmp_path, monkeypatch
):
    certificate = self_signed(tmp_path)
    kaggle.speak_tls(certificate)
    monkeypatch.setenv("KAGGLE_STAND_IN", kaggle.url)
    with pytest.raises(SettingsError, match="certificate is not trusted.* REQUESTS_CA_BUNDLE"):
        download(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    assert download(tmp_path).read_bytes() == ARCHIVE
