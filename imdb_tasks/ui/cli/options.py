"""What several commands share."""

import argparse
import os
from pathlib import Path

from imdb_tasks.errors import MissingInputError, SettingsError
from imdb_tasks.store import Store
from imdb_tasks.typed_values import expanded

SHOWN = 80  # characters of an argument in a message

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


def utf8(argument: str, name: str) -> str:
    """Return an argument of the command line; raise SettingsError if its bytes are not text."""
    try:
        argument.encode("utf8")
    except UnicodeEncodeError as error:
        found = argument.encode("utf8", "surrogateescape")
        raise SettingsError(
            f"{name}: expected text in UTF-8, found {found!r:.{SHOWN}}; convert it, for example with iconv"
        ) from error
    return argument


def output(path: Path) -> Path:
    """Return the file of ``--out``; raise SettingsError, before any work is done, if it cannot be written."""
    if not path.parent.is_dir():
        raise SettingsError(f"--out: expected a file in a folder that is there, found no folder {path.parent}; make it")
    if not os.access(path.parent, os.W_OK) or path.is_dir():
        raise SettingsError(f"--out: expected a file that this user can write, found {path}; choose another one")
    return path
