import email
import io
import re
import smtplib
import time
import zipfile
from email.policy import SMTP, default
from email.utils import parsedate_to_datetime

import pytest
from aiosmtpd.controller import Controller

from imdb_tasks.errors import SettingsError
from imdb_tasks.report import build, mail
from imdb_tasks.study import Study, TrainingSettings
from tests.support.study_analysis import material
from tests.support.study_results import study_result

SENDER = "IMDB study <study@example.org>"
RUN = {"sender": SENDER, "identity": "run-1 r1"}
PIXEL = b"\x89PNG\r\n\x1a\n" + bytes(2_000)


def save_pixels(figures, folder):
    folder.mkdir()
    for name in figures:
        folder.joinpath(f"{name}.png").write_bytes(PIXEL)


def write(result, folder):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build, "save_pictures", save_pixels)
        patch.setattr(build, "print_pdf", lambda html, target: target.write_bytes(b"%PDF-1.7"))
        return build.write_report(material(result), folder)


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    return folder, write(study_result(), folder)


@pytest.fixture(scope="module")
def message(report):
    folder, about = report
    return mail.compose_mail(folder, about, recipients=["reader@example.org", "Second <two@example.org>"], **RUN)


class Mailbox:
    def __init__(self):
        self.taken = []

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        self.taken.append(envelope)
        return "250 taken"


class AnyPort(Controller):
    """Asks the system for a free port, and then knows it."""

    def _trigger_server(self):
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@pytest.fixture
def server():
    controller = AnyPort(Mailbox(), hostname="127.0.0.1", port=0)
    controller.start()
    yield controller
    controller.stop()


def test_a_mail_server_takes_the_mail_and_every_part_arrives(message, server):
    with smtplib.SMTP(server.hostname, server.port, timeout=10) as connection:
        connection.send_message(message)
    [envelope] = server.handler.taken
    received = email.message_from_bytes(envelope.content, policy=default)
    assert envelope.rcpt_tos == ["reader@example.org", "two@example.org"]
    assert all(part.defects == [] for part in received.walk())
    assert [part.get_content_type() for part in received.walk()] == [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
        "multipart/related",
        "text/html",
        *["image/png"] * 4,
        "application/zip",
        "application/pdf",
    ]
    html = received.get_body(("html",)).get_content()
    wanted = re.findall(r'src="cid:([^"]+)"', html)
    carried = {part["Content-ID"].strip("<>") for part in received.walk() if part["Content-ID"]}
    assert len(wanted) == 4
    assert set(wanted) == carried


def test_the_attachment_is_the_page_packed(message, report):
    attachment, printed = message.iter_attachments()
    assert (printed.get_filename(), printed.get_content()) == ("imdb-study-summary.pdf", b"%PDF-1.7")
    assert attachment.get_filename() == "imdb-study-report.html.zip"
    with zipfile.ZipFile(io.BytesIO(attachment.get_content())) as archive:
        assert archive.namelist() == ["imdb-study-report.html"]
        assert archive.read("imdb-study-report.html") == report[0].joinpath("report.html").read_bytes()


def test_a_small_page_is_attached_as_it_is(report, tmp_path):
    folder, about = report
    for name in ("mail.html", "mail.txt"):
        tmp_path.joinpath(name).write_bytes(folder.joinpath(name).read_bytes())
    tmp_path.joinpath("report.html").write_text("<p>small</p>")
    message = mail.compose_mail(tmp_path, {**about, "charts": []}, recipients=["a@example.org"], **RUN)
    [attachment] = message.iter_attachments()
    assert (attachment.get_filename(), attachment.get_content_type()) == ("imdb-study-report.html", "text/html")


def size_on_the_wire(message):
    part = message.get_body(("html",))
    return len(part.as_bytes(policy=SMTP))


def test_the_html_is_far_below_the_size_at_which_readers_cut_it(message):
    assert size_on_the_wire(message) < 40_000


def test_a_huge_grid_with_long_reasons_still_fits(tmp_path):
    study = Study(units=tuple(range(1, 167)), training=TrainingSettings(epochs=1))
    reasons = {variant.name: "é<&>" * 100 for variant in study.variants[20:]}
    about = write(study_result(study, missing=reasons), tmp_path)
    message = mail.compose_mail(tmp_path, about, recipients=["a@example.org"], **RUN)
    assert size_on_the_wire(message) < 100_000
    assert "more in the attached page" in message.get_body(("plain",)).get_content()


