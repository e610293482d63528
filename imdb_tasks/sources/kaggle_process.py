"""Starts the process in which Kaggle's client runs, passes on what it logs, and returns what it answers.

Nothing that the client does reaches the process that asks: it has its own standard input, environment and exit. Its
credentials are in its environment, never among its arguments, and what it writes to standard error is dropped,
because a traceback of the client can hold them.
"""

import json
import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from imdb_tasks import errors
from imdb_tasks.errors import ServerBusyError, SettingsError, StudyError, TransientError
from imdb_tasks.sources.responses import PERMANENT_ERRNOS

log = logging.getLogger(__name__)

_CREDENTIALS = ("KAGGLE_USERNAME", "KAGGLE_KEY", "KAGGLE_TOKEN", "KAGGLE_API_TOKEN", "KAGGLE_API_V1_TOKEN")
_TALKATIVE = ("VERBOSE", "VERBOSE_OUTPUT")  # the client then prints every header, the key included
_MODULE = "imdb_tasks.sources.kaggle_child"


def ask(order: Mapping[str, Any], credentials: Mapping[str, str], *, alone: bool) -> Any:
    """Have the client carry out an order (see ``kaggle_child``), and return its answer or raise its error.

    ``credentials`` are environment variables. With ``alone``, the client sees neither others in the environment nor
    the files in the user's home. The process is killed if waiting for it is interrupted.
    """
    command = [sys.executable, "-P", "-m", _MODULE, json.dumps(order)]
    with _own_folder() as folder:
        environment = _environment(folder, credentials, alone=alone)
        with subprocess.Popen(  # noqa: S603 - the interpreter and a module of ours
            command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as child:
            try:
                answer = _listen(child.stdout or ())
                status = child.wait()
            finally:
                child.kill()
    if answer is None:
        raise TransientError(
            f"Kaggle dataset {order['dataset']}: the process of Kaggle's client ended with status {status} and without"
            " an answer; it may have been killed, for example for want of memory. Try again later"
        )
    if "error" in answer:
        raise _error_of(answer)
    return answer["answer"]


def client_folder(environment: Mapping[str, str]) -> str | None:
    """Return the folder of the client's ``kaggle.json``; None where there is none.

    If there is none the client makes one, and fails if another process does so at the same time.
    """
    home = Path(os.path.expanduser("~"))  # noqa: PTH111 - Path.home raises where there is none
    usual = (home / ".kaggle", Path(environment.get("XDG_CONFIG_HOME") or home / ".config") / "kaggle")
    named = environment.get("KAGGLE_CONFIG_DIR")
    return next((str(path) for path in ((named,) if named else usual) if os.access(path, os.F_OK)), None)


@contextmanager
def _own_folder() -> Iterator[str]:
    try:
        made = tempfile.TemporaryDirectory(prefix="imdb-kaggle-")
    except OSError as error:
        if error.errno in PERMANENT_ERRNOS:
            raise SettingsError(
                f"no temporary folder can be made for the Kaggle client ({error}); set TMPDIR to a writable folder"
            ) from error
        raise
    with made as folder:
        yield folder


def _environment(folder: str, credentials: Mapping[str, str], *, alone: bool) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if name not in (*_CREDENTIALS, *_TALKATIVE)}
    usual = None if alone else client_folder(os.environ)
    return {
        **inherited,
        **credentials,
        **({"HOME": folder} if alone else {}),
        "KAGGLE_CONFIG_DIR": usual or folder,
        # What this process can import, the other can, too: Airflow extends the path while it runs.
        "PYTHONPATH": os.pathsep.join(path or str(Path.cwd()) for path in sys.path),
    }


def _listen(lines: Iterable[bytes]) -> dict[str, Any] | None:
    """Log what is said on the way; return the answer, None if there was none."""
    answer = None
    for line in lines:
        said: dict[str, Any] = json.loads(line)
        if "log" in said:
            log.info("%s", said["log"])
        else:
            answer = said
    return answer


def _error_of(answer: Mapping[str, Any]) -> StudyError:
    kind: type[StudyError] = getattr(errors, answer["error"])
    if issubclass(kind, ServerBusyError):
        return kind(answer["sentence"], retry_after=answer["retry_after"])
    return kind(answer["sentence"])
