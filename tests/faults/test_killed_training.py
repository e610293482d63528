"""A training process is killed with SIGKILL; the next try goes on, and the result is that of an undisturbed one."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from imdb_tasks.pipeline import Steps
from imdb_tasks.store import Entry
from imdb_tasks.study import Study, TrainingRecord, TrainingSettings
from tests.support.examples import also
from tests.support.killing import MOMENTS, NEVER, SLOWLY, SLOWLY_ELSEWHERE
from tests.support.stepping import FinishedStudy

pytestmark = pytest.mark.slow  # each test starts TensorFlow twice or more

ROOT = Path(__file__).parents[2]
EPOCHS = 4
KILLING = [moment for moment in MOMENTS if moment not in (NEVER, SLOWLY, SLOWLY_ELSEWHERE)]
OFTEN = ("in the middle of an epoch", "before a checkpoint is moved into place", "after the result is moved into place")


@pytest.fixture(scope="module")
def study(tiny_study: Study) -> Study:
    return tiny_study.model_copy(update={"training": TrainingSettings(epochs=EPOCHS, learning_rate=0.01)})


@pytest.fixture(scope="module")
def undisturbed(
    study: Study, finished_study: FinishedStudy, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Entry]:
    steps = finished_study.prepared(tmp_path_factory.mktemp("undisturbed"), study)
    return {variant.name: steps.train(variant) for variant in study.variants}


def train(steps: Steps, variant: str, moment: str = NEVER, times: int = 1) -> "subprocess.CompletedProcess[str]":
    process = begin(steps, variant, moment, times)
    out, err = process.communicate()
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def begin(steps: Steps, variant: str, moment: str = NEVER, times: int = 1) -> "subprocess.Popen[str]":
    arguments = [steps.study.model_dump_json(), steps.store.where, variant, moment, str(times)]
    command = [sys.executable, "-m", "tests.support.killing", *arguments]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def strays(steps: Steps) -> list[Path]:
    """Return the files that belong to no entry and no ref."""
    root = Path(steps.store.where)
    return [path for name in ("work", "checkpoints", "locks") for path in root.joinpath(name).rglob("*")]


def wait_for_epoch(steps: Steps, epoch: int) -> None:
    for _ in range(1_200):
        if any(progress["epoch"] >= epoch for progress in steps.store.refs("progress").values()):
            return
        time.sleep(0.05)
    raise AssertionError(f"epoch {epoch} was not reached within a minute")


def weights(model: Entry) -> list[np.ndarray]:
    import keras

    return keras.saving.load_model(model.file("model.keras"), safe_mode=True).get_weights()


def record(model: Entry) -> TrainingRecord:
    return TrainingRecord.model_validate_json(model.file("record.json").read_bytes())


def untimed(model: Entry) -> dict[str, object]:
    return record(model).history.model_dump(exclude={"seconds", "samples_per_second"})


def same_weights(one: Entry, other: Entry) -> bool:
    pairs = zip(weights(one), weights(other), strict=True)
    return all(first.tobytes() == second.tobytes() for first, second in pairs)


@pytest.mark.parametrize("moment", [moment if moment in OFTEN else also(moment) for moment in KILLING])
def test_the_next_try_ends_with_the_result_of_an_undisturbed_training(
    moment, study, finished_study, undisturbed, tmp_path
) -> None:
    name = study.variants[len(moment) % 2].name  # both cells get their share of the moments
    steps = finished_study.prepared(tmp_path, study)
    times = 3 if "epoch" in moment or "a checkpoint" in moment else 1  # the result is published once
    killed = train(steps, name, moment, times)
    assert killed.returncode == -signal.SIGKILL, killed.stderr

    model = steps.train(steps.variant(name))

    assert untimed(model) == untimed(undisturbed[name])
    assert len(record(model).history.seconds) == EPOCHS
    assert same_weights(model, undisturbed[name])
    assert strays(steps) == []


def test_at_most_one_epoch_is_trained_again(study, finished_study, tmp_path) -> None:
    steps = finished_study.prepared(tmp_path, study)
    name = study.variants[0].name
    train(steps, name, "in the middle of an epoch", 3)
    progress = next(iter(steps.store.refs("progress").values()))
    assert progress["epoch"] == 2
    second = train(steps, name, "in the middle of an epoch", 2)  # its second epoch is the fourth of the training
    assert second.returncode == -signal.SIGKILL
    assert next(iter(steps.store.refs("progress").values()))["epoch"] == 3


def test_the_checkpoint_goes_away_with_the_result(study, finished_study, tmp_path) -> None:
    steps = finished_study.prepared(tmp_path, study)
    name = study.variants[0].name
    train(steps, name, "before a checkpoint is moved into place", 2)
    assert len(list(tmp_path.joinpath("checkpoints").iterdir())) == 2  # the first epoch's, and a draft of the second
    steps.train(steps.variant(name))
    assert strays(steps) == []


def test_a_second_try_beside_a_living_first_one_waits_and_takes_its_result(
    study, finished_study, undisturbed, tmp_path
) -> None:
    steps = finished_study.prepared(tmp_path, study)
    name = study.variants[0].name
    first = begin(steps, name, SLOWLY)
    wait_for_epoch(steps, 1)
    second = begin(steps, name, SLOWLY)
    (_, first_log), (_, second_log) = first.communicate(), second.communicate()
    assert (first.returncode, second.returncode) == (0, 0), first_log + second_log
    assert first_log.count("epoch ") == EPOCHS
    assert second_log.count("epoch ") == 0
    assert f"process {first.pid} on" in second_log
    model = steps.store.need("models", steps.keys.model(steps.variant(name)), step="train")
    assert same_weights(model, undisturbed[name])
    assert strays(steps) == []


def test_a_first_try_that_comes_back_from_the_dead_stops_cleanly(study, finished_study, undisturbed, tmp_path) -> None:
    """Stopped for longer than silence is waited for, as a frozen virtual machine is, and seen from another machine."""
    steps = finished_study.prepared(tmp_path, study)
    name = study.variants[0].name
    first = begin(steps, name, SLOWLY_ELSEWHERE)
    wait_for_epoch(steps, 1)
    first.send_signal(signal.SIGSTOP)
    second = train(steps, name)
    first.send_signal(signal.SIGCONT)
    _, first_log = first.communicate()
    assert second.returncode == 0, second.stderr
    assert "is stale (no heartbeat for" in second.stderr
    assert first.returncode == 1
    assert "LostLockError" in first_log
    model = steps.store.need("models", steps.keys.model(steps.variant(name)), step="train")
    assert untimed(model) == untimed(undisturbed[name])
    assert same_weights(model, undisturbed[name])
    assert steps.store.refs("failures") == {}
    assert strays(steps) == []


def test_a_damaged_checkpoint_means_the_beginning_not_a_wrong_result(
    study, finished_study, undisturbed, tmp_path
) -> None:
    steps = finished_study.prepared(tmp_path, study)
    name = study.variants[0].name
    train(steps, name, "in the middle of an epoch", 3)
    [checkpoint] = tmp_path.joinpath("checkpoints").iterdir()
    content = bytearray(checkpoint.read_bytes())
    content[len(content) // 2] ^= 1
    checkpoint.write_bytes(content)
    model = steps.train(steps.variant(name))
    assert untimed(model) == untimed(undisturbed[name])
