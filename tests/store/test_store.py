import json
import logging
import multiprocessing
import re
from pathlib import Path

import pytest

from imdb_tasks.errors import LostLockError, MissingInputError, SettingsError
from imdb_tasks.store.manifest import MANIFEST, sha256_of
from imdb_tasks.store.store import Store
from tests.support.refs import latest_ref


def publish(store: Store, key: str = "k1", text: str = "hello") -> Path:
    with store.publish("things", key, {"note": "x"}) as folder:
        folder.joinpath("a.txt").write_text(text)
        folder.joinpath("sub").mkdir()
        folder.joinpath("sub", "b.txt").write_text("more")
    return Path(store.where) / "things" / key


def flip_a_letter(path: Path, near: bytes) -> None:
    content = bytearray(path.read_bytes())
    content[content.index(near) + len(near) - 2] ^= 1
    path.write_bytes(content)


def swap(one: Path, other: Path) -> None:
    between = one.with_name("between")
    one.rename(between)
    other.rename(one)
    between.rename(other)


def leftovers(store: Store) -> list[Path]:
    return [path for path in Path(store.where, "work").rglob("*") if path.is_file()]


def test_a_published_entry_is_found_with_its_files_and_facts(store: Store) -> None:
    publish(store)
    entry = store.find("things", "k1")
    assert entry is not None
    assert (entry.key, entry.about, entry.file("a.txt").read_text()) == ("k1", {"note": "x"}, "hello")
    assert leftovers(store) == []


def test_the_manifest_has_size_and_sha256_of_every_file(store: Store) -> None:
    path = publish(store)
    files = json.loads(path.joinpath(MANIFEST).read_text())["files"]
    assert files["sub/b.txt"] == {"bytes": 4, "sha256": sha256_of(path / "sub" / "b.txt")}


def test_what_is_not_there_is_none_or_names_the_step_that_makes_it(store: Store) -> None:
    assert store.find("things", "k1") is None
    with pytest.raises(MissingInputError, match="run the step 'prepare' first"):
        store.need("things", "k1", step="prepare")


def test_an_error_while_writing_leaves_nothing(store: Store) -> None:
    with pytest.raises(RuntimeError, match="power cut"), store.publish("things", "k1", {}) as folder:
        folder.joinpath("a.txt").write_text("half")
        raise RuntimeError("power cut")
    assert store.find("things", "k1") is None
    assert leftovers(store) == []


def test_the_first_of_two_publishers_wins_and_the_second_is_content(store: Store) -> None:
    publish(store, text="first")
    publish(store, text="second")
    entry = store.find("things", "k1")
    assert entry is not None
    assert entry.file("a.txt").read_text() == "first"
    assert leftovers(store) == []


@pytest.mark.parametrize(
    ("damage", "word"),
    [
        (lambda entry: entry.joinpath("a.txt").write_text("hellO"), "sha256"),
        (lambda entry: entry.joinpath("a.txt").write_text("hell"), "4 bytes, expected 5"),
        (lambda entry: entry.joinpath("sub", "b.txt").unlink(), "sub/b.txt is missing"),
        (lambda entry: entry.joinpath(MANIFEST).unlink(), "unreadable"),
        (lambda entry: entry.joinpath(MANIFEST).write_text("{"), "unreadable"),
        (lambda entry: entry.joinpath(MANIFEST).write_text("[]"), "unreadable"),
        (lambda entry: flip_a_letter(entry / MANIFEST, b'"note": "x"'), "sha256"),
    ],
)
def test_a_damaged_entry_is_set_aside_and_said_in_the_log(store, caplog, damage, word) -> None:
    damage(publish(store))
    with caplog.at_level(logging.WARNING):
        assert store.find("things", "k1") is None
    assert word in caplog.text
    assert len(list(Path(store.where, "aside").iterdir())) == 1
    publish(store)
    assert store.find("things", "k1") is not None


