"""The conclusions of a run as a folder of the store: its analysis, and what its models said of the test reviews.

analyses/KEY/analysis.json     ``Analysis``
analyses/KEY/predictions.npz   ``names``, ``labels`` and ``probabilities`` of ``Predictions``; plain arrays, no pickle
"""

import logging
from pathlib import Path
from zipfile import BadZipFile

from imdb_tasks.analysis import AnalysedRun, Analysis, Predictions
from imdb_tasks.pipeline.evaluation import result_of
from imdb_tasks.pipeline.notes import ReportedRun
from imdb_tasks.store import Store, write_json
from imdb_tasks.study import StudyResult

log = logging.getLogger(__name__)

ANALYSIS = "analysis.json"
PREDICTIONS = "predictions.npz"


def find_conclusions(store: Store, run: str, key: str, *, repair: bool = True) -> AnalysedRun | None:
    """Return what is kept under the key of an analysis, see ``Store.find``.

    None is also returned for an analysis that another version of this project has written in another form.
    """
    entry = store.find("analyses", key, repair=repair)
    try:
        return load_conclusions(run, entry.path) if entry else None
    except (FileNotFoundError, ValueError, KeyError, BadZipFile):  # a ValidationError is a ValueError
        log.info("analyses/%s of the run %s has an older format: no comparison with it", key, run)
        return None


def find_result(store: Store, run: ReportedRun) -> StudyResult | None:
    """Return the result that a run's report is about; None if it is gone, damaged, or of another form.

    Only look: what a page finds damaged is for the next run to mend.
    """
    key = run.evaluation or _evaluation_behind(store, run)
    entry = store.find("evaluations", key, repair=False) if key else None
    try:
        return result_of(entry) if entry else None
    except (FileNotFoundError, ValueError):
        log.info("evaluations/%s has another form than this release reads", key)
        return None


def _evaluation_behind(store: Store, run: ReportedRun) -> str | None:
    """Return the evaluation that an analysis was made of: earlier releases did not note it with the run."""
    analysis = store.find("analyses", run.analysis, repair=False) if run.analysis else None
    return next(iter(analysis.input_keys("evaluations")), None) if analysis else None


def load_conclusions(run: str, folder: Path) -> AnalysedRun:
    """Read what ``save_conclusions`` has written; ``run`` names the run that they are of."""
    import numpy as np

    with np.load(folder / PREDICTIONS, allow_pickle=False) as saved:
        tested = Predictions(tuple(saved["names"].tolist()), saved["labels"], saved["probabilities"])
    return AnalysedRun(run, load_analysis(folder), tested)


def load_analysis(folder: Path) -> Analysis:
    """Read the analysis alone, without the arrays: that imports nothing heavy."""
    return Analysis.model_validate_json(folder.joinpath(ANALYSIS).read_bytes())


def save_conclusions(analysis: Analysis, tested: Predictions, folder: Path) -> None:
    """Write both, and not the name of the run: equal results of two runs are one."""
    import numpy as np

    write_json(folder / ANALYSIS, analysis.model_dump(mode="json"))
    names = np.array(tested.names, dtype=np.str_)
    np.savez_compressed(folder / PREDICTIONS, names=names, labels=tested.labels, probabilities=tested.probabilities)
