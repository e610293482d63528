"""Kaggle datasets, through Kaggle's own client in a process of its own.

The client is made for a shell: without credentials it closes standard input and exits, it makes a folder when it is
imported, and it prints. ``kaggle_process`` keeps all that away from the process that asks; ``kaggle_child`` runs in it.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from imdb_tasks.errors import AccessRefusedError, UnexpectedContentError
from imdb_tasks.sources import kaggle_process
from imdb_tasks.sources.responses import CONNECT_SECONDS, READ_SECONDS
from imdb_tasks.sources.retry import RetryPolicy
from imdb_tasks.typed_values import as_one_line

HOW_TO_GET_ACCESS = (
    "give credentials by the Airflow connection 'kaggle_default', or the one that IMDB_KAGGLE_CONNECTION names (login"
    " and password, or the API token as password), by KAGGLE_API_TOKEN, by KAGGLE_USERNAME and KAGGLE_KEY, or by the"
    " files of Kaggle's client in ~/.kaggle; or choose the public archives, which need none"
)
_VARIABLES = {"username": "KAGGLE_USERNAME", "key": "KAGGLE_KEY", "token": "KAGGLE_API_TOKEN"}
_TOKEN_FILES = ("access_token", "access_token.txt")


@dataclass(frozen=True)
class KaggleCredentials:
    """A user's name and key, or an API token, without the spaces and line ends around them.

    Raises AccessRefusedError if neither is complete, or if one has a character that no header can hold.
    """

    username: str = ""
    key: str = field(default="", repr=False)
    token: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        for name in (part.name for part in fields(self)):
            object.__setattr__(self, name, _sendable(name, getattr(self, name)))
        if not self.token and not (self.username and self.key):
            raise AccessRefusedError(f"Kaggle: expected a user's name and key, or a token; {HOW_TO_GET_ACCESS}")

    def variables(self) -> dict[str, str]:
        """Return the environment variables in which the client takes them; a token wins."""
        names = ("token",) if self.token else ("username", "key")
        return {_VARIABLES[name]: getattr(self, name) for name in names}


def newest_version(dataset: str, credentials: KaggleCredentials | None, *, retries: RetryPolicy) -> int:
    """Ask which version of ``owner/slug`` is the current one.

    ``credentials=None`` leaves it to the client's own environment variables and files. Raises like `download`.
    """

    def ask() -> int:
        version = _ask("newest_version", dataset, credentials)
        if not isinstance(version, int) or version < 1:
            raise UnexpectedContentError(f"Kaggle dataset {dataset} has no current version; set a version in the form")
        return version

    return retries.call(ask)


def download(
    pinned: str, folder: Path, credentials: KaggleCredentials | None, *, max_bytes: int, retries: RetryPolicy
) -> Path:
    """Download version 3 of a dataset, ``pinned`` as ``owner/slug/3``, as one zip in ``folder``, and return its path.

    Raises AccessRefusedError (no credentials, 401, 403), NotFoundError, UnexpectedContentError (a web page),
    UnsafeArchiveError (more than ``max_bytes``), and once ``retries`` is spent ServerBusyError, ConnectionLostError.
    """
    retries.call(lambda: _ask("download", pinned, credentials, folder=str(folder.absolute()), max_bytes=max_bytes))
    return folder / f"{pinned.split('/')[1]}.zip"


def has_own_kaggle_credentials(environment: Mapping[str, str] = os.environ) -> bool:
    """Tell whether the client finds credentials in its environment variables or files; whether they are valid is open.

    Raises AccessRefusedError if a variable has a character that no header can hold.
    """
    found = _variables_of(environment)
    if "KAGGLE_API_TOKEN" in found or {"KAGGLE_USERNAME", "KAGGLE_KEY"} <= found.keys():
        return True
    home = Path(os.path.expanduser("~")) / ".kaggle"  # noqa: PTH111 - Path.home raises where there is none
    files = [home / name for name in (*_TOKEN_FILES, "credentials.json")]
    if folder := kaggle_process.client_folder(environment):
        files.append(Path(folder) / "kaggle.json")
    return any(os.access(file, os.R_OK) for file in files)


def _ask(call: str, dataset: str, credentials: KaggleCredentials | None, **more: Any) -> Any:
    order = {
        "call": call,
        "dataset": dataset,
        "given": credentials is not None,
        "how_to_get_access": HOW_TO_GET_ACCESS,
        "time_outs": [CONNECT_SECONDS, READ_SECONDS],
        **more,
    }
    variables = credentials.variables() if credentials else _variables_of(os.environ)
    return kaggle_process.ask(order, variables, alone=credentials is not None)


def _variables_of(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the credentials in the environment as the client can use them; a token may also be the path of a file."""
    found = {}
    for name, variable in _VARIABLES.items():
        value = environment.get(variable, "")
        is_path = name == "token" and os.access(value, os.F_OK)
        if value := value if is_path else _sendable(variable, value):
            found[variable] = value
    return found


def _sendable(name: str, value: str) -> str:
    if (sent := as_one_line(value)) is None:
        raise AccessRefusedError(
            f"Kaggle: {name} has a character that cannot be sent; expected printable ASCII in one line; "
            "copy it again from Kaggle's settings page"
        )
    return sent
