"""What a run would fail for after hours is told by its first task, in seconds and with the next step."""

import json
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from imdb_tasks.errors import AccessRefusedError, PermanentError, SettingsError, StoreError
from imdb_tasks.pipeline import Steps
from imdb_tasks.settings import StudySettings
from imdb_tasks.store import Store
from imdb_tasks.study import Delivery, LocalSource, Study
from tests.support.airflow_home import ROOT
from tests.support.smtp_servers import RECIPIENT, USER, BadMailServer

SAMPLE = LocalSource(path="/data")
SETTINGS = StudySettings()
QUIET, LOUD = Delivery(notify="never"), Delivery(recipients=(RECIPIENT,))


@pytest.fixture(autouse=True)
def preflight(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    """The module, in a home without credentials."""
    monkeypatch.syspath_prepend(str(ROOT / "dags"))
    for name in ("KAGGLE_API_TOKEN", "KAGGLE_USERNAME", "KAGGLE_KEY", "KAGGLE_CONFIG_DIR", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name in ("KAGGLE", "SMTP"):
        monkeypatch.delenv(f"AIRFLOW_CONN_{name}_DEFAULT", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "person"))
    import imdb_preflight

    return imdb_preflight


@pytest.fixture
def steps(tmp_path: Path) -> Steps:
    """Of a study that needs no credentials."""
    return Steps(Study(reviews=SAMPLE, glove=SAMPLE), Store(tmp_path / "store"), "manual__1")


def connect(monkeypatch: pytest.MonkeyPatch, port: int, **fields: object) -> None:
    extra = {"from_email": "study@example.org", "disable_tls": True, "disable_ssl": True, "timeout": 5}
    connection = {"conn_type": "smtp", "host": "127.0.0.1", "port": port, "extra": extra, **fields}
    monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", json.dumps(connection))


def test_a_run_that_has_what_it_needs_is_ready_and_nothing_is_mailed(
    preflight: Any, steps: Steps, monkeypatch: pytest.MonkeyPatch
) -> None:
    with BadMailServer() as server:
        connect(monkeypatch, server.port)
        preflight.check_ready(steps, LOUD, SETTINGS)
        assert server.offered == []
    assert [path for path in Path(steps.store.where).rglob("*") if path.is_file()] == []


def test_nobody_to_tell_needs_no_mail_server(preflight: Any, steps: Steps) -> None:
    preflight.check_ready(steps, QUIET, SETTINGS)


def test_a_missing_mail_connection_fails_now(preflight: Any, steps: Steps) -> None:
    with pytest.raises(SettingsError, match="the connection 'smtp_default' is not found"):
        preflight.check_ready(steps, LOUD, SETTINGS)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"login": USER, "password": "wrong"}, "answered 535"),
        ({"extra": {"disable_ssl": True, "disable_tls": True}}, "has no sender; set from_email"),
        ({"extra": {"disable_ssl": True, "disable_tls": True, "from_email": "a..b@c.org"}}, "correct from_email"),
        ({"extra": {"disable_ssl": True, "from_email": "a@c.org"}}, "set disable_tls to true"),
    ],
)
def test_a_mail_connection_that_will_not_do_fails_now(
    preflight: Any, steps: Steps, monkeypatch: pytest.MonkeyPatch, fields: dict[str, Any], message: str
) -> None:
    with BadMailServer(password="right") as server:
        connect(monkeypatch, server.port, **fields)
        with pytest.raises(SettingsError, match=message):
            preflight.check_ready(steps, LOUD, SETTINGS)


def test_a_mail_server_that_is_down_is_logged_and_does_not_keep_the_run_from_training(
    preflight: Any, steps: Steps, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    connect(monkeypatch, port)
    preflight.check_ready(steps, LOUD, SETTINGS)
    assert "The run goes on: its mail is hours away" in caplog.text


def test_data_from_kaggle_needs_credentials_unless_it_is_in_the_store(preflight: Any, steps: Steps) -> None:
    steps = replace(steps, study=Study())
    with pytest.raises(
        AccessRefusedError, match="there are no credentials; give credentials by the Airflow connection"
    ):
        preflight.check_ready(steps, QUIET, SETTINGS)
    for source, file in ((steps.study.reviews, "reviews"), (steps.study.glove, "glove")):
        keep(steps, source, file)
    preflight.check_ready(steps, QUIET, SETTINGS)
    newest = Study().reviews.model_copy(update={"version": None})
    with pytest.raises(AccessRefusedError, match="there are no credentials"):
        preflight.check_ready(replace(steps, study=Study(reviews=newest)), QUIET, SETTINGS)


def keep(steps: Steps, source: Any, file: str) -> None:
    """Note that a source has been fetched."""
    from imdb_tasks.sources import REVIEWS, glove_vectors
    from imdb_tasks.sources.fetching import _plain_ref

    wanted = REVIEWS if file == "reviews" else glove_vectors()
    steps.store.write_ref(_plain_ref(source, wanted), {"key": "k", "about": {}})


@pytest.mark.parametrize("way", ["connection", "variable", "file"])
def test_credentials_in_any_of_their_places_will_do(
    preflight: Any, steps: Steps, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, way: str
) -> None:
    if way == "connection":
        monkeypatch.setenv("AIRFLOW_CONN_KAGGLE_DEFAULT", '{"conn_type": "generic", "password": "token"}')
    elif way == "variable":
        monkeypatch.setenv("KAGGLE_API_TOKEN", "token")
    else:
        tmp_path.joinpath("person/.kaggle").mkdir(parents=True)
        tmp_path.joinpath("person/.kaggle/access_token").write_text("token")
    preflight.check_ready(replace(steps, study=Study()), QUIET, SETTINGS)


def test_a_run_id_that_no_file_can_have_fails_now(preflight: Any, steps: Steps) -> None:
    with pytest.raises(SettingsError, match="run id '.hidden' cannot name a file"):
        preflight.check_ready(replace(steps, run_id=".hidden"), QUIET, SETTINGS)


def test_a_store_that_cannot_be_written_fails_now(preflight: Any, steps: Steps, tmp_path: Path) -> None:
    tmp_path.joinpath("file").touch()
    with pytest.raises(StoreError, match="expected a folder for the store, found a file; choose another place"):
        Store(tmp_path / "file")  # no step can even open it
    for place in (tmp_path / "file" / "store", Path("/proc/store")):
        with pytest.raises(
            StoreError, match=f"{place}/work: expected a place that this user can .* IMDB_STORE or --store"
        ):
            preflight.check_ready(replace(steps, store=Store(place)), QUIET, SETTINGS)


def test_a_disk_without_room_fails_now(preflight: Any, steps: Steps, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "ROOM", 10**18)
    with pytest.raises(
        SettingsError, match=r"expected 1,000,000,000,000 MB of free space or more, found .* MB; free some"
    ):
        preflight.check_ready(steps, QUIET, SETTINGS)


def test_all_that_is_missing_is_told_at_once(preflight: Any, tmp_path: Path) -> None:
    steps = Steps(Study(), Store(tmp_path / "store"), ".hidden")
    with pytest.raises(PermanentError) as caught:
        preflight.check_ready(steps, LOUD, SETTINGS)
    assert all(word in str(caught.value) for word in ("run id", "comes from Kaggle", "'smtp_default' is not found"))
