"""What a mail needs to know: which report, whether it is news, and whether this run has mailed it."""

from imdb_tasks.errors import MissingInputError
from imdb_tasks.pipeline.conclusions import load_analysis
from imdb_tasks.pipeline.evaluation import analysis_behind, last_evaluation_of
from imdb_tasks.pipeline.notes import Mailed, MailedBy
from imdb_tasks.pipeline.workspace import Workspace
from imdb_tasks.store import Entry
from imdb_tasks.study import fingerprint
from imdb_tasks.training import backend


def last_report(work: Workspace) -> Entry:
    """Return the report on the study as it was last evaluated."""
    analysis = analysis_behind(work, last_evaluation_of(work))
    if analysis is None:
        raise MissingInputError("the study has no report; run the step 'report' first, then repeat this step")
    return work.need("reports", work.keys.report(analysis), step="report")


def result_has_changed(work: Workspace) -> bool:
    """Tell whether the last evaluation differs from the one that was last mailed; of a growing study, what it says."""
    mailed = work.notes.read(Mailed, _line(work))
    return mailed is None or mailed.key != _said(work)


def is_mailed(work: Workspace, report: str) -> bool:
    """Return whether this run has mailed this report, so that a retried task does not mail it again."""
    mailed = work.notes.read(MailedBy, work.run_id)
    return mailed is not None and mailed.report == report


def record_mailed(work: Workspace, report: str) -> None:
    """Remember that this run has mailed the report of this key, and with it the last evaluation."""
    work.notes.write(MailedBy(report=report), work.run_id)
    work.notes.write(Mailed(key=_said(work)), _line(work))


def _line(work: Workspace) -> str:
    """Return the name of the note of what was mailed: a growing study has one, whatever its replicates."""
    return fingerprint("growing", work.keys.line, backend()) if work.growing else work.keys.of_study


def _said(work: Workspace) -> str:
    """Return a fingerprint of what a mail says: the result or, of a growing study, the rulings and the advice.

    A further replicate changes every number, and is no news by itself.
    """
    evaluation = last_evaluation_of(work)
    key = analysis_behind(work, evaluation)
    if work.growing is None or key is None:
        return evaluation.key
    analysis = load_analysis(work.need("analyses", key, step="report").path)
    growth, advice = analysis.growth, analysis.recommendation
    rulings = {verdict.claim: verdict.ruling for verdict in analysis.verdicts}
    use = advice.use.name if advice and advice.use else None
    return fingerprint("growing", rulings, use, growth.ended if growth else False)
