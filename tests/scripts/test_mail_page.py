"""The page of the mail catcher, over the real server for mail and the real pages."""

import contextlib
import re
import smtplib
import threading
import time
import tracemalloc
from email.message import EmailMessage

import httpx
import pytest
import uvicorn

from scripts.mail_catcher import LARGEST_MESSAGE, MailCatcher
from scripts.mail_page import LISTED, MAIL_POLICY, pages_of

DOT = b"\x89PNG\r\n\x1a\n"
HOSTILE = '<script>alert("x")</script>'


def report() -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "study@example.org", "team@example.org", f"Result {HOSTILE}"
    mail.set_content("GRU is ahead")
    mail.add_alternative('<p>GRU is ahead<img src="cid:chart"></p>', subtype="html")
    mail.get_payload()[1].add_related(DOT, "image", "png", cid="<chart>")
    mail.add_attachment(b"<html>", maintype="application", subtype="zip", filename='re"port.zip')
    return mail


@contextlib.contextmanager
def served(folder):
    server = uvicorn.Server(uvicorn.Config(pages_of(folder), port=0, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture
def catcher(tmp_path):
    with MailCatcher(tmp_path / "mail") as catcher:
        yield catcher


@pytest.fixture
def page(catcher):
    with smtplib.SMTP("127.0.0.1", catcher.port, timeout=10) as client:
        client.send_message(report())
    with served(catcher.folder) as page:
        yield page


def test_an_empty_folder_says_so(tmp_path):
    with served(tmp_path) as page:
        assert "None yet" in page.get("/").text


def test_a_mail_is_listed_and_its_subject_is_text(page):
    shown = page.get("/").text
    assert "team@example.org" in shown
    assert "Result &lt;script&gt;" in shown


def test_the_list_shows_the_newest_mails_and_the_count_of_all(tmp_path):
    for number in range(LISTED + 2):
        (tmp_path / f"20260101-{number:06}.eml").write_bytes(b"Subject: number %d\r\n\r\nbody" % number)
    with served(tmp_path) as page:
        shown = page.get("/").text
    assert f"<h1>Mail ({LISTED + 2})</h1>" in shown
    listed = [int(number) for number in re.findall(r"number (\d+)</a>", shown)]
    assert listed == list(range(LISTED + 1, 1, -1))
    assert "The newest 100; 2 older ones are in the folder." in shown


def test_the_list_reads_no_bodies(tmp_path):
    with (tmp_path / "large.eml").open("wb") as file:
        file.write(b"Subject: a large one\r\n\r\n")
        file.truncate(LARGEST_MESSAGE)
    with served(tmp_path) as page:
        page.get("/")
        tracemalloc.start()
        try:
            assert "a large one" in page.get("/").text
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < LARGEST_MESSAGE / 10


def test_a_mail_is_shown_with_its_pictures_and_without_scripts_or_anything_from_elsewhere(page, catcher):
    [key] = [path.stem for path in catcher.received]
    assert f'<iframe sandbox title="The message" src="/mails/{key}/html">' in page.get(f"/mails/{key}").text
    html = page.get(f"/mails/{key}/html")
    assert "data:image/png;base64,iVBORw0KGgo=" in html.text
    assert html.headers["Content-Security-Policy"] == MAIL_POLICY


def test_attachments_and_the_whole_message_are_saved_and_never_shown(page, catcher):
    [path] = catcher.received
    links = [word.split('"')[1] for word in page.get(f"/mails/{path.stem}").text.split("href=")[1:]]
    attachment, source = (page.get(link) for link in links if link != "/")
    assert attachment.content == b"<html>"
    assert attachment.headers["Content-Disposition"] == 'attachment; filename="report.zip"'
    assert b"Result" in source.content
    assert source.headers["Content-Type"] == "application/octet-stream"


@pytest.mark.parametrize("place", ["/mails/none", "/mails/..%2Fsecret", "/mails/none/html", "/mails/none/parts/0"])
def test_nothing_outside_the_folder_can_be_read(page, place, tmp_path):
    tmp_path.joinpath("secret.eml").write_text("Subject: secret\n\nsecret")
    assert page.get(place).status_code == 404
