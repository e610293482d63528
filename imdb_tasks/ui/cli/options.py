"""What several commands share."""

import argparse
from pathlib import Path

from imdb_tasks.errors import MissingInputError, SettingsError
from imdb_tasks.settings import expanded
from imdb_tasks.store import Store

_STORE_HELP = "artifact store: a folder, s3://bucket/prefix or gs://bucket/prefix; default: $IMDB_STORE"


def add_store(command: argparse.ArgumentParser) -> None:
    """Add the option ``--store`` to a command."""
    command.add_argument("--store", help=_STORE_HELP)


def open_store(options: argparse.Namespace) -> Store:
    """Return the store of ``--store``, else that of the environment."""
    if not options.store:
        return Store.from_environment()
    try:
        return Store(expanded(options.store))
    except ValueError as error:
        raise SettingsError(f"--store: {error}; expected a folder or the URL of a bucket") from error


def open_existing_store(options: argparse.Namespace) -> Store:
    """Return the store as `open_store` does; raise MissingInputError if it is a folder that is not there."""
    store = open_store(options)
    if "://" not in store.where and not Path(store.where).is_dir():
        raise MissingInputError(f"{store.where} is not a folder; check --store, or IMDB_STORE")
    return store
