"""How far a run is: read from Airflow and the store, shown as a live table or, in a log file, as a few plain lines."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from imdb_tasks.study import Variant
from scripts.estimate import Estimate

TRAIN = "train"
STEPS = (
    "plan",
    "fetch_reviews",
    "fetch_glove",
    "prepare",
    TRAIN,
    "evaluate",
    "report",
    "send_report",
    "check_complete",
)
ENDED = ("finished", "diverged", "cached")
FAILED = ("failed", "upstream_failed")
STEP_STYLES = {"success": "green", "failed": "red", "upstream_failed": "red", "running": "yellow"}
SILENCE = 300.0  # seconds that a log file may stay without a line while models are trained
VARIANT_STYLES = {"training": "yellow", "finished": "green", "cached": "cyan", "diverged": "magenta", "failed": "red"}


@dataclass(frozen=True)
class VariantProgress:
    """How far one variant is, and its newest validation figures."""

    name: str
    status: str
    epoch: int
    epochs: int
    val_loss: float | None
    val_accuracy: float | None

    @classmethod
    def from_ref(cls, ref: Mapping[str, Any]) -> "VariantProgress":
        """Read what a training task wrote into the store."""
        latest = {name: (ref.get("history", {}).get(name) or [None])[-1] for name in ("val_loss", "val_accuracy")}
        return cls(ref["variant"], ref["status"], ref["epoch"], ref["epochs"], **latest)

    @property
    def ended(self) -> bool:
        """Whether no epoch is to come."""
        return self.status in ENDED

    @property
    def done(self) -> int:
        """Epochs that need no more waiting for."""
        return self.epochs if self.ended else self.epoch


@dataclass(frozen=True)
class Progress:
    """One look at a run. ``expected`` is the number of variants, 0 before the plan is made.

    ``estimate`` is None as long as there is no evidence for one.
    """

    steps: Mapping[str, str]
    variants: tuple[VariantProgress, ...] = ()
    expected: int = 0
    estimate: Estimate | None = None

    @classmethod
    def of_run(
        cls,
        run: str,
        tasks: Iterable[Mapping[str, Any]],
        refs: Iterable[Mapping[str, Any]],
        estimate: Estimate | None = None,
    ) -> "Progress":
        """Combine Airflow's task instances with the notes that the training tasks left in the store."""
        tasks = sorted(tasks, key=lambda task: STEPS.index(task["task_id"]))
        states: dict[str, Counter[str]] = {}
        for task in tasks:
            states.setdefault(task["task_id"], Counter())[task["state"] or "waiting"] += 1
        place = {task["rendered_map_index"]: task["map_index"] for task in tasks}
        found = (VariantProgress.from_ref(ref) for ref in refs if ref["run_id"] == run)
        variants = tuple(sorted(found, key=lambda each: (place.get(Variant.named(each.name).title, -1), each.name)))
        expected = sum(task["task_id"] == TRAIN and task["map_index"] >= 0 for task in tasks)
        return cls({step: _summary(counts) for step, counts in states.items()}, variants, expected, estimate)

    @property
    def epochs(self) -> tuple[int, int]:
        """How many epochs are done, and of how many."""
        each = max((variant.epochs for variant in self.variants), default=0)
        return sum(variant.done for variant in self.variants), each * max(self.expected, len(self.variants))

    @property
    def left(self) -> str:
        """The time that the trainings still take; empty if it is not known or none is left."""
        return self.estimate.left if self.estimate and self.estimate.high else ""

    @property
    def line(self) -> str:
        """The overall state of training, in one line; empty before the plan is made."""
        if not self.expected:
            return ""
        done, total = self.epochs
        ended = sum(variant.ended for variant in self.variants)
        return f"{ended} of {self.expected} variants, epoch {done} of {total}"


def _summary(states: Mapping[str, int]) -> str:
    """Name the state of a step from those of its mapped tasks: the worst, the busiest, else the common one."""
    for state in ("failed", "running", "queued", "up_for_retry", "scheduled", "upstream_failed", "waiting"):
        if states.get(state):
            return state
    return max(states, key=lambda state: states[state])


class Display:
    """Shows progress while its ``with`` block runs."""

    def __init__(self, console: Console | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console or Console(highlight=False)
        self._live = Live(console=self._console, auto_refresh=False) if self._console.is_terminal else None
        self._clock = clock
        self._began = self._last = clock()
        self._told: set[str] = set()

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._live.stop()

    def update(self, progress: Progress) -> None:
        """Show a new look at the run."""
        if self._live:
            self._live.update(as_table(progress, self._clock() - self._began), refresh=True)
            return
        for about, line in plain_lines(progress).items():
            if about not in self._told:
                self._told.add(about)
                self._print(line)
        if self._clock() - self._last >= SILENCE and (line := training_line(progress)):
            self._print(line)

    def _print(self, line: str) -> None:
        self._last = self._clock()
        self._console.print(f"{self._last - self._began:7.0f} s  {line}", soft_wrap=True)


def plain_lines(progress: Progress) -> dict[str, str]:
    """Return what deserves a line in a log file, once, by what it is about.

    These are the end of each step and each training, each quarter of all epochs, and the first estimate.
    """
    lines = {}
    done, total = progress.epochs
    for step, state in progress.steps.items():
        if step == TRAIN and progress.estimate:
            lines["estimate"] = f"{TRAIN}: {progress.estimate.whole}"
        if step == TRAIN and total and 4 * done >= total:
            quarter = f"{TRAIN}: {25 * (4 * done // total)} % of {total} epochs"
            lines[quarter] = quarter
        if state in ("success", "skipped", *FAILED):
            lines[f"{step}: {state}"] = f"{step}: {state}"
    for variant in progress.variants:
        if variant.status not in ("training", "cached"):
            epochs = f"{variant.status} after {variant.epoch} of {variant.epochs} epochs"
            lines[variant.name] = "; ".join(filter(None, [f"{variant.name}: {epochs}", progress.left]))
    return lines


def training_line(progress: Progress) -> str:
    """Return how far each training at work is, and the time left; empty if none is at work."""
    at_work = [
        f"{each.name} epoch {each.epoch} of {each.epochs}" for each in progress.variants if each.status == "training"
    ]
    if not at_work or progress.steps.get(TRAIN) != "running":
        return ""
    return "; ".join(filter(None, [f"{TRAIN}: {', '.join(at_work)}", progress.line, progress.left]))


def as_table(progress: Progress, seconds: float) -> Group:
    """Return the steps, a row per variant, a bar over all epochs, and the time left."""
    steps = Text(" · ").join(Text(step, STEP_STYLES.get(state, "dim")) for step, state in progress.steps.items())
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for title in ("variant", "", "epoch", "val. loss", "val. accuracy", ""):
        table.add_column(title, justify="left" if title in ("variant", "") else "right")
    for variant in progress.variants:
        table.add_row(
            variant.name,
            ProgressBar(variant.epochs, variant.done, width=16),
            f"{variant.epoch}/{variant.epochs}",
            _number(variant.val_loss),
            _number(variant.val_accuracy),
            Text(variant.status, VARIANT_STYLES.get(variant.status, "")),
        )
    done, total = progress.epochs
    overall = Table.grid(padding=(0, 2, 0, 0))
    clock = time.strftime("%H:%M:%S", time.gmtime(seconds)) if seconds < 24 * 3600 else f"{seconds / 3600:.1f} h"
    counted = (ProgressBar(total, done, width=40), progress.line) if total else ()
    overall.add_row(*counted, clock)
    return Group(steps, table, overall, *filter(None, [progress.left]))


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"