def test_two_entries_that_changed_places_are_both_refused(store, caplog) -> None:
    for key in ("k1", "k2"):
        publish(store, key, text=key)
    swap(Path(store.where, "things", "k1"), Path(store.where, "things", "k2"))
    with caplog.at_level(logging.WARNING):
        assert store.find("things", "k1", repair=False) is None
        assert store.find("things", "k1") is None
        assert store.find("things", "k2") is None
    assert "things/k1 is damaged (its manifest.json is that of things/k2); set aside as" in caplog.text
    assert len(list(Path(store.where, "aside").iterdir())) == 2
    publish(store, text="k1")
    assert store.find("things", "k1") is not None


def test_an_entry_of_another_kind_is_refused(store: Store) -> None:
    path = publish(store)
    path.parent.rename(path.parents[1] / "others")
    assert store.find("others", "k1") is None


def test_the_manifest_says_when_the_entry_was_made_to_the_microsecond(store: Store) -> None:
    created = [json.loads(publish(store, key).joinpath(MANIFEST).read_text())["created"] for key in ("k1", "k2")]
    assert created[0] < created[1]
    assert all(re.fullmatch(r"[\d-]{10}T[\d:]{8}\.\d{6}\+00:00", moment) for moment in created)


def _publish_in_a_process(root: str, number: int) -> None:
    publish(Store(root), text=f"writer {number}" * 1_000)


def test_many_writers_of_one_key_leave_one_whole_entry(store: Store) -> None:
    spawn = multiprocessing.get_context("spawn")
    writers = [spawn.Process(target=_publish_in_a_process, args=(store.where, n)) for n in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0] * 4
    assert store.find("things", "k1") is not None
    assert leftovers(store) == []


def test_a_ref_is_replaced_whole_and_listed_by_its_name(store: Store) -> None:
    assert store.read_ref("runs/r1") is None
    store.write_ref("runs/r1", {"report": "a"})
    store.write_ref("runs/r1", {"report": "b"})
    store.write_ref("runs/scheduled__2026-01-01T00:00:00+00:00", {"report": "c"})
    store.write_ref("runs/__airflow_temporary_run__", {"report": "d"})
    assert store.read_ref("runs/r1") == {"report": "b"}
    names = {"r1", "scheduled__2026-01-01T00:00:00+00:00", "__airflow_temporary_run__"}
    assert set(store.refs("runs")) == names


def test_a_changed_ref_is_set_aside_and_said_in_the_log(store, caplog) -> None:
    store.write_ref("runs/r1", {"report": "a"})
    flip_a_letter(Path(store.where, "refs", "runs", "r1.json"), b'"report": "a"')
    assert store.read_ref("runs/r1") is None
    assert "refs/runs/r1.json is damaged" in caplog.text
    assert store.refs("runs") == {}


def test_nothing_is_published_once_the_lock_is_lost(store: Store) -> None:
    with store.exclusive("things", "k1") as hold:
        hold.release()
        with (
            pytest.raises(LostLockError, match="another process has"),
            store.publish("things", "k1", {}, hold=hold) as folder,
        ):
            folder.joinpath("a.txt").write_text("late")
    assert store.find("things", "k1") is None
    assert leftovers(store) == []


def test_what_a_dead_process_left_of_an_entry_is_cleared_before_it_is_made_again(store: Store) -> None:
    stray = store.work_folder("things-k1-0123")
    other = store.work_folder("things-k2-0123")
    with store.exclusive("things", "k1"):
        assert not stray.exists()
    assert other.exists()


def test_the_latest_ref_is_the_one_written_last(store: Store) -> None:
    assert latest_ref(store, "runs") is None
    for name in ("b", "a"):
        store.write_ref(f"runs/{name}", {"run": name})
    assert latest_ref(store, "runs") == {"run": "a"}


@pytest.mark.parametrize("name", ["..", "../x", "a/b", "", ".hidden", "a b"])
def test_a_name_cannot_lead_out_of_the_store(store: Store, name: str) -> None:
    with pytest.raises(SettingsError):
        store.find("things", name)


def test_the_environment_must_name_the_store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("IMDB_STORE", raising=False)
    with pytest.raises(SettingsError, match="IMDB_STORE is not set"):
        Store.from_environment()
