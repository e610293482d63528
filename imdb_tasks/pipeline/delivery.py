"""What a mail needs to know: which report, whether it is news, and whether this run has mailed it."""

from imdb_tasks.errors import MissingInputError
from imdb_tasks.pipeline.evaluation import last_evaluation_of
from imdb_tasks.pipeline.notes import Analysed, Mailed, MailedBy
from imdb_tasks.pipeline.workspace import Workspace
from imdb_tasks.store import Entry


def last_report(work: Workspace) -> Entry:
    """Return the report on the study as it was last evaluated."""
    noted = work.notes.read(Analysed, last_evaluation_of(work).key)
    if noted is None:
        raise MissingInputError("the study has no report; run the step 'report' first, then repeat this step")
    return work.need("reports", work.keys.report(noted.key), step="report")


def result_has_changed(work: Workspace) -> bool:
    """Tell whether the last evaluation differs from the one that was last mailed."""
    mailed = work.notes.read(Mailed, work.keys.of_study)
    return mailed is None or mailed.key != last_evaluation_of(work).key


def is_mailed(work: Workspace, report: str) -> bool:
    """Return whether this run has mailed this report, so that a retried task does not mail it again."""
    mailed = work.notes.read(MailedBy, work.run_id)
    return mailed is not None and mailed.report == report


def record_mailed(work: Workspace, report: str) -> None:
    """Remember that this run has mailed the report of this key, and with it the last evaluation."""
    work.notes.write(MailedBy(report=report), work.run_id)
    work.notes.write(Mailed(key=last_evaluation_of(work).key), work.keys.of_study)
