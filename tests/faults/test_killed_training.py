"""A training process is killed with SIGKILL; the next try goes on, and the result is that of an undisturbed one."""

import signal
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from imdb_tasks.results import TrainingRecord
from imdb_tasks.steps import Steps
from imdb_tasks.store import Entry, Store
from imdb_tasks.study import Study, TrainingSettings
from tests.faults.killing import MOMENTS, NEVER

ROOT = Path(__file__).parents[2]
EPOCHS = 4


@pytest.fixture(scope="module")
def study(tiny_study: Study) -> Study:
    return tiny_study.model_copy(update={"training": TrainingSettings(epochs=EPOCHS, learning_rate=0.01)})


@pytest.fixture(scope="module")
def undisturbed(study: Study, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Entry]:
    steps = prepared(study, tmp_path_factory.mktemp("undisturbed"))
    for variant in study.variants:
        assert train(steps, variant.name).returncode == 0
    return {v.name: steps.store.need("models", steps.places.model(v), step="train") for v in study.variants}


def prepared(study: Study, root: Path) -> Steps:
    steps = Steps(study, Store(root))
    steps.fetch_reviews()
    steps.fetch_glove()
    steps.prepare()
    return steps


def train(steps: Steps, variant: str, moment: str = NEVER, times: int = 1) -> "subprocess.CompletedProcess[str]":
    arguments = [steps.study.model_dump_json(), str(steps.store.root), variant, moment, str(times)]
    command = [sys.executable, "-m", "tests.faults.killing", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def weights(model: Entry) -> list[np.ndarray]:
    return keras.saving.load_model(model.file("model.keras"), safe_mode=True).get_weights()


def record(model: Entry) -> TrainingRecord:
    return TrainingRecord.model_validate_json(model.file("record.json").read_bytes())


def untimed(model: Entry) -> dict[str, object]:
    return record(model).history.model_dump(exclude={"seconds", "samples_per_second"})


@pytest.mark.parametrize("moment", [moment for moment in MOMENTS if moment != NEVER])
def test_the_next_try_ends_with_the_result_of_an_undisturbed_training(moment, study, undisturbed, tmp_path) -> None:
    name = study.variants[len(moment) % 2].name  # both cells get their share of the moments
    steps = prepared(study, tmp_path)
    times = 3 if "epoch" in moment or "a checkpoint" in moment else 1  # the result is published once
    killed = train(steps, name, moment, times)
    assert killed.returncode == -signal.SIGKILL, killed.stderr

    again = train(steps, name)

    assert again.returncode == 0, again.stderr
    model = steps.store.need("models", steps.places.model(steps.variant(name)), step="train")
    assert untimed(model) == untimed(undisturbed[name])
    assert len(record(model).history.seconds) == EPOCHS
    for one, other in zip(weights(model), weights(undisturbed[name]), strict=True):
        assert one.tobytes() == other.tobytes()


def test_at_most_one_epoch_is_trained_again(study, tmp_path) -> None:
    steps = prepared(study, tmp_path)
    name = study.variants[0].name
    train(steps, name, "in the middle of an epoch", 3)
    progress = next(iter(steps.store.refs("progress").values()))
    assert progress["epoch"] == 2
    second = train(steps, name, "in the middle of an epoch", 2)  # its second epoch is the fourth of the training
    assert second.returncode == -signal.SIGKILL
    assert next(iter(steps.store.refs("progress").values()))["epoch"] == 3


def test_the_checkpoint_goes_away_with_the_result(study, tmp_path) -> None:
    steps = prepared(study, tmp_path)
    name = study.variants[0].name
    train(steps, name, "before a checkpoint is moved into place", 2)
    assert len(list(tmp_path.joinpath("checkpoints").iterdir())) == 2  # the first epoch's, and a draft of the second
    assert train(steps, name).returncode == 0
    assert list(tmp_path.joinpath("checkpoints").iterdir()) == []


def test_a_damaged_checkpoint_means_the_beginning_not_a_wrong_result(study, undisturbed, tmp_path) -> None:
    steps = prepared(study, tmp_path)
    name = study.variants[0].name
    train(steps, name, "in the middle of an epoch", 3)
    [checkpoint] = tmp_path.joinpath("checkpoints").iterdir()
    content = bytearray(checkpoint.read_bytes())
    content[len(content) // 2] ^= 1
    checkpoint.write_bytes(content)
    assert train(steps, name).returncode == 0
    model = steps.store.need("models", steps.places.model(steps.variant(name)), step="train")
    assert untimed(model) == untimed(undisturbed[name])
