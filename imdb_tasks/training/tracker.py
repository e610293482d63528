"""Studies and trainings as runs of an MLflow server, published from finished results.

study               a run: the grid, the rulings, the report
└── training        a run below it: settings, metrics by epoch, test metrics, the model with its signature

A run is found by its key, which is a tag; publishing again changes nothing. The time of each metric follows from the
start of its run, so the server recognises an epoch that it has.
"""

import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import Any

from imdb_tasks.errors import SettingsError
from imdb_tasks.study import MEASURES, History, TestMetrics

KEY = "imdb.key"
EXPERIMENT = "imdb-study"
BEST_MODEL, BEST = "imdb_best_model", "best"
_BATCH = 1_000  # metrics in a request
_CLIENT = {
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",  # seconds; by default, a server that is away takes minutes
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}


@dataclass(frozen=True)
class RunFacts:
    """What a run is: its key, the name that people see, its parameters and tags."""

    key: str
    name: str
    params: Mapping[str, str]
    tags: Mapping[str, str]


@dataclass(frozen=True)
class TrackedModel:
    """A model as a file that Keras has saved; it takes rows of ``max_tokens`` word ids (int32).

    ``versions`` are those of Python and of the packages that it was trained with.
    """

    file: Path
    name: str
    max_tokens: int
    versions: Mapping[str, str]


class Tracker:
    """The client of one server. Every method raises what MLflow's client raises."""

    def __init__(self, uri: str) -> None:
        """Load the client; raise SettingsError if it is not installed. Nothing is sent yet."""
        for name, value in _CLIENT.items():
            os.environ.setdefault(name, value)
        try:
            from mlflow import MlflowClient
        except ImportError as error:
            raise SettingsError("MLflow's client is not installed; pip install 'imdb-tasks[mlflow]'") from error
        self._client = MlflowClient(uri)

    @cached_property
    def _experiment(self) -> str:
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME") or EXPERIMENT
        found = self._client.get_experiment_by_name(name)
        return str(found.experiment_id if found else self._client.create_experiment(name))

    def study(self, facts: RunFacts) -> str:
        """Return the id of a study's run; make it if there is none."""
        return str(self._run(facts, time.time()).info.run_id)

    def training(self, study: str, facts: RunFacts, history: History, model: TrackedModel) -> str:
        """Publish a training below the run of its study, unless that has been done; return the id of its run."""
        below = replace(facts, tags={**facts.tags, "mlflow.parentRunId": study})
        run = self._run(below, time.time() - sum(history.seconds))
        name, started = str(run.info.run_id), int(run.info.start_time)
        if run.info.status != "FINISHED":
            self._log(name, list(_metrics(history, started)))
            self._save_model(name, model)
            self._client.set_terminated(name, end_time=_ends(history, started)[-1])
        return name

    def test(self, training: str, test: TestMetrics) -> None:
        """Add what a model achieved on the test reviews."""
        from mlflow.entities import Metric

        run = self._client.get_run(training)
        values = {f"test_{name}": getattr(test, name) for name in ("loss", "accuracy", "auc")}
        at = int(run.info.end_time)
        self._log(training, [Metric(name, value, at, 0) for name, value in values.items() if value is not None])

    def report(self, study: str, tags: Mapping[str, str], metrics: Mapping[str, float], page: Path) -> None:
        """Set what is known of a study at its end, with its report; once for each value of ``tags``."""
        if tags.items() <= self._client.get_run(study).data.tags.items():
            return
        self._client.log_artifact(study, str(page))
        for name, value in metrics.items():
            self._client.log_metric(study, name, value)
        self._client.set_terminated(study)
        for name, text in tags.items():
            self._client.set_tag(study, name, text)

    def best(self, training: str, key: str) -> None:
        """Register the model of a training, unless that has been done, and let the alias point to it."""
        from mlflow.exceptions import MlflowException

        try:
            self._client.create_registered_model(BEST_MODEL)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        versions = self._client.search_model_versions(f"name = '{BEST_MODEL}' and tags.`{KEY}` = '{key}'")
        if not versions:
            model = self._model_of(training).model_id
            made = self._client.create_model_version(
                BEST_MODEL, f"models:/{model}", training, tags={KEY: key}, model_id=model, await_creation_for=0
            )
            versions = [made]
        self._client.set_registered_model_alias(BEST_MODEL, BEST, versions[0].version)

    def _run(self, facts: RunFacts, started: float) -> Any:
        """Return the run of a key; if there is none, make one that began at ``started``, in seconds since 1970."""
        from mlflow.entities import Param

        [*found] = self._client.search_runs([self._experiment], f"tags.`{KEY}` = '{facts.key}'")
        if not found:
            tags = {**facts.tags, KEY: facts.key}
            found = [self._client.create_run(self._experiment, round(1_000 * started), tags, facts.name)]
        if not found[0].data.params:
            params = [Param(name, value) for name, value in facts.params.items()]
            self._client.log_batch(found[0].info.run_id, params=params)
        return found[0]

    def _log(self, run: str, metrics: list[Any]) -> None:
        for first in range(0, len(metrics), _BATCH):
            self._client.log_batch(run, metrics[first : first + _BATCH])

    def _model_of(self, run: str) -> Any:
        """Return the model that a run has logged in whole; None if there is none."""
        models = self._client.search_logged_models([self._experiment], f"source_run_id = '{run}'")
        return next((model for model in models if str(model.status) == "READY"), None)

    def _save_model(self, run: str, model: TrackedModel) -> None:
        from mlflow.entities import LoggedModelOutput

        if self._model_of(run) is None:
            made = self._client.create_logged_model(self._experiment, model.name, run, model_type="keras")
            with tempfile.TemporaryDirectory(prefix="imdb-mlflow-") as folder:
                _write_model(model, Path(folder), run, made.model_id)
                self._client.log_model_artifacts(made.model_id, folder)
            self._client.finalize_logged_model(made.model_id, "READY")
            self._client.log_outputs(run, [LoggedModelOutput(made.model_id, 0)])


