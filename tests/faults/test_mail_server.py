"""A mail server on a bad day: the report is saved already, the mail task alone fails, and nobody gets a mail twice."""

import contextlib
import gc
import json
import socket
from pathlib import Path
from typing import Any

import pytest

from imdb_tasks.errors import MailError, SettingsError
from imdb_tasks.pipeline import Steps
from imdb_tasks.study import Delivery
from tests.support.airflow_home import ROOT
from tests.support.examples import also
from tests.support.reported import reported_study
from tests.support.smtp_servers import LOST, RECIPIENT, USER, BadMailServer
from tests.support.whole_airflow import WholeAirflow

pytestmark = pytest.mark.slow  # each test draws a report; tests/dags has the refusals that matter most

OTHER = "b@example.org"
TO = Delivery(recipients=(RECIPIENT,))


Failure = tuple[type[Exception], bool]  # what it is, and whether the task is tried again
FOR_NOW, FOR_GOOD = (MailError, True), (SettingsError, False)


@pytest.fixture
def delivery(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(ROOT / "dags"))
    import imdb_delivery

    return imdb_delivery


@pytest.fixture
def reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Steps:
    """A study with a report in the store."""
    monkeypatch.setenv("BROWSER_PATH", str(tmp_path / "no-such-browser"))
    return reported_study(tmp_path / "store", "run-1")


def connect(monkeypatch: pytest.MonkeyPatch, port: int, **more: object) -> None:
    extra = {
        "from_email": "study@example.org",
        "disable_tls": True,
        "disable_ssl": True,
        "retry_limit": 0,
        "timeout": 5,  # a busy machine answers late
    }
    connection = {"conn_type": "smtp", "host": "127.0.0.1", "port": port, "extra": extra, **more}
    monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", json.dumps(connection))


def is_retried(error: Exception) -> bool:
    import imdb_study
    from airflow.sdk.definitions.retry_policy import RetryAction

    action = imdb_study.STUDIES["imdb_study"].get_task("send_report").retry_policy.evaluate(error, 1, 3).action
    return bool(action is not RetryAction.FAIL)


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        ("451 greylisted, come back later", FOR_NOW),
        also("421 closing down", FOR_NOW),
        ("550 no such mailbox", FOR_GOOD),
        (LOST, FOR_NOW),
    ],
)
def test_what_may_pass_is_tried_again_and_what_will_not_is_not(
    delivery: Any, reported: Steps, monkeypatch: pytest.MonkeyPatch, answer: str, failure: Failure
) -> None:
    kind, again = failure
    with BadMailServer(answer) as server:
        connect(monkeypatch, server.port)
        with pytest.raises(kind) as caught:
            delivery.send(reported, TO)
    assert is_retried(caught.value) is again
    assert reported.reported().file("report.html").exists()
    assert not reported.is_mailed(reported.reported().key)


@pytest.mark.parametrize(
    ("refused", "failure"),
    [
        ({RECIPIENT: "550 no such mailbox"}, FOR_GOOD),
        also({RECIPIENT: "450 greylisted, come back later"}, FOR_NOW),
        also({RECIPIENT: "421 closing down"}, FOR_NOW),
        also({RECIPIENT: "550 no such mailbox", OTHER: "554 not here"}, FOR_GOOD),
        ({RECIPIENT: "550 no such mailbox", OTHER: "450 greylisted"}, FOR_NOW),
    ],
)
def test_if_every_recipient_is_refused_the_mail_is_tried_again_unless_for_good(
    delivery: Any, reported: Steps, monkeypatch: pytest.MonkeyPatch, refused: dict[str, str], failure: Failure
) -> None:
    kind, again = failure
    with BadMailServer(refused=refused) as server:
        connect(monkeypatch, server.port)
        with pytest.raises(kind, match=r"refused every recipient: a@example\.org \(") as caught:
            delivery.send(reported, Delivery(recipients=tuple(refused)))
    assert is_retried(caught.value) is again
    assert server.offered == []
    assert not reported.is_mailed(reported.reported().key)


