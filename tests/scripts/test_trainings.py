"""The trainings of a run, read from a store and from Airflow's task instances."""

import datetime
import os

import pytest

from imdb_tasks.pipeline import Progress, Steps, Training
from imdb_tasks.resources import SAMPLE
from imdb_tasks.store import Store
from imdb_tasks.study import History, LocalSource, Study
from scripts.trainings import Look, Trainings

RUN, EARLIER = "local__2", "local__1"
EPOCHS = 100
SOON = 5.0  # seconds that a test may take


def now():
    return datetime.datetime.now(datetime.UTC)


def task(name, state, *, index=-1, started=None):
    began = (now() - datetime.timedelta(seconds=started)).isoformat().replace("+00:00", "Z") if started else None
    return {"task_id": name, "state": state, "map_index": index, "start_date": began}


@pytest.fixture
def trainings(tmp_path):
    sample = LocalSource(path=os.fspath(SAMPLE))
    study = Study(cells=("GRU",), units=(128,), reviews=sample, glove=sample)
    steps = Steps(study, Store(os.fspath(tmp_path)), RUN)
    steps.fetch_reviews()
    steps.fetch_glove()
    return Trainings(steps, 2)


def note(trainings, index, seconds, *, run=RUN, begun=True):
    """Write what a variant's task in ``run`` notes after so many epochs, and that RUN's has begun."""
    steps = trainings.steps
    variant = steps.study.variants[index]
    key = steps.keys.model(variant)
    status = "finished" if len(seconds) == EPOCHS else "training"
    values = dict.fromkeys(("loss", "accuracy", "auc", "val_loss", "val_accuracy", "val_auc"), (0.5,) * len(seconds))
    history = History(**values, seconds=tuple(seconds), samples_per_second=(1.0,) * len(seconds))
    about = {"run_id": run, "variant": variant.name, "epoch": len(seconds), "epochs": EPOCHS, "status": status}
    steps.notes.write(Progress(**about, history=history), key)
    if begun:
        cached = status == "finished" and run != RUN
        steps.notes.write(Training(model=key, cached=cached), f"{RUN}/{variant.name}")


def running(*states):
    return [task("prepare", "success"), *(task("train", s, index=i, started=t) for i, (s, t) in enumerate(states))]


WAITING = (None, None)


def test_before_the_data_is_prepared_nothing_is_looked_at(trainings):
    tasks = [task("prepare", "running"), task("train", None)]
    assert trainings.look(tasks, now()) == Look()
    assert trainings.look([task("prepare", "success"), task("train", None)], now()) == Look()


def test_an_estimate_follows_from_the_epochs_of_this_run(trainings):
    note(trainings, 0, [25.0, 20.0, 20.0])
    note(trainings, 1, [25.0, 20.0, 20.0])
    look = trainings.look(running(("running", 75), ("running", 75), WAITING), now())
    assert [ref["variant"] for ref in look.refs] == ["128_GRU_128", "128_GRU_64"]
    assert look.estimate.spent == pytest.approx(75, abs=SOON)
    assert look.estimate.low == pytest.approx(97 * 20 + 15 + 100 * 20, abs=SOON)


def test_a_model_in_the_store_is_shown_as_cached_and_takes_no_time(trainings):
    note(trainings, 0, [9.0] * EPOCHS, run=EARLIER)
    note(trainings, 1, [9.0] * EPOCHS, run=EARLIER, begun=False)
    note(trainings, 2, [20.0] * 10)
    look = trainings.look(running(("success", 250), WAITING, ("running", 210)), now())
    assert {ref["variant"]: ref["status"] for ref in look.refs} == {"128_GRU_128": "cached", "128_GRU_32": "training"}
    assert (look.estimate.low, look.estimate.trainings) == (90 * 20, 1)


def test_an_interrupted_training_is_shown_from_its_checkpoint_and_is_no_evidence_before_its_next_epoch(trainings):
    note(trainings, 0, [20.0] * 90, run=EARLIER)
    note(trainings, 1, [20.0] * 90, run=EARLIER)
    tasks = running(("running", 30), ("running", 30), WAITING)
    look = trainings.look(tasks, now())
    assert [(ref["run_id"], ref["epoch"]) for ref in look.refs] == [(RUN, 90), (RUN, 90)]
    assert look.estimate is None
    for new in (1, 2):
        note(trainings, 0, [20.0] * (90 + new))
        note(trainings, 1, [20.0] * (90 + new))
        tasks = running(("running", 10 + 20 * new), ("running", 10 + 20 * new), WAITING)
        assert trainings.look(tasks, now()).estimate is None


def test_the_epochs_of_an_interrupted_run_do_not_count_on_a_machine_that_is_quiet_again(trainings):
    for index in (0, 1):
        note(trainings, index, [80.0] * 40 + [25.0, 20.0, 20.0])
    look = trainings.look(running(("running", 75), ("running", 75), WAITING), now())
    assert look.estimate.low == pytest.approx(57 * 20 + 15 + 100 * 20, abs=SOON)
    assert "from the first 3 epochs" in look.estimate.whole


def test_a_task_that_only_found_its_model_adds_no_epoch(trainings):
    note(trainings, 0, [20.0] * EPOCHS)  # by an earlier try of the same run
    note(trainings, 1, [25.0, 20.0, 20.0])
    note(trainings, 2, [25.0, 20.0, 20.0])
    look = trainings.look(running(("success", 5), ("running", 75), ("running", 75)), now())
    assert look.estimate.trainings == 2


def test_the_epoch_at_work_does_not_count_as_a_slow_start(trainings):
    note(trainings, 0, [25.0, 20.0, 20.0])
    note(trainings, 1, [25.0, 20.0, 20.0])
    later = now() + datetime.timedelta(seconds=15)
    look = trainings.look(running(("running", 75), ("running", 75), WAITING), later)
    assert look.estimate.low == pytest.approx(97 * 20 + 15 + 100 * 20, abs=SOON)


def test_a_failed_training_is_shown_as_failed_and_not_waited_for(trainings):
    note(trainings, 0, [25.0, 20.0, 20.0, 20.0])
    note(trainings, 1, [25.0, 20.0, 20.0, 20.0])
    look = trainings.look(running(("failed", 95), ("running", 95), ("upstream_failed", None)), now())
    assert look.estimate.low == 96 * 20
    assert [ref["status"] for ref in look.refs] == ["failed", "training"]
