"""The step that measures every trained variant on the test reviews, and who asks for what it found."""

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from imdb_tasks.errors import IncompleteStudyError, MissingInputError
from imdb_tasks.pipeline.notes import Analysed, Evaluated, Failure, ReportedRun
from imdb_tasks.pipeline.predictions import TestReviews, find_predictions
from imdb_tasks.pipeline.training import record_of
from imdb_tasks.pipeline.workspace import Workspace
from imdb_tasks.store import Entry, Lock, write_json
from imdb_tasks.study import DataCard, StudyResult, TestMetrics, Variant, VariantResult
from imdb_tasks.training import backend

if TYPE_CHECKING:
    from imdb_tasks.analysis import Predictions

log = logging.getLogger(__name__)

_NAMED = 5  # missing variants in a message


def evaluate(work: Workspace) -> Entry:
    """Measure every trained variant on the test reviews; a variant without a model is listed as missing."""
    trained = {variant: work.find("models", work.keys.model(variant)) for variant in work.study.variants}
    missing = {variant: _reason(work, variant) for variant, model in trained.items() if model is None}
    models = {variant: model for variant, model in trained.items() if model}
    if not models:
        raise MissingInputError("no variant has a trained model; look at the logs of the step 'train'")
    parts = [work.keys.predictions(models[v].key) if v in models else missing[v] for v in work.study.variants]
    evaluation = work.once(
        "evaluations",
        work.keys.evaluation(parts),
        lambda key, hold: _compare(work, key, models, missing, hold),
        step="evaluate",
    )
    work.notes.write(Evaluated(key=evaluation.key), work.keys.of_study)
    return evaluation


def last_evaluation_of(work: Workspace) -> Entry:
    """Return the study's last evaluation; raise MissingInputError if there is none."""
    noted = work.notes.read(Evaluated, work.keys.of_study)
    if noted is None:
        raise MissingInputError(
            "the study has not been evaluated; run the step 'evaluate' first, then repeat this step"
        )
    return work.need("evaluations", noted.key, step="evaluate")


def result_of(evaluation: Entry) -> StudyResult:
    """Read the result that an evaluation holds."""
    return StudyResult.model_validate_json(evaluation.file("result.json").read_bytes())


def models_of(evaluation: Entry, result: StudyResult) -> dict[str, str]:
    """Return the keys of the models that were measured, by the names of their variants."""
    named: dict[str, str] | None = evaluation.about.get("models")
    if named is None:  # an evaluation that was made before its inputs had names lists them in the order of its rows
        names = [row.variant.name for row in result.variants if row.status != "missing"]
        named = dict(zip(names, evaluation.input_keys("models"), strict=True))
    return named


def analysis_behind(work: Workspace, evaluation: Entry) -> str | None:
    """Return the key of an evaluation's analysis: this run's own, else the last one; None before the first.

    A run of a growing study and one with as many replicates have one evaluation, and rule on it at other levels.
    """
    own = work.notes.read(ReportedRun, work.run_id)
    if own and own.analysis and own.evaluation == evaluation.key:
        return own.analysis
    noted = work.notes.read(Analysed, evaluation.key)
    return noted.key if noted else None


def predictions_of(work: Workspace, evaluation: Entry) -> "Predictions":
    """Collect what the models of an evaluation said of the test reviews; what is damaged of it is made again."""
    import numpy as np

    from imdb_tasks.analysis import Predictions

    result = result_of(evaluation)
    models = models_of(evaluation, result)
    [arrays] = evaluation.input_keys("arrays")
    test_reviews = TestReviews(lambda: work.need("arrays", arrays, step="prepare"))
    said = {}
    for row in result.variants:
        if row.test and row.test.accuracy is not None:
            entry = find_predictions(work, models[row.variant.name], test_reviews)
            said[row.variant.name] = np.load(entry.file("probabilities.npy"), allow_pickle=False)
    labels = test_reviews.arrays.y_test
    probabilities = np.stack(list(said.values())) if said else np.empty((0, len(labels)), np.float32)
    return Predictions(tuple(said), np.array(labels), probabilities)


def check_complete(work: Workspace) -> None:
    """Raise ``IncompleteStudyError`` if variants are missing from the study's result.

    It may run beside a training that was cleared alone, so what it says holds before and after that has ended.
    """
    missing = [row for row in result_of(last_evaluation_of(work)).variants if row.status == "missing"]
    if missing:
        shown = "; ".join(f"{row.variant.name}: {row.reason}" for row in missing[:_NAMED])
        raise IncompleteStudyError(
            f"{len(missing)} of {len(work.study.variants)} variants are missing from the report; "
            f"first {min(len(missing), _NAMED)}: {shown}. "
            "To try again, clear their training tasks and those downstream, not only what has failed. If they have "
            "been trained since, clear the task 'evaluate' and those downstream"
        )


def _compare(
    work: Workspace, key: str, models: Mapping[Variant, Entry], missing: Mapping[Variant, str], hold: Lock
) -> None:
    corpus = work.corpus()
    test_reviews = TestReviews(lambda: corpus)
    rows = tuple(
        _measured(work, variant, models[variant], test_reviews)
        if variant in models
        else VariantResult(variant=variant, status="missing", reason=missing[variant])
        for variant in work.study.variants
    )
    card = DataCard.model_validate_json(corpus.file("data_card.json").read_bytes())
    result = StudyResult(study=work.study, data_card=card, variants=rows, backend=backend())
    with work.store.publish("evaluations", key, _about(work, corpus, models, missing), hold=hold) as folder:
        write_json(folder / "result.json", result.model_dump(mode="json"))


def _about(
    work: Workspace, corpus: Entry, models: Mapping[Variant, Entry], missing: Mapping[Variant, str]
) -> dict[str, Any]:
    keys = {variant.name: model.key for variant, model in models.items()}
    predictions = [f"predictions/{work.keys.predictions(model)}" for model in keys.values()]
    inputs = [f"arrays/{corpus.key}", *(f"models/{model}" for model in keys.values()), *predictions]
    return {"missing": len(missing), "inputs": inputs, "models": keys, "reviews": corpus.about.get("reviews")}


def _measured(work: Workspace, variant: Variant, model: Entry, test_reviews: TestReviews) -> VariantResult:
    record = record_of(model)
    if record.status != "finished":
        return VariantResult(variant=variant, status=record.status, training=record)
    metrics = find_predictions(work, model.key, test_reviews, model).file("metrics.json").read_bytes()
    test = TestMetrics.model_validate_json(metrics)
    return VariantResult(variant=variant, status=record.status, training=record, test=test)


def _reason(work: Workspace, variant: Variant) -> str:
    failure = work.notes.read(Failure, work.keys.model(variant))
    return failure.reason if failure else "not trained: its task has not run, or was killed; see its log"
