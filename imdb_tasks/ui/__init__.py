"""What people touch: the command line, and the pages inside Airflow.

``cli`` is ``imdb-study``; ``pages`` makes the pages that the plugin serves, ``training_page`` tells how far a
training is, ``runs`` finds the runs that have a report, ``run_list`` and ``trend`` make the list of them.

>>> import tempfile
>>> from imdb_tasks.store import Store
>>> from imdb_tasks.ui import list_runs
>>> list_runs(Store(tempfile.mkdtemp()))
ListedRuns(runs=(), unreadable=0)
"""

from imdb_tasks.ui.cli import main
from imdb_tasks.ui.pages import comparison_page, curves_page, message_page, study_page, with_way_back
from imdb_tasks.ui.run_list import RunQuery
from imdb_tasks.ui.runs import InAirflow, find_run, headline_run, list_runs
from imdb_tasks.ui.training_page import TrainingProgress, trained_variant, training_progress, variant_of

__all__ = [
    "InAirflow",
    "RunQuery",
    "TrainingProgress",
    "comparison_page",
    "curves_page",
    "find_run",
    "headline_run",
    "list_runs",
    "main",
    "message_page",
    "study_page",
    "trained_variant",
    "training_progress",
    "variant_of",
    "with_way_back",
]
