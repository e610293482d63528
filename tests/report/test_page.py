import base64
import hashlib
import html
import json
import re
from collections import Counter

import pytest

from imdb_tasks.analysis import effect_text, reported_accuracy
from imdb_tasks.report import build
from tests.support.markup import unclosed
from tests.support.study_analysis import material, run_comparison, study_analysis
from tests.support.study_results import study_result


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build, "save_pictures", lambda figures, target: "none")
        build.write_report(material(study_result()), folder)
    return folder.joinpath("report.html").read_text("utf8")


def words_of(page: str) -> str:
    """The page's text and tables, without its style, scripts and figures."""
    return re.sub(r"<(script|style)\b.*?</\1>", "", page, flags=re.DOTALL)


def test_the_page_names_no_address_outside_itself(page):
    assert re.findall(r"""(?:src|href)=["']?(?!#|data:,)[^"'>\s]+""", words_of(page)) == []


def test_the_policy_allows_exactly_the_scripts_of_the_page(page):
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)[1]
    scripts = re.findall(r"<script>(.*?)</script>", page, flags=re.DOTALL)
    hashes = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    assert len(hashes) == 2
    assert f"script-src 'sha256-{hashes[0]}' 'sha256-{hashes[1]}';" in policy
    assert policy.startswith("default-src 'none'")
    assert "unsafe-eval" not in policy


def test_plotly_is_in_the_page_once(page):
    assert page.count("plotly.js (basic - minified) v") == 1


def test_the_figures_are_strict_json_without_a_way_out_of_their_block(page):
    block = re.search(r'<script type="application/json" id="figures">(.*?)</script>', page, flags=re.DOTALL)[1]
    assert "<" not in block
    content = json.loads(block)
    assert set(content["templates"]) == {"light", "dark"}
    assert all(f'id="chart-{name}"' in page for name in content["charts"])


def test_every_tag_of_the_page_is_closed(page):
    assert unclosed(words_of(page)) == []


def test_every_table_head_has_a_scope_and_every_chart_an_alternative(page):
    words = words_of(page)
    assert "<th" in words
    assert re.findall(r"<th(?![^>]*scope=)[ >]", words) == []
    assert re.findall(r'role="img" aria-label=""', words) == []
    assert words.count('role="img"') == words.count("<figcaption>") == 16


def test_every_link_of_the_contents_has_its_place(page):
    links = re.findall(r'href="#([^"]+)"', page)
    assert links
    assert all(f'id="{link}"' in page for link in links)


def test_the_page_shows_all_18_beside_the_published_ones(page):
    table = words_of(page).split("<tbody>", 1)[1].split("</tbody>", 1)[0]
    assert table.count("<tr") == 18
    assert "GRU-32/64 (use)" in table
    assert "578,667" in table


def test_a_diverged_variant_is_words_and_dashes(page):
    row = re.search(r'<tr><th scope="row">LSTM-32/128</th>(.*?)</tr>', page, flags=re.DOTALL)[1]
    assert "diverged at epoch 7" in row
    assert "nan" not in row.lower()
    assert "LSTM-32/128 diverged at epoch 7: loss is not finite" in page


def test_the_page_gives_the_margin_the_caution_and_what_it_was_made_from(page):
    words = words_of(page)
    assert "± 0.7 percentage points" in words
    assert "Each setting was trained once:" in words
    assert "3f9c2ab" in words
    assert "a3f1a3f1" in words


def test_the_original_study_carries_no_warning_of_deviations(page):
    assert "Not the original study" not in page


def test_the_page_is_below_three_megabytes(page):
    assert len(page.encode()) < 3_000_000


def test_the_three_questions_come_before_everything_else(page):
    names = ("learned", "use", "trust", "accuracy", "claims", "cost", "curves", "errors", "data")
    places = [page.index(f'id="{name}"') for name in names]
    assert places == sorted(places)
    for answer in (
        "Supported: GRU performs better than LSTM. Not decided: ",
        "Use GRU-32/64: 86.2",
        "Each setting was trained once: ",
    ):
        assert places[0] < page.index(answer) < places[3]


