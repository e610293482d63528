"""Canary secrets through whole runs, failing logins included: found nowhere but where they were put."""

import base64
import io
import json
import sqlite3
import zipfile
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.support.smtp_servers import USER
from tests.support.whole_airflow import CANARIES, FinishedRun, WholeAirflow

KEPT_HERE = ("keys.json", "passwords.json")  # where the local Airflow keeps its own secrets, for its owner only


@pytest.fixture(scope="module")
def runs(whole: WholeAirflow, small_form: dict[str, Any]) -> dict[str, FinishedRun]:
    """One run that goes well, one whose Kaggle key is refused, and one whose mail login is."""
    _add_kaggle_connection(whole)
    good = whole.finished(small_form)
    without_kaggle = whole.finished({"source": "kaggle", "profile": "quick"})
    try:
        without_mail = whole.finished(small_form, after_the_plan=lambda: setattr(whole.mail, "password", "another"))
    finally:
        whole.mail.password = CANARIES["the password of the mail server"]
    return {"good": good, "without Kaggle": without_kaggle, "without mail": without_mail}


def _add_kaggle_connection(whole: WholeAirflow) -> None:
    """As a person does, over the REST interface: it then stands in the database, encrypted."""
    connection = {"connection_id": "kaggle_default", "conn_type": "generic", "login": "someone"}
    answer = httpx.post(
        f"{whole.url}/api/v2/connections",
        json={**connection, "password": CANARIES["the key of the Kaggle connection"]},
        headers={"Authorization": f"Bearer {whole.token('admin')}"},
        trust_env=False,
        timeout=60,
    )
    assert answer.is_success, answer.text
    assert CANARIES["the key of the Kaggle connection"] not in answer.text


def secrets(whole: WholeAirflow) -> dict[str, str]:
    found = {
        **CANARIES,
        **whole.airflow.home.keys(),
        **{f"the password of {user}": word for user, word in whole.passwords.items()},
    }
    login = f"\0{USER}\0{CANARIES['the password of the mail server']}"
    kaggle = f"someone:{CANARIES['the key of the Kaggle connection']}"
    for name, text in (("the mail login on the wire", login), ("the Kaggle login on the wire", kaggle)):
        found[name] = base64.b64encode(text.encode()).decode()
    return found


def everything_written(whole: WholeAirflow) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of all that a run leaves: logs, store, database, mails."""
    for path in whole.home.rglob("*"):
        if path.is_file() and path.name not in KEPT_HERE:
            yield str(path.relative_to(whole.home)), path.read_bytes()
    with sqlite3.connect(f"file:{whole.airflow.home.database}?mode=ro", uri=True) as database:
        yield "a dump of the database", "\n".join(database.iterdump()).encode()
    for number, message in enumerate(whole.mail.offered):
        for part in message.walk():
            if not part.is_multipart():
                content = part.get_payload(decode=True)
                assert isinstance(content, bytes)
                yield f"mail {number}: {part.get_content_type()}", unpacked(content)


def unpacked(content: bytes) -> bytes:
    """Return the files of a zip archive, one after the other, and anything else as it is."""
    if not zipfile.is_zipfile(io.BytesIO(content)):
        return content
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return b"".join(archive.read(name) for name in archive.namelist())


def test_the_runs_took_the_ways_that_are_to_be_watched(runs: dict[str, FinishedRun], whole: WholeAirflow) -> None:
    assert runs["good"].state == "success"
    assert runs["without Kaggle"].states()["fetch_reviews"] == "failed"
    assert runs["without mail"].states()["send_report"] == "failed"
    log = "\n".join(whole.airflow.api.log(runs["without Kaggle"].task("fetch_reviews")))
    assert "AccessRefusedError" in log
    sent = "someone:" + CANARIES["the key of the Kaggle connection"]
    assert base64.b64encode(sent.encode()).decode() in json.dumps([dict(r.headers) for r in whole.kaggle.requests])


def test_no_secret_is_in_anything_that_was_written(runs: dict[str, FinishedRun], whole: WholeAirflow) -> None:
    words = secrets(whole)
    assert len(words) == len(CANARIES) + 3 + 3 + 2
    found = [
        (name, place)
        for place, content in everything_written(whole)
        for name, word in words.items()
        if word.encode() in content
    ]
    assert found == []


def test_what_is_searched_is_what_the_runs_wrote(runs: dict[str, FinishedRun], whole: WholeAirflow) -> None:
    """The search finds what is there: the id of a run in each kind of place, or in its name."""
    ids = [run.run_id for run in runs.values()]
    written = everything_written(whole)
    places = [place for place, content in written if any(run in place or run.encode() in content for run in ids)]
    for kind in ("a dump of the database", "logs/", "store/reports/", "mail "):
        assert any(place.startswith(kind) for place in places), (kind, places)


def test_the_interface_shows_no_secret(runs: dict[str, FinishedRun], whole: WholeAirflow) -> None:
    words = secrets(whole)
    headers = {"Authorization": f"Bearer {whole.token('admin')}"}
    run = f"/api/v2/dags/imdb_study/dagRuns/{runs['without Kaggle'].run_id}"
    paths = ["/api/v2/connections", "/api/v2/eventLogs", run, f"{run}/taskInstances", "/imdb-study/report"]
    paths.append(f"{run}/taskInstances/fetch_reviews/xcomEntries")
    for path in paths:
        answer = httpx.get(whole.url + path, headers=headers, trust_env=False, timeout=60)
        assert answer.is_success, answer.text
        assert [name for name, word in words.items() if word in answer.text] == []
