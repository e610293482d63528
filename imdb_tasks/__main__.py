"""``imdb-study``, and ``python -m imdb_tasks`` where the package is not installed.

Nothing is imported before Ctrl-C is answered in one line: the imports of the command take seconds.
"""

import atexit
import os
import signal
import sys
from types import FrameType

INTERRUPTED = 128 + signal.SIGINT  # the exit status of a shell


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

    signal.signal(signal.SIGINT, signal.default_int_handler)
    status = run()
    return status


def _end(_number: int, _frame: FrameType | None) -> None:
    os.write(sys.stderr.fileno(), b"interrupted before anything was begun\n")
    os._exit(INTERRUPTED)


if __name__ == "__main__":
    sys.exit(main())
