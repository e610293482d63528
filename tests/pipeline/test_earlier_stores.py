"""A store of an earlier release is read by this one.

The archive holds a store that was written before entries, refs and checkpoints sealed their names and times. Two runs
of a tiny study, of one and of two epochs, went to the mail. The folder that the
sources were fetched from is not here.
"""

import json
import tarfile
from pathlib import Path

import pytest

from imdb_tasks.pipeline import Steps, find_conclusions, find_model, last_evaluation, predict
from imdb_tasks.store import Store, list_entries, verify_store
from imdb_tasks.study import LocalSource, Study, TextSettings, TrainingRecord, TrainingSettings
from imdb_tasks.ui import comparison_page, find_run, list_runs, study_page

ARCHIVE = Path(__file__).parents[1] / "data" / "store-before-the-rooms.tar.xz"
SOURCE = LocalSource(path="/data/imdb")


def study_of(epochs: int) -> Study:
    return Study(
        cells=("GRU", "LSTM"),
        units=(4,),
        batch_sizes=(16,),
        text=TextSettings(max_tokens=12),
        training=TrainingSettings(epochs=epochs, learning_rate=0.01),
        reviews=SOURCE,
        glove=SOURCE,
    )


@pytest.fixture
def earlier(tmp_path: Path) -> Store:
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(tmp_path / "store", filter="data")
    return Store(tmp_path / "store")


def test_all_of_it_is_whole(earlier: Store) -> None:
    whole, damaged = verify_store(earlier)
    assert damaged == []
    assert whole == len(list(list_entries(earlier))) == 17
    assert all(entry.bytes for entry in list_entries(earlier))


@pytest.mark.parametrize(("run_id", "epochs"), [("run-1", 1), ("run-2", 2)])
def test_the_steps_find_its_arrays_and_train_anew_what_has_another_start_now(
    earlier: Store, run_id: str, epochs: int
) -> None:
    before = {entry.name for entry in list_entries(earlier)}
    run = earlier.read_ref(f"runs/{run_id}")
    assert run is not None
    steps = Steps(study_of(epochs), earlier, run_id)
    steps.prepare()
    model = steps.train(steps.study.variants[0])
    record = TrainingRecord.model_validate_json(model.file("record.json").read_bytes())
    assert record.history.epochs == epochs
    after = {entry.name for entry in list_entries(earlier)}
    assert [name for name in after - before if name.startswith("arrays")] == []
    assert [name for name in after - before if name.startswith("models")] == [f"models/{model.key}"]
    # What was made of the earlier models stays readable, and the page that was mailed stays mailed.
    assert earlier.find("evaluations", run["evaluation"]) is not None
    assert earlier.find("analyses", run["analysis"]) is not None
    assert earlier.find("reports", run["report"]) is not None
    assert steps.is_mailed(run["report"])


def test_its_analyses_are_of_an_older_form_and_the_comparison_says_so(earlier: Store) -> None:
    first, second = (find_run(earlier, run) for run in ("run-1", "run-2"))
    assert first is not None
    assert second is not None
    for run in (first, second):
        assert run.note.analysis is not None
        assert find_conclusions(earlier, run.id, run.note.analysis) is None
    page = comparison_page(earlier, first, second, "")
    assert "there is nothing to compare" in page
    assert "run-1" in page


def test_its_runs_are_listed_newest_first(earlier: Store) -> None:
    runs = list_runs(earlier).runs
    assert [run.id for run in runs] == ["run-2", "run-1"]
    assert runs[0].written.isoformat() == "2026-11-25T21:16:30+00:00"  # the file's time
    assert "LSTM-4/16 is the most accurate" in runs[0].note.headline


def test_the_page_of_the_study_says_what_its_runs_were(earlier: Store) -> None:
    page = study_page(earlier, "")
    assert "custom, 2 epochs, 1 replicate" in page
    assert "custom, 1 epoch, 1 replicate" in page


def test_its_last_evaluation_leads_to_a_model_that_predicts(earlier: Store) -> None:
    evaluation = last_evaluation(earlier)
    assert evaluation.key == "38ced2b3af2a7e6a7ada37de"  # that of run-2
    model = find_model(earlier, evaluation)
    assert model.name == "4_LSTM_16"
    good, bad = predict(
        model,
        ["A wonderful film, moving and clever!", "A dull film, clumsy and empty."],
        json.loads(model.word_index.read_text("utf8")),
    )
    assert (good.label, bad.label) == ("positive", "negative")


def test_what_is_written_into_it_comes_after_what_is_there(earlier: Store) -> None:
    earlier.write_ref("runs/a", {"report": "r"})
    Path(earlier.where, "refs", "runs", "run-1.json").touch()
    runs = list_runs(earlier).runs
    assert [run.id for run in runs] == ["a", "run-1", "run-2"]
