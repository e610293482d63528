"""A study's histories as TensorBoard logs, with the grid for its HParams page; written after the fact.

FOLDER/           what the grid is made of
FOLDER/VARIANT/   the curves of one variant, its settings, and its test metrics
"""

import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from imdb_tasks.errors import SettingsError
from imdb_tasks.study import MEASURES, History, Study, StudyResult, VariantResult

_Event = tuple[int, float, Any]  # step, time in seconds since 1970, summary
_TEST = ("accuracy", "loss", "auc")


def write_tensorboard(result: StudyResult, folder: Path) -> int:
    """Write the logs below ``folder``, which must be empty or not there; return the number of variants.

    A value that is not finite is left out: the curve ends before it.
    """
    try:
        from tensorboard.plugins.hparams import summary_v2 as hparams
    except ImportError as error:
        raise SettingsError("TensorBoard is not installed; install it: pip install tensorboard") from error
    if folder.exists() and any(folder.iterdir()):
        raise SettingsError(f"{folder} is not empty; TensorBoard would mix old and new logs: choose an empty folder")
    study = result.study
    domains: dict[str, Any] = {
        "cell": hparams.Discrete(study.cells),
        "units": hparams.Discrete(study.units),
        "batch_size": hparams.Discrete(study.batch_sizes),
    }
    grid = hparams.hparams_config_pb(
        hparams=[hparams.HParam(name, domain) for name, domain in domains.items()],
        metrics=[hparams.Metric(f"test/{name}", display_name=f"test {name}") for name in _TEST],
    )
    _write(folder, [(0, time.time(), grid)])
    trained = [(row, row.training.history) for row in result.variants if row.training]
    for row, history in trained:
        _write(folder / row.variant.name, _events(row, history, study))
    return len(trained)


def _events(row: VariantResult, history: History, study: Study) -> Iterator[_Event]:
    """Yield step, time and summary of each event, as if the training had ended now."""
    from tensorboard.plugins.hparams import summary_v2 as hparams

    variant = row.variant
    settings = {"cell": variant.cell, "units": variant.units, "batch_size": variant.batch_size}
    others = {"replicate": variant.replicate, "learning_rate": study.training.learning_rate}
    at = time.time() - sum(history.seconds)
    yield 0, at, hparams.hparams_pb({**settings, **others}, trial_id=variant.name)
    for epoch, spent in enumerate(history.seconds):
        at += spent
        values = {_tag(name): getattr(history, name)[epoch] for name in MEASURES}
        yield epoch + 1, at, _scalars(values)
    if row.test:
        yield history.epochs, at, _scalars({f"test/{name}": getattr(row.test, name) for name in _TEST})


def _tag(measure: str) -> str:
    name = measure.removeprefix("val_")
    return f"{name}/{'training' if name == measure else 'validation'}"


def _scalars(values: dict[str, float | None]) -> Any:
    from tensorboard.compat.proto.summary_pb2 import Summary

    known = {tag: value for tag, value in values.items() if value is not None}
    return Summary(value=[Summary.Value(tag=tag, simple_value=value) for tag, value in known.items()])


def _write(folder: Path, events: Iterable[_Event]) -> None:
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    writer = EventFileWriter(str(folder))
    for step, at, summary in events:
        writer.add_event(Event(wall_time=at, step=step, summary=summary))
    writer.close()
