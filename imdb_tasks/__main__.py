"""``imdb-study``, and ``python -m imdb_tasks`` where the package is not installed.

Nothing is imported before Ctrl-C is answered in one line: the imports of the command take seconds.
"""

import atexit
import os
import signal
import sys
from types import FrameType

INTERRUPTED = 128 + signal.SIGINT  # the exit status of a shell
REMINDER = 1.0  # seconds


def main() -> int:
    """Run the command; return its exit status."""
    signal.signal(signal.SIGINT, _end)
    status = 0

    def leave() -> None:
        if status == INTERRUPTED:
            sys.stdout.flush()
            os._exit(status)

    # Runs after every other clean-up. An interrupt that went through a module's ``exec``, as dataclasses use it, would
    # otherwise end the interpreter by the signal, although it was answered.
    atexit.register(leave)
    from imdb_tasks.ui import main as run

    signal.signal(signal.SIGALRM, _remind)
    signal.signal(signal.SIGINT, _interrupt)
    sys.unraisablehook = _say_unraisable
    try:
        status = run()
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)  # nothing raises it again from here on
        signal.setitimer(signal.ITIMER_REAL, 0)
    return status


def _end(_number: int, _frame: FrameType | None) -> None:
    os.write(sys.stderr.fileno(), b"interrupted before anything was begun\n")
    os._exit(INTERRUPTED)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    """Answer Ctrl-C with KeyboardInterrupt, again and again.

    A library that is being imported may swallow it, and so does the interpreter within a callback of the garbage
    collector; JAX has one.
    """
    signal.setitimer(signal.ITIMER_REAL, REMINDER, REMINDER)
    raise KeyboardInterrupt


def _remind(_number: int, _frame: FrameType | None) -> None:
    """Raise KeyboardInterrupt once more, but not into an ``except``, ``finally`` or ``__exit__`` that answers it."""
    error = sys.exception()
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__context__
    if error is None:
        raise KeyboardInterrupt


def _say_unraisable(error: "sys.UnraisableHookArgs") -> None:
    """Say nothing of an interrupt that the interpreter swallows: it is raised again."""
    if not isinstance(error.exc_value, KeyboardInterrupt):
        sys.__unraisablehook__(error)


if __name__ == "__main__":
    sys.exit(main())
