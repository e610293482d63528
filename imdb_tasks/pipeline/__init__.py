"""The steps of the study: find the inputs, call the rooms, publish. Only this room knows keys and refs.

``steps`` has one method per task of the DAG, ``report_steps`` those from the evaluation on; ``keys`` says where each
artifact lies, ``conclusions`` keeps and finds what a run let conclude, ``trained`` finds a trained model and asks it.

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

from imdb_tasks.pipeline.conclusions import find_conclusions
from imdb_tasks.pipeline.steps import Steps
from imdb_tasks.pipeline.trained import (
    BEST,
    Prediction,
    TrainedModel,
    about_best_model,
    find_model,
    last_evaluation,
    predict,
)

__all__ = [
    "BEST",
    "Prediction",
    "Steps",
    "TrainedModel",
    "about_best_model",
    "find_conclusions",
    "find_model",
    "last_evaluation",
    "predict",
]
