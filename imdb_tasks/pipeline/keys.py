"""Where each artifact of a study lies: its key is a pure function of what it depends on.

So any process can find the inputs of any step, an unchanged re-run finds every result, and a changed setting moves only
what it touches. Nothing here reads an artifact's bytes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from imdb_tasks import analysis, corpus, report, training
from imdb_tasks.sources import REVIEWS, InputFile, fetched_key, glove_vectors
from imdb_tasks.store import Store
from imdb_tasks.study import Study, Variant, fingerprint

EVALUATIONS_REVISION = 2
"""Raise it when the same models and predictions would give another ``StudyResult``."""

REVISIONS = {
    "arrays": corpus.ARRAYS_REVISION,
    "texts": corpus.TEXTS_REVISION,
    "models": training.MODELS_REVISION,
    "predictions": training.PREDICTIONS_REVISION,
    "evaluations": EVALUATIONS_REVISION,
    "analyses": analysis.ANALYSES_REVISION,
    "reports": report.REPORTS_REVISION,
}
"""Each step's revision stands beside its code. A raised one gives that step, and all after it, other keys."""


@dataclass(frozen=True)
class Keys:
    """The keys of one study in one store."""

    study: Study
    store: Store

    @property
    def glove(self) -> InputFile:
        """The GloVe file with the study's dimensions."""
        return glove_vectors(self.study.text.dimensions)

    def corpus(self) -> str:
        """Key of the arrays. Needs the fetched sources' refs."""
        return _key("arrays", *self._sources(), self.study.text.model_dump(mode="json"))

    def texts(self, reviews_key: str) -> str:
        """Key of the test reviews' texts, from the key of the file that they are in."""
        return _key("texts", reviews_key, self.study.text.test_fraction, self.study.text.split_seed)

    def model(self, variant: Variant) -> str:
        """Key of a trained variant."""
        settings = self.study.training.model_dump(mode="json")
        return _key("models", self.corpus(), variant.model_dump(mode="json"), settings, training.backend())

    def predictions(self, model_key: str) -> str:
        """Key of a model's probabilities on the test reviews."""
        return _key("predictions", model_key)

    def evaluation(self, parts: list[str]) -> str:
        """Key of the study's result; ``parts`` has, per variant, its predictions' key or why it is missing."""
        return _key("evaluations", self.identity, parts)

    def analysis(
        self,
        evaluation_key: str,
        claims: str,
        previous: Mapping[str, str] | None,
        growth: Mapping[str, Any] | None = None,
    ) -> str:
        """Key of the conclusions from an evaluation, on claims of this fingerprint, beside the run ``previous``.

        ``growth`` has the looks that were taken before at a growing study.
        """
        parts = [evaluation_key, claims, dict(previous) if previous else None]
        return _key("analyses", *parts, *([dict(growth)] if growth else []))

    def report(self, analysis_key: str) -> str:
        """Key of the report on an analysis."""
        return _key("reports", analysis_key)

    @property
    def identity(self) -> str:
        """Fingerprint of what the study is: its grid, its settings and the bytes of its data.

        It contains neither the place of the bytes nor the code, backend and versions: runs that differ in those are
        runs of the same study. Needs the fetched sources' refs.
        """
        settings = self.study.model_dump(mode="json", exclude={"reviews", "glove"})
        return fingerprint(settings, *self._sources())

    @property
    def line(self) -> str:
        """Fingerprint of the study with one replicate: its runs with more are further points of the same line."""
        return Keys(self.study.with_replicates(1), self.store).identity

    @property
    def of_study(self) -> str:
        """Name of the notes that belong to this study on this backend."""
        return fingerprint(self.identity, training.backend())

    def _sources(self) -> tuple[str, str]:
        """Return the keys of the reviews and of the vectors, which follow from their bytes."""
        return (
            fetched_key(self.study.reviews, REVIEWS, self.store),
            fetched_key(self.study.glove, self.glove, self.store),
        )


def _key(kind: str, *parts: object) -> str:
    return fingerprint(kind, REVISIONS[kind], *parts)
