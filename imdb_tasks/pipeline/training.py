"""The step that trains one variant, and what it notes of its progress."""

import contextlib
import logging

from imdb_tasks.errors import DiskFullError, LostLockError
from imdb_tasks.pipeline.notes import Failure, Progress, Training
from imdb_tasks.pipeline.predictions import keep_predictions
from imdb_tasks.pipeline.workspace import Workspace
from imdb_tasks.store import Entry, Lock, tidying, write_json
from imdb_tasks.study import History, TrainingRecord, Variant
from imdb_tasks.training import Checkpoints, remove_checkpoint

log = logging.getLogger(__name__)

_REASON = 500  # characters


def train(work: Workspace, variant: Variant) -> Entry:
    """Train one variant; if its result is there, Keras is not even imported."""
    key = work.keys.model(variant)
    name = f"{work.run_id}/{variant.name}"
    if entry := work.cached("models", key):
        work.notes.write(Training(model=key, cached=True), name)
        with tidying(f"what led to models/{key}"):  # its process may have died between publishing and removing
            remove_checkpoint(work.store, key)
            _complete_progress(work, key, record_of(entry))
        return entry
    work.notes.write(Training(model=key), name)
    work.notes.remove(Failure, key)
    try:
        return work.once("models", key, lambda key, hold: _train(work, key, variant, hold), step="train")
    except LostLockError:
        raise  # it is not the training that failed
    except Exception as error:
        with contextlib.suppress(DiskFullError):  # the reason matters more
            work.notes.write(Failure(reason=f"{type(error).__name__}: {error}"[:_REASON]), key)
        raise


def record_of(model: Entry) -> TrainingRecord:
    """Read how a model was trained."""
    return TrainingRecord.model_validate_json(model.file("record.json").read_bytes())


def _train(work: Workspace, key: str, variant: Variant, hold: Lock) -> None:
    from imdb_tasks.corpus import Arrays
    from imdb_tasks.training import train as fit

    prepared = work.corpus()
    corpus = Arrays.load(prepared.path)
    log.info("training %s on %d reviews", variant.name, len(corpus.x_train))

    def note_progress(history: History) -> None:
        hold.check()  # whoever took the training over may have finished it
        _note_progress(work, key, variant, history, "training")

    trained = fit(
        variant,
        work.study.training,
        corpus,
        note_progress,
        checkpoints=Checkpoints(work.store, key, hold),
    )
    record = trained.record
    about = {
        "variant": variant.name,
        "status": record.status,
        "inputs": [f"arrays/{prepared.key}"],
    }
    with work.store.publish("models", key, about, hold=hold) as folder:
        write_json(folder / "record.json", record.model_dump(mode="json"))
        trained.model.save(folder / "model.keras")
    if record.status == "finished":  # loading and compiling the model for it later would take longer
        keep_predictions(work, key, lambda: trained.evaluate(corpus.x_test, corpus.y_test))
    with tidying(f"what led to models/{key}"):
        remove_checkpoint(work.store, key)
        _note_progress(work, key, variant, record.history, record.status)


def _complete_progress(work: Workspace, key: str, record: TrainingRecord) -> None:
    """Record the end of a training if its progress was pruned or its process died before; otherwise keep it."""
    noted = work.notes.read(Progress, key)
    if noted is None or noted.status == "training":
        _note_progress(work, key, record.variant, record.history, record.status)


def _note_progress(work: Workspace, key: str, variant: Variant, history: History, status: str) -> None:
    progress = Progress(
        run_id=work.run_id,
        variant=variant.name,
        epoch=history.epochs,
        epochs=work.study.training.epochs,
        status=status,
        history=history,
    )
    work.notes.write(progress, key)
