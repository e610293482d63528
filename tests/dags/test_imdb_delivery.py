import shutil
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from hypothesis import given, strategies

from imdb_tasks.errors import MailError, SettingsError
from imdb_tasks.pipeline import Steps
from imdb_tasks.report import compose_mail
from imdb_tasks.store import Entry
from imdb_tasks.study import Delivery, LocalSource
from imdb_tasks.typed_values import ADDRESS
from scripts.home import free_port
from tests.support.airflow_home import ROOT
from tests.support.inbox import Inbox, connect_smtp
from tests.support.reported import reported_study


@pytest.fixture
def delivery(monkeypatch: pytest.MonkeyPatch, inbox: Inbox):
    monkeypatch.syspath_prepend(str(ROOT / "dags"))
    connect_smtp(monkeypatch, inbox.port)
    import imdb_delivery

    return imdb_delivery


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
        connect_smtp(monkeypatch, port)
        with pytest.raises(kind, match=answer[:3]):
            delivery.send(reported, Delivery(recipients=("a@example.org",)))
    finally:
        server.stop()
    assert reported.result_has_changed()


def test_a_server_that_is_not_there_is_tried_again(delivery, reported: Steps, monkeypatch: pytest.MonkeyPatch) -> None:
    connect_smtp(monkeypatch, free_port(2525))
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
