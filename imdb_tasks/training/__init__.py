"""From a variant to a trained Keras model, its record, and its predictions.

``model`` builds the Keras model, ``fit`` trains it epoch by epoch with the ``engine``, ``checkpoints`` keep what a
killed training resumes from, ``evaluation`` measures on the test reviews, ``process`` sets threads, memory and
backend; ``tensorboard`` and ``tracker`` publish what was trained. Only ``engine``, ``supported``, ``fast_layers`` and
``backends`` import Keras, and only when something is trained.

>>> import os
>>> from imdb_tasks.training import backend
>>> os.environ["KERAS_BACKEND"] = "jax"
>>> backend()
'jax'
"""

from imdb_tasks.training.checkpoints import Checkpoint, Checkpoints, remove_checkpoint
from imdb_tasks.training.evaluation import PREDICTIONS_REVISION, Evaluated, evaluate
from imdb_tasks.training.fit import MODELS_REVISION, train
from imdb_tasks.training.process import backend, code_revision, load_keras, peak_memory_bytes, versions
from imdb_tasks.training.tensorboard import write_tensorboard
from imdb_tasks.training.tracker import RunFacts, TrackedModel, Tracker

__all__ = [
    "MODELS_REVISION",
    "PREDICTIONS_REVISION",
    "Checkpoint",
    "Checkpoints",
    "Evaluated",
    "RunFacts",
    "TrackedModel",
    "Tracker",
    "backend",
    "code_revision",
    "evaluate",
    "load_keras",
    "peak_memory_bytes",
    "remove_checkpoint",
    "train",
    "versions",
    "write_tensorboard",
]
