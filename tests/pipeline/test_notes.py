import logging
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, strategies

from imdb_tasks.errors import SettingsError
from imdb_tasks.pipeline.notes import (
    NOTES,
    Analysed,
    Evaluated,
    MailedBy,
    Notes,
    PreviousRun,
    Progress,
    ReportedRun,
    Training,
    check_run_id,
)
from imdb_tasks.store import Store
from imdb_tasks.study import History


def test_a_note_is_read_as_it_was_written(store: Store) -> None:
    notes = Notes(store)
    history = History(loss=(0.5, None), val_loss=(0.6, 0.7))
    progress = Progress(run_id="r", variant="4_GRU_16", epoch=2, epochs=3, status="training", history=history)
    analysed = Analysed(key="a2", previous=PreviousRun(run="r0", analysis="a1"))
    notes.write(progress, "m1")
    notes.write(analysed, "e1")
    assert notes.read(Progress, "m1") == progress
    assert notes.read(Analysed, "e1") == analysed
    notes.remove(Progress, "m1")
    assert notes.read(Progress, "m1") is None


def test_the_latest_note_is_the_one_written_last(store: Store) -> None:
    notes = Notes(store)
    for key in ("b", "a"):
        notes.write(Evaluated(key=key), key)
    assert notes.latest(Evaluated) == Evaluated(key="a")
    assert list(notes.all(Evaluated)) == ["b", "a"]
    assert notes.latest(MailedBy) is None


def test_a_field_of_a_later_release_is_read_past(store: Store) -> None:
    store.write_ref("runs/r", {"report": "k", "weather": "fine"})
    assert Notes(store).read(ReportedRun, "r") == ReportedRun(report="k")


def test_a_note_of_another_form_counts_as_none_and_is_named(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    store.write_ref("runs/odd", {"analysis": "a"})
    store.write_ref("runs/good", {"report": "k"})
    with caplog.at_level(logging.WARNING):
        assert list(Notes(store).all(ReportedRun)) == ["good"]
        assert Notes(store).read(ReportedRun, "odd") is None
    assert "refs/runs/odd has another form than this release reads" in caplog.text


def test_every_kind_of_note_has_a_folder_of_its_own() -> None:
    assert len({kind.folder for kind in NOTES}) == len(NOTES)
    assert NOTES[-1] is ReportedRun  # a killed prune goes on from the runs


@pytest.mark.parametrize("length", [1, 216, 217, 250])
def test_a_run_id_as_long_as_airflow_allows_can_be_noted_read_and_set_aside(store: Store, length: int) -> None:
    run = "r" * length
    check_run_id(run)
    notes = Notes(store)
    notes.write(MailedBy(report="r1"), run)
    notes.write(Training(model="m1"), f"{run}/64_GRU_32")
    assert notes.read(MailedBy, run) == MailedBy(report="r1")
    assert notes.read(Training, f"{run}/64_GRU_32") == Training(model="m1")
    [file] = Path(store.where).joinpath("refs", "mailed-by").iterdir()
    file.write_text("damaged")
    assert notes.read(MailedBy, run) is None


@given(run=strategies.from_regex(r"[A-Za-z0-9_.~:+-]{1,250}\Z") | strategies.text(max_size=250))
def test_a_run_id_that_the_plan_takes_can_name_every_note_and_one_that_it_refuses_none(run: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        notes = Notes(Store(folder))
        try:
            check_run_id(run)
        except SettingsError:
            with pytest.raises(SettingsError):
                notes.write(MailedBy(report="r1"), run)
            return
        notes.write(MailedBy(report="r1"), run)
        assert notes.read(MailedBy, run) == MailedBy(report="r1")


@pytest.mark.parametrize("run", [".hidden", "..", "a/b", "a b", "", "another=" + 243 * "r"])
def test_a_run_id_that_no_note_can_have_is_refused_with_what_to_do(run: str) -> None:
    with pytest.raises(SettingsError, match="Trigger the run again with another id"):
        check_run_id(run)
