import time
from pathlib import Path

import pytest

from imdb_tasks.errors import SettingsError
from imdb_tasks.pipeline import NOTES
from imdb_tasks.store import PrunePolicy, prune_store
from imdb_tasks.store.seals import json_bytes
from imdb_tasks.store.store import Store
from tests.support.ages import HOUR, age_file, age_ref, copied_without_times, write_earlier_ref
from tests.support.pruning import FAR, make, names, used

__all__ = ["used"]


def test_what_the_newest_runs_are_made_of_is_kept_and_the_rest_goes(used: Store) -> None:
    pruned = prune_store(used, PrunePolicy(runs=1), NOTES, dry_run=False)
    assert [entry.name for entry in pruned.entries] == ["reports/one", "evaluations/one", "models/one", "arrays/one"]
    assert names(used) == {"sources/both", "arrays/two", "models/two", "evaluations/two", "reports/two"}
    assert not list(Path(used.where, "work", "removed").iterdir())


def test_a_dry_run_says_the_same_and_deletes_nothing(used: Store) -> None:
    before = names(used)
    would = prune_store(used, PrunePolicy(runs=1), NOTES, dry_run=True)
    assert names(used) == before
    assert prune_store(used, PrunePolicy(runs=1), NOTES, dry_run=False) == would


def test_what_is_young_stays_with_all_that_it_was_made_of(used: Store) -> None:
    make(used, "models/new", "arrays/one", hours_old=1)
    prune_store(used, PrunePolicy(runs=1, days=1), NOTES, dry_run=False)
    assert {"models/new", "arrays/one"} <= names(used)
    assert "models/one" not in names(used)


def test_what_is_being_made_stays(used: Store) -> None:
    with used.exclusive("models", "one"):
        prune_store(used, PrunePolicy(runs=1), NOTES, dry_run=False)
    assert "models/one" in names(used)


def test_lock_and_checkpoint_of_a_training_stay_while_it_lives(used: Store) -> None:
    root = Path(used.where)
    used.files.write("checkpoints/one.npz", b"")
    with used.exclusive("models", "one") as hold:
        for file in (
            "checkpoints/one.npz",
            f"locks/models-one.{hold.owner}.claim",
            f"locks/models-one.{hold.owner}.beat",
        ):
            age_file(root / file, 1_000)  # such as after an epoch that is longer than the age
        assert prune_store(used, PrunePolicy(runs=1), NOTES, dry_run=False).files == []
        hold.check()
    assert prune_store(used, PrunePolicy(runs=1), NOTES, dry_run=False).files == ["checkpoints/one.npz"]


def test_a_training_elsewhere_lives_while_it_beats_even_if_no_age_is_asked_for(used: Store) -> None:
    for owner, hours in (("living", 0.01), ("dead", 1)):
        for kind in ("beat", "claim"):
            used.files.write(f"locks/models-{owner}.{owner}.{kind}", json_bytes(FAR))
            age_file(Path(used.where, f"locks/models-{owner}.{owner}.{kind}"), hours)
        for file in (f"checkpoints/{owner}.npz", f"refs/progress/{owner}.json"):
            used.files.write(file, b"")
            age_file(Path(used.where, file), 1)
    pruned = prune_store(used, PrunePolicy(runs=2, days=0), NOTES, dry_run=False)
    assert sorted(pruned.files) == [
        "checkpoints/dead.npz",
        "locks/models-dead.dead.beat",
        "locks/models-dead.dead.claim",
        "refs/progress/dead.json",
    ]


