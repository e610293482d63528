"""Text that would like to be something else, in page, mail and Airflow's pages: shown as text, and nothing happens."""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import pytest
from playwright.sync_api import Browser
from pydantic import ValidationError

from imdb_tasks.analysis import Analysis
from imdb_tasks.report import build, mail
from imdb_tasks.study import Record, StudyResult
from tests.support.examples import first
from tests.support.page_elements import Seen, look_at
from tests.support.study_analysis import material, run_comparison, study_analysis, wrong_reviews
from tests.support.study_results import study_result
from tests.support.whole_airflow import WholeAirflow

pytestmark = pytest.mark.slow  # each text is drawn into a page and a mail, and opened in a browser

HARMLESS = "harmless"
HOSTILE = {
    "an element": "<img src=x onerror=alert(1)>",
    "the end of a script": "</script><script>alert(2)</script>",
    "the end of a title": "</title></style></textarea>--><svg onload=alert(3)>",
    "a template": "{{7*7}}{% for x in y %}${7*7}",
    "an attribute": '" onmouseover="alert(4)" x=\'',
    "an address": "javascript:alert(5)",
    "right to left": "\u202egnp.exe\u2066\u202d \u05e9\u05dc\u05d5\u05dd",
    "control characters": "a\x00b\x07c\x1b[31md\r\nBcc: all@example.org\u2028e\ufeff",
    "a word of a megabyte": "w" * 1_000_000,
}
FILES = ("report.html", "as-mailed.html")
RESULT = study_result()
Record = TypeVar("Record", bound=Record)
PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(100)


@cache
def analysis_of_it() -> Analysis:
    return study_analysis(RESULT, comparison=run_comparison(RESULT))


def everywhere(record: Record, text: str) -> Record:
    """Return a record with the text in every field that takes any text, fields of later versions included."""
    content = json.loads(record.model_dump_json())
    for place in places(type(record)):
        put(content, place, text)
    return type(record).model_validate_json(json.dumps(content))


@cache
def places(kind: type[Record]) -> list[tuple[str | int, ...]]:
    """Return where a record takes any text, and not only one of a few words or a hash."""
    content = json.loads((RESULT if kind is StudyResult else analysis_of_it()).model_dump_json())
    return [place for place in texts(content) if takes_any_text(kind, content, place)]


def texts(value: Any, place: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if isinstance(value, str):
        yield place
    elif isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from texts(inner, (*place, key))


def takes_any_text(kind: type[Record], content: Any, place: tuple[str | int, ...]) -> bool:
    changed = json.loads(json.dumps(content))
    put(changed, place, "<any & text>")
    try:
        kind.model_validate_json(json.dumps(changed))
    except ValidationError:
        return False
    return True


def put(content: Any, place: tuple[str | int, ...], text: str) -> None:
    for key in place[:-1]:
        content = content[key]
    content[place[-1]] = text


def with_everywhere(text: str) -> build.ReportInputs:
    """Return what a report is made of, with the text wherever one can come from outside."""
    return material(
        everywhere(RESULT, text),
        # Of the maintainers' own words and of ids that Airflow bounds, and reviews that are cut where they are read.
        analysis=everywhere(analysis_of_it(), text[:100]),
        wrong=tuple(
            review.model_copy(update={"text": text[:500]}) for review in wrong_reviews()
        ),  # cut where it is read
        provenance={"run": text, "reviews from": text, text[:50]: text},
    )


def write(text: str, folder: Path) -> Path:
    """Write the report with the text everywhere, and return its folder."""

    def save_pictures(figures: dict[str, Any], target: Path) -> None:
        target.mkdir()
        for name in figures:
            target.joinpath(f"{name}.png").write_bytes(PICTURE)

    folder.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build, "save_pictures", save_pictures)
        about = build.write_report(with_everywhere(text), folder)
    addresses = {"sender": "a@example.org", "recipients": ["b@example.org"], "identity": "r"}
    message = mail.compose_mail(folder, about, **addresses)
    assert message["Bcc"] is None
    body = message.get_body(("html",))
    assert body is not None
    folder.joinpath("as-mailed.html").write_text(str(body.get_content()), "utf8")
    return folder


def opened(browser: Browser, path: Path) -> Seen:
    page = browser.new_page()
    try:
        return look_at(page, path.as_uri())
    finally:
        page.close()


@pytest.fixture(scope="module")
def harmless(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Seen]:
    """What the pages are with a word that wants nothing."""
    folder = write(HARMLESS, tmp_path_factory.mktemp("harmless") / "report")
    return {file: opened(browser, folder / file) for file in FILES}


def nothing_happened(seen: Seen) -> bool:
    return (seen.dialogs, seen.in_charts) == ([], [])


def test_the_text_is_in_more_than_a_few_fields() -> None:
    result, analysis = everywhere(RESULT, HARMLESS), everywhere(analysis_of_it(), HARMLESS)
    assert result.model_dump_json().count(HARMLESS) >= 20
    assert analysis.model_dump_json().count(HARMLESS) >= 20
    assert {result.backend, *result.data_card.coverage.frequent_missing} == {HARMLESS}
    assert analysis.comparison is not None
    assert analysis.comparison.previous_run == HARMLESS


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("kind", first(4, HOSTILE))
def test_a_page_shows_it_as_text(
    browser: Browser, harmless: dict[str, Seen], tmp_path: Path, kind: str, file: str
) -> None:
    before, seen = harmless[file], opened(browser, write(HOSTILE[kind], tmp_path / "report") / file)
    assert seen.elements == before.elements
    assert nothing_happened(seen)
    assert seen.errors == before.errors
    assert [url[:9] for url in seen.requests] == [url[:9] for url in before.requests]
    assert shown(HOSTILE[kind])[:80] in " ".join(seen.text.split())


def shown(text: str) -> str:
    """Return the text as a page shows it: without control characters and line breaks."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def test_a_word_of_a_megabyte_does_not_swell_the_mail(tmp_path: Path) -> None:
    folder = write(HOSTILE["a word of a megabyte"], tmp_path / "report")
    assert folder.joinpath("as-mailed.html").stat().st_size < 102_000  # where mail readers cut a message


@pytest.mark.parametrize("kind", first(2, list(HOSTILE)[:4]))
def test_airflows_page_shows_it_as_text(whole: WholeAirflow, browser: Browser, tmp_path: Path, kind: str) -> None:
    before = in_airflow(whole, browser, write(HARMLESS, tmp_path / "harmless"), "harmless")
    seen = in_airflow(whole, browser, write(HOSTILE[kind], tmp_path / "hostile"), "hostile")
    assert seen.elements == before.elements
    assert nothing_happened(seen)
    assert seen.errors == before.errors
    assert shown(HOSTILE[kind]) in " ".join(seen.text.split())


def in_airflow(whole: WholeAirflow, browser: Browser, folder: Path, key: str) -> Seen:
    """Show a report as the newest of the plugin, to a user who is signed in."""
    store = whole.store
    with store.publish("reports", key, {}) as draft:
        draft.joinpath("report.html").write_bytes(folder.joinpath("report.html").read_bytes())
    store.write_ref(f"runs/{key}", {"report": key})
    context = browser.new_context(extra_http_headers={"Authorization": f"Bearer {whole.token('reader')}"})
    try:
        return look_at(context.new_page(), f"{whole.url}/imdb-study/report")
    finally:
        context.close()
        store.remove_ref(f"runs/{key}")
        store.remove("reports", key)
