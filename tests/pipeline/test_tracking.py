"""What is published, seen by MLflow's own client on a real server."""

import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from imdb_tasks.errors import SettingsError
from imdb_tasks.pipeline import Steps, last_evaluation, publish_evaluation, tracking
from imdb_tasks.pipeline.evaluation import result_of
from scripts.home import free_port
from tests.support.mlflow_server import serving
from tests.support.stepping import FinishedStudy

pytestmark = [
    pytest.mark.slow,  # a server in an environment of its own
    pytest.mark.filterwarnings(
        "ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning"
    ),  # MLflow's
]

EPOCHS = 2


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("mlflow")) as url:
        yield url


@pytest.fixture
def steps(
    finished_study: FinishedStudy, server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: Any
) -> Steps:
    """The steps of a finished run, and an experiment of its own to publish them to."""
    steps = finished_study.reported(tmp_path / "store")
    monkeypatch.setenv("BROWSER_PATH", "/no-such-browser")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", request.node.name)
    return Steps(steps.study, steps.store, "manual__1")


class Published:
    """What the server has in the experiment of this test."""

    def __init__(self, server: str) -> None:
        from mlflow import MlflowClient

        self.client = MlflowClient(server)
        found = self.client.get_experiment_by_name(os.environ["MLFLOW_EXPERIMENT_NAME"])
        self.experiment = found.experiment_id if found else None
        runs = self.client.search_runs([self.experiment]) if found else []
        self.trainings = {run.info.run_name: run for run in runs if "mlflow.parentRunId" in run.data.tags}
        self.studies = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
        self.runs = len(runs)

    def epochs(self, training: str, metric: str) -> list[int]:
        run = self.trainings[training].info.run_id
        return [value.step for value in self.client.get_metric_history(run, metric)]

    def best(self) -> Any:
        """Return the model that the alias leads to."""
        version = self.client.get_model_version_by_alias("imdb_best_model", "best")
        return self.client.get_logged_model(version.source.removeprefix("models:/"))


def published(steps: Steps, server: str) -> Published:
    for variant in steps.study.variants:
        steps.train(variant)
    steps.report()
    return Published(server)


def test_a_study_is_a_run_with_its_report_and_rulings_and_each_training_a_run_below_it(
    steps: Steps, server: str
) -> None:
    found = published(steps, server)
    [study] = found.studies
    assert set(found.trainings) == {"GRU-4/16", "LSTM-4/16"}
    assert study.info.status == "FINISHED"
    assert (study.data.params["cells"], study.data.params["epochs"]) == ("GRU, LSTM", str(EPOCHS))
    assert {"imdb.claim.cell", "imdb.report", "mlflow.note.content"} <= set(study.data.tags)
    assert [file.path for file in found.client.list_artifacts(study.info.run_id)] == ["report.html"]
    for name, run in found.trainings.items():
        assert run.data.tags["mlflow.parentRunId"] == study.info.run_id
        assert run.data.tags["imdb.run"] == "manual__1"
        assert run.data.tags["imdb.replicate"] == "0"
        assert (run.data.params["cell"], run.data.params["units"]) == (name.partition("-")[0], "4")
        assert found.epochs(name, "val_loss") == [1, 2]
        assert {"test_accuracy", "test_loss", "test_auc", "samples_per_second"} <= set(run.data.metrics)
        assert run.info.status == "FINISHED"


def test_the_numbers_are_those_of_the_store(steps: Steps, server: str) -> None:
    found = published(steps, server)
    for row in result_of(last_evaluation(steps.store)).variants:
        assert row.training
        assert row.test
        run = found.trainings[row.variant.label]
        assert run.data.metrics["val_loss"] == row.training.history.val_loss[-1]
        assert run.data.metrics["test_accuracy"] == row.test.accuracy
        spent = run.info.end_time - run.info.start_time
        assert spent == pytest.approx(1_000 * sum(row.training.history.seconds), abs=2)


