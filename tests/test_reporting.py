import base64
import hashlib
import html.parser
import json
import logging
import re
import shutil
import struct
import zlib

import pytest

from imdb_tasks import pictures, reporting
from imdb_tasks.conclusions import Analysis
from imdb_tasks.results import StudyResult
from imdb_tasks.study import Study, TrainingSettings
from tests.study_results import analysis_of, demo_result, original_card, study_result

SCRIPT = "<script>alert('x')</script>"
PROVENANCE = {"run": "manual__1", "code revision": "3f9c2ab"}


@pytest.fixture(autouse=True)
def no_browser_is_started(request, monkeypatch):
    if "real_browser" not in request.fixturenames:
        monkeypatch.setattr(pictures, "save", lambda figures, folder: "no browser was started for this test")


@pytest.fixture
def real_browser():
    assert shutil.which("chromium") or shutil.which("google-chrome"), (
        "this test needs Chromium: apt-get install chromium"
    )


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pictures, "save", lambda figures, target: "none")
        reporting.write_report(*analysed(study_result()), PROVENANCE, folder)
    return folder.joinpath("report.html").read_text("utf8")


def analysed(result: StudyResult) -> tuple[StudyResult, Analysis]:
    return result, analysis_of(result)


def words_of(page: str) -> str:
    """The page's text and tables, without its style, scripts and figures."""
    return re.sub(r"<(script|style)\b.*?</\1>", "", page, flags=re.DOTALL)


def test_chromium_draws_the_pictures_of_the_mail(real_browser, tmp_path):
    about = reporting.write_report(*analysed(study_result()), PROVENANCE, tmp_path)
    assert about["pictures"] is True
    assert about["charts"] == ["test-accuracy", "validation-accuracy", "best-batch-sizes", "overfitting"]
    for name in about["charts"]:
        picture = tmp_path.joinpath("charts", f"{name}.png").read_bytes()
        assert struct.unpack(">I", picture[16:20]) == (1_200,)
        assert picture[25] == 3, "the picture has no palette"
        assert 5_000 < len(picture) < 120_000


