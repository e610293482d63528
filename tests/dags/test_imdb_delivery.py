import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
from aiosmtpd.controller import Controller
from hypothesis import given, strategies

from imdb_tasks.errors import MailError, SettingsError
from imdb_tasks.pipeline import Steps
from imdb_tasks.report import compose_mail
from imdb_tasks.settings import ADDRESS
from imdb_tasks.store import Entry
from imdb_tasks.study import Delivery, LocalSource
from scripts.home import free_port
from tests.support.airflow_home import ROOT
from tests.support.inbox import Inbox
from tests.support.reported import reported_study


def set_connection(monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    extra = {"from_email": "study@example.org", "disable_tls": True, "disable_ssl": True, "retry_limit": 0}
    connection = {"conn_type": "smtp", "host": "127.0.0.1", "port": port, "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", json.dumps(connection))


@pytest.fixture
def delivery(monkeypatch: pytest.MonkeyPatch, inbox: Inbox):
    monkeypatch.syspath_prepend(str(ROOT / "dags"))
    set_connection(monkeypatch, inbox.port)
    import imdb_delivery

    return imdb_delivery


def context(**conf: object) -> dict[str, object]:
    import imdb_study

    run = SimpleNamespace(conf=conf, run_id="manual__1", run_type="manual")
    return {"dag": imdb_study.STUDIES["imdb_study"], "dag_run": run, "run_id": "<b>run</b>", "reason": "task_failure"}


@pytest.mark.parametrize(
    ("base", "address"),
    [
        ("", None),
        ("auto", None),
        (
            "https://airflow.example.org/team/",
            "https://airflow.example.org/team/dags/imdb_study/runs/manual__1%2B00%3A00%2Fx/plugin/imdb-report",
        ),
    ],
)
def test_the_mail_leads_to_the_runs_report_where_airflow_knows_its_address(
    delivery, monkeypatch: pytest.MonkeyPatch, base: str, address: str | None
) -> None:
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", base)
    assert delivery.report_address("manual__1+00:00/x") == address


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


def test_a_bad_address_does_not_keep_the_word_of_a_failure_from_the_others(delivery, inbox: Inbox) -> None:
    before = len(inbox.mails)
    delivery.mail_failure(context(recipients=["a@b.c\nBcc: d@example.org", None, "a@example.org", "nobody"]))
    assert [mail["To"] for mail in inbox.mails[before:]] == ["a@example.org"]


@pytest.mark.parametrize("recipients", [["nobody"], "a@example.org", 7])
def test_a_failed_run_without_any_good_address_is_mailed_to_nobody(delivery, inbox: Inbox, recipients: object) -> None:
    before = len(inbox.mails)
    delivery.mail_failure(context(recipients=recipients))
    assert len(inbox.mails) == before


class Refusing:
    """An SMTP server's handler that answers every mail with one line."""

    def __init__(self, answer: str) -> None:
        self.answer = answer

    async def handle_DATA(self, server, session, envelope) -> str:  # noqa: N802 - aiosmtpd's name
        return self.answer


@pytest.fixture
def reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Steps:
    """A study with a report in the store."""
    monkeypatch.setenv("BROWSER_PATH", str(tmp_path / "no-such-browser"))
    return reported_study(tmp_path / "store", "by-hand")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Entry:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BROWSER_PATH", "/no-such-browser")
        return reported_study(tmp_path_factory.mktemp("report") / "store", "by-hand").reported()


@given(address=strategies.from_regex(ADDRESS.removesuffix("$") + r"\Z"))
def test_an_address_that_the_form_takes_can_be_mailed_to_when_the_study_is_done(report: Entry, address: str) -> None:
    [recipient] = Delivery(recipients=(address,)).recipients
    mail = compose_mail(report.path, report.about, sender="a@b.org", recipients=(recipient,), identity="run r1")
    assert mail["To"].addresses[0].addr_spec == address


@pytest.mark.parametrize(
    ("answer", "kind"),
    [("550 not wanted", SettingsError), ("552 too large", SettingsError), ("451 later", MailError)],
)
def test_a_refusal_for_good_is_permanent_and_one_for_now_is_tried_again(
    delivery, reported: Steps, monkeypatch: pytest.MonkeyPatch, answer: str, kind: type[Exception]
) -> None:
    port = free_port(2525)
    server = Controller(Refusing(answer), hostname="127.0.0.1", port=port)
    server.start()
    try:
        set_connection(monkeypatch, port)
        with pytest.raises(kind, match=answer[:3]):
            delivery.send(reported, Delivery(recipients=("a@example.org",)))
    finally:
        server.stop()
    assert reported.result_has_changed()


def test_a_server_that_is_not_there_is_tried_again(delivery, reported: Steps, monkeypatch: pytest.MonkeyPatch) -> None:
    set_connection(monkeypatch, free_port(2525))
    with pytest.raises(MailError, match="did not accept the report"):
        delivery.send(reported, Delivery(recipients=("a@example.org",)))


def test_the_same_bytes_from_another_folder_are_no_change_to_mail(
    delivery, reported: Steps, inbox: Inbox, tmp_path: Path
) -> None:
    wanted = Delivery(recipients=("a@example.org",), notify="on change")
    assert delivery.send(reported, wanted) == "sent to 1 recipients"
    source = LocalSource(path=str(shutil.copytree(tmp_path / "corpus", tmp_path / "elsewhere")))
    study = reported.study.model_copy(update={"reviews": source, "glove": source})
    again = Steps(study, reported.store, "run-2")
    again.fetch_reviews()
    again.fetch_glove()
    assert again.report().key == reported.reported().key
    assert delivery.send(again, wanted) == "not sent: the result has not changed since the last mail"


def test_a_report_drawn_without_a_browser_is_drawn_again(reported: Steps, monkeypatch: pytest.MonkeyPatch) -> None:
    assert reported.reported().about["pictures"] is False
    monkeypatch.delenv("BROWSER_PATH")
    assert reported.report().about["pictures"] is True