def _ends(history: History, started: int) -> list[int]:
    """Return when each epoch ended, in milliseconds since 1970, as if nothing had happened between epochs."""
    return [started + round(1_000 * seconds) for seconds in accumulate(history.seconds, initial=0.0)][1:] or [started]


def _metrics(history: History, started: int) -> Iterator[Any]:
    """Yield the metrics of each epoch, from 1; a value that is not finite is left out."""
    from mlflow.entities import Metric

    for epoch, at in enumerate(_ends(history, started)[: history.epochs]):
        for name in (*MEASURES, "seconds", "samples_per_second"):
            value = getattr(history, name)[epoch]
            if value is not None:
                yield Metric(name, value, at, epoch + 1)


def _write_model(model: TrackedModel, folder: Path, run: str, model_id: str) -> None:
    """Write what ``mlflow.keras.load_model`` reads. The file is Keras's own; nothing is pickled."""
    import numpy as np
    from mlflow.models import Model, ModelSignature
    from mlflow.types import Schema, TensorSpec

    signature = ModelSignature(
        Schema([TensorSpec(np.dtype(np.int32), (-1, model.max_tokens), "ids")]),
        Schema([TensorSpec(np.dtype(np.float32), (-1, 1))]),
    )
    about = Model(run_id=run, model_id=model_id, signature=signature)
    about.add_flavor("keras", data="data", keras_version=model.versions["keras"], save_exported_model=False)
    python = {"python_version": model.versions["python"], "env": {"virtualenv": "python_env.yaml"}}
    about.add_flavor("python_function", loader_module="mlflow.keras", **python)
    about.save(str(folder / "MLmodel"))
    needed = {name: version for name, version in model.versions.items() if name != "python"}
    folder.joinpath("requirements.txt").write_text("".join(f"{name}=={needed[name]}\n" for name in sorted(needed)))
    folder.joinpath("python_env.yaml").write_text(
        f"python: {model.versions['python']}\ndependencies:\n- -r requirements.txt\n"
    )
    folder.joinpath("data").mkdir()
    folder.joinpath("data", "keras_module.txt").write_text("keras")
    folder.joinpath("data", "model.keras").symlink_to(model.file.absolute())
