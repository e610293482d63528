import json
from types import SimpleNamespace

import pytest

from tests.dags.conftest import Inbox
from tests.dags.environment import ROOT


@pytest.fixture
def delivery(monkeypatch: pytest.MonkeyPatch, inbox: Inbox):
    monkeypatch.syspath_prepend(str(ROOT / "dags"))
    extra = {"from_email": "study@example.org", "disable_tls": True, "disable_ssl": True}
    connection = {"conn_type": "smtp", "host": "127.0.0.1", "port": inbox.port, "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", json.dumps(connection))
    import imdb_delivery

    return imdb_delivery


def context(**conf: object) -> dict[str, object]:
    import imdb_study

    run = SimpleNamespace(conf=conf, run_id="manual__1")
    return {"dag": imdb_study.STUDY, "dag_run": run, "run_id": "<b>run</b>", "reason": "task_failure"}


def test_a_failed_run_is_mailed_to_the_runs_recipients_with_its_name_escaped(delivery, inbox: Inbox) -> None:
    before = len(inbox.mails)
    delivery.mail_failure(context(recipients=["a@example.org"]))
    assert len(inbox.mails) == before + 1
    mail = inbox.mails[-1]
    assert (mail["To"], mail["Subject"]) == ("a@example.org", "IMDB study: the run failed")
    html = next(part for part in mail.walk() if part.get_content_type() == "text/html").get_content()
    assert "&lt;b&gt;run&lt;/b&gt;" in html
    assert "task_failure" in html


@pytest.mark.parametrize("conf", [{"notify": "never", "recipients": ["a@example.org"]}, {"recipients": []}])
def test_nobody_is_mailed_who_does_not_want_to_be(delivery, inbox: Inbox, conf: dict[str, object]) -> None:
    before = len(inbox.mails)
    delivery.mail_failure(context(**conf))
    assert len(inbox.mails) == before