@pytest.mark.parametrize("hours", [5, -5], ids=["ahead", "behind"])
def test_the_clock_of_the_machine_that_prunes_does_not_matter(used: Store, monkeypatch, hours: int) -> None:
    root, clock = Path(used.where), time.time
    half_written = root / "checkpoints" / f".two.npz.{'0' * 32}"
    for owner, minutes in (("living", 1), ("dead", 3)):
        for file in (f"locks/models-{owner}.{owner}.claim", f"checkpoints/{owner}.npz"):
            used.files.write(file, json_bytes(FAR))
            age_file(root / file, minutes / 60)
    half_written.write_bytes(b"")
    monkeypatch.setattr(time, "time", lambda: clock() + hours * HOUR)
    pruned = prune_store(used, PrunePolicy(runs=2, days=0), NOTES, dry_run=False)
    assert sorted(pruned.files) == ["checkpoints/dead.npz", "locks/models-dead.dead.claim"]
    assert half_written.exists()


def test_what_a_living_training_noted_stays(used: Store) -> None:
    with used.exclusive("models", "living"):
        for model in ("living", "dead"):
            used.write_ref(f"trainings/run-9/{model}", {"model": model})
        pruned = prune_store(used, PrunePolicy(runs=2, days=0), NOTES, dry_run=False)
    assert pruned.files == ["refs/trainings/run-9/dead.json"]


def test_a_dry_run_moves_nothing(used: Store) -> None:
    used.files.write("refs/runs/odd.json", b"damaged")
    before = sorted(path for path in Path(used.where).rglob("*"))
    prune_store(used, PrunePolicy(runs=1), NOTES, dry_run=True)
    assert sorted(path for path in Path(used.where).rglob("*")) == before


def test_old_leftovers_go_and_young_ones_stay(used: Store) -> None:
    root = Path(used.where)
    for number, hours in enumerate([1_000, 1]):
        used.write_ref(f"progress/gone{number}", {})
        age_ref(used, f"progress/gone{number}", hours)
        for file in (f"checkpoints/gone{number}.npz", f"locks/k.{number}.claim"):
            used.files.write(file, json_bytes(FAR))
            age_file(root / file, hours)
    used.write_ref("progress/two", {})
    for variant, model in (("kept", "two"), ("gone", "gone")):
        used.write_ref(f"trainings/run/{variant}", {"model": model})
        age_ref(used, f"trainings/run/{variant}", 1_000)
    age_ref(used, "progress/two", 1_000)
    make(used, "models/broken")
    root.joinpath("models", "broken", "a.bin").unlink()
    assert used.find("models", "broken") is None
    for path in root.joinpath("aside").rglob("*"):
        age_file(path, 1_000)
    pruned = prune_store(used, PrunePolicy(runs=1), NOTES, dry_run=False)
    assert pruned.files == [
        "checkpoints/gone0.npz",
        "refs/trainings/run/gone.json",
        "refs/progress/gone0.json",
        "locks/k.0.claim",
    ]
    assert len(pruned.folders) == 1
    assert list(root.joinpath("aside").iterdir()) == []
    assert root.joinpath("refs", "progress", "two.json").exists()
    assert list(used.ref_times("trainings/run")) == ["kept"]


def test_what_a_run_noted_goes_with_its_report_once_it_is_old(used: Store) -> None:
    used.remove("reports", "two")
    used.write_ref("runs/young", {"report": "gone, too"})
    for run in ("one", "two"):
        used.write_ref(f"mailed-by/{run}", {"report": run})
        used.write_ref(f"trainings/{run}/GRU", {"model": "one"})  # which both runs used
        for ref in (f"runs/{run}", f"mailed-by/{run}", f"trainings/{run}/GRU"):
            age_ref(used, ref, 1_000)
    pruned = prune_store(used, PrunePolicy(runs=3), NOTES, dry_run=False)
    assert pruned.files == ["refs/trainings/two/GRU.json", "refs/mailed-by/two.json", "refs/runs/two.json"]
    assert set(used.ref_times("runs")) == {"one", "young"}
    assert list(used.ref_times("mailed-by")) == ["one"]
    assert list(used.ref_times("trainings/one")) == ["GRU"]