def test_publishing_again_after_a_retry_a_resume_and_a_kill_doubles_nothing(steps: Steps, server: str) -> None:
    before = published(steps, server)
    versions = len(before.client.search_model_versions("name = 'imdb_best_model'"))
    for run in before.trainings.values():
        before.client.update_run(run.info.run_id, status="RUNNING")  # as if the process had died on the way
    after = published(steps, server)
    assert after.runs == before.runs == 3
    for name in after.trainings:
        assert after.epochs(name, "loss") == [1, 2]
        assert after.epochs(name, "test_accuracy") == [0]
    models = after.client.search_logged_models([after.experiment])
    assert len(models) == 2
    assert len(after.client.search_model_versions("name = 'imdb_best_model'")) == versions


def test_a_report_waits_for_a_server_no_longer_than_its_time_and_the_next_publishes_the_rest(
    steps: Steps, server: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with monkeypatch.context() as patch, caplog.at_level(logging.WARNING):
        patch.setattr(tracking, "_PATIENCE", -1.0)
        assert steps.report().file("report.html").is_file()
    assert "0 of 2 trainings are published, and the time is over" in caplog.text
    assert Published(server).trainings == {}
    steps.report()
    assert len(Published(server).trainings) == 2


def test_the_best_model_has_an_alias_and_a_signature_and_predicts_as_that_of_the_store(
    steps: Steps, server: str
) -> None:
    import mlflow
    import numpy as np

    found = published(steps, server)
    model = found.best()
    assert model.name in {"4_GRU_16", "4_LSTM_16"}
    mlflow.set_tracking_uri(server)
    loaded = mlflow.pyfunc.load_model("models:/imdb_best_model@best")
    [ids] = loaded.metadata.signature.inputs.to_dict()
    spec = ids["tensor-spec"]
    assert (ids["name"], spec["dtype"], list(spec["shape"])) == ("ids", "int32", [-1, 12])
    rows = (np.arange(24, dtype=np.int32) % 3).reshape(2, 12)
    variant = steps.variant(model.name)
    import keras

    stored = keras.saving.load_model(steps.train(variant).file("model.keras"), compile=False)
    np.testing.assert_allclose(loaded.predict(rows), stored.predict(rows, verbose=0), rtol=1e-6)


def test_what_a_server_missed_is_published_with_the_report(
    steps: Steps, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{free_port(5001)}")
    for variant in steps.study.variants:
        steps.train(variant)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    steps.report()
    assert Published(server).runs == 3


@pytest.mark.parametrize("uri", ["http://user:canary@127.0.0.1:{port}", "canary", "http://127.0.0.1:{port}/canary"])
def test_a_server_that_is_away_or_no_address_fails_nothing_and_shows_no_login(
    steps: Steps, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, uri: str
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri.format(port=free_port(5001)))
    with caplog.at_level(logging.WARNING, "imdb_tasks"):
        steps.train(steps.study.variants[0])
        steps.report()
    said = [record.message for record in caplog.records if record.name == "imdb_tasks.pipeline.tracking"]
    assert len(said) == 2
    assert "canary" not in "".join(said)
    with pytest.raises(SettingsError, match="MLFLOW_TRACKING_URI") as raised:
        publish_evaluation(steps.store, last_evaluation(steps.store))
    assert "canary" not in str(raised.value)


def test_a_missing_client_fails_nothing_and_is_named(
    steps: Steps, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "mlflow", None)
    steps.train(steps.study.variants[0])
    assert "pip install 'imdb-tasks[mlflow]'" in caplog.text


def test_without_an_address_mlflow_is_not_even_imported(steps: Steps, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    monkeypatch.setitem(sys.modules, "mlflow", None)
    steps.train(steps.study.variants[0])
    with pytest.raises(SettingsError, match="MLFLOW_TRACKING_URI is not set"):
        publish_evaluation(steps.store, last_evaluation(steps.store))


def test_two_commands_at_the_same_time_publish_each_run_once(steps: Steps, server: str) -> None:
    command = [sys.executable, "-m", "imdb_tasks", "mlflow", "--store", steps.store.where]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    for process in both:
        said, errors = process.communicate(timeout=300)
        assert (process.returncode, said) == (0, "published; look at it on the server of MLFLOW_TRACKING_URI\n"), errors
    assert Published(server).runs == 3
