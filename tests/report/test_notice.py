from imdb_tasks.report import Notice, Trouble, compose_notice
from tests.support.markup import unclosed

LINK = "http://airflow.example.org/dags/imdb_study/runs/manual__1"
REASON = "DataError: reviews.csv, row 7: expected a label, found 'maybe'; correct the row"


def notice(**changes: object) -> Notice:
    trouble = Trouble(("GRU, 64 units, batches of 32", "prepare"), REASON, f"{LINK}/tasks/prepare")
    values = {"subject": "the run failed", "opening": "The run has failed.", "link": LINK, "advice": "Clear it."}
    return Notice(**{**values, "troubles": (trouble,), "not_run": ("evaluate", "report"), **changes})


def test_the_mail_has_a_text_and_a_page_that_both_name_each_task_its_error_and_what_to_do() -> None:
    mail = compose_notice(notice(), sender="a@example.org", recipients=["b@example.org"], identity="run-1")
    assert mail.get_content_type() == "multipart/alternative"
    text, page = (part.get_content() for part in mail.iter_parts())
    for told in ("GRU, 64 units, batches of 32", "prepare", "evaluate, report", "Clear it.", LINK, f"{LINK}/tasks/"):
        assert told in text
        assert told in page
    assert "expected a label" in " ".join(text.split())
    assert (mail["Subject"], mail["To"]) == ("the run failed", "b@example.org")


def test_where_airflow_does_not_know_its_address_the_mail_has_no_link() -> None:
    for part in (notice(link="").text, notice(link="").html):
        assert "The run in Airflow" not in part
        assert "The run:" not in part
        assert "Clear it." in part
    assert notice().text.endswith(f"Clear it.\n\nThe run: {LINK}\n")


def test_the_page_is_well_formed_and_shows_markup_as_text() -> None:
    page = notice(subject="<b>&</b>", opening="<i>x", advice='"><script>').html
    assert unclosed(page.replace("<!DOCTYPE html>", "")) == []
    assert "<script>" not in page
    assert "&lt;b&gt;&amp;&lt;/b&gt;" in page


def test_the_text_wraps_sentences_and_keeps_addresses_whole() -> None:
    address = f"https://example.org/{'x' * 150}"
    text = notice(troubles=(Trouble(("train",), f"{'word ' * 60}{address} end", address),)).text
    assert text.count(address) == 2
    assert max(len(line) for line in text.splitlines() if address not in line) <= 100


def test_a_line_break_in_the_subject_starts_no_header_of_its_own() -> None:
    mail = compose_notice(
        notice(subject="a\nBcc: c@example.org"), sender="a@example.org", recipients=["b@example.org"], identity="1"
    )
    assert mail["Subject"] == "a Bcc: c@example.org"
    assert mail["Bcc"] is None
