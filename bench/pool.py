"""Workers of one kind, told to train side by side."""

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
_OURS_TO_SET = ("TF_", "XLA_", "OMP_", "NPROC", "KERAS_", "IMDB_")


@dataclass(frozen=True)
class Kind:
    """How a worker trains: which code, on which backend, and how many at once."""

    name: str
    code: str  # original, ours or stacked
    backend: str
    side_by_side: int = 1


@dataclass(frozen=True)
class Pool:
    """Waiting workers of one kind."""

    kind: Kind
    processes: tuple["subprocess.Popen[str]", ...]

    def rate(self, variant: str, *, rows: int, epochs: int = 2, tokens: int = 100) -> float:
        """Return reviews per second, of all workers together, in the median epoch."""
        self._tell(json.dumps({"variant": variant, "rows": rows, "epochs": epochs, "tokens": tokens}))
        for process in self.processes:
            self._hear(process, "ready")
        self._tell("go")
        seconds = [self._hear(process, "seconds") for process in self.processes]
        return sum(rows / statistics.median(each) for each in seconds)

    def _tell(self, line: str) -> None:
        for process in self.processes:
            print(line, file=process.stdin, flush=True)

    def _hear(self, process: "subprocess.Popen[str]", what: str) -> list[float]:
        line = process.stdout.readline() if process.stdout else ""
        if not line:
            raise RuntimeError(f"a worker of {self.kind.name!r} ended with status {process.wait()}; see above")
        return json.loads(line)[what]


@contextmanager
def pools(kinds: list[Kind], folder: Path) -> Iterator[list[Pool]]:
    """Start all workers; they end with the block."""
    made = [Pool(kind, tuple(_start(kind, folder) for _ in range(kind.side_by_side))) for kind in kinds]
    try:
        yield made
    finally:
        for process in (process for pool in made for process in pool.processes):
            process.kill()
            process.wait()


def _start(kind: Kind, folder: Path) -> "subprocess.Popen[str]":
    clean = {name: value for name, value in os.environ.items() if not name.startswith(_OURS_TO_SET)}
    environment = {**clean, "KERAS_BACKEND": kind.backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    return subprocess.Popen(
        [sys.executable, "-m", "bench.worker", kind.code, str(folder)],
        cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