def test_the_whole_mail_is_below_what_servers_take(message):
    assert len(message.as_bytes()) < 5_000_000


def test_the_text_stands_alone(message):
    text = message.get_body(("plain",)).get_content()
    assert "WHAT SHOULD I USE?\nUse GRU-32/64: 86.2 % of 10,000 test reviews right" in text
    assert "diverged at epoch 7: loss is not finite" in text
    assert "Each setting was trained once:" in text
    assert re.search(r"supported +GRU performs better than LSTM\n +Test accuracy, GRU − LSTM: \+", text)
    assert re.search(r"Without the trainings that did not\s+converge: test accuracy, GRU − LSTM: \+", text)
    assert re.search(r"Not converged: \d+ of \d+ trainings, \d of \d GRU and \d of \d LSTM \(their final loss is", text)
    assert "&" not in text


def test_the_table_of_the_text_is_aligned(message):
    lines = message.get_body(("plain",)).get_content().splitlines()
    head = next(i for i, line in enumerate(lines) if line.startswith("model"))
    table = [line for line in lines[head : head + 19] if "diverged" not in line and "missing" not in line]
    table = [line.removesuffix("  did not converge") for line in table]
    assert len(table) == 16
    assert len({len(line) for line in table}) == 1


def test_the_headers_are_whole(message):
    assert message["Subject"] == "IMDB study: use GRU-32/64, 86.2 %; 2 diverged, 1 missing"
    assert abs(parsedate_to_datetime(message["Date"]).timestamp() - time.time()) < 600
    assert re.fullmatch(r"<[^@<>\s]+@example\.org>", message["Message-ID"])
    assert message["Auto-Submitted"] == "auto-generated"


def test_a_mail_that_is_sent_again_has_the_same_name_and_another_run_has_another(report, message):
    folder, about = report
    again = mail.compose_mail(folder, about, recipients=["a@example.org"], **RUN)
    other = mail.compose_mail(folder, about, sender=SENDER, recipients=["a@example.org"], identity="run-2 r1")
    assert again["Message-ID"] == message["Message-ID"]
    assert other["Message-ID"] != message["Message-ID"]


def test_a_line_break_in_the_subject_starts_no_header(report):
    folder, about = report
    evil = {**about, "subject": "news\r\nBcc: everyone@example.org"}
    message = mail.compose_mail(folder, evil, recipients=["a@example.org"], **RUN)
    assert message["Subject"] == "news Bcc: everyone@example.org"
    assert message["Bcc"] is None


@pytest.mark.parametrize(
    "address",
    [
        "",
        "nobody",
        "a@example.org\nBcc: b@example.org",
        "a@example.org, b@example.org",
        "a@",
        "@example.org",
        "ä@example.org",
    ],
)
def test_what_is_no_single_address_is_refused(report, address):
    folder, about = report
    with pytest.raises(SettingsError, match="is not a mail address"):
        mail.compose_mail(folder, about, recipients=[address], **RUN)
    with pytest.raises(SettingsError, match="is not a mail address"):
        mail.compose_mail(folder, about, sender=address, recipients=["a@example.org"], identity="run-1 r1")


def test_a_mail_to_nobody_is_refused(report):
    folder, about = report
    with pytest.raises(SettingsError, match="no recipients"):
        mail.compose_mail(folder, about, recipients=[], **RUN)


def test_a_link_to_the_report_is_a_button_and_an_address(report):
    folder, about = report
    address = "https://airflow.example.org/dags/imdb_study/runs/a%2Bb/plugin/imdb-report"
    linked = mail.compose_mail(folder, about, recipients=["a@example.org"], link=address, **RUN)
    assert f'<a href="{address}"' in linked.get_body(("html",)).get_content()
    assert f"The report in Airflow: {address}\n" in linked.get_body(("plain",)).get_content()


def test_a_mail_without_a_link_has_neither_a_button_nor_a_gap_for_it(message):
    for kind in ("html", "plain"):
        content = message.get_body((kind,)).get_content()
        assert "in Airflow" not in content
        assert build.LINK_PLACE not in content


def test_the_mail_has_no_json_and_no_path_of_a_machine(message):
    for kind in ("html", "plain"):
        content = message.get_body((kind,)).get_content()
        assert '{"' not in content.replace("&#34;", '"')
        assert "/home/" not in content