def test_the_top_names_date_run_data_and_code(page):
    top = re.search(r'<dl class="made">(.*?)</dl>', page, flags=re.DOTALL)[1]
    assert re.sub(r"\s+", " ", re.sub("<[^>]+>", " ", top)).strip() == (
        "Date 2026-11-26 04:15 UTC First run manual__1"
        " Data Kaggle, lakshmi25npathi/imdb-dataset-of-50k-movie-reviews, version 1, SHA-256 a3f1a3f1a3f1 Code 3f9c2ab"
    )


def test_every_claim_has_its_ruling_in_words_and_its_evidence(page):
    words = html.unescape(words_of(page)).replace("\N{NO-BREAK SPACE}", " ")
    verdicts = study_analysis(study_result()).verdicts
    assert {verdict.ruling for verdict in verdicts} >= {"supported", "not decided"}
    for verdict in verdicts:
        first = re.search(rf"<strong>{verdict.title}</strong> (.*?)</li>", words, flags=re.DOTALL)[1]
        evidence = re.search(rf'<th scope="row">{verdict.title}</th>(.*?)</tr>', words, flags=re.DOTALL)[1]
        assert verdict.reason in first
        assert f">{verdict.ruling}</span>" in evidence
        assert verdict.sample in evidence
        assert all(effect_text(effect) in evidence for effect in verdict.effects)


def test_no_sentence_stands_twice(page):
    text = re.sub(r"<table.*?</table>", "", words_of(page), flags=re.DOTALL)
    words = html.unescape(re.sub(r"<[^>]+>", "\n", text)).replace("\N{NO-BREAK SPACE}", " ")
    lines = [each.strip() for each in re.split(r"(?<=[.])\s|\n", words)]
    sentences = Counter(each for each in lines if each.endswith(".") and len(each.split()) > 6)
    assert [sentence for sentence, count in sentences.items() if count > 1] == []


def test_the_surest_errors_are_shown_with_what_the_model_said_and_its_label(page):
    words = re.sub(r"<[^>]+>", "", words_of(page))
    assert "It says positive, 99.8 % sure; the label is negative. Row 12,345 of the source" in words
    assert "It says negative, over 99.9 % sure; the label is positive. Row 7 of the source" in words
    assert "…a wonderful film, said nobody." in words


def test_the_page_says_how_to_make_it_again(page):
    assert "<code>imdb-study study</code>" in page
    assert "<code>airflow dags trigger imdb_study</code>" in page
    assert "KERAS_BACKEND" not in page


def test_the_page_names_the_backend_to_make_it_again_with(tmp_path, monkeypatch):
    monkeypatch.setattr(build, "save_pictures", lambda figures, target: "none")
    build.write_report(material(study_result().model_copy(update={"backend": "jax"})), tmp_path)
    text = tmp_path.joinpath("report.html").read_text("utf8")
    assert "<code>KERAS_BACKEND=jax imdb-study study</code>" in text
    assert "workers of Airflow need <code>KERAS_BACKEND=jax</code>" in text


def test_a_run_before_this_one_is_compared_and_none_is_said(page, tmp_path):
    assert "There is no earlier run of this study with another result" in page
    result = study_result()
    analysis = study_analysis(result, comparison=run_comparison(result))
    build.write_report(material(result, analysis=analysis), tmp_path)
    text = tmp_path.joinpath("report.html").read_text("utf8")
    assert "Settings and code changed; no model changed significantly." in text
    assert "<td>training epochs</td><td>50</td><td>100</td>" in text


def test_the_numbers_are_in_the_page_as_data(page):
    block = re.search(r'<script type="application/json" id="numbers">(.*?)</script>', page, flags=re.DOTALL)[1]
    assert "<" not in block
    content = json.loads(block)
    result = study_result()
    assert [each["model"] for each in content["models"]] == [row.variant.label for row in result.variants]
    assert [each["accuracy"] for each in content["models"]] == [reported_accuracy(row) for row in result.variants]
    assert content["curves"]["32_GRU_64"]["val_loss"] == list(result.variants[7].training.history.val_loss)
    assert content["curves"].keys() == {row.variant.name for row in result.variants if row.training}
