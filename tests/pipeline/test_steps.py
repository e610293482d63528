import json
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from imdb_tasks.analysis import AnalysedRun, Analysis
from imdb_tasks.corpus import ReviewTexts
from imdb_tasks.errors import IncompleteStudyError, MissingInputError, SettingsError, StoreError
from imdb_tasks.pipeline import keys
from imdb_tasks.pipeline.conclusions import load_conclusions
from imdb_tasks.pipeline.data import texts_behind
from imdb_tasks.pipeline.notes import ReportedRun
from imdb_tasks.pipeline.steps import Steps
from imdb_tasks.pipeline.workspace import Workspace
from imdb_tasks.report import most_confident_errors
from imdb_tasks.report.wrong_reviews import MOST
from imdb_tasks.store import Entry, Store
from imdb_tasks.study import LocalSource, Study, TrainingSettings, Variant
from imdb_tasks.ui import training_page
from tests.support.corpus import write_corpus
from tests.support.stepping import FinishedStudy, evaluated, prepared, reached


@pytest.fixture(scope="module")
def root(finished_study: FinishedStudy, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(finished_study.evaluated(tmp_path_factory.mktemp("study")).store.where)


@pytest.fixture
def done(root: Path, tiny_study: Study) -> Steps:
    """A study run to its evaluation; only what a test before this one took away is made again."""
    return evaluated(tiny_study, Store(root))


def test_every_step_names_the_one_that_must_run_first(store: Store, tiny_study: Study) -> None:
    steps = Steps(tiny_study, store)
    with pytest.raises(MissingInputError, match="fetch_reviews"):
        steps.prepare()
    steps.fetch_reviews()
    with pytest.raises(MissingInputError, match="fetch_glove"):
        steps.prepare()
    steps.fetch_glove()
    with pytest.raises(MissingInputError, match="run the step 'prepare' first"):
        steps.train(tiny_study.variants[0])
    steps.prepare()
    with pytest.raises(MissingInputError, match="no variant has a trained model"):
        steps.evaluate()
    with pytest.raises(MissingInputError, match="run the step 'evaluate' first"):
        steps.report()


def test_a_model_is_kept_with_its_history_and_its_cost_as_json(done: Steps) -> None:
    variant = done.study.variants[0]
    entry = done.store.need("models", done.keys.model(variant), step="train")
    record = json.loads(entry.file("record.json").read_text())
    assert record["variant"]["cell"] == "GRU"
    assert len(record["history"]["val_accuracy"]) == 2
    assert entry.file("model.keras").stat().st_size > 0


def test_progress_tells_epoch_and_status_of_each_variant(done: Steps) -> None:
    progress = done.store.refs("progress").values()
    assert {part["variant"] for part in progress} == {"4_GRU_16", "4_LSTM_16"}
    assert all((part["epoch"], part["epochs"], part["run_id"]) == (2, 2, "run-1") for part in progress)
    assert {part["status"] for part in progress} == {"finished"}


def test_a_training_that_another_run_finds_in_the_store_stays_that_of_the_first(done: Steps) -> None:
    variant, progress = done.study.variants[0], f"progress/{done.keys.model(done.study.variants[0])}"
    noted = done.store.read_ref(progress)
    assert noted is not None
    for lost in (None, noted | {"epoch": 1, "status": "training"}):
        Steps(done.study, done.store, "later").train(variant)
        assert done.store.read_ref(progress) == noted
        assert training_page.training_progress(done.store, "later", variant, "success").state == "already in the store"
        done.store.write_ref(f"trainings/first/{variant.name}", {"model": done.keys.model(variant)})
        assert training_page.training_progress(done.store, "first", variant, "success").state == "finished"
        if lost:
            done.store.write_ref(progress, lost)
        else:
            done.store.remove_ref(progress)
        done.train(variant)
        assert done.store.read_ref(progress) == noted


def test_what_is_in_the_store_is_not_made_again_nor_is_anything_heavy_imported(done: Steps) -> None:
    done.report()
    script = (
        "import sys; from imdb_tasks.pipeline.steps import Steps; from imdb_tasks.store.store import Store;"
        "from imdb_tasks.study.grid import Study;"
        "study = Study.model_validate_json(sys.argv[1]); steps = Steps(study, Store(sys.argv[2]));"
        "steps.fetch_reviews(); steps.fetch_glove(); steps.prepare();"
        "[steps.train(variant) for variant in study.variants]; steps.evaluate(); steps.report();"
        "print({'keras', 'tensorflow', 'jax', 'numpy', 'pandas', 'pyarrow', 'sklearn', 'plotly', 'kaleido', 'httpx',"
        " 'kaggle', 'tenacity', 'jinja2'} & set(sys.modules))"
    )
    arguments = [sys.executable, "-c", script, done.study.model_dump_json(), done.store.where]
    result = subprocess.run(arguments, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "set()"


def test_a_changed_setting_moves_only_what_it_touches(done: Steps) -> None:
    other = Steps(done.study.model_copy(update={"training": TrainingSettings(epochs=3)}), done.store)
    variant = done.study.variants[0]
    assert other.keys.corpus() == done.keys.corpus()
    assert other.keys.model(variant) != done.keys.model(variant)
    wider = Steps(done.study.model_copy(update={"units": (4, 8)}), done.store)
    assert wider.keys.model(variant) == done.keys.model(variant)


def test_another_backend_has_models_of_its_own(done: Steps, monkeypatch: pytest.MonkeyPatch) -> None:
    variant = done.study.variants[0]
    before = done.keys.model(variant)
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    assert done.keys.model(variant) != before


def test_a_missing_variant_is_listed_with_the_reason_and_fails_the_check(done: Steps) -> None:
    wider = Steps(done.study.model_copy(update={"units": (4, 5), "cells": ("GRU",)}), done.store)
    done.store.write_ref(f"failures/{wider.keys.model(wider.study.variants[1])}", {"reason": "MemoryError: too big"})
    assert wider.evaluate().about["missing"] == 1
    with pytest.raises(IncompleteStudyError, match="1 of 2 variants .* 5_GRU_16: MemoryError: too big"):
        wider.check_complete()
    done.check_complete()


def test_a_variant_that_was_trained_after_the_evaluation_is_missing_until_that_is_made_again(done: Steps) -> None:
    wider = Steps(done.study.model_copy(update={"units": (4, 5), "cells": ("GRU",)}), done.store)
    wider.evaluate()
    wider.train(wider.study.variants[1])
    told = "If they have been trained since, clear the task 'evaluate' and those downstream"
    with pytest.raises(IncompleteStudyError, match=told):
        wider.check_complete()
    wider.evaluate()
    wider.check_complete()


def test_an_error_in_training_is_noted_as_the_reason(done: Steps, monkeypatch: pytest.MonkeyPatch) -> None:
    wider = Steps(done.study.model_copy(update={"units": (6,), "cells": ("GRU",)}), done.store)
    variant = wider.study.variants[0]
    in_the_way = Path(done.store.where) / "models" / wider.keys.model(variant)
    in_the_way.write_text("a file where the model's folder must go")
    with pytest.raises(StoreError, match=f"{in_the_way}: .* Not a directory"):
        wider.train(variant)
    reason = done.store.read_ref(f"failures/{wider.keys.model(variant)}")
    assert reason is not None
    assert reason["reason"].startswith(f"StoreError: {in_the_way}: ")
    in_the_way.unlink()


def test_a_damaged_model_is_trained_again(done: Steps, tmp_path: Path) -> None:
    variant = done.study.variants[0]
    entry = done.store.need("models", done.keys.model(variant), step="train")
    before = json.loads(entry.file("record.json").read_text())["history"]
    entry.file("model.keras").write_bytes(b"garbage")
    again = json.loads(done.train(variant).file("record.json").read_text())["history"]
    assert again["val_loss"] == before["val_loss"]
    assert any(Path(done.store.where, "aside").iterdir())


def test_a_report_is_news_until_it_was_mailed(done: Steps) -> None:
    assert done.result_has_changed()
    done.record_mailed("r1")
    assert not done.result_has_changed()


def test_the_report_is_made_once_and_noted_for_every_run(done: Steps) -> None:
    first = done.report()
    second = Steps(done.study, done.store, "run-2").report()
    assert first.path == second.path
    runs = done.store.refs("runs")
    assert runs["run-1"]["report"] == runs["run-2"]["report"] == first.key
    assert runs["run-2"]["headline"]
    assert first_maker_of(first.file("report.html").read_text("utf8")) == "run-1"


def first_maker_of(page: str) -> str:
    found = re.search(r"<dt>First run</dt><dd>(.*?)</dd>", page)
    assert found
    return found[1]


def test_a_report_that_was_there_keeps_the_code_that_it_was_made_with(
    done: Steps, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = done.report().about["code"]
    monkeypatch.setenv("IMDB_CODE_REVISION", "newer")
    done.report()
    noted = done.store.read_ref("runs/run-1")
    assert noted is not None
    assert noted["code"] == made != "newer"


def concluded(steps: Steps) -> AnalysedRun:
    """Make the report, and read the conclusions that it was made from."""
    steps.report()
    return load_conclusions(steps.run_id, steps.store.need("analyses", analysis_key(steps), step="report").path)


def analysis_key(steps: Steps) -> str:
    noted = steps.notes.read(ReportedRun, steps.run_id)
    assert noted is not None
    assert noted.analysis is not None
    return noted.analysis


def analysis(steps: Steps) -> Analysis:
    return concluded(steps).analysis


def test_the_conclusions_are_kept_beside_the_report_and_found_from_the_run(done: Steps) -> None:
    report = done.report()
    noted = done.store.refs("runs")["run-1"]
    [texts] = done.store.files.folders("texts")
    assert report.about["inputs"] == [f"analyses/{noted['analysis']}", f"texts/{texts}"]
    entry = done.store.need("analyses", noted["analysis"], step="report")
    found = load_conclusions("run-1", entry.path).analysis
    assert entry.about["inputs"] == [f"evaluations/{noted['evaluation']}"]
    assert [summary.variant for summary in found.variants] == list(done.study.variants)
    assert [verdict.claim for verdict in found.verdicts] == ["cell", "stability", "batch", "size"]
    metrics = json.loads(done.store.need("evaluations", noted["evaluation"], step="").file("result.json").read_text())
    accuracies = [row["test"]["accuracy"] for row in metrics["variants"]]
    assert [summary.accuracy for summary in found.variants] == accuracies


def test_the_report_shows_the_surest_errors_of_the_best_model(done: Steps) -> None:
    found = analysis(done)
    assert found.confusion is not None
    texts = texts_behind(Workspace(done.study, done.store), done.evaluate())
    assert texts is not None
    wrong = most_confident_errors(
        ReviewTexts.load(texts.path), concluded(done).tested.row(found.confusion.variant.name)
    )
    assert len(wrong) == min(MOST, found.confusion.false_positive + found.confusion.false_negative)
    page = done.report().file("report.html").read_text("utf8")
    assert all(f"Row {each.row:,} of the source" in page and each.text in page for each in wrong)


def without(steps: Steps, variant: Variant, run_id: str) -> Steps:
    """Evaluate the study in another run from which the model of a variant is missing."""
    steps.store.remove("models", steps.keys.model(variant))
    fewer = Steps(steps.study, steps.store, run_id)
    fewer.evaluate()
    return fewer


def from_elsewhere(steps: Steps, folder: Path, run_id: str) -> Steps:
    """Run the study again on a copy of its data in another folder."""
    assert isinstance(steps.study.reviews, LocalSource)
    source = LocalSource(path=str(shutil.copytree(steps.study.reviews.path, folder)))
    return evaluated(steps.study.model_copy(update={"reviews": source, "glove": source}), steps.store, run_id)


def test_a_report_is_set_beside_the_last_run_of_the_study_that_came_to_another_result(
    finished_study: FinishedStudy, tmp_path: Path
) -> None:
    done = finished_study.reported(tmp_path)
    Steps(done.study, done.store, "run-2").report()
    fewer = without(done, done.study.variants[1], "run-3")
    report = fewer.report()
    found = analysis(fewer).comparison
    assert found is not None
    assert found.previous_run == "run-2"
    assert found.same_test_reviews
    assert [(each.variant.name, each.difference) for each in found.variants] == [("4_GRU_16", 0.0)]
    assert {change.where for change in found.changes} <= {"results"}
    assert fewer.report().key == report.key
    assert Steps(fewer.study, fewer.store, "run-4").report().key == report.key
    assert fewer.reported().key == report.key


@pytest.mark.parametrize(
    "other", [{"cells": ("GRU",)}, {"units": (4, 6)}, {"training": TrainingSettings(epochs=3)}], ids=str
)
def test_a_run_of_another_study_is_not_compared(other: dict[str, object], done: Steps) -> None:
    done.report()
    another = Steps(done.study.model_copy(update=other), done.store, "run-6")
    another.train(another.study.variants[0])
    another.evaluate()
    assert analysis(another).comparison is None


def test_a_run_on_other_bytes_is_not_compared(finished_study: FinishedStudy, tmp_path: Path) -> None:
    done = finished_study.reported(tmp_path / "store")
    folder = tmp_path / "corpus"
    folder.mkdir()
    source = LocalSource(path=str(write_corpus(folder, reviews=64)))
    study = done.study.model_copy(update={"cells": ("GRU",), "reviews": source, "glove": source})
    assert analysis(reached(study, done.store, "run-2")).comparison is None


def test_the_same_bytes_from_another_folder_are_the_same_study_with_the_same_report(
    finished_study: FinishedStudy, tmp_path: Path
) -> None:
    done = finished_study.reported(tmp_path / "store")
    report = done.reported()
    done.record_mailed(report.key)
    again = from_elsewhere(done, tmp_path / "elsewhere", "run-2")
    assert again.keys.identity == done.keys.identity
    assert again.report().key == report.key
    assert not again.result_has_changed()
    assert analysis(again).comparison is None
    fewer = without(again, again.study.variants[1], "run-3")
    assert fewer.result_has_changed()
    found = analysis(fewer).comparison
    assert found is not None
    assert found.previous_run == "run-2"
    assert {change.where for change in found.changes} <= {"results"}


def test_other_code_that_evaluates_anew_is_reported_as_changed_and_nothing_else_is(
    finished_study: FinishedStudy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = finished_study.reported(tmp_path)
    done.record_mailed(done.reported().key)
    monkeypatch.setenv("IMDB_CODE_REVISION", "newer")
    assert not done.result_has_changed()
    monkeypatch.setitem(keys.REVISIONS, "evaluations", keys.REVISIONS["evaluations"] + 1)
    after = evaluated(done.study, done.store, "run-2")
    assert after.result_has_changed()
    found = analysis(after).comparison
    assert found is not None
    assert found.previous_run == "run-1"
    assert [(change.where, change.what, change.now) for change in found.changes] == [("code", "revision", "newer")]


def test_a_study_on_another_backend_has_notes_of_its_own_and_is_the_same_study(
    done: Steps, monkeypatch: pytest.MonkeyPatch
) -> None:
    identity, notes = done.keys.identity, done.keys.of_study
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    assert (done.keys.identity, done.keys.of_study) != (identity, notes)
    assert done.keys.identity == identity


def test_the_first_result_again_is_set_beside_the_other_that_came_between(
    finished_study: FinishedStudy, tmp_path: Path
) -> None:
    first = finished_study.reported(tmp_path)
    assert analysis(first).comparison is None
    without(first, first.study.variants[0], "run-2").report()
    for again in (reached(first.study, first.store, "run-3"), first):  # noted: the same for every run from now on
        found = analysis(again).comparison
        assert found is not None
        assert found.previous_run == "run-2"


@pytest.mark.slow
def test_a_run_whose_earlier_run_was_pruned_is_compared_with_none(done: Steps, tiny_study: Study) -> None:
    done.report()
    lone = Steps(tiny_study.model_copy(update={"units": (5,), "cells": ("GRU",)}), done.store, "run-5")
    gone = {"report": "r", "analysis": "gone", "evaluation": "gone", "study": lone.keys.identity}
    done.store.write_ref("runs/run-0", gone)
    lone.train(lone.study.variants[0])
    lone.evaluate()
    assert analysis(lone).comparison is None
    done.store.remove_ref("runs/run-0")


def test_a_prediction_that_is_gone_is_made_again_for_the_conclusions(done: Steps) -> None:
    before, report = analysis(done), done.report()
    model = done.store.need("models", done.keys.model(done.study.variants[0]), step="train")
    done.store.remove("predictions", done.keys.predictions(model.key))
    done.store.remove("analyses", analysis_key(done))
    done.store.remove("reports", report.key)
    again = analysis(done)
    assert [each.accuracy for each in again.variants] == [each.accuracy for each in before.variants]


@pytest.mark.slow
def test_an_evaluation_opens_the_arrays_and_each_model_once(
    store: Store, tiny_study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = prepared(tiny_study, store)
    for variant in tiny_study.variants:
        steps.train(variant)
    opened: Counter[str] = Counter()

    def counting(self: Store, kind: str, key: str, **options: bool) -> Entry | None:
        opened[kind] += 1
        return find(self, kind, key, **options)

    find = Store.find
    monkeypatch.setattr(Store, "find", counting)
    steps.evaluate()
    assert (opened["arrays"], opened["models"]) == (1, len(tiny_study.variants))


def test_a_report_on_arrays_without_their_texts_takes_them_from_the_reviews(done: Steps) -> None:
    page = undated(done.report())
    [texts] = done.store.files.folders("texts")
    done.store.remove("texts", texts)
    done.store.remove("reports", done.reported().key)
    assert undated(done.report()) == page
    assert done.store.files.folders("texts") == [texts]


def undated(report: Entry) -> str:
    """Return a page without the minute in which it was made."""
    return re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC", "", report.file("report.html").read_text("utf8"))


def test_another_vocabulary_shares_the_texts_of_the_test_reviews(done: Steps) -> None:
    settings = done.study.text.model_copy(update={"vocabulary_limit": 9})
    prepared(done.study.model_copy(update={"text": settings}), done.store)
    assert len(done.store.files.folders("texts")) == 1


def test_an_unknown_variant_is_answered_with_the_grid(done: Steps) -> None:
    with pytest.raises(SettingsError, match=r"no variant '9_GRU_9'; it has \['4_GRU_16', '4_LSTM_16'\]"):
        done.variant("9_GRU_9")
