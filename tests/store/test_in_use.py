from pathlib import Path

import pytest

from imdb_tasks.pipeline import NOTES
from imdb_tasks.store import PrunePolicy, Store, prune_store
from tests.support.ages import age_file, age_ref
from tests.support.pruning import make, names, used

__all__ = ["used"]
ONE_RUN = PrunePolicy(runs=1)


def test_what_a_run_used_within_the_age_is_kept_with_its_inputs_however_old_it_is(used: Store) -> None:
    used.note_use("models", "one", by="run-9")
    prune_store(used, ONE_RUN, NOTES, dry_run=False)
    assert {"models/one", "arrays/one"} <= names(used)
    assert "evaluations/one" not in names(used)


def test_a_use_that_is_older_than_the_age_keeps_nothing(used: Store) -> None:
    used.note_use("models", "one", by="run-9")
    age_ref(used, "used/models/one", 1_000)
    pruned = prune_store(used, ONE_RUN, NOTES, dry_run=False)
    assert "models/one" not in names(used)
    assert pruned.files == ["refs/used/models/one.json"]


def test_what_a_source_led_to_within_the_age_is_kept(used: Store) -> None:
    make(used, "sources/alone")
    used.write_ref("sources/reviews-f", {"key": "alone", "about": {}})
    prune_store(used, ONE_RUN, NOTES, dry_run=False)
    assert "sources/alone" in names(used)
    age_ref(used, "sources/reviews-f", 1_000)
    assert prune_store(used, ONE_RUN, NOTES, dry_run=False).files == ["refs/sources/reviews-f.json"]
    assert "sources/alone" not in names(used)


@pytest.mark.parametrize("days", [7, 0])
def test_all_that_a_run_at_work_has_noted_is_kept_even_if_its_notes_are_old(used: Store, days: float) -> None:
    """The run has trained for longer than the age, and still does."""
    make(used, "predictions/one", "models/one")
    used.write_ref("trainings/run-9/first", {"model": "one"})
    used.write_ref("trainings/run-9/last", {"model": "unfinished"})
    used.note_use("predictions", "one", by="run-9")
    for ref in ("trainings/run-9/first", "trainings/run-9/last", "used/predictions/one"):
        age_ref(used, ref, 1_000)
    policy = PrunePolicy(runs=0, days=days)
    with used.exclusive("models", "unfinished"):
        pruned = prune_store(used, policy, NOTES, dry_run=False)
        assert {"models/one", "predictions/one", "arrays/one", "sources/both"} <= names(used)
        assert not [name for name in pruned.files if "run-9" in name or "used" in name]
    prune_store(used, policy, NOTES, dry_run=False)
    assert names(used) == set()


def test_what_another_run_notes_keeps_nothing_of_a_run_that_has_ended(used: Store) -> None:
    used.write_ref("trainings/ended/v", {"model": "one"})
    age_ref(used, "trainings/ended/v", 1_000)
    used.note_use("models", "two", by="run-9")
    prune_store(used, ONE_RUN, NOTES, dry_run=False)
    assert "models/one" not in names(used)


def test_notes_of_runs_that_changed_nothing_go_with_their_runs(used: Store) -> None:
    for number in range(60):
        for ref in (f"runs/run-{number:02}", f"mailed-by/run-{number:02}"):
            used.write_ref(ref, {"report": "two"})
            age_ref(used, ref, 1_000 - number)
        used.write_ref(f"trainings/run-{number:02}/v", {"model": "two"})
        age_ref(used, f"trainings/run-{number:02}/v", 1_000 - number)
    for run in ("one", "two"):
        age_ref(used, f"runs/{run}", 2_000)
    prune_store(used, PrunePolicy(runs=10), NOTES, dry_run=False)
    kept = [f"run-{number}" for number in range(50, 60)]
    assert list(used.ref_times("runs")) == list(used.ref_times("mailed-by")) == kept
    assert [path.name for path in sorted(Path(used.where, "refs", "trainings").glob("*/*"))] == ["v.json"] * 10
    assert "reports/two" in names(used)


def test_what_came_into_use_while_a_person_was_asked_is_spared(used: Store) -> None:
    agreed = prune_store(used, ONE_RUN, NOTES, dry_run=True)
    used.note_use("models", "one", by="run-9")
    make(used, "models/other")
    gone = prune_store(used, ONE_RUN, NOTES, dry_run=False, agreed=agreed).entries
    assert [entry.name for entry in gone] == ["reports/one", "evaluations/one"]
    assert {"models/one", "arrays/one", "models/other"} <= names(used)


@pytest.mark.parametrize("behind", [0, 5], ids=["the same clock", "a clock five hours behind"])
def test_what_comes_into_use_while_prune_deletes_is_spared_with_its_inputs(used: Store, monkeypatch, behind) -> None:
    delete = used.files.delete_entry

    def use_meanwhile(name: str) -> None:
        if name == "reports/one":
            used.note_use("models", "one", by="run-9")
            age_ref(used, "used/models/one", behind)
        delete(name)

    monkeypatch.setattr(used.files, "delete_entry", use_meanwhile)
    gone = prune_store(used, ONE_RUN, NOTES, dry_run=False).entries
    assert [entry.name for entry in gone] == ["reports/one", "evaluations/one"]
    assert {"models/one", "arrays/one"} <= names(used)


def test_what_killed_writers_left_half_written_goes_wherever_it_lies(used: Store) -> None:
    root = Path(used.where)
    hidden = f".{{}}.{'0123abcd' * 4}"
    places = [root / folder / hidden.format("x.json") for folder in ("", "refs/runs", "refs/of/later", "models/two")]
    places += [root / folder / hidden.format("k.npz") for folder in ("checkpoints", "locks", "aside", "unknown")]
    young = root / "checkpoints" / hidden.format("young.npz")
    mine = root / "refs" / ".something-of-the-user"
    for path in (*places, young, mine):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"{")
        age_file(path, 1 / 60 if path == young else 1_000)
    prune_store(used, PrunePolicy(days=0), NOTES, dry_run=False)
    assert [path for path in (*places, young, mine) if path.exists()] == [young, mine]
    assert used.find("models", "two") is not None