@pytest.mark.parametrize("answer", ["550 no such mailbox", also("450 greylisted")])
def test_if_some_recipients_are_refused_nobody_gets_a_second_mail(
    delivery: Any, reported: Steps, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    both = Delivery(recipients=(RECIPIENT, OTHER))
    with BadMailServer(refused={OTHER: answer}) as server:
        connect(monkeypatch, server.port)
        with pytest.raises(
            SettingsError, match=r"sent, but .* refused these recipients: \['b@example\.org'\]"
        ) as caught:
            delivery.send(reported, both)
        assert not is_retried(caught.value)
        assert "has mailed this report already" in delivery.send(reported, both)
    assert len(server.taken) == 1


@pytest.mark.filterwarnings("ignore:Exception ignored in.*socket:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings(
    "ignore:unclosed <socket:ResourceWarning"
)  # the hook's, which is not closed before it is open
def test_a_wrong_password_is_permanent_and_not_in_the_message(
    delivery: Any, reported: Steps, monkeypatch: pytest.MonkeyPatch
) -> None:
    with BadMailServer(password="right") as server:
        connect(monkeypatch, server.port, login=USER, password="canary-wrong")
        with pytest.raises(SettingsError, match="535") as caught:
            delivery.send(reported, TO)
    assert not is_retried(caught.value)
    assert "canary-wrong" not in str(caught.value)
    assert server.offered == []
    del caught  # the traceback, and with it the hook's connection
    gc.collect()


@pytest.mark.parametrize("greeting", [b"", also(b"220 hello\r\n")], ids=["from the start", "after its greeting"])
def test_a_server_that_hangs_is_given_up_and_tried_again(
    delivery: Any, reported: Steps, monkeypatch: pytest.MonkeyPatch, greeting: bytes
) -> None:
    with contextlib.ExitStack() as open_sockets:
        listener = open_sockets.enter_context(socket.create_server(("127.0.0.1", 0)))
        connect(monkeypatch, listener.getsockname()[1])
        if greeting:
            greeted = _greeted(listener, greeting, socket.create_connection, open_sockets)
            monkeypatch.setattr(socket, "create_connection", greeted)
        with pytest.raises(MailError) as caught:
            delivery.send(reported, TO)
    assert is_retried(caught.value)


def _greeted(listener: socket.socket, greeting: bytes, connect: Any, open_sockets: contextlib.ExitStack) -> Any:
    """Accept and greet each connection as it is made, and then say nothing more."""

    def create_connection(*arguments: Any, **options: Any) -> socket.socket:
        made: socket.socket = connect(*arguments, **options)
        open_sockets.enter_context(listener.accept()[0]).sendall(greeting)
        return made

    return create_connection


def test_a_server_that_is_not_there_is_tried_again(
    delivery: Any, reported: Steps, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    connect(monkeypatch, port)
    with pytest.raises(MailError, match="did not accept the report") as caught:
        delivery.send(reported, TO)
    assert is_retried(caught.value)


@pytest.mark.parametrize("answer", [also("451 later"), LOST])
def test_a_mail_that_is_sent_again_is_the_same_mail_to_whoever_receives_it(
    delivery: Any, reported: Steps, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    with BadMailServer(answer) as server:
        connect(monkeypatch, server.port)
        with pytest.raises(MailError):
            delivery.send(reported, TO)
        assert delivery.send(reported, TO) == "sent to 1 recipients"
    assert len(server.offered) == 2
    assert len({message["Message-ID"] for message in server.offered}) == 1


def test_after_a_success_nothing_is_sent_again(delivery: Any, reported: Steps, monkeypatch: pytest.MonkeyPatch) -> None:
    with BadMailServer() as server:
        connect(monkeypatch, server.port)
        delivery.send(reported, TO)
        assert "has mailed this report already" in delivery.send(reported, TO)
    assert len(server.taken) == 1


def test_in_a_run_the_mail_task_alone_fails_at_the_first_try_and_the_report_is_there(
    whole: WholeAirflow, small_form: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = whole.finished(
        small_form, after_the_plan=lambda: monkeypatch.setattr(whole.mail, "password", "changed meanwhile")
    )
    assert run.state == "failed"
    states = run.states()
    assert (states.pop("send_report"), states.pop("check_complete")) == ("failed", "upstream_failed")
    assert set(states.values()) == {"success"}
    assert run.task("send_report")["try_number"] == 1
    report = whole.store.read_ref(f"runs/{run.run_id}")
    assert report is not None
    assert whole.store.find("reports", report["report"]) is not None


def test_a_login_that_is_refused_from_the_start_fails_the_plan_and_trains_nothing(
    whole: WholeAirflow, small_form: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(whole.mail, "password", "another")
    run = whole.finished(small_form)
    states = run.states()
    assert (run.state, states.pop("plan")) == ("failed", "failed")
    assert run.task("plan")["try_number"] == 1
    assert set(states.values()) == {"upstream_failed"}


def test_in_a_run_a_greylisted_mail_is_tried_again_until_it_is_taken_once(
    whole: WholeAirflow, small_form: dict[str, Any]
) -> None:
    recipient = "greylisted@example.org"
    whole.mail.answers[recipient] = ["451 greylisted", "451 greylisted"]
    run = whole.finished({**small_form, "recipients": [recipient]})
    assert run.state == "success"
    assert run.task("send_report")["try_number"] == 3
    taken, offered = (
        [message["Message-ID"] for message in messages if message["To"] == recipient]
        for messages in (whole.mail.taken, whole.mail.offered)
    )
    assert len(taken) == 1
    assert offered == taken * 3
