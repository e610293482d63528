"""The step that draws conclusions from an evaluation and writes the report."""

import datetime
from typing import TYPE_CHECKING, Any

from imdb_tasks.analysis import AnalysedRun, Growth, read_claims, summarise
from imdb_tasks.pipeline.conclusions import find_conclusions, load_analysis, load_conclusions, save_conclusions
from imdb_tasks.pipeline.data import texts_behind
from imdb_tasks.pipeline.evaluation import last_evaluation_of, predictions_of, result_of
from imdb_tasks.pipeline.growing import growth_of, record_look
from imdb_tasks.pipeline.notes import Analysed, PreviousRun, ReportedRun
from imdb_tasks.pipeline.workspace import Workspace
from imdb_tasks.store import Entry, Lock
from imdb_tasks.training import code_revision, versions

if TYPE_CHECKING:
    from imdb_tasks.report import Misclassified


def report(work: Workspace) -> Entry:
    """Make the report page and the parts of the mail, and note them as this run's report.

    A report that was there names the run that made it; the note has the code that it was made with.
    """
    evaluation = last_evaluation_of(work)
    analysis = _analysed(work, evaluation)
    key = work.keys.report(analysis.key)
    cached = work.find("reports", key)
    if cached and not cached.about["pictures"]:
        work.store.remove("reports", key)  # there may be a browser now
    entry = work.once("reports", key, lambda key, hold: _write(work, key, evaluation, analysis, hold), step="report")
    concluded = load_analysis(analysis.path)
    note = ReportedRun.model_validate(
        {**entry.about, "report": key, "analysis": analysis.key, "evaluation": evaluation.key}
        | {"study": work.name_of_study, "summary": summarise(result_of(evaluation), concluded)}
    )
    if work.growing:
        record_look(work, work.growing, concluded)
    work.notes.write(note, work.run_id)
    return entry


def _analysed(work: Workspace, evaluation: Entry) -> Entry:
    """Draw the conclusions from an evaluation.

    The run to compare with is the last one before, of the same study, that came to another evaluation. It is noted
    with the first analysis that has one, so that from then on the same evaluation, in whatever run, is set beside the
    same one.
    """
    noted = work.notes.read(Analysed, evaluation.key)
    previous = (noted and noted.previous) or _run_before(work, evaluation)
    growth = growth_of(work.study, work.store, work.growing).before(work.study.replicates) if work.growing else None
    key = work.keys.analysis(
        evaluation.key,
        read_claims().fingerprint(),
        previous.model_dump() if previous else None,
        growth.model_dump(mode="json") if growth else None,
    )
    entry = work.once(
        "analyses", key, lambda key, hold: _analyse(work, key, evaluation, (previous, growth), hold), step="report"
    )
    work.notes.write(Analysed(key=key, previous=previous), evaluation.key)
    return entry


def _run_before(work: Workspace, evaluation: Entry) -> PreviousRun | None:
    study, replicates = work.name_of_study, work.study.replicates
    for run, noted in reversed(work.notes.all(ReportedRun).items()):
        other = noted.evaluation is not None and noted.evaluation != evaluation.key
        grown = noted.summary is not None and noted.summary.replicates > replicates  # this is the report of an old run
        if run != work.run_id and noted.study == study and other and noted.analysis and not grown:
            return PreviousRun(run=run, analysis=noted.analysis)
    return None


def _analyse(
    work: Workspace, key: str, evaluation: Entry, before: tuple[PreviousRun | None, Growth | None], hold: Lock
) -> None:
    from imdb_tasks.analysis import analyse

    previous, growth = before
    tested = predictions_of(work, evaluation)
    concluded = analyse(
        result_of(evaluation),
        tested,
        read_claims().claims,
        code=code_revision(),
        previous=find_conclusions(work.store, previous.run, previous.analysis) if previous else None,
        growth=growth,
    )
    with work.store.publish("analyses", key, {"inputs": [f"evaluations/{evaluation.key}"]}, hold=hold) as folder:
        save_conclusions(concluded, tested, folder)


def _write(work: Workspace, key: str, evaluation: Entry, analysis: Entry, hold: Lock) -> None:
    from imdb_tasks.report import Made, ReportInputs, write_report

    concluded = load_conclusions(work.run_id, analysis.path)
    texts = _texts(work, evaluation, concluded)
    inputs = [f"analyses/{analysis.key}", *([f"texts/{texts.key}"] if texts else [])]
    about: dict[str, Any] = {"inputs": inputs, "code": code_revision()}
    with work.store.publish("reports", key, about, hold=hold) as folder:
        material = ReportInputs(
            result_of(evaluation),
            concluded.analysis,
            _most_wrong(texts, concluded),
            Made(f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d %H:%M} UTC", work.run_id, code_revision()),
            _provenance(work, evaluation),
        )
        # The manifest is written when the folder is complete, and so with what the report says of itself.
        about |= write_report(material, folder)


def _texts(work: Workspace, evaluation: Entry, concluded: AnalysedRun) -> Entry | None:
    """Return the texts to quote from; None where no model has errors, or the texts have been pruned."""
    if concluded.analysis.confusion is None:
        return None
    return texts_behind(work, evaluation)


def _most_wrong(texts: Entry | None, concluded: AnalysedRun) -> "tuple[Misclassified, ...]":
    """Return the best model's surest errors."""
    from imdb_tasks.corpus import ReviewTexts
    from imdb_tasks.report import most_confident_errors

    best = concluded.analysis.confusion
    if texts is None or best is None:
        return ()
    return most_confident_errors(ReviewTexts.load(texts.path), concluded.tested.row(best.variant.name))


def _provenance(work: Workspace, evaluation: Entry) -> dict[str, str]:
    return {
        "study": work.keys.identity,
        "evaluation": evaluation.key,
        "reviews from": work.study.reviews.words,
        "vectors from": work.study.glove.words,
        **versions(),
    }
