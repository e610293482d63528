"""Results of an earlier revision of a step's code: never mixed with those of this one, and prunable."""

from pathlib import Path

import pytest

from imdb_tasks.pipeline import NOTES, Steps, keys
from imdb_tasks.store import PrunePolicy, Store, maintenance, prune_store
from imdb_tasks.study import Study
from tests.support.stepping import FinishedStudy, reached

pytestmark = pytest.mark.slow  # trains models again, again and again


@pytest.mark.parametrize("kind", ["arrays", "models", "predictions", "evaluations", "analyses", "reports"])
def test_a_raised_revision_makes_its_step_and_all_after_it_anew(
    kind, finished_study: FinishedStudy, tmp_path, monkeypatch
) -> None:
    monkeypatch.setenv("BROWSER_PATH", "/no-such-browser")
    before = finished_study.reported(tmp_path)
    old = {entry.name for entry in maintenance.list_entries(before.store)}
    monkeypatch.setitem(keys.REVISIONS, kind, keys.REVISIONS[kind] + 1)
    after = reached(before.study, Store(tmp_path))
    new = {entry.name for entry in maintenance.list_entries(after.store)} - old
    after_it = maintenance.KINDS[maintenance.KINDS.index(kind) :]
    assert {name.partition("/")[0] for name in new} == set(after_it)
    pruned = prune_store(after.store, PrunePolicy(runs=1, days=0), NOTES, dry_run=False)
    assert {entry.name for entry in pruned.entries} == {name for name in old if name.partition("/")[0] in after_it}
    assert_nothing_is_made_again(before.study, tmp_path)


def assert_nothing_is_made_again(study: Study, root: Path) -> None:
    steps = Steps(study, Store(root), "run-2")
    there = {entry.name for entry in maintenance.list_entries(steps.store)}
    reached(study, Store(root))
    assert {entry.name for entry in maintenance.list_entries(steps.store)} == there
