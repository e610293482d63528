"""What several commands share."""

import argparse

from imdb_tasks.store import Store

_STORE_HELP = "artifact store: a folder, s3://bucket/prefix or gs://bucket/prefix; default: $IMDB_STORE"


def add_store(command: argparse.ArgumentParser) -> None:
    """Add the option ``--store`` to a command."""
    command.add_argument("--store", help=_STORE_HELP)


def open_store(options: argparse.Namespace) -> Store:
    """Return the store of ``--store``, else that of the environment."""
    return Store(options.store) if options.store else Store.from_environment()