def test_old_unfinished_work_goes_once_nobody_is_at_work(used: Store) -> None:
    work = Path(used.where, "work")
    for number, hours in enumerate([1_000, 1]):
        for file in (f"models-k-{number}/a.bin", f"downloads/{number}.part", f"removed/{number}/a.bin"):
            work.joinpath(file).parent.mkdir(parents=True, exist_ok=True)
            work.joinpath(file).write_bytes(b"")
            for path in (work / file, work.joinpath(file).parent):
                age_file(path, hours)
    with used.exclusive("models", "another"):
        assert prune_store(used, PrunePolicy(), NOTES, dry_run=False).work == []
    old = [work / "models-k-0", work / "downloads" / "0.part", work / "removed" / "0"]
    assert prune_store(used, PrunePolicy(), NOTES, dry_run=True).work == old
    assert all(path.exists() for path in old)
    prune_store(used, PrunePolicy(), NOTES, dry_run=False)
    assert not any(path.exists() for path in old)
    assert sorted(path.name for path in work.rglob("*") if path.is_file()) == ["1.part", "a.bin", "a.bin"]


def test_a_pointer_that_was_set_aside_goes_when_it_is_old(used: Store) -> None:
    for name in ("old", "young"):
        used.files.write(f"refs/runs/{name}.json", b"{")
        assert used.read_ref(f"runs/{name}") is None
    [old, young] = sorted(Path(used.where, "aside").iterdir())
    age_file(old, 1_000)
    assert prune_store(used, PrunePolicy(), NOTES, dry_run=False).files == [f"aside/{old.name}"]
    assert young.exists()


def test_a_copy_without_file_times_is_pruned_alike(used: Store, tmp_path: Path) -> None:
    make(used, "models/new", "arrays/one", hours_old=1)
    for run, hours in (("one", 900), ("two", 800)):  # names in the order of time would hide a mistake
        age_ref(used, f"runs/{run}", hours)
    make(used, "reports/a", "evaluations/two", hours_old=700)
    used.write_ref("runs/a", {"report": "a"})
    used.write_ref("progress/gone", {})
    age_ref(used, "progress/gone", 1_000)
    copy = copied_without_times(used, tmp_path / "copy")
    policy = PrunePolicy(runs=1, days=1)
    pruned = prune_store(copy, policy, NOTES, dry_run=False)
    assert pruned.files == ["refs/progress/gone.json", "refs/runs/one.json", "refs/runs/two.json"]
    assert pruned == prune_store(used, policy, NOTES, dry_run=False)
    assert names(copy) == names(used) >= {"reports/a", "evaluations/two", "models/new", "arrays/one"}
    assert copy.refs("runs") == used.refs("runs") == {"a": {"report": "a"}}


def test_refs_of_an_earlier_release_are_as_old_as_their_files(used: Store) -> None:
    for name, hours in (("old", 1_000), ("young", 1)):
        write_earlier_ref(used, f"progress/{name}", {}, at=time.time() - hours * HOUR)
    assert prune_store(used, PrunePolicy(), NOTES, dry_run=False).files == ["refs/progress/old.json"]


@pytest.mark.parametrize("arguments", [{"runs": -1}, {"days": -1.0}, {"days": float("nan")}, {"days": float("inf")}])
def test_a_policy_that_means_nothing_is_refused(arguments) -> None:
    with pytest.raises(SettingsError, match="prune: expected"):
        PrunePolicy(**arguments)


def test_a_lock_file_that_cannot_be_read_holds_for_its_time_and_goes_when_it_is_old(used: Store) -> None:
    used.files.write("locks/models-one.x.claim", b"claim")
    used.files.write("locks/models-two.y.claim", b"claim")
    age_file(Path(used.where, "locks", "models-two.y.claim"), 1_000)
    pruned = prune_store(used, PrunePolicy(runs=1), NOTES, dry_run=False)
    assert "models/one" in names(used)
    assert pruned.files == ["locks/models-two.y.claim"]
