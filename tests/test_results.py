"""docs/results.md says of the stored result what today's code says of it."""

import re
from pathlib import Path

import pytest

from imdb_tasks.analysis import Analysis, read_claims
from imdb_tasks.report import ReportInputs, build, write_report
from imdb_tasks.study import Study, StudyResult, is_original
from scripts.draw_results import MADE, PROVENANCE
from scripts.results_page import (
    BEGIN,
    END,
    FOLDER,
    PAGE,
    Results,
    computed_part,
    conclude,
    read_predictions,
    with_computed,
)
from scripts.results_rows import gaps, of_cell, rows_of

ROOT = Path(__file__).parents[1]
AGAIN = "run python -m scripts.draw_results, read what changed in docs/results.md, and commit it"


@pytest.fixture(scope="module")
def results() -> Results:
    return Results.read()


@pytest.fixture(scope="module")
def result(results: Results) -> StudyResult:
    return results.study


@pytest.fixture(scope="module")
def analysis(result: StudyResult) -> Analysis:
    return conclude(result)


def test_the_result_is_of_all_models_of_the_original_study(result):
    assert is_original(result)
    assert [row.variant for row in result.variants] == list(Study().variants)
    assert {row.status for row in result.variants} <= {"finished", "diverged"}
    assert {row.training.history.epochs for row in result.variants if row.status == "finished"} == {100}


def test_the_predictions_are_those_of_the_result(result):
    tested = read_predictions()
    assert {row.variant.name: row.test.right for row in result.variants if row.test} == {
        name: int(tested.right(name).sum()) for name in tested.names
    }


def test_the_page_says_what_the_code_says(results, analysis):
    page = PAGE.read_text("utf8")
    assert with_computed(page, computed_part(results, analysis)) == page, AGAIN


def test_the_page_has_every_model_and_every_ruling(result, analysis):
    page = PAGE.read_text("utf8")
    for row in result.variants:
        accuracy = f"{100 * row.test.accuracy:.1f} %" if row.test else "–"
        assert f"| {row.variant.label} | {accuracy} |" in page
    assert len(analysis.verdicts) == len(read_claims().claims)
    for verdict in analysis.verdicts:
        assert f"| {verdict.title} | **{verdict.ruling}** | {verdict.reason} |" in page


def recovered(rows):
    """Return the models that exploded, and were below the best constant answer in the end."""
    ends = {variant: row.training.history.loss[-1] for variant, row in rows.items() if row.exploded_at}
    return {variant for variant, loss in ends.items() if loss is not None and loss < 0.693}


def test_the_readme_says_what_the_result_says(results, result, analysis):
    readme = " ".join(ROOT.joinpath("README.md").read_text("utf8").split())
    rows = rows_of(result)
    lstm = {variant for variant in rows if variant.cell == "LSTM"}
    exploded = {variant for variant in lstm if rows[variant].exploded_at}
    failed = {curve.variant for curve in analysis.curves if not curve.converged}
    assert max(abs(rows[variant].gap) for variant in rows.keys() - lstm) < 1
    assert "all nine GRUs come within one point of the published accuracy" in readme
    assert (len(lstm), len(exploded), len(failed)) == (9, 8, 5)
    assert failed <= exploded
    assert "eight of nine LSTMs exploded, and five of them did not recover" in readme
    gpu = rows_of(results.gpu)
    assert max(map(abs, gaps((row, gpu[variant]) for variant, row in of_cell(rows, "GRU").items()))) < 2
    assert "the GRUs differ by less than two points, and other LSTMs recover" in readme
    assert recovered(rows) != recovered(gpu)
    assert [verdict.ruling for verdict in analysis.verdicts] == ["supported", *["not decided"] * 3]
    assert f'"{analysis.verdicts[0].title}" is supported;' in readme
    assert "the other three claims are not decided" in readme


def test_the_stored_analysis_can_be_read_and_rules_as_the_code_does(analysis):
    stored = Analysis.model_validate_json(FOLDER.joinpath("analysis.json").read_bytes())
    rulings = [[(each.claim, each.ruling, each.reason) for each in of.verdicts] for of in (stored, analysis)]
    assert rulings[0] == rulings[1], AGAIN
    assert stored.recommendation == analysis.recommendation, AGAIN


def test_the_report_can_be_drawn_and_its_stored_form_has_the_same_rulings(result, analysis, tmp_path, monkeypatch):
    monkeypatch.setattr(build, "save_pictures", lambda figures, folder: "no browser was started for this test")
    write_report(ReportInputs(result, analysis, wrong=(), made=MADE, provenance=PROVENANCE), tmp_path)
    drawn, stored = (path.joinpath("report.html").read_text("utf8") for path in (tmp_path, FOLDER))
    ruling = r'class="(supported|contradicted|not-decided|not-tested)"'
    assert re.findall(ruling, drawn)
    assert re.findall(ruling, drawn) == re.findall(ruling, stored), AGAIN


def test_the_trainings_that_are_shown_were_run_by_tensorflow_on_cpu_cores(results):
    rows = rows_of(results.study)
    assert results.study.backend == "tensorflow"
    assert {row.training.cost.device for row in rows.values()} == {"CPU"}
    assert rows.keys() == rows_of(results.gpu).keys()
    assert {row.training.history.epochs for row in rows_of(results.gpu).values()} == {100}


def test_the_cpu_trainings_differ_from_those_on_the_gpu_in_their_device_alone(results):
    gpu, repeated = rows_of(results.gpu), rows_of(results.cpu)
    assert repeated
    for variant, row in repeated.items():
        training, other = row.training, gpu[variant].training
        assert (training.versions, training.environment) == (other.versions, other.environment)
        assert (training.cost.device, other.cost.device) == ("CPU", "NVIDIA H100 80GB HBM3")


def test_no_place_of_a_machine_is_published(results):
    for study in (each.study for each in (results.study, results.gpu, results.cpu)):
        assert (study.reviews.path, study.glove.path) == ("/data", "/data")


def test_the_folder_stays_small():
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 3_000_000
    assert FOLDER.joinpath("test-accuracy.png").stat().st_size < 200_000


def test_a_page_without_its_markers_is_named():
    assert with_computed(f"a\n{BEGIN}\nold\n{END}\nb", "new") == f"a\n{BEGIN}\nnew\n{END}\nb"
    with pytest.raises(ValueError, match=r"results\.md: expected the lines"):
        with_computed("a page without them", "new")
