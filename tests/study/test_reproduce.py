import json
import shlex

import pytest

from imdb_tasks import resources
from imdb_tasks.study import reproduce
from imdb_tasks.study.form import read_form
from imdb_tasks.study.grid import (
    PUBLIC_GLOVE,
    PUBLIC_REVIEWS,
    KaggleSource,
    LocalSource,
    Study,
    TextSettings,
    TrainingSettings,
)
from imdb_tasks.ui.cli import commands

SAMPLE = LocalSource(path=str(resources.SAMPLE))
ODD = LocalSource(path="/data/it's here; rm -rf ~ #1=2")
STUDIES = {
    "original": Study(),
    "quick sample": Study(training=TrainingSettings(epochs=3, learning_rate=0.001), reviews=SAMPLE, glove=SAMPLE),
    "quick, three times": Study(
        training=TrainingSettings(epochs=3, learning_rate=0.001), reviews=SAMPLE, glove=SAMPLE, replicates=3
    ),
    "three times": Study(replicates=3, margin=0.02),
    "another grid": Study(cells=("LSTM",), units=(16, 8), batch_sizes=(8,), replicates=2),
    "another text": Study(text=TextSettings(max_tokens=50, vocabulary_limit=100)),
    "odd folder": Study(reviews=ODD, glove=ODD),
    "archives": Study(reviews=PUBLIC_REVIEWS, glove=PUBLIC_GLOVE),
    "newest on Kaggle": Study(
        reviews=KaggleSource(dataset="lakshmi25npathi/imdb-dataset-of-50k-movie-reviews", version=None)
    ),
    "pinned by digits alone": Study(
        reviews=LocalSource(path="/data", sha256="1" * 64), glove=LocalSource(path="/data", sha256="a" * 64)
    ),
}


def study_of(command: str) -> Study:
    """What the project's own command line makes of ``command``."""
    start, arguments = shlex.split(command)[:1], shlex.split(command)[1:]
    assert start == ["imdb-study"]
    options = commands._parser().parse_args(arguments)
    assert options.step == "study"
    study, _ = read_form({"notify": "never", **commands._fields(options.set)})
    return study


@pytest.mark.parametrize("study", STUDIES.values(), ids=list(STUDIES))
def test_the_command_leads_to_the_same_study(study):
    assert study_of(reproduce.shell_command(study)) == study


@pytest.mark.parametrize("study", STUDIES.values(), ids=list(STUDIES))
def test_the_trigger_leads_to_the_same_study(study):
    words = shlex.split(reproduce.trigger_command(study))
    assert words[:4] == ["airflow", "dags", "trigger", "imdb_study"]
    conf = json.loads(words[5]) if words[4:] else {}
    assert read_form({**conf, "notify": "never"})[0] == study


def test_the_original_needs_no_words():
    assert reproduce.shell_command(Study()) == "imdb-study study"
    assert reproduce.trigger_command(Study()) == "airflow dags trigger imdb_study"


def test_another_backend_than_the_default_is_named():
    assert reproduce.shell_command(Study(), "jax") == "KERAS_BACKEND=jax imdb-study study"
    assert reproduce.backend_variable("jax") == "KERAS_BACKEND=jax"
    assert reproduce.shell_command(Study(), "tensorflow") == "imdb-study study"
    assert reproduce.backend_variable("tensorflow") is None


@pytest.mark.parametrize(
    "study",
    [Study(text=TextSettings(split_seed=7)), Study(training=TrainingSettings(seed=7)), Study(reviews=SAMPLE)],
    ids=["another split", "another seed", "two places"],
)
def test_a_study_that_the_form_cannot_express_has_no_command(study):
    assert reproduce.fields(study) is None
    assert reproduce.shell_command(study) is None
    assert reproduce.trigger_command(study) is None
