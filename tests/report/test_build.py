import json
import logging
import re
import shutil
import struct

import pytest

from imdb_tasks.formatting import percent
from imdb_tasks.report import build, template_environment
from imdb_tasks.report.table import most_accurate, setting_rows, table_rows
from imdb_tasks.resources import SAMPLE
from imdb_tasks.study import LocalSource, Study, TextSettings, TrainingSettings
from tests.support.markup import unclosed
from tests.support.reports import KINDS, unusual
from tests.support.study_analysis import material, run_comparison, study_analysis, wrong_reviews
from tests.support.study_results import demo_result, original_card, study_result

SCRIPT = "<script>alert('x')</script>"


@pytest.fixture(autouse=True)
def no_browser_is_started(request, monkeypatch):
    if "real_browser" not in request.fixturenames:
        monkeypatch.setattr(build, "save_pictures", lambda figures, folder: "no browser was started for this test")


@pytest.fixture
def real_browser():
    assert shutil.which("chromium") or shutil.which("google-chrome"), (
        "this test needs Chromium: apt-get install chromium"
    )


def test_chromium_draws_the_pictures_of_the_mail(real_browser, tmp_path):
    about = build.write_report(material(study_result()), tmp_path)
    assert about["pictures"] is True
    assert about["charts"] == ["test-accuracy", "effects", "cost", "validation-accuracy"]
    for name in about["charts"]:
        picture = tmp_path.joinpath("charts", f"{name}.png").read_bytes()
        assert struct.unpack(">I", picture[16:20]) == (1_050,)
        assert picture[25] == 3, "the picture has no palette"
        assert 5_000 < len(picture) < 120_000
    printed = tmp_path.joinpath("summary.pdf").read_bytes()
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) == 2
    assert len(printed) < 600_000