def test_a_worker_without_a_browser_still_makes_a_report(real_browser, tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("BROWSER_PATH", str(tmp_path / "no-such-browser"))
    about = reporting.write_report(*analysed(demo_result()), PROVENANCE, tmp_path)
    assert (about["pictures"], about["charts"]) == (False, [])
    assert not tmp_path.joinpath("charts").exists()
    assert [record.levelno for record in caplog.records if record.name == "imdb_tasks.pictures"] == [logging.WARNING]
    for name in ("mail.html", "mail.txt"):
        mail = tmp_path.joinpath(name).read_text("utf8")
        assert "There are no pictures in this mail: no browser was found on the worker" in mail
        assert "apt-get install chromium" in mail
        assert "GRU-32/64" in mail
        assert "cid:" not in mail


def test_a_browser_that_does_not_start_costs_the_pictures_only(real_browser, tmp_path, monkeypatch):
    monkeypatch.setenv("BROWSER_PATH", "/bin/false")
    about = reporting.write_report(*analysed(demo_result()), PROVENANCE, tmp_path)
    assert about["pictures"] is False
    assert "the browser on the worker failed" in tmp_path.joinpath("mail.txt").read_text("utf8")


def test_shrinking_keeps_the_colours_of_a_picture():
    red, white = (0xD5, 0x5E, 0x00, 255), (255, 255, 255, 255)
    rows = [red * 3, white * 3]
    filtered, above = b"", bytes(12)
    for row in rows:
        filtered += b"\x02" + bytes((a - b) % 256 for a, b in zip(row, above, strict=True))
        above = bytes(row)
    header = struct.pack(">IIBBBBB", 3, 2, 8, 6, 0, 0, 0)
    small = pictures._chunks(pictures.shrink(pictures._png({b"IHDR": header, b"IDAT": zlib.compress(filtered)})))
    colours = [tuple(small[b"PLTE"][i : i + 3]) for i in range(0, len(small[b"PLTE"]), 3)]
    drawn = [
        [colours[i] for i in row[1:]]
        for row in (zlib.decompress(small[b"IDAT"])[:4], zlib.decompress(small[b"IDAT"])[4:])
    ]
    assert drawn[1] == [(255, 255, 255)] * 3
    assert all(abs(a - b) <= 8 for a, b in zip(drawn[0][0], red, strict=False))


def test_a_picture_of_another_kind_is_left_as_it_is():
    header = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    picture = pictures._png({b"IHDR": header, b"IDAT": zlib.compress(b"\0abc"), b"IEND": b""})
    assert pictures.shrink(picture) == picture


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
    assert page.count("plotly.js v") == 1


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
    assert words.count('role="img"') == words.count("<figcaption>") == 9


def test_every_link_of_the_contents_has_its_place(page):
    links = re.findall(r'href="#([^"]+)"', page)
    assert links
    assert all(f'id="{link}"' in page for link in links)


def test_the_page_shows_all_18_beside_the_published_ones(page):
    table = words_of(page).split("<tbody>", 1)[1].split("</tbody>", 1)[0]
    assert table.count("<tr") == 18
    assert "GRU-32/64 (best)" in table
    assert "578,667" in table


def test_a_diverged_variant_is_words_and_dashes(page):
    row = re.search(r'<tr><th scope="row">LSTM-32/128</th>(.*?)</tr>', page, flags=re.DOTALL)[1]
    assert "diverged at epoch 7" in row
    assert "nan" not in row.lower()
    assert "LSTM-32/128 diverged at epoch 7: loss is not finite" in page


def test_the_page_gives_the_margin_the_caution_and_what_it_was_made_from(page):
    words = words_of(page)
    assert "± 0.7 percentage points" in words
    assert "Each model was trained once." in words
    assert "3f9c2ab" in words
    assert "a3f1a3f1" in words


def test_the_original_study_carries_no_warning_of_deviations(page):
    assert "Not the original study" not in page


@pytest.mark.parametrize("name", ["report.html", "mail.html", "mail.txt"])
def test_a_short_run_on_a_sample_is_announced_at_the_top(tmp_path, name):
    reporting.write_report(*analysed(demo_result()), PROVENANCE, tmp_path)
    text = tmp_path.joinpath(name).read_text("utf8")
    assert re.search(r"not the original study:(</strong>)? 3 of 100 epochs; 2,000 reviews", text, re.IGNORECASE)


def hostile_result() -> StudyResult:
    card = original_card()
    coverage = card.coverage.model_copy(update={"frequent_missing": (SCRIPT,)})
    card = card.model_copy(update={"coverage": coverage})
    result = study_result(missing={"128_LSTM_64": SCRIPT + "\nBcc: x@example.org"}, card=card)
    return result.model_copy(update={"backend": SCRIPT})


def test_words_of_the_corpus_and_of_errors_stay_words(tmp_path):
    reporting.write_report(*analysed(hostile_result()), {SCRIPT: SCRIPT}, tmp_path)
    for name, times in (("report.html", 5), ("mail.html", 3)):
        text = tmp_path.joinpath(name).read_text("utf8")
        assert "alert('x')" not in text
        assert text.count("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;") == times
    text = tmp_path.joinpath("mail.txt").read_text("utf8")
    assert SCRIPT in text
    assert "\nBcc" not in text


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
    about = reporting.write_report(*analysed(study_result(study)), {}, tmp_path)
    assert about["subject"].startswith("IMDB study")
    assert unclosed(tmp_path.joinpath("mail.html").read_text("utf8")) == []


def test_a_study_of_which_nothing_finished_can_be_reported(tmp_path):
    names = {variant.name: "no worker" for variant in Study().variants}
    about = reporting.write_report(*analysed(study_result(missing=names)), {}, tmp_path)
    assert about["headline"] == "No variant has a test result: 18 missing."
    assert "missing: no worker" in tmp_path.joinpath("mail.txt").read_text("utf8")


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (59.6, "1 min 00 s"), (3_599.7, "1 h 00 min"), (72_000, "20 h 00 min")]
)
def test_durations_are_rounded_before_they_are_split(seconds, text):
    assert reporting._duration(seconds) == text


def unclosed(text: str) -> list[str]:
    checker = TagChecker()
    checker.feed(text)
    return checker.stack + checker.wrong


class TagChecker(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.stack: list[str] = []
        self.wrong: list[str] = []

    def handle_starttag(self, tag, attrs):
        if tag not in {"meta", "link", "img", "br"}:
            self.stack.append(tag)

    def handle_endtag(self, tag):
        if self.stack and self.stack[-1] == tag:
            self.stack.pop()
        else:
            self.wrong.append(tag)
