"""Canary secrets through whole runs, of which each step fails once: found nowhere but where they were put."""

import base64
import contextlib
import io
import json
import sqlite3
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest

from imdb_tasks.pipeline import Steps
from imdb_tasks.study import read_form
from tests.support.smtp_servers import USER
from tests.support.whole_airflow import CANARIES, FinishedRun, WholeAirflow

KEPT_HERE = ("keys.json", "passwords.json")  # where the local Airflow keeps its own secrets, for its owner only


@pytest.fixture(scope="module")
def runs(whole: WholeAirflow, small_form: dict[str, Any]) -> dict[str, FinishedRun]:
    """One run that goes well, and for each step one or more in which it fails; the later ones use the models before."""
    _add_kaggle_connection(whole)
    form, store = {**small_form, "max_tokens": 11}, whole.airflow.home.store
    found = {"fields of another profile": whole.finished({**form, "profile": "quick"})}
    for folder in ("arrays", "evaluations", "reports"):
        with _in_the_way(store / folder):
            found[f"no {folder}"] = whole.finished(form)
    found["good"] = whole.finished(form)
    found["without Kaggle"] = whole.finished({"source": "kaggle", "profile": "quick"})
    try:
        found["without mail"] = whole.finished(form, after_the_plan=lambda: setattr(whole.mail, "password", "another"))
    finally:
        whole.mail.password = CANARIES["the password of the mail server"]
    study, _ = read_form({**form, "cells": ["GRU", "LSTM"], "notify": "never"})
    of_one = Steps(study, whole.store).keys.model(study.variants[-1])
    in_place_of_a_file = store / "checkpoints" / f"{of_one}.npz"
    in_place_of_a_file.mkdir(parents=True)
    found["one variant is missing"] = whole.finished({**form, "cells": ["GRU", "LSTM"]})
    in_place_of_a_file.rmdir()
    return found


FAILED = {
    "fields of another profile": ["plan"],
    "without Kaggle": ["fetch_glove", "fetch_reviews"],
    "no arrays": ["prepare"],
    "no evaluations": ["evaluate"],
    "no reports": ["report"],
    "without mail": ["send_report"],
    "one variant is missing": ["LSTM, 4 units, batches of 16", "check_complete"],
    "good": [],
}


@contextlib.contextmanager
def _in_the_way(path: Path) -> Iterator[None]:
    """Put an empty file where a step needs a folder."""
    aside = path.with_name(f"{path.name} of before")
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        path.rename(aside)
    path.touch()
    try:
        yield
    finally:
        path.unlink()
        if aside.exists():
            aside.rename(path)


def forms(word: str) -> list[bytes]:
    """Return a word as it is, as a part of a URL, and as base64 shows it at each place in a longer text."""
    found = [word, quote(word, safe=""), quote_plus(word)]
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + word.encode()).decode()
        # Characters that also hold bits of what stands before or after the word differ from text to text.
        found.append(encoded[-(-before * 8 // 6) : (before + len(word)) * 8 // 6])
    return [form.encode() for form in found]


def _add_kaggle_connection(whole: WholeAirflow) -> None:
    """As a person does, over the REST interface: it then stands in the database, encrypted."""
    connection = {"connection_id": "kaggle_default", "conn_type": "generic", "login": "someone"}
    connection["password"] = CANARIES["the key of the Kaggle connection"]
    answer = whole.ask("POST", "/api/v2/connections", json=connection)
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
    failed = {
        name: sorted(task for task, state in run.states().items() if state == "failed") for name, run in runs.items()
    }
    assert failed == {name: sorted(tasks) for name, tasks in FAILED.items()}
    log = "\n".join(whole.airflow.api.log(runs["without Kaggle"].task("fetch_reviews")))
    assert "AccessRefusedError" in log
    sent = "someone:" + CANARIES["the key of the Kaggle connection"]
    assert base64.b64encode(sent.encode()).decode() in json.dumps([dict(r.headers) for r in whole.kaggle.requests])


def test_no_secret_is_in_anything_that_was_written(runs: dict[str, FinishedRun], whole: WholeAirflow) -> None:
    words = secrets(whole)
    assert len(words) == len(CANARIES) + 3 + len(whole.passwords) + 2
    found = [
        (name, place)
        for place, content in everything_written(whole)
        for name, word in words.items()
        if any(form in content for form in forms(word))
    ]
    assert found == []


def test_a_secret_is_found_in_each_form(whole: WholeAirflow) -> None:
    word = CANARIES["the password of the mail server"]
    for before in ("", "a", "ab", "user:"):
        basic = base64.b64encode(f"{before}{word}, and more".encode())
        assert any(form in basic for form in forms(word))
    assert quote(word, safe="") != word
    assert any(form in f"http://user:{quote(word, safe='')}@host".encode() for form in forms(word))


def test_what_is_searched_is_what_the_runs_wrote(runs: dict[str, FinishedRun], whole: WholeAirflow) -> None:
    """The search finds what is there: the id of a run in each kind of place, or in its name."""
    ids = [run.run_id for run in runs.values()]
    written = everything_written(whole)
    places = [place for place, content in written if any(run in place or run.encode() in content for run in ids)]
    for kind in ("a dump of the database", "logs/", "store/reports/", "mail "):
        assert any(place.startswith(kind) for place in places), (kind, places)


def test_the_interface_shows_no_secret(runs: dict[str, FinishedRun], whole: WholeAirflow) -> None:
    words = secrets(whole)
    run = f"/api/v2/dags/imdb_study/dagRuns/{runs['without Kaggle'].run_id}"
    paths = ["/api/v2/connections", "/api/v2/eventLogs", run, f"{run}/taskInstances", "/imdb-study/report"]
    paths.append(f"{run}/taskInstances/fetch_reviews/xcomEntries")
    for path in paths:
        answer = whole.ask("GET", path)
        assert answer.is_success, answer.text
        assert [name for name, word in words.items() if word in answer.text] == []
