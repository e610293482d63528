"""Prune beside a run: whatever the run has reached, nothing that it uses is deleted, however old it is."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from imdb_tasks.pipeline import NOTES, Steps
from imdb_tasks.store import PrunePolicy, Store, list_entries, prune_store
from tests.support.ages import age_entry, age_ref
from tests.support.pruning import make, names
from tests.support.stepping import FinishedStudy

ROOT = Path(__file__).parents[2]
OLD = 8 * 24  # hours; one day more than prune's default age
NOTHING_OF_ANY_RUN = PrunePolicy(runs=0)


def aged(store: Store) -> Store:
    """Make all that lies in the store eight days old."""
    for entry in list(list_entries(store)):
        age_entry(store, entry.name, OLD)
    for path in sorted(Path(store.where, "refs").rglob("*.json")):
        age_ref(store, path.relative_to(Path(store.where, "refs")).with_suffix("").as_posix(), OLD)
    return store


@pytest.mark.parametrize("reached", ["fetched", "prepared", "trained", "evaluated"])
def test_results_of_eight_days_ago_that_a_run_uses_again_stay(
    finished_study: FinishedStudy, tmp_path: Path, reached: str
) -> None:
    store = aged(finished_study.evaluated(tmp_path).store)
    before = names(store)
    steps = Steps(finished_study.study, store, "run-2")
    steps.fetch_reviews()
    steps.fetch_glove()
    if reached != "fetched":
        steps.prepare()
    if reached in ("trained", "evaluated"):
        for variant in steps.study.variants:
            steps.train(variant)
    if reached == "evaluated":
        steps.evaluate()
    prune_store(store, NOTHING_OF_ANY_RUN, NOTES, dry_run=False)
    stay = {
        "fetched": {"sources"},
        "prepared": {"sources", "arrays"},
        "trained": {"sources", "arrays", "models"},
        "evaluated": {"sources", "arrays", "models", "predictions", "evaluations"},
    }[reached]
    assert {name for name in before if name.partition("/")[0] in stay} <= names(store)


def test_without_a_run_the_same_results_go(finished_study: FinishedStudy, tmp_path: Path) -> None:
    store = aged(finished_study.evaluated(tmp_path).store)
    prune_store(store, NOTHING_OF_ANY_RUN, NOTES, dry_run=False)
    assert names(store) == set()


def at_a_terminal(store: Store, answer: str, *options: str) -> tuple[int, str]:
    """Run ``store prune`` at a terminal of its own, and type an answer."""
    ours, its = pty.openpty()
    command = [sys.executable, "-m", "imdb_tasks", "store", "prune", "--store", store.where, *options]
    with subprocess.Popen(command, stdin=its, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        os.write(ours, answer.encode())
        said, _ = process.communicate(timeout=120)
    os.close(ours)
    os.close(its)
    return process.returncode, said


@pytest.mark.parametrize(
    ("answer", "options", "deleted"),
    [("n\n", (), False), ("\n", (), False), ("\x04", (), False), ("y\n", (), True), ("", ("--yes",), True)],
    ids=["no", "nothing", "end of input", "yes", "in advance"],
)
def test_at_a_terminal_prune_says_what_it_would_free_and_asks(
    store: Store, answer: str, options: tuple[str, ...], deleted: bool
) -> None:
    make(store, "models/old")
    status, said = at_a_terminal(store, answer, *options)
    assert status == 0
    assert "models/old" in said
    done = "freed 1.0 MB" if deleted else "nothing was deleted"
    assert said.index("would free 1.0 MB in 1 entries") < said.index(done)
    assert names(store) == (set() if deleted else {"models/old"})