def test_a_worker_without_a_browser_still_makes_a_report(real_browser, tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("BROWSER_PATH", str(tmp_path / "no-such-browser"))
    about = build.write_report(material(demo_result()), tmp_path)
    assert (about["pictures"], about["charts"]) == (False, [])
    assert not tmp_path.joinpath("charts").exists()
    assert [record.levelno for record in caplog.records if record.name == "imdb_tasks.report.charts.png"] == [
        logging.WARNING
    ]
    for name in ("mail.html", "mail.txt"):
        mail = tmp_path.joinpath(name).read_text("utf8")
        assert "There are no pictures in this mail: no browser was found on the worker" in mail
        assert "apt-get install chromium" in mail
        assert "GRU-32/64" in mail
        assert "cid:" not in mail


def test_a_browser_that_does_not_start_costs_the_pictures_only(real_browser, tmp_path, monkeypatch):
    monkeypatch.setenv("BROWSER_PATH", "/bin/false")
    about = build.write_report(material(demo_result()), tmp_path)
    assert about["pictures"] is False
    assert "the browser on the worker failed" in tmp_path.joinpath("mail.txt").read_text("utf8")


@pytest.mark.parametrize("name", ["report.html", "mail.html", "mail.txt"])
def test_a_short_run_on_a_sample_is_announced_at_the_top(tmp_path, name):
    build.write_report(material(demo_result()), tmp_path)
    text = tmp_path.joinpath(name).read_text("utf8")
    assert re.search(r"not the original study:(</strong>)? 3 of 100 epochs; 2,000 reviews", text, re.IGNORECASE)


OTHERS = {
    "in this study": Study(
        text=TextSettings(max_tokens=10, vocabulary_limit=200), training=TrainingSettings(learning_rate=0.05)
    ),
    "on this sample": Study(reviews=LocalSource(path=str(SAMPLE)), glove=LocalSource(path=str(SAMPLE))),
}


@pytest.mark.parametrize("name", ["report.html", "mail.html", "mail.txt"])
@pytest.mark.parametrize("words", OTHERS)
def test_another_study_shows_nothing_published_and_limits_its_rulings(tmp_path, name, words):
    result = study_result(OTHERS[words])
    build.write_report(material(result), tmp_path)
    text = re.sub(r"<style>.*?</style>|<script>.*?</script>", "", tmp_path.joinpath(name).read_text("utf8"), flags=re.S)
    assert not re.search("[Pp]ubl|[Dd]iff[.]|[Dd]ifferences are", text)
    assert re.search(f"{words.capitalize()}, (supported|contradicted|not decided): ", text)
    assert not re.search('class="(supported|contradicted|not-decided)"', text)
    assert unclosed(text) == []
    assert len(set(columns(text))) == (name != "mail.txt")


@pytest.mark.parametrize("name", ["report.html", "mail.html", "mail.txt"])
def test_the_original_study_shows_what_was_published_and_its_rulings_as_they_are(tmp_path, name):
    build.write_report(material(study_result()), tmp_path)
    text = tmp_path.joinpath(name).read_text("utf8")
    assert re.search("86[.]3", text)
    assert not any(words in text.lower() for words in OTHERS)
    assert ('class="supported"' in text) == (name == "report.html")
    assert len(set(columns(text))) == (name != "mail.txt")


def columns(text: str) -> list[int]:
    """How many columns the first head and each row of the result table have."""
    tables = [table for table in re.findall("<table.*?</table>", text, flags=re.S) if ">GRU-32/64" in table]
    rows = [row for table in tables for row in re.findall("<tr.*?</tr>", table, flags=re.S)]
    heads = [row for row in rows if 'scope="row"' not in row][:1]
    rows = heads + [row for row in rows if 'scope="row"' in row]
    return [sum(int(span or 1) for span in re.findall(r'<t[dh]\b(?:[^>]*?colspan="(\d+)")?', row)) for row in rows]


def hostile_material() -> build.ReportInputs:
    """Markup wherever a report takes text from outside: words, reasons, reviews, names of runs."""
    card = original_card()
    coverage = card.coverage.model_copy(update={"frequent_missing": (SCRIPT,)})
    card = card.model_copy(update={"coverage": coverage})
    result = study_result(missing={"128_LSTM_64": SCRIPT + "\nBcc: x@example.org"}, card=card)
    result = result.model_copy(update={"backend": SCRIPT})
    before = run_comparison(result)
    change = before.changes[0].model_copy(update={"before": SCRIPT})
    before = before.model_copy(update={"previous_run": SCRIPT, "summary": SCRIPT, "changes": (change,)})
    verdict = study_analysis(result).verdicts[0].model_copy(update={"title": SCRIPT, "reason": SCRIPT})
    analysis = study_analysis(result, comparison=before).model_copy(update={"verdicts": (verdict,)})
    wrong = (wrong_reviews()[0].model_copy(update={"text": SCRIPT}),)
    return material(result, analysis=analysis, wrong=wrong, provenance={SCRIPT: SCRIPT})


def test_words_of_the_corpus_and_of_errors_stay_words(tmp_path):
    build.write_report(hostile_material(), tmp_path)
    for name, times in (("report.html", 13), ("mail.html", 7)):
        text = tmp_path.joinpath(name).read_text("utf8")
        assert SCRIPT not in text  # in the page's data, too, no "<" is left
        text = re.sub(r'<script type="application/json".*?</script>', "", text, flags=re.DOTALL)
        assert "alert('x')" not in text
        assert text.count("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;") == times
    text = tmp_path.joinpath("mail.txt").read_text("utf8")
    assert SCRIPT in text
    assert "\nBcc" not in text


def test_the_same_material_makes_the_same_bytes(tmp_path):
    for name in ("one", "two"):
        tmp_path.joinpath(name).mkdir()
        build.write_report(material(study_result()), tmp_path / name)
    for name in ("report.html", "mail.html", "mail.txt"):
        assert tmp_path.joinpath("one", name).read_bytes() == tmp_path.joinpath("two", name).read_bytes()


@pytest.mark.parametrize(
    "study",
    [
        Study(cells=("LSTM",), units=(16,)),
        Study(cells=("GRU",), units=(16,), batch_sizes=(8,), training=TrainingSettings(epochs=1)),
        Study(units=(32,), replicates=3),
    ],
    ids=["LSTM only", "one variant, one epoch", "replicates"],
)
def test_any_grid_can_be_reported(study, tmp_path):
    about = build.write_report(material(study_result(study)), tmp_path)
    assert about["subject"].startswith("IMDB study")
    assert unclosed(tmp_path.joinpath("mail.html").read_text("utf8")) == []


def test_a_study_of_which_nothing_finished_can_be_reported(tmp_path):
    names = {variant.name: "no worker" for variant in Study().variants}
    about = build.write_report(material(study_result(missing=names)), tmp_path)
    assert about["headline"] == "No model has a test result: 18 missing."
    assert "missing: no worker" in tmp_path.joinpath("mail.txt").read_text("utf8")


def test_a_share_is_written_alike_in_page_mail_and_headline():
    filters = template_environment(escape=True).filters
    for count in range(10_001):
        share = count / 10_000
        assert filters["percent"](share) == percent(share) == f"{filters['bare_percent'](share)} %"
        assert float(json.dumps(share)) == share


@pytest.mark.parametrize("kind", KINDS)
def test_page_mail_and_data_have_the_same_accuracies(kind, tmp_path):
    build.write_report(unusual(kind), tmp_path)
    page, html, text = (tmp_path.joinpath(name).read_text("utf8") for name in ("report.html", "mail.html", "mail.txt"))
    data = json.loads(re.search(r'id="numbers">(.*?)</script>', page, flags=re.DOTALL)[1])
    known = [each for each in data["settings"] if each["accuracy"] is not None]
    known = sorted(known, key=lambda each: -each["accuracy"])[: build.MAIL_ROWS]
    assert known
    for each in known:
        words = percent(each["accuracy"])
        assert re.search(rf"{each['setting']}( \(use\))?</th>\s*<td>{words}</td>", page)
        assert re.search(rf">{each['setting']}(<br>.*?)?</th><td[^>]*>{words.removesuffix(' %')}</td>", html)
        assert re.search(rf"^{each['setting']} +{words} ", text, flags=re.MULTILINE)


def test_the_table_of_the_mail_has_at_most_twenty_rows(tmp_path):
    build.write_report(unusual("200 settings"), tmp_path)
    html = tmp_path.joinpath("mail.html").read_text("utf8")
    assert html.count('<th scope="row"') == 20
    assert "The 20 most accurate; 180 more in the attached page." in html
    assert len(html.encode()) < 60_000


def test_the_setting_to_use_is_in_the_mail_even_if_twenty_others_were_more_accurate():
    inputs = unusual("200 settings")
    rows = setting_rows(table_rows(inputs.result, inputs.analysis), inputs.analysis)
    [last] = most_accurate(rows, len(rows))[-1:]
    advice = inputs.analysis.recommendation.model_copy(update={"use": last.variant})
    analysis = inputs.analysis.model_copy(update={"recommendation": advice})
    table = setting_rows(table_rows(inputs.result, analysis), analysis)
    shown = build._mail_rows(table)["settings"]
    assert (len(shown), shown[-1].label, shown[-1].is_best) == (20, last.label, True)
    assert shown[:19] == most_accurate(table, 19)
