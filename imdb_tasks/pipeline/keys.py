"""Where each artifact of a study lies: its key is a pure function of what it depends on.

So any process can find the inputs of any step, an unchanged re-run finds every result, and a changed setting moves only
what it touches. Nothing here reads an artifact's bytes.
"""

from dataclasses import dataclass

from imdb_tasks.sources import REVIEWS, InputFile, fetched_key, glove_vectors
from imdb_tasks.store import Store
from imdb_tasks.study import Study, Variant, fingerprint
from imdb_tasks.training import backend

# Raise one when the same inputs would give another result: that step and all after it then have other places.
REVISIONS = {"arrays": 1, "models": 2, "predictions": 2, "evaluations": 1, "analyses": 3, "reports": 3}


@dataclass(frozen=True)
class Places:
    """The keys and refs of one study in one store."""

    study: Study
    store: Store

    @property
    def glove(self) -> InputFile:
        """The GloVe file with the study's dimensions."""
        return glove_vectors(self.study.text.dimensions)

    def corpus(self) -> str:
        """Key of the arrays. Needs the fetched sources' refs."""
        reviews = fetched_key(self.study.reviews, REVIEWS, self.store)
        glove = fetched_key(self.study.glove, self.glove, self.store)
        return _key("arrays", reviews, glove, self.study.text.model_dump(mode="json"))

    def model(self, variant: Variant) -> str:
        """Key of a trained variant."""
        settings = self.study.training.model_dump(mode="json")
        return _key("models", self.corpus(), variant.model_dump(mode="json"), settings, backend())

    def predictions(self, model_key: str) -> str:
        """Key of a model's probabilities on the test reviews."""
        return _key("predictions", model_key)

    def evaluation(self, parts: list[str]) -> str:
        """Key of the study's result; ``parts`` has, per variant, its predictions' key or why it is missing."""
        return _key("evaluations", self.study.model_dump(mode="json"), parts)

    def analysis(self, evaluation_key: str, claims: str, previous: dict[str, str] | None) -> str:
        """Key of the conclusions from an evaluation, on claims of this fingerprint, beside the run ``previous``."""
        return _key("analyses", evaluation_key, claims, previous)

    def report(self, analysis_key: str) -> str:
        """Key of the report on an analysis."""
        return _key("reports", analysis_key)

    def ref(self, name: str) -> str:
        """Name of a pointer that belongs to this study on this backend."""
        return f"{name}/{fingerprint(self.study.model_dump(mode='json'), backend())}"


def _key(kind: str, *parts: object) -> str:
    return fingerprint(kind, REVISIONS[kind], *parts)
