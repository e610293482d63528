"""The steps of the study: find the inputs, call the rooms, publish. Only this room knows keys and refs.

``steps`` has one method per task of the DAG; ``data``, ``training``, ``evaluation``, ``reporting`` and ``delivery`` do
them on a ``workspace``. ``keys`` says where each artifact lies, ``growing`` how many replicates a run of a growing
study has, ``notes`` which refs there are, ``conclusions`` keeps the analysis of a run, ``progress`` says how far a run
is, ``run_summaries`` tells a run in a few facts, ``tracking`` publishes to MLflow, and ``trained`` finds a trained
model and asks it.

>>> import tempfile
>>> from imdb_tasks.pipeline import Steps
>>> from imdb_tasks.resources import SAMPLE
>>> from imdb_tasks.store import Store
>>> from imdb_tasks.study import LocalSource, Study
>>> sample = LocalSource(path=str(SAMPLE))
>>> steps = Steps(Study(reviews=sample, glove=sample), Store(tempfile.mkdtemp()))
>>> steps.fetch_reviews().about["kind"]
'local'
"""

from imdb_tasks.pipeline.conclusions import find_conclusions, find_result
from imdb_tasks.pipeline.evaluation import result_of
from imdb_tasks.pipeline.notes import NOTES, Notes, Planned, Progress, ReportedRun, Training, check_run_id
from imdb_tasks.pipeline.progress import RunProgress
from imdb_tasks.pipeline.run_summaries import summary_of
from imdb_tasks.pipeline.steps import Steps
from imdb_tasks.pipeline.tracking import publish_evaluation
from imdb_tasks.pipeline.trained import (
    BEST,
    TrainedModel,
    about_best_model,
    find_model,
    last_evaluation,
    predict,
)

__all__ = [
    "BEST",
    "NOTES",
    "Notes",
    "Planned",
    "Progress",
    "ReportedRun",
    "RunProgress",
    "Steps",
    "TrainedModel",
    "Training",
    "about_best_model",
    "check_run_id",
    "find_conclusions",
    "find_model",
    "find_result",
    "last_evaluation",
    "predict",
    "publish_evaluation",
    "result_of",
    "summary_of",
]
