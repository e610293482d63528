"""What people touch: the command line, and the pages inside Airflow.

``cli`` is ``imdb-study``; ``pages`` makes the pages that the plugin serves, ``training_page`` tells how far a
training is, ``runs`` finds the runs that have a report.

>>> import tempfile
>>> from imdb_tasks.store import Store
>>> from imdb_tasks.ui import newest_runs
>>> newest_runs(Store(tempfile.mkdtemp()), 10)
([], 0)
"""

from imdb_tasks.ui.cli import main
from imdb_tasks.ui.pages import comparison_page, curves_page, message_page, study_page
from imdb_tasks.ui.runs import find_run, newest_runs
from imdb_tasks.ui.training_page import TrainingProgress, training_progress, variant_of

__all__ = [
    "TrainingProgress",
    "comparison_page",
    "curves_page",
    "find_run",
    "main",
    "message_page",
    "newest_runs",
    "study_page",
    "training_progress",
    "variant_of",
]
