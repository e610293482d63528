"""Run the steps of the study from a shell, without Airflow, with the same store and the same results."""

import argparse
import datetime
import json
import logging
import sys
import tempfile
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from imdb_tasks.errors import DataError, IncompleteStudyError, MissingInputError, SettingsError, StudyError
from imdb_tasks.pipeline import NOTES, Steps
from imdb_tasks.sources import REVIEWS, InputFile, errors_name_their_source, fetch, glove_vectors
from imdb_tasks.store import Entry, PrunePolicy, Store, list_entries, prune_store, verify_store
from imdb_tasks.study import LocalSource, TextSettings, Variant, read_form
from imdb_tasks.ui.cli import models
from imdb_tasks.ui.cli.options import add_store, open_existing_store, open_store

log = logging.getLogger(__name__)

FAILED = 1
_NAMED = 5
STEPS = ("fetch", "prepare", "train", "evaluate", "report", "study")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit status: 0, or 1 after a message on standard error."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s  %(message)s", datefmt="%H:%M:%S")
    try:
        options.run(options)
    except StudyError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return FAILED
    return 0


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
    _add_store_commands(commands)
    models.add_commands(commands)
    export = commands.add_parser("export-arrays", help="write the arrays as one .npz file, for a notebook")
    export.add_argument("--reviews", type=Path, required=True, metavar="CSV_OR_ZIP")
    export.add_argument("--glove", type=Path, required=True, metavar="TXT_OR_ZIP")
    export.add_argument("--out", type=Path, required=True, metavar="FILE.npz")
    export.set_defaults(run=_export_arrays)
    return parser


def _add_store_commands(commands: Any) -> None:
    keeping = commands.add_parser("store", help="list, verify or prune the store").add_subparsers(
        required=True, metavar="WHAT"
    )
    for name, run, told in (
        ("list", _list, "list all entries with size and time of creation"),
        (
            "verify",
            _verify,
            "read everything; what is damaged is set aside, and the next run makes again what it needs",
        ),
        ("prune", _prune, "delete entries that the newest runs do not need"),
    ):
        command = keeping.add_parser(name, help=told, description=told)
        add_store(command)
        command.set_defaults(run=run)
    command.add_argument(
        "--keep-runs",
        type=int,
        default=PrunePolicy.runs,
        help="number of runs whose reports are kept; default: %(default)s",
    )
    command.add_argument(
        "--older-than",
        type=float,
        default=PrunePolicy.days,
        help="keep entries younger than this number of days; default: %(default)s",
    )
    command.add_argument("--dry-run", action="store_true", help="list what would be deleted, and delete nothing")


def _list(options: argparse.Namespace) -> None:
    for entry in list_entries(open_existing_store(options)):
        created = datetime.datetime.fromtimestamp(entry.created, datetime.UTC)
        size = "unreadable" if entry.bytes is None else f"{entry.bytes / 1e6:,.1f} MB"
        print(f"{size:>12}  {created:%Y-%m-%d %H:%M} UTC  {entry.name}")


def _verify(options: argparse.Namespace) -> None:
    store = open_existing_store(options)
    whole, damaged = verify_store(store)
    print(f"{whole} entries intact, {len(damaged)} damaged")
    if not whole and not damaged:
        raise MissingInputError(f"{store.where} holds no entry; check --store, or IMDB_STORE")
    if damaged:
        raise DataError(
            f"set aside: {', '.join(damaged[:_NAMED])}; the next run of the study makes again what it needs"
        )


def _prune(options: argparse.Namespace) -> None:
    policy = PrunePolicy(runs=options.keep_runs, days=options.older_than)
    pruned = prune_store(open_existing_store(options), policy, NOTES, dry_run=options.dry_run)
    for entry in pruned.entries:
        print(f"{(entry.bytes or 0) / 1e6:12,.1f} MB  {entry.name}")
    for name in (*pruned.folders, *pruned.files, *pruned.work):
        print(f"{'':>15}  {name}")
    freed = sum(entry.bytes or 0 for entry in pruned.entries) / 1e6
    print(f"{'would free' if options.dry_run else 'freed'} {freed:,.1f} MB in {len(pruned.entries)} entries")


def _run_step(options: argparse.Namespace) -> None:
    study, _ = read_form({"notify": "never", **_fields(options.set)})
    steps = Steps(study, open_store(options), _run_id(options.step))
    wanted = STEPS[:-1] if options.step == "study" else (options.step,)
    for step in wanted:
        if step == "fetch":
            steps.fetch_reviews()
            steps.fetch_glove()
        elif step == "train":
            names = getattr(options, "variants", [])
            failed = _train(steps, [steps.variant(name) for name in names] or study.variants)
            if failed and options.step == "train":
                raise IncompleteStudyError(f"{len(failed)} variants failed: {', '.join(failed)}; see the log above")
        else:
            entry = getattr(steps, step)()
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
            steps.train(variant)
        except (MissingInputError, SettingsError):  # it concerns the others, too
            raise
        except Exception:
            log.exception("%s failed; continuing with the other variants", variant.name)
            failed.append(variant.name)
    return failed


def _fields(assignments: Sequence[str]) -> dict[str, Any]:
    fields = {}
    for assignment in assignments:
        name, sign, text = assignment.partition("=")
        if not sign:
            raise SettingsError(f"--set: expected FIELD=VALUE, found {assignment!r}")
        try:
            fields[name] = json.loads(text)
        except ValueError:
            fields[name] = text
    return fields


def _export_arrays(options: argparse.Namespace) -> None:
    """Write x_train, x_test (int32), y_train, y_test (int8), embedding_matrix (float32) and word_index (JSON text)."""
    import numpy as np

    from imdb_tasks.corpus import ARRAY_NAMES, prepare

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
    out = options.out if options.out.suffix == ".npz" else options.out.with_name(options.out.name + ".npz")
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
