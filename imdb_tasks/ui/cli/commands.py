"""Run the steps of the study from a shell, without Airflow, with the same store and the same results."""

import argparse
import datetime
import functools
import json
import logging
import os
import sys
import tempfile
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from imdb_tasks.errors import IncompleteStudyError, LostLockError, MissingInputError, SettingsError, StudyError
from imdb_tasks.formatting import count_of
from imdb_tasks.pipeline import Planned, Steps
from imdb_tasks.sources import REVIEWS, InputFile, errors_name_their_source, fetch, glove_vectors
from imdb_tasks.store import Entry, Store
from imdb_tasks.study import Growing, LocalSource, Study, TextSettings, Variant, read_form, read_growing
from imdb_tasks.ui.cli import keeping, models
from imdb_tasks.ui.cli.options import SHOWN, add_store, open_store, output, utf8

log = logging.getLogger(__name__)

FAILED, INTERRUPTED = 1, 130
STEPS = ("fetch", "prepare", "train", "evaluate", "report", "study")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit status: 0, or 1 after a message on standard error, or 130 after Ctrl-C."""
    try:  # from the beginning: Ctrl-C may come while the arguments are read
        options = _parser().parse_args(arguments)
        logging.basicConfig(level=logging.INFO, format="%(asctime)s  %(message)s", datefmt="%H:%M:%S")
        options.run(options)
    except StudyError as error:
        return _failed(f"{type(error).__name__}: {error}")
    except ModuleNotFoundError as error:
        return _failed(f"{error}; install what the steps compute with: pip install 'imdb-tasks[worker]'")
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is still buffered has no reader
        return FAILED
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        told = f"{type(error).__name__}: {where}{error.strerror or error}"
        return _failed(f"{told}; choose another place, or change what is there")
    except KeyboardInterrupt:
        return _failed("interrupted: finished results are kept; the same command goes on from them", INTERRUPTED)
    return 0


def _failed(message: str, status: int = FAILED) -> int:
    print(message, file=sys.stderr)
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="imdb-study", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name in STEPS:
        command = commands.add_parser(name, help="run all the steps" if name == "study" else f"run the step {name}")
        add_store(command)
        command.add_argument(
            "--set",
            action="append",
            default=[],
            metavar="FIELD=VALUE",
            help="a field of the trigger form, its value as JSON or text: --set profile=custom --set units=[64]",
        )
        if name == "train":
            command.add_argument("variants", nargs="*", metavar="VARIANT", help="such as 64_GRU_32; default: all")
        command.set_defaults(run=_run_step, step=name)
    keeping.add_commands(commands)
    models.add_commands(commands)
    export = commands.add_parser("export-arrays", help="write the arrays as one .npz file, for a notebook")
    export.add_argument("--reviews", type=Path, required=True, metavar="CSV_OR_ZIP")
    export.add_argument("--glove", type=Path, required=True, metavar="TXT_OR_ZIP")
    export.add_argument("--out", type=Path, required=True, metavar="FILE.npz")
    export.set_defaults(run=_export_arrays)
    return parser


def _run_step(options: argparse.Namespace) -> None:
    form = {"notify": "never", **_fields(options.set)}
    study, growing = read_form(form)[0], read_growing(form)
    store, run_id = open_store(options), _run_id(options.step)
    if options.step == "study" and growing:
        _run_until_decided(study, store, run_id, growing)
    else:
        steps = Steps.of_run(study, store, run_id, growing)
        _run_steps(steps, options.step, [steps.variant(name) for name in getattr(options, "variants", [])])


def _run_until_decided(study: Study, store: Store, run_id: str, growing: Growing) -> None:
    """Take one look after the other, as the runs of a schedule do; what an earlier command has finished is kept."""
    while True:
        planned = Steps.plan(study, store, f"{run_id}.{uuid.uuid4().hex[:6]}", growing)
        try:
            _run_steps(planned, "study")
        except BaseException:  # the same command again begins with this look
            planned.notes.remove(Planned, planned.run_id)
            raise
        growth = planned.growth
        if growth is None or growth.ended:
            return
        for seen in growth.open:
            print(
                f"open after {count_of(planned.study.replicates, 'replicate', 'replicates')}: {seen.title}", flush=True
            )


def _run_steps(steps: Steps, wanted_step: str, variants: Sequence[Variant] = ()) -> None:
    """Do a step, or all of them for "study"; train these ``variants``, or without any, all."""
    wanted = STEPS[:-1] if wanted_step == "study" else (wanted_step,)
    for step in wanted:
        if step == "fetch":
            _unless_taken_over(steps.fetch_reviews)
            _unless_taken_over(steps.fetch_glove)
        elif step == "train":
            failed = _train(steps, variants or steps.study.variants)
            if failed and wanted_step == "train":
                raise IncompleteStudyError(f"{len(failed)} variants failed: {', '.join(failed)}; see the log above")
        else:
            entry = _unless_taken_over(getattr(steps, step))
    if wanted[-1] == "report":
        print(entry.file("report.html"))
        steps.check_complete()


def _run_id(step: str) -> str:
    """Name a run by the current second, so that runs by hand are kept apart and compared."""
    if step not in ("study", "report"):
        return Steps.run_id
    return f"{Steps.run_id}-{datetime.datetime.now(datetime.UTC):%Y-%m-%dT%H:%M:%SZ}"


def _train(steps: Steps, variants: Sequence[Variant]) -> list[str]:
    """Train the variants; one that fails does not keep the others from it. Return the names of those that failed."""
    failed = []
    for variant in variants:
        try:
            _unless_taken_over(functools.partial(steps.train, variant))
        except (MissingInputError, SettingsError):  # it concerns the others, too
            raise
        except Exception:
            log.exception("%s failed; continuing with the other variants", variant.name)
            failed.append(variant.name)
    return failed


def _unless_taken_over(step: Callable[[], Entry]) -> Entry:
    """Do a step; where another process has taken it over meanwhile, wait for that one and use its result."""
    try:
        return step()
    except LostLockError as error:
        log.warning("%s", error)
        return step()


def _fields(assignments: Sequence[str]) -> dict[str, Any]:
    fields = {}
    for assignment in assignments:
        name, sign, text = utf8(assignment, "--set").partition("=")
        if not sign:
            raise SettingsError(f"--set: expected FIELD=VALUE, found {assignment!r:.{SHOWN}}")
        try:
            fields[name] = json.loads(text)
        except ValueError:
            fields[name] = text
    return fields


def _export_arrays(options: argparse.Namespace) -> None:
    """Write x_train, x_test (int32), y_train, y_test (int8), embedding_matrix (float32) and word_index (JSON text)."""
    import numpy as np

    from imdb_tasks.corpus import ARRAY_NAMES, prepare

    out = output(options.out)
    settings = TextSettings()
    glove = glove_vectors(settings.dimensions)
    with tempfile.TemporaryDirectory(prefix="imdb-export-") as folder:
        reviews_entry = _fetch_file(options.reviews, REVIEWS, Store(folder))
        glove_entry = _fetch_file(options.glove, glove, Store(folder))
        with errors_name_their_source(reviews_entry, glove_entry):
            corpus = prepare(
                reviews_entry.file(REVIEWS.member),
                glove_entry.file(glove.member),
                settings,
                reviews_sha256=reviews_entry.about["sha256"],
                glove_sha256=glove_entry.about["sha256"],
            )
    out = out if out.suffix == ".npz" else out.with_name(out.name + ".npz")
    draft = out.with_name(f".{out.stem}.{uuid.uuid4().hex}.npz")
    try:
        values = {name: getattr(corpus.arrays, name) for name in ARRAY_NAMES}
        np.savez(draft, word_index=np.array(json.dumps(corpus.word_index)), **values)
        draft.replace(out)
    finally:
        draft.unlink(missing_ok=True)
    print(out)


def _fetch_file(path: Path, wanted: InputFile, store: Store) -> Entry:
    return fetch(LocalSource(path=str(path.resolve())), wanted, store)
