"""The order of refs is told from inside them."""

import datetime
import logging
import os
from pathlib import Path

import pytest

from imdb_tasks.store.refs import seal_ref, unseal_ref
from imdb_tasks.store.seals import seal, unseal
from imdb_tasks.store.store import Store
from tests.store.test_store import swap
from tests.support.ages import copied_without_times, write_earlier_ref, write_ref_at
from tests.support.refs import latest_ref

NOON = datetime.datetime(2026, 1, 1, 12, tzinfo=datetime.UTC)


def test_a_ref_keeps_its_value_and_its_time_to_the_microsecond() -> None:
    written = NOON.replace(microsecond=123_456)
    ref = unseal_ref("runs/r1", seal_ref("runs/r1", {"name": "x", "written": "y"}, written))
    assert ref.value == {"name": "x", "written": "y"}
    assert ref.written == written.timestamp()


def test_a_ref_is_a_superset_of_its_value_so_that_earlier_releases_read_it() -> None:
    assert {"report": "a"}.items() <= unseal(seal_ref("runs/r1", {"report": "a"}, NOON)).items()
    with pytest.raises(ValueError, match="refs/runs/r1: the field 'ref' is the store's own"):
        seal_ref("runs/r1", {"ref": "a"}, NOON)


def test_refs_come_in_the_order_in_which_they_were_written(store: Store) -> None:
    for name in ("c", "a", "b", "a"):
        store.write_ref(f"runs/{name}", {"run": name})
    assert list(store.ref_times("runs")) == list(store.refs("runs")) == ["c", "b", "a"]
    assert latest_ref(store, "runs") == {"run": "a"}
    times = list(store.ref_times("runs").values())
    assert times == sorted(set(times))


def test_the_times_of_the_files_do_not_matter(store: Store, tmp_path: Path) -> None:
    for name in ("c", "a", "b"):
        store.write_ref(f"runs/{name}", {"run": name})
    os.utime(Path(store.where, "refs", "runs", "c.json"))  # the youngest file
    assert list(store.ref_times("runs")) == ["c", "a", "b"]
    assert copied_without_times(store, tmp_path / "copy").ref_times("runs") == store.ref_times("runs")


def test_equal_times_are_ordered_by_name(store: Store) -> None:
    for name in ("b", "c", "a"):
        write_ref_at(store, f"runs/{name}", {"run": name}, NOON.timestamp())
    assert list(store.ref_times("runs")) == ["a", "b", "c"]
    assert latest_ref(store, "runs") == {"run": "c"}


def test_what_was_written_after_the_clock_was_set_back_comes_where_its_time_says(store: Store) -> None:
    for name, hour in (("first", 0), ("second", 1), ("third", -1)):
        write_ref_at(store, f"runs/{name}", {"run": name}, NOON.timestamp() + hour * 3_600)
    assert list(store.ref_times("runs")) == ["third", "first", "second"]
    assert latest_ref(store, "runs") == {"run": "second"}


def test_refs_of_earlier_releases_have_the_time_of_their_file_and_come_first(store: Store) -> None:
    store.write_ref("runs/new", {"run": "new"})
    now = store.ref_times("runs")["new"]
    write_earlier_ref(store, "runs/old-b", {"run": "old-b"}, at=now + 1_000)  # a copy that was made later
    write_earlier_ref(store, "runs/old-a", {"run": "old-a"}, at=now + 2_000)
    assert store.ref_times("runs") == {"old-b": now + 1_000, "old-a": now + 2_000, "new": now}
    assert list(store.refs("runs").values()) == [{"run": "old-b"}, {"run": "old-a"}, {"run": "new"}]
    assert latest_ref(store, "runs") == {"run": "new"}
    store.write_ref("runs/old-b", {"run": "again"})
    assert list(store.ref_times("runs")) == ["old-a", "new", "old-b"]


def test_a_damaged_ref_is_not_the_latest(store: Store) -> None:
    store.write_ref("runs/r1", {"run": "r1"})
    store.files.write("refs/runs/r2.json", b"{")
    assert list(store.ref_times("runs")) == ["r2", "r1"]
    assert latest_ref(store, "runs") == {"run": "r1"}
    assert store.refs("runs") == {"r1": {"run": "r1"}}
    assert list(store.ref_times("runs")) == ["r1"]


def test_two_refs_that_changed_places_are_both_refused(store: Store, caplog) -> None:
    for name in ("a", "b"):
        store.write_ref(f"evaluated/{name}", {"key": name})
    swap(Path(store.where, "refs", "evaluated", "a.json"), Path(store.where, "refs", "evaluated", "b.json"))
    with caplog.at_level(logging.WARNING):
        assert store.read_ref("evaluated/a") is None
        assert latest_ref(store, "evaluated") is None
    assert "refs/evaluated/a.json is damaged (it is the ref 'evaluated/b', not 'evaluated/a')" in caplog.text
    assert store.refs("evaluated") == {}
    assert len(list(Path(store.where, "aside").iterdir())) == 2


def test_a_ref_of_an_earlier_release_is_what_its_file_is_called() -> None:
    assert unseal_ref("runs/r1", seal({"report": "a"})).value == {"report": "a"}
    with pytest.raises(ValueError, match="sha256"):
        unseal_ref("runs/r1", seal({"report": "a"}).replace(b'"a"', b'"b"'))
