"""The steps of a study. Each finds its inputs in the store, does nothing if its result is there, and publishes at once.

fetch -> prepare -> train (one per variant) -> evaluate -> report. Every step can be run alone, in any process, by any
scheduler or by hand.
"""

import contextlib
import logging
from dataclasses import dataclass

from imdb_tasks.errors import DiskFullError, IncompleteStudyError, LostLockError, MissingInputError, SettingsError
from imdb_tasks.pipeline.report_steps import Reported, result_of
from imdb_tasks.sources import REVIEWS, KaggleCredentials, fetch, fetched, naming_origins
from imdb_tasks.store import Entry, Hold, write_json
from imdb_tasks.study import DataCard, History, StudyResult, TestMetrics, TrainingRecord, Variant, VariantResult
from imdb_tasks.training import Checkpoints, backend, remove_checkpoint

log = logging.getLogger(__name__)

_NAMED = 5


@dataclass(frozen=True)
class Steps(Reported):
    """All steps of a study; those after the evaluation are in ``reported``."""

    def variant(self, name: str) -> Variant:
        """Return the variant of the grid with this name."""
        for variant in self.study.variants:
            if variant.name == name:
                return variant
        raise SettingsError(f"the grid has no variant {name!r}; it has {[v.name for v in self.study.variants]}")

    def fetch_reviews(self, credentials: KaggleCredentials | None = None) -> Entry:
        """Make sure that the reviews are in the store."""
        return fetch(self.study.reviews, REVIEWS, self.store, credentials=credentials)

    def fetch_glove(self, credentials: KaggleCredentials | None = None) -> Entry:
        """Make sure that the vectors are in the store."""
        return fetch(self.study.glove, self.places.glove, self.store, credentials=credentials)

    def prepare(self) -> Entry:
        """Make the arrays and the data card."""
        return self._once("arrays", self.places.corpus(), self._prepare, step="prepare")

    def _prepare(self, key: str, hold: Hold) -> None:
        from imdb_tasks.corpus import prepare

        reviews = fetched(self.study.reviews, REVIEWS, self.store)
        glove = fetched(self.study.glove, self.places.glove, self.store)
        reviews_csv, vectors = reviews.file(REVIEWS.member), glove.file(self.places.glove.member)
        with naming_origins(reviews, glove):
            corpus = prepare(reviews_csv, vectors, self.study.text)
        about = {"inputs": [f"sources/{reviews.key}", f"sources/{glove.key}"]}
        with self.store.publish("arrays", key, about, hold=hold) as folder:
            corpus.save(folder)
        log.info("data card: %s", corpus.card.model_dump_json(exclude={"lengths"}))

    def train(self, variant: Variant) -> Entry:
        """Train one variant; if its result is there, Keras is not even imported."""
        key = self.places.model(variant)
        note = f"trainings/{self.run_id}/{variant.name}"
        if entry := self._cached("models", key):
            self.store.write_ref(note, {"model": key, "cached": True})
            remove_checkpoint(self.store, key)  # its process may have died between publishing and removing
            self._complete_progress(key, _record(entry))
            return entry
        self.store.write_ref(note, {"model": key})
        self.store.remove_ref(f"failures/{key}")
        try:
            return self._once("models", key, lambda key, hold: self._train(key, variant, hold), step="train")
        except LostLockError:
            raise  # it is not the training that failed
        except Exception as error:
            with contextlib.suppress(DiskFullError):  # the reason matters more
                self.store.write_ref(f"failures/{key}", {"reason": f"{type(error).__name__}: {error}"[:500]})
            raise

    def _train(self, key: str, variant: Variant, hold: Hold) -> None:
        from imdb_tasks.corpus import Arrays
        from imdb_tasks.training import train

        prepared = self._corpus()
        corpus = Arrays.load(prepared.path)
        checkpoints = Checkpoints(self.store, key, hold)
        log.info("training %s on %d reviews", variant.name, len(corpus.x_train))
        trained = train(
            variant,
            self.study.training,
            corpus,
            lambda history: self._show_progress(key, variant, history, "training"),
            checkpoints=checkpoints,
        )
        record = trained.record
        about = {"variant": variant.name, "status": record.status, "inputs": [f"arrays/{prepared.key}"]}
        with self.store.publish("models", key, about, hold=hold) as folder:
            write_json(folder / "record.json", record.model_dump(mode="json"))
            trained.model.save(folder / "model.keras")
        remove_checkpoint(self.store, key)
        self._show_progress(key, variant, record.history, record.status)

    def evaluate(self) -> Entry:
        """Measure every trained variant on the test reviews; a variant without a model is listed as missing."""
        trained = {variant: self.store.find("models", self.places.model(variant)) for variant in self.study.variants}
        missing = {variant: self._reason(variant) for variant, model in trained.items() if model is None}
        if len(missing) == len(trained):
            raise MissingInputError("no variant has a trained model; look at the logs of the step 'train'")
        parts = [
            self.places.predictions(model.key) if model else missing[variant] for variant, model in trained.items()
        ]
        key = self.places.evaluation(parts)
        evaluation = self._once(
            "evaluations", key, lambda key, hold: self._compare(key, trained, missing, hold), step="evaluate"
        )
        self.store.write_ref(self.places.ref("evaluated"), {"key": key})
        return evaluation

    def _compare(self, key: str, trained: dict[Variant, Entry | None], missing: dict[Variant, str], hold: Hold) -> None:
        rows = tuple(
            self._measure(variant, model)
            if model
            else VariantResult(variant=variant, status="missing", reason=missing[variant])
            for variant, model in trained.items()
        )
        corpus = self._corpus()
        card = DataCard.model_validate_json(corpus.file("data_card.json").read_bytes())
        result = StudyResult(study=self.study, data_card=card, variants=rows, backend=backend())
        models = [model.key for model in trained.values() if model]
        inputs = [f"arrays/{corpus.key}", *(f"models/{model}" for model in models)]
        inputs += [f"predictions/{self.places.predictions(model)}" for model in models]
        about = {"missing": len(missing), "inputs": inputs}
        with self.store.publish("evaluations", key, about, hold=hold) as folder:
            write_json(folder / "result.json", result.model_dump(mode="json"))

    def _measure(self, variant: Variant, model: Entry) -> VariantResult:
        record = _record(model)
        test = self._test_metrics(model) if record.status == "finished" else None
        return VariantResult(variant=variant, status=record.status, training=record, test=test)

    def _test_metrics(self, model: Entry) -> TestMetrics:
        return TestMetrics.model_validate_json(self.predictions(model).file("metrics.json").read_bytes())

    def check_complete(self) -> None:
        """Raise ``IncompleteStudyError`` if variants are missing from the study's result."""
        missing = [row for row in result_of(self._evaluation()).variants if row.status == "missing"]
        if missing:
            shown = "; ".join(f"{row.variant.name}: {row.reason}" for row in missing[:_NAMED])
            raise IncompleteStudyError(
                f"{len(missing)} of {len(self.study.variants)} variants are missing from the report; "
                f"first {min(len(missing), _NAMED)}: {shown}. "
                "To try again, clear their training tasks and those downstream"
            )

    def _corpus(self) -> Entry:
        return self.store.need("arrays", self.places.corpus(), step="prepare")

    def _reason(self, variant: Variant) -> str:
        failure = self.store.read_ref(f"failures/{self.places.model(variant)}")
        return failure["reason"] if failure else "not trained: its task has not run, or was killed; see its log"

    def _complete_progress(self, key: str, record: TrainingRecord) -> None:
        """Note the end of a training where that was pruned, or its process died before; else it stays its own."""
        noted = self.store.read_ref(f"progress/{key}")
        if noted is None or noted["status"] == "training":
            self._show_progress(key, record.variant, record.history, record.status)

    def _show_progress(self, key: str, variant: Variant, history: History, status: str) -> None:
        self.store.write_ref(
            f"progress/{key}",
            {
                "run_id": self.run_id,
                "variant": variant.name,
                "epoch": history.epochs,
                "epochs": self.study.training.epochs,
                "status": status,
                "history": history.model_dump(mode="json"),
            },
        )


def _record(model: Entry) -> TrainingRecord:
    return TrainingRecord.model_validate_json(model.file("record.json").read_bytes())
