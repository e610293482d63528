"""Everyone who is to hear of a run hears of it, each by a real server, and whatever the others' do."""

import json
import logging
from collections.abc import Iterator
from types import ModuleType

import pytest

from imdb_tasks.errors import SettingsError
from imdb_tasks.report import Notice
from scripts.home import free_port
from tests.support.airflow_home import ROOT
from tests.support.inbox import Inbox, connect_smtp
from tests.support.webhook import APPRISE, Webhook, listening

# Apprise loads all its services, and one of them an old module of Python's.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

NOTICE = Notice("the run failed", "It has <failed>.", "http://localhost/run", "Clear it.")


@pytest.fixture
def notices(monkeypatch: pytest.MonkeyPatch, inbox: Inbox) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "dags"))
    connect_smtp(monkeypatch, inbox.port)
    import imdb_notices

    return imdb_notices


@pytest.fixture
def webhook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Webhook]:
    with listening() as started:
        for name, value in started.environment.items():
            monkeypatch.setenv(name, value)
        yield started


def tell(notices: ModuleType, **form: object) -> None:
    notices.tell(NOTICE, notices.Run.of("imdb_study", "manual__1", form, "manual"), {"run_id": "manual__1"})


def test_a_notice_is_mailed_to_the_runs_recipients_and_posted_by_the_notifier(
    notices: ModuleType, inbox: Inbox, webhook: Webhook
) -> None:
    before = len(inbox.mails)
    tell(notices, recipients=["a@example.org"])
    [mail] = inbox.mails[before:]
    assert (mail["To"], mail["Subject"]) == ("a@example.org", "the run failed")
    [posted] = webhook.posted
    assert posted["title"] == "the run failed"
    assert posted["message"].startswith("manual__1: It has <failed>.")
    assert "Clear it." in posted["message"]


@pytest.mark.parametrize("form", [{"notify": "never", "recipients": ["a@example.org"]}, {"recipients": []}])
def test_nobody_is_mailed_who_does_not_want_to_be_but_notifiers_are_told(
    notices: ModuleType, inbox: Inbox, webhook: Webhook, form: dict[str, object]
) -> None:
    before = len(inbox.mails)
    tell(notices, **form)
    assert len(inbox.mails) == before
    assert len(webhook.posted) == 1


def test_a_bad_address_does_not_keep_the_word_from_the_others(notices: ModuleType, inbox: Inbox) -> None:
    before = len(inbox.mails)
    tell(notices, recipients=["a@b.c\nBcc: d@example.org", None, "a@example.org", "nobody"])
    assert [mail["To"] for mail in inbox.mails[before:]] == ["a@example.org"]


@pytest.mark.parametrize("recipients", [["nobody"], "a@example.org", 7])
def test_without_any_good_address_nothing_is_mailed(notices: ModuleType, inbox: Inbox, recipients: object) -> None:
    before = len(inbox.mails)
    tell(notices, recipients=recipients)
    assert len(inbox.mails) == before


def test_a_mail_server_that_is_down_does_not_keep_the_notice_from_the_notifier(
    notices: ModuleType, webhook: Webhook, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    connect_smtp(monkeypatch, free_port(2525))
    tell(notices, recipients=["a@example.org"])
    assert len(webhook.posted) == 1
    assert "the mail did not take the notice: the mail server" in caplog.text


def test_a_notifier_that_fails_keeps_nobody_else_from_hearing_and_shows_no_secret(
    notices: ModuleType,
    inbox: Inbox,
    webhook: Webhook,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    good = json.loads(webhook.environment["IMDB_NOTIFIERS"])
    bad = [{"class": "no.such.Notifier"}, {"class": APPRISE, "body": "x", "apprise_conn_id": "canary-9f2"}]
    monkeypatch.setenv("IMDB_NOTIFIERS", json.dumps([*bad, *good]))
    before = len(inbox.mails)
    with caplog.at_level(logging.WARNING, "imdb_notices"):
        tell(notices, recipients=["a@example.org"])
    assert (len(inbox.mails) - before, len(webhook.posted)) == (1, 1)
    assert "canary" not in caplog.text  # Airflow logs what a notifier raises
    said = [record.message for record in caplog.records if record.name == "imdb_notices"]
    assert len(said) == 2
    assert "canary" not in "".join(said)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("slack", "expected a JSON list of notifiers"),
        ('[{"name": "canary"}]', "expected a JSON list of notifiers"),
        ('[{"class": "no_such_provider.Notifier"}]', r"cannot be made \(ModuleNotFoundError\); install its provider"),
        ('[{"class": "json.JSONDecoder"}]', "expected a notifier of Airflow, found json.JSONDecoder"),
        (f'[{{"class": "{APPRISE}", "text": "canary"}}]', r"cannot be made \(TypeError\)"),
    ],
)
def test_a_notifier_that_cannot_be_made_is_refused_by_the_plan_and_shows_no_argument(
    notices: ModuleType, monkeypatch: pytest.MonkeyPatch, value: str, message: str
) -> None:
    monkeypatch.setenv("IMDB_NOTIFIERS", value)
    with pytest.raises(SettingsError, match=message) as raised:
        notices.check_notifiers()
    assert "canary" not in str(raised.value)


def test_the_address_of_a_run_is_that_of_its_page_whatever_its_id(
    notices: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.example.org/")
    run = notices.Run.of("imdb_study", "scheduled__2026-01-05T00:00:00+00:00", None, "scheduled")
    assert run.address == (
        "https://airflow.example.org/dags/imdb_study/runs/scheduled__2026-01-05T00%3A00%3A00%2B00%3A00"
    )


@pytest.mark.parametrize("base", ["", "auto"])
def test_without_an_address_of_airflow_a_run_has_none(
    notices: ModuleType, monkeypatch: pytest.MonkeyPatch, base: str
) -> None:
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", base)
    assert notices.Run.of("imdb_study", "manual__1", None, "manual").address == ""
