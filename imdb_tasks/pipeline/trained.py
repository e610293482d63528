"""The trained models of the study that was evaluated last: find one, and predict with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imdb_tasks.analysis import best_model
from imdb_tasks.errors import DataError, MissingInputError, SettingsError
from imdb_tasks.pipeline.evaluation import models_of, result_of
from imdb_tasks.pipeline.notes import Evaluated, Notes
from imdb_tasks.store import Entry, Store, sha256_of
from imdb_tasks.study import Label, TextSettings, VariantResult, label_of
from imdb_tasks.training import load_keras

BEST = "best"
_SHOWN = 20


@dataclass(frozen=True)
class TrainedModel:
    """A finished variant: its model and its vocabulary, as verified files, and what it achieved."""

    key: str
    result: VariantResult
    text: TextSettings
    file: Path
    word_index: Path
    place: str

    @property
    def name(self) -> str:
        """The variant's name."""
        return self.result.variant.name

    @property
    def about(self) -> dict[str, Any]:
        """Small facts for whoever takes the model elsewhere; ``accuracy`` is a share of the test reviews."""
        test = self.result.test
        return {
            "key": self.key,
            "variant": self.name,
            "accuracy": test.accuracy if test else None,
            "path": self.place,
            "sha256": sha256_of(self.file),
        }


@dataclass(frozen=True)
class Prediction:
    """A model's prediction for a text.

    Attributes:
        probability: that the text is positive, 0 to 1.
        words: how many words of the text the model read; the rest of its input is padding.

    """

    probability: float
    words: int

    @property
    def label(self) -> Label:
        """The label at the study's threshold."""
        return label_of(self.probability)


def last_evaluation(store: Store) -> Entry:
    """Return the evaluation of the study that was evaluated last; raise MissingInputError if there is none."""
    noted = Notes(store).latest(Evaluated)
    if noted is None:
        raise MissingInputError(f"{store.where} has no trained models; run the study first: imdb-study study")
    return store.need("evaluations", noted.key, step="evaluate")


def find_model(store: Store, evaluation: Entry, name: str = BEST) -> TrainedModel:
    """Return the model of the variant ``name``, or the best replicate of the best setting, both by validation accuracy.

    Raises:
        MissingInputError: no variant has a test result, or the model is not in the store any more.
        SettingsError: there is no finished variant of this name; those that there are are named.

    """
    result = result_of(evaluation)
    keys = models_of(evaluation, result)
    finished = {row.variant.name: row for row in result.variants if row.status == "finished" and row.test}
    if name == BEST:
        winner = best_model(result.variants)
        if winner is None:
            raise MissingInputError("no variant of the study has a test result; look at the logs of its training tasks")
        name = winner.variant.name
    if name not in finished:
        raise SettingsError(
            f"expected {BEST!r} or a finished variant, such as {', '.join(list(finished)[:_SHOWN])}; found {name!r:.80}"
        )
    model = store.need("models", keys[name], step="train")
    return TrainedModel(
        key=model.key,
        result=finished[name],
        text=result.study.text,
        file=model.file("model.keras"),
        word_index=store.need("arrays", evaluation.input_keys("arrays")[0], step="prepare").file("word_index.json"),
        place=f"{store.where}/models/{model.key}/model.keras",
    )


def about_best_model(store: Store, evaluation: Entry) -> dict[str, Any]:
    """Return small facts on the best model for others to pick it up: key, variant, accuracy, path and sha256.

    Nothing, where no variant has a test result.
    """
    try:
        return find_model(store, evaluation).about
    except MissingInputError:
        return {}


def predict(model: TrainedModel, texts: Sequence[str], word_index: Mapping[str, int]) -> list[Prediction]:
    """Clean, tokenise and pad the texts as the study does, and ask the model.

    Raises:
        DataError: a text has no word that the model knows, or the model's file cannot be read safely.

    """
    import numpy as np
    import pandas as pd

    from imdb_tasks.corpus import Vocabulary, to_ids, tokenise

    tokens = tokenise(pd.Series(list(texts), name="review", dtype="str"))
    ids = np.array([word_index.get(word, 0) for word in tokens.words], dtype=np.int32)
    vocabulary = Vocabulary(words=(), counts=np.zeros(0, np.int64), ids=ids)
    array = to_ids(tokens, vocabulary, vocabulary_limit=model.text.vocabulary_limit, max_tokens=model.text.max_tokens)
    read = (array != 0).sum(axis=1)
    if not read.all():
        raise DataError(
            f"no word of the text {texts[int(read.argmin())]!r:.80} is in the model's vocabulary; use a longer text"
        )
    load_keras()
    import keras

    try:  # the file may not bring code
        loaded = keras.saving.load_model(model.file, compile=False, safe_mode=True)
    except Exception as error:  # whatever is in it
        told = " ".join(f"{type(error).__name__}: {error}".split())
        raise DataError(
            f"models/{model.key}: expected a model that Keras reads without running its code, found {told:.200}; "
            f"delete {model.file.parent} and run the study again"
        ) from error
    probabilities = keras.ops.convert_to_numpy(loaded(array, training=False))[:, 0]
    return [Prediction(float(probability), int(words)) for probability, words in zip(probabilities, read, strict=True)]
