"""What is published to an MLflow server, if MLFLOW_TRACKING_URI names one: each training when it ends, then the study.

Everything comes from the store, so what could not be published at one time is published at the next. A step never fails
for it.
"""

import contextlib
import logging
import math
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

from imdb_tasks.analysis import Analysis, best_model
from imdb_tasks.errors import SettingsError, StudyError
from imdb_tasks.formatting import count_of, one_line
from imdb_tasks.pipeline.conclusions import load_conclusions
from imdb_tasks.pipeline.evaluation import analysis_behind, last_evaluation_of, models_of, result_of
from imdb_tasks.pipeline.training import record_of
from imdb_tasks.pipeline.workspace import Workspace
from imdb_tasks.settings import TrackerSettings
from imdb_tasks.store import Entry, Store
from imdb_tasks.study import Study, Variant, fingerprint
from imdb_tasks.training import RunFacts, TrackedModel, Tracker

log = logging.getLogger(__name__)

_PATIENCE = 600.0  # seconds that a report waits for a server; what is published then stays so, the next takes the rest


def publish_training(work: Workspace, variant: Variant, model: Entry) -> None:
    """Publish a training of this run, if there is a server."""
    with _only_logged(variant.name):
        if uri := TrackerSettings.read().uri:
            tracker = Tracker(uri)
            study = _study(tracker, work, work.keys.of_study)
            _training(tracker, work, (work.keys.of_study, study), variant, model)


def publish_report(work: Workspace) -> None:
    """Publish the study as it was last evaluated, if there is a server."""
    with _only_logged("the study"):
        if uri := TrackerSettings.read().uri:
            _evaluated(Tracker(uri), work, last_evaluation_of(work), until=time.monotonic() + _PATIENCE)


def publish_evaluation(store: Store, evaluation: Entry) -> None:
    """Publish an evaluated study with all its trainings.

    Raises SettingsError if there is no server, or it does not take the study.
    """
    uri = TrackerSettings.read().uri
    if uri is None:
        raise SettingsError("MLFLOW_TRACKING_URI is not set; set it to the address of an MLflow server")
    work = Workspace(result_of(evaluation).study, store)
    try:
        _evaluated(Tracker(uri), work, evaluation)
    except Exception as error:
        if isinstance(error, StudyError):
            raise
        raise SettingsError(f"MLFLOW_TRACKING_URI: the server did not take the study: {_told(error)}") from error


@contextlib.contextmanager
def _only_logged(what: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # a tracker is a convenience
        log.warning("%s is not in MLflow: %s; the next report publishes it, or 'imdb-study mlflow'", what, _told(error))


def _told(error: Exception) -> str:
    """Return what happened, without the address, which may contain a login."""
    words = f"{type(error).__name__}: {error}"
    with contextlib.suppress(SettingsError):
        uri = TrackerSettings.read().uri or ""
        split = urlsplit(uri)
        parts = (uri, split.netloc, split.username, split.password, split.query, split.path.strip("/"))
        for secret in filter(None, parts):
            words = words.replace(secret, "...")
    return one_line(words)


def _evaluated(tracker: Tracker, work: Workspace, evaluation: Entry, *, until: float = math.inf) -> None:
    """Publish an evaluation: what is missing of its trainings, their test metrics, the report, the best model.

    Raises TimeoutError before the first training that would begin after ``until``, a time of ``time.monotonic``.
    """
    result = result_of(evaluation)
    key = fingerprint(work.keys.identity, result.backend)
    study = _study(tracker, work, key)
    trainings: dict[Variant, str] = {}
    keys = models_of(evaluation, result)
    for row in result.variants:
        if row.variant.name in keys:
            if time.monotonic() > until:
                raise TimeoutError(f"{len(trainings)} of {len(keys)} trainings are published, and the time is over")
            model = work.need("models", keys[row.variant.name], step="train")
            trainings[row.variant] = _training(tracker, work, (key, study), row.variant, model)
            if row.test:
                tracker.test(trainings[row.variant], row.test)
    if best := best_model(result.variants):
        tracker.best(trainings[best.variant], keys[best.variant.name])
    found = analysis_behind(work, evaluation)
    report = work.find("reports", work.keys.report(found)) if found else None
    if found and report:
        analysis = load_conclusions(work.run_id, work.need("analyses", found, step="report").path).analysis
        tags = {"imdb.report": report.key, "imdb.run": work.run_id, "mlflow.note.content": _note(analysis, report)}
        tags["imdb.headline"] = report.about["headline"]
        tags |= {f"imdb.claim.{verdict.claim}": verdict.ruling for verdict in analysis.verdicts}
        tracker.report(study, tags, _measures(analysis), report.file("report.html"))


def _study(tracker: Tracker, work: Workspace, key: str) -> str:
    """Return the id of a study's run."""
    study = work.study
    params = {name: ", ".join(map(str, getattr(study, name))) for name in ("cells", "units", "batch_sizes")}
    params |= {"replicates": str(study.replicates), **_settings(study)}
    name = f"{count_of(len(study.variants), 'model', 'models')}, {count_of(study.training.epochs, 'epoch', 'epochs')}"
    tags = {"imdb.study": key, "imdb.run": work.run_id, "imdb.reviews": study.reviews.kind}
    with work.store.exclusive("tracking", key):
        return tracker.study(RunFacts(key, name, params, tags))


def _training(tracker: Tracker, work: Workspace, study: tuple[str, str], variant: Variant, model: Entry) -> str:
    """Publish a training below a study, given by its key and the id of its run; return the id of the training's."""
    record = record_of(model)
    key = fingerprint(study[0], model.key)
    params = {name: str(getattr(variant, name)) for name in ("cell", "units", "batch_size", "replicate")}
    params |= {"trainable_parameters": str(record.cost.trainable_parameters), **_settings(work.study)}
    tags = {"imdb.study": study[0], "imdb.model": model.key, "imdb.run": work.run_id, "imdb.status": record.status}
    tags |= {"imdb.variant": variant.name, "imdb.replicate": str(variant.replicate), "imdb.device": record.cost.device}
    file = TrackedModel(model.file("model.keras"), variant.name, work.study.text.max_tokens, record.versions)
    with work.store.exclusive("tracking", key):
        return tracker.training(study[1], RunFacts(key, variant.label, params, tags), record.history, file)


def _settings(study: Study) -> dict[str, str]:
    return {name: str(value) for name, value in {**study.training.model_dump(), **study.text.model_dump()}.items()}


def _note(analysis: Analysis, report: Entry) -> str:
    """Return the description of a study's run, in Markdown."""
    rulings = "\n".join(f"- **{verdict.ruling}**: {verdict.title} {verdict.reason}" for verdict in analysis.verdicts)
    return f"{report.about['headline']}\n\n{rulings}\n\nThe whole report is among the artifacts: report.html."


def _measures(analysis: Analysis) -> dict[str, float]:
    if analysis.choice is None:
        return {}
    return {"test_accuracy": analysis.choice.accuracy, "val_accuracy": analysis.choice.validation_accuracy}
