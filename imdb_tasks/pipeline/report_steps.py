"""The last steps of a study, from its evaluation on: what it lets conclude, the report, and what was mailed of it."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from imdb_tasks.analysis import Concluded, read_claims
from imdb_tasks.errors import MissingInputError
from imdb_tasks.pipeline.conclusions import find_conclusions, load_conclusions, save_conclusions
from imdb_tasks.pipeline.keys import Places
from imdb_tasks.sources import REVIEWS
from imdb_tasks.store import Entry, Hold, Store, write_json
from imdb_tasks.study import Study, StudyResult
from imdb_tasks.training import code_revision, evaluate, versions

if TYPE_CHECKING:
    from imdb_tasks.analysis import Predictions
    from imdb_tasks.report import Material, WrongReview

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Reported:
    """A study and the store that it lives in. ``run_id`` marks progress and the run's report; it changes no key."""

    study: Study
    store: Store
    run_id: str = "by-hand"

    @cached_property
    def places(self) -> Places:
        """Where the study's artifacts lie."""
        return Places(self.study, self.store)

    def analyse(self) -> Entry:
        """Draw the conclusions from the last evaluation.

        The run to compare with is the last one before that came to another evaluation. It is noted with the first
        analysis that has one, so that from then on the same evaluation, in whatever run, is set beside the same one.
        """
        evaluation = self._evaluation()
        noted = self.store.read_ref(f"analysed/{evaluation.key}")
        previous = (noted and noted["previous"]) or self._run_before(evaluation)
        key = self.places.analysis(evaluation.key, read_claims().fingerprint(), previous)
        entry = self._once(
            "analyses", key, lambda key, hold: self._analyse(key, evaluation, previous, hold), step="report"
        )
        self.store.write_ref(f"analysed/{evaluation.key}", {"key": key, "previous": previous})
        return entry

    def _analyse(self, key: str, evaluation: Entry, previous: dict[str, str] | None, hold: Hold) -> None:
        from imdb_tasks.analysis import analyse

        tested = self._tested(evaluation)
        concluded = analyse(
            result_of(evaluation),
            tested,
            read_claims().claims,
            code=code_revision(),
            previous=find_conclusions(self.store, previous["run"], previous["analysis"]) if previous else None,
        )
        about = {"inputs": [f"evaluations/{evaluation.key}"]}
        with self.store.publish("analyses", key, about, hold=hold) as folder:
            save_conclusions(concluded, tested, folder)

    def _run_before(self, evaluation: Entry) -> dict[str, str] | None:
        for run, about in reversed(self.store.refs("runs").items()):
            if run != self.run_id and about.get("evaluation", evaluation.key) != evaluation.key:
                return {"run": run, "analysis": about["analysis"]}
        return None

    def _tested(self, evaluation: Entry) -> "Predictions":
        """Collect what the models of an evaluation said; a damaged prediction is made again."""
        import numpy as np

        from imdb_tasks.analysis import Predictions

        inputs = [name.split("/") for name in evaluation.about["inputs"]]
        models = [key for kind, key in inputs if kind == "models"]
        trained = [row for row in result_of(evaluation).variants if row.training]
        said = {}
        for row, key in zip(trained, models, strict=True):
            if row.test and row.test.accuracy is not None:
                entry = self.predictions(self.store.need("models", key, step="train"))
                said[row.variant.name] = np.load(entry.file("probabilities.npy"), allow_pickle=False)
        corpus = self.store.need(*inputs[0], step="prepare")
        labels = np.load(corpus.file("y_test.npy"), allow_pickle=False)
        probabilities = np.stack(list(said.values())) if said else np.empty((0, len(labels)), np.float32)
        return Predictions(tuple(said), labels, probabilities)

    def predictions(self, model: Entry) -> Entry:
        """Return what a model says of the test reviews; ask it if that is not in the store."""
        key = self.places.predictions(model.key)
        return self._once("predictions", key, lambda key, hold: self._predict(key, model, hold), step="evaluate")

    def _predict(self, key: str, model: Entry, hold: Hold) -> None:
        import numpy as np

        from imdb_tasks.corpus import Arrays

        corpus = Arrays.load(self.store.need(*model.about["inputs"][0].split("/"), step="prepare").path)
        evaluated = evaluate(model.file("model.keras"), corpus.x_test, corpus.y_test)
        with self.store.publish("predictions", key, {"inputs": [f"models/{model.key}"]}, hold=hold) as folder:
            np.save(folder / "probabilities.npy", evaluated.probabilities, allow_pickle=False)
            write_json(folder / "metrics.json", evaluated.metrics.model_dump(mode="json"))
        log.info("%s: %s", model.about["variant"], evaluated.metrics)

    def report(self) -> Entry:
        """Make the report page and the parts of the mail, and note them as this run's report.

        A report that was there names the run that made it; the note has the code that it was made with.
        """
        evaluation, analysis = self._evaluation(), self.analyse()
        key = self.places.report(analysis.key)
        cached = self.store.find("reports", key)
        if cached and not cached.about["pictures"]:
            self.store.remove("reports", key)  # there may be a browser now
        entry = self._once("reports", key, lambda key, hold: self._write_report(key, analysis, hold), step="report")
        about = {"report": key, "analysis": analysis.key, "evaluation": evaluation.key}
        self.store.write_ref(f"runs/{self.run_id}", {**about, "study": self.study.fingerprint(), **entry.about})
        return entry

    def _write_report(self, key: str, analysis: Entry, hold: Hold) -> None:
        from imdb_tasks.report import write_report

        evaluation, concluded = self._evaluation(), load_conclusions(self.run_id, analysis.path)
        about: dict[str, Any] = {"inputs": [f"analyses/{analysis.key}"], "code": code_revision()}
        with self.store.publish("reports", key, about, hold=hold) as folder:
            # The manifest is written when the folder is complete, and so with what the report says of itself.
            about |= write_report(self._material(evaluation, concluded), folder)

    def _material(self, evaluation: Entry, concluded: Concluded) -> "Material":
        from imdb_tasks.report import Material

        return Material(
            result_of(evaluation),
            concluded.analysis,
            self._most_wrong(evaluation, concluded),
            self._provenance(evaluation),
        )

    def _most_wrong(self, evaluation: Entry, concluded: Concluded) -> "tuple[WrongReview, ...]":
        """Return the best model's surest errors; none where the file of the reviews has been pruned."""
        from imdb_tasks.report import most_wrong

        best = concluded.analysis.confusion
        if best is None:
            return ()
        corpus = self.store.need(*evaluation.about["inputs"][0].split("/"), step="prepare")
        reviews = self.store.find(*corpus.about["inputs"][0].split("/"))
        if reviews is None:
            return ()
        return most_wrong(reviews.file(REVIEWS.member), concluded.tested.row(best.variant.name), self.study.text)

    def reported(self) -> Entry:
        """Return the report on the study as it was last evaluated."""
        noted = self.store.read_ref(f"analysed/{self._evaluation().key}")
        if noted is None:
            raise MissingInputError("the study has no report yet; run the step 'report' first, then this one")
        return self.store.need("reports", self.places.report(noted["key"]), step="report")

    def is_news(self) -> bool:
        """Tell whether the last evaluation differs from the one that was last mailed."""
        mailed = self.store.read_ref(self.places.ref("mailed"))
        return mailed is None or mailed["key"] != self._evaluation().key

    def is_mailed(self, report: str) -> bool:
        """Tell whether this run has mailed the report of this key: a task that is tried again does not mail twice."""
        mailed = self.store.read_ref(f"mailed-by/{self.run_id}")
        return mailed is not None and mailed["report"] == report

    def note_mailed(self, report: str) -> None:
        """Remember that this run has mailed the report of this key, and with it the last evaluation."""
        self.store.write_ref(f"mailed-by/{self.run_id}", {"report": report})
        self.store.write_ref(self.places.ref("mailed"), {"key": self._evaluation().key})

    def _cached(self, kind: str, key: str) -> Entry | None:
        entry = self.store.find(kind, key)
        if entry:
            self.store.forget_the_dead(kind, key)
            log.info("%s/%s is in the store: nothing to do", kind, key)
        return entry

    def _once(self, kind: str, key: str, make: Callable[[str, Hold], None], *, step: str) -> Entry:
        """Return the entry; if it is not there, have it made, by one process at a time."""
        if entry := self._cached(kind, key):
            return entry
        with self.store.alone(kind, key) as hold:
            # Whoever had the lock before may have made it.
            if entry := self._cached(kind, key):
                return entry
            make(key, hold)
        return self.store.need(kind, key, step=step)

    def _evaluation(self) -> Entry:
        ref = self.store.read_ref(self.places.ref("evaluated"))
        if ref is None:
            raise MissingInputError("the study has not been evaluated; run the step 'evaluate' first, then this one")
        return self.store.need("evaluations", ref["key"], step="evaluate")

    def _provenance(self, evaluation: Entry) -> dict[str, str]:
        return {
            "first made by run": self.run_id,
            "study": self.study.fingerprint(),
            "evaluation": evaluation.key,
            "reviews from": self.study.reviews.model_dump_json(exclude_none=True),
            "vectors from": self.study.glove.model_dump_json(exclude_none=True),
            "code": code_revision(),
            **versions(),
        }


def result_of(evaluation: Entry) -> StudyResult:
    """Read the result that an evaluation holds."""
    return StudyResult.model_validate_json(evaluation.file("result.json").read_bytes())
