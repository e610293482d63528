"""The commands for the store itself: list, verify, prune."""

import argparse
import datetime
import sys
from typing import Any

from imdb_tasks.errors import DataError, MissingInputError
from imdb_tasks.pipeline import NOTES
from imdb_tasks.store import Pruned, PrunePolicy, list_entries, prune_store, verify_store
from imdb_tasks.ui.cli.options import add_store, open_existing_store

_NAMED = 5
_SURE = ("y", "yes")


def add_commands(commands: Any) -> None:
    """Add ``store list``, ``store verify`` and ``store prune`` to the commands of ``imdb-study``."""
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
        ("prune", _prune, "delete entries that neither the newest runs nor runs at work need"),
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
        help="keep what was made or used within this number of days; 0 only if no run is at work; default: %(default)s",
    )
    command.add_argument("--dry-run", action="store_true", help="list what would be deleted, and delete nothing")
    command.add_argument("--yes", action="store_true", help="do not ask at a terminal before deleting")


def _list(options: argparse.Namespace) -> None:
    of_models: dict[str, str] = {}
    for entry in list_entries(open_existing_store(options)):
        created = datetime.datetime.fromtimestamp(entry.created, datetime.UTC)
        size = "unreadable" if entry.bytes is None else f"{entry.bytes / 1e3:,.1f} kB"
        content = entry.content
        if entry.kind == "models":
            of_models[entry.name] = content
        elif entry.kind == "predictions":  # named after their model; models come first
            content = next(filter(None, map(of_models.get, entry.inputs)), "")
        print(f"{size:>12}  {created:%Y-%m-%d %H:%M} UTC  {entry.name}  {content}".rstrip())


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
    store = open_existing_store(options)
    found = prune_store(store, policy, NOTES, dry_run=True)
    for entry in found.entries:
        print(f"{(entry.bytes or 0) / 1e6:12,.1f} MB  {entry.name}")
    for name in (*found.folders, *found.files, *found.work):
        print(f"{'':>15}  {name}")
    print(f"would free {_amount(found)}")
    if options.dry_run:
        return
    if not options.yes and found.is_something() and sys.stdin.isatty() and not _is_agreed():
        print("nothing was deleted")
        return
    print(f"freed {_amount(prune_store(store, policy, NOTES, dry_run=False, agreed=found))}")


def _is_agreed() -> bool:
    try:
        return input("Delete this? [y/N] ").strip().lower() in _SURE
    except EOFError:
        return False


def _amount(pruned: Pruned) -> str:
    freed = sum(entry.bytes or 0 for entry in pruned.entries) / 1e6
    return f"{freed:,.1f} MB in {len(pruned.entries)} entries"
