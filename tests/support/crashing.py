"""A crash: a forked process that kills itself with SIGKILL before one of its calls to the file system."""

import contextlib
import os
import signal
import sys
import warnings
from collections.abc import Callable

CALLS = {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.listdir", "os.scandir", "shutil.rmtree"}


def crashing(work: Callable[[], object], moment: int) -> None:
    """Do something in a process that is killed before the call to the file system of this number."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 on forks beside threads
        child = os.fork()
    if child == 0:
        left = [moment]

        def count(event: str, _: object) -> None:
            if event in CALLS:
                left[0] -= 1
                if left[0] == 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(count)
        with contextlib.suppress(BaseException):
            work()
        os._exit(0)
    os.waitpid(child, 0)
