import json
from pathlib import Path

import numpy as np
import pytest

from imdb_tasks.corpus import split
from imdb_tasks.errors import DataError, MissingInputError, SettingsError
from imdb_tasks.pipeline import trained
from imdb_tasks.pipeline.steps import Steps
from imdb_tasks.pipeline.trained import Prediction, TrainedModel
from imdb_tasks.store import Entry, Store, sha256_of
from tests.support.stepping import FinishedStudy


@pytest.fixture(scope="module")
def steps(finished_study: FinishedStudy, tmp_path_factory: pytest.TempPathFactory) -> Steps:
    """A study that was trained and evaluated: 4_GRU_16 and 4_LSTM_16."""
    return finished_study.evaluated(tmp_path_factory.mktemp("store"))


@pytest.fixture
def evaluation(steps: Steps) -> Entry:
    return trained.last_evaluation(steps.store)


def index_of(model: TrainedModel) -> dict[str, int]:
    return json.loads(model.word_index.read_text())


@pytest.mark.parametrize("name", ["4_GRU_16", "4_LSTM_16"])
def test_a_text_is_prepared_as_the_study_prepares_it(
    steps: Steps, evaluation: Entry, corpus_folder: Path, name: str
) -> None:
    import pandas as pd

    model = trained.find_model(steps.store, evaluation, name)
    reviews = pd.read_csv(corpus_folder / "IMDB Dataset.csv")["review"]
    _, tests = split(len(reviews), test_fraction=0.2, seed=42)
    predictions = trained.predict(model, [reviews[row] for row in tests], index_of(model))
    stored = steps.store.need("predictions", steps.keys.predictions(model.key), step="evaluate")
    expected = np.load(stored.file("probabilities.npy")).ravel()
    np.testing.assert_allclose([prediction.probability for prediction in predictions], expected, atol=1e-6)


def test_the_best_model_is_the_one_of_the_highest_test_accuracy(steps: Steps, evaluation: Entry) -> None:
    models = [trained.find_model(steps.store, evaluation, variant.name) for variant in steps.study.variants]
    best = trained.find_model(steps.store, evaluation)
    assert best.about["accuracy"] == max(model.about["accuracy"] for model in models)


def test_what_is_told_of_a_model_leads_to_its_file(steps: Steps, evaluation: Entry) -> None:
    about = trained.about_best_model(steps.store, evaluation)
    assert about.keys() == {"key", "variant", "accuracy", "path", "sha256"}
    assert sha256_of(Path(about["path"])) == about["sha256"]
    assert json.dumps(about)


def test_a_store_without_a_study_says_what_to_run(store: Store) -> None:
    with pytest.raises(MissingInputError, match="no trained models; run the study first"):
        trained.last_evaluation(store)


def test_a_variant_that_there_is_not_is_answered_with_those_that_there_are(steps: Steps, evaluation: Entry) -> None:
    with pytest.raises(SettingsError, match="4_GRU_16, 4_LSTM_16; found '64_GRU_32'"):
        trained.find_model(steps.store, evaluation, "64_GRU_32")


def test_a_text_without_a_known_word_is_refused(steps: Steps, evaluation: Entry) -> None:
    model = trained.find_model(steps.store, evaluation)
    for text in ("", "12345 <br />", "quux"):
        with pytest.raises(DataError, match="is in the model's vocabulary"):
            trained.predict(model, ["the film was wonderful", text], index_of(model))


def test_a_prediction_tells_how_many_words_of_the_text_the_model_read(steps: Steps, evaluation: Entry) -> None:
    model = trained.find_model(steps.store, evaluation)
    texts = ["wonderful", "quux wonderful film 12", "wonderful film " * 50]
    read = [prediction.words for prediction in trained.predict(model, texts, index_of(model))]
    assert read == [1, 2, model.text.max_tokens]


def test_a_damaged_model_is_not_loaded(steps: Steps, evaluation: Entry, tmp_path: Path) -> None:
    model = trained.find_model(steps.store, evaluation, "4_LSTM_16")
    whole = model.file.read_bytes()
    model.file.write_bytes(whole[:-1] + b"x")
    try:
        with pytest.raises(MissingInputError, match="run the step 'train'"):
            trained.find_model(steps.store, evaluation, "4_LSTM_16")
    finally:
        steps.train(steps.variant("4_LSTM_16"))


@pytest.mark.parametrize(("probability", "label"), [(0.51, "positive"), (0.5, "negative"), (0.1, "negative")])
def test_the_threshold_is_that_of_the_accuracy(probability: float, label: str) -> None:
    assert Prediction(probability, words=100).label == label
