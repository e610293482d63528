"""What the system, or the server of a bucket, says of a place, as errors of this project."""

import contextlib
import email.utils
import errno
import functools
import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from imdb_tasks.errors import ConnectionLostError, DiskFullError, StoreError, StudyError

log = logging.getLogger(__name__)

_FULL = (errno.ENOSPC, errno.EDQUOT)
_NO_ACCESS = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ELOOP)
_CLIENTS = ("botocore", "aiobotocore", "aiohttp", "s3fs", "gcsfs", "google")
_SHOWN = 200  # characters of what a server says
_CLOCKS = 15 * 60.0  # seconds that a signature of S3 may be off

Given = ParamSpec("Given")
Result = TypeVar("Result")


@contextlib.contextmanager
def explaining(path: Path | str, *, below: bool = False, making: bool = False) -> Iterator[None]:
    """Raise DiskFullError or StoreError, with the path and a remedy, for what the system says of a place.

    With ``below``, the path that the system names counts, where it names one. With ``making``, a folder is made with
    all above it: where that is not found, such as in /proc, it cannot be made.
    """
    try:
        yield
    except OSError as error:
        where = error.filename if below and error.filename else path
        if error.errno in _FULL:
            raise DiskFullError(
                f"{where}: the disk is full ({error.strerror}); existing files are intact. Free some space and run the "
                "step again: 'imdb-study store prune' says what it would delete, and keeps what a run at work uses"
            ) from error
        if error.errno in _NO_ACCESS or (making and error.errno == errno.ENOENT):
            raise StoreError(
                f"{where}: expected a place that this user can read and write, found: {error.strerror}; change its "
                "permissions, or choose another place (the store's is IMDB_STORE or --store)"
            ) from error
        raise


@contextlib.contextmanager
def tidying(what: str) -> Iterator[None]:
    """Log what goes wrong while something is tidied up after finished work, which counts all the same."""
    try:
        yield
    except Exception as error:
        log.warning("%s could not be tidied up (%s: %s); the work itself is done", what, type(error).__name__, error)


def naming_the_place(method: Callable[Concatenate[Any, Given], Result]) -> Callable[Concatenate[Any, Given], Result]:
    """Let a method of ``Files`` raise an error of this project for what the system, the server or the network says."""

    @functools.wraps(method)
    def call(self: Any, /, *arguments: Given.args, **more: Given.kwargs) -> Result:
        try:
            with explaining(self.where, below=True):
                return method(self, *arguments, **more)
        except StudyError:
            raise
        except Exception as error:
            if "://" in self.where and (explanation := _explanation(self.where, error)):
                raise explanation from error
            raise

    return call


def _explanation(where: str, error: Exception) -> StudyError | None:
    """Return an error of this project for one of a cloud's client; None for what is none."""
    kind, found = type(error).__name__, f"{type(error).__name__}: {error!s:.{_SHOWN}}"
    if isinstance(error, PermissionError) and (apart := _clocks_apart(error)) > _CLOCKS:
        return StoreError(
            f"{where}: the server of the bucket refused what was asked ({found}); its clock and that of this machine "
            f"are {apart / 60:.0f} minutes apart, and such a server takes no more than 15: set this machine's clock"
        )
    if isinstance(error, FileNotFoundError | PermissionError) or "Credentials" in kind:
        return StoreError(
            f"{where}: expected a bucket that is there and credentials for it, found {found}; make the bucket, or set "
            "the variables of its cloud"
        )
    if isinstance(error, OSError) or type(error).__module__.partition(".")[0] in _CLIENTS:
        return ConnectionLostError(f"{where}: the server of the bucket did not do what was asked ({found}); try again")
    return None


def _clocks_apart(error: Exception) -> float:
    """Return how many seconds the clock of the server that has answered and that of this machine are apart."""
    with contextlib.suppress(AttributeError, KeyError, TypeError, ValueError):
        date = error.__cause__.response["ResponseMetadata"]["HTTPHeaders"]["date"]  # type: ignore[union-attr]
        return abs(email.utils.parsedate_to_datetime(date).timestamp() - time.time())
    return 0.0
