import hashlib
import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from imdb_tasks.errors import DiskFullError, LostLockError
from imdb_tasks.store import Store
from imdb_tasks.study import MEASURES, History
from imdb_tasks.training.checkpoints import Checkpoint, Checkpoints, remove_checkpoint
from tests.store.test_store import swap

HISTORY = History(**dict.fromkeys(MEASURES, (0.5, None)), seconds=(1.0, 2.0), samples_per_second=(3.0, 4.0))
CHECKPOINT = Checkpoint(
    history=HISTORY,
    wall_seconds=12.5,
    weights=[np.float32([[1, np.nan], [np.inf, 4]]), np.float32([7])],
    optimizer=[np.int64(3), np.float32(0.01), *(np.full(2, number, np.float32) for number in range(11))],
)


@pytest.fixture
def checkpoints(store: Store) -> Iterator[Checkpoints]:
    with store.exclusive("models", "model-1") as hold:
        yield Checkpoints(store, "model-1", hold)


def file_of(checkpoints: Checkpoints) -> Path:
    return Path(checkpoints.store.where, checkpoints.name)


def test_what_was_saved_comes_back_to_the_bit(checkpoints: Checkpoints) -> None:
    checkpoints.save(CHECKPOINT)
    found = checkpoints.load()
    assert found is not None
    assert (found.history, found.wall_seconds) == (HISTORY, 12.5)
    for name in ("weights", "optimizer"):
        arrays, expected = getattr(found, name), getattr(CHECKPOINT, name)
        assert len(arrays) == len(expected)
        for one, other in zip(arrays, expected, strict=True):
            assert one.dtype == other.dtype
            assert one.shape == other.shape
            assert one.tobytes() == other.tobytes()


def test_the_last_one_counts_and_nothing_else_is_left(checkpoints: Checkpoints) -> None:
    checkpoints.save(CHECKPOINT)
    checkpoints.save(Checkpoint(History(), 13.0, [], []))
    found = checkpoints.load()
    assert found is not None
    assert found.wall_seconds == 13.0
    assert list(file_of(checkpoints).parent.iterdir()) == [file_of(checkpoints)]


def test_where_there_is_none_there_is_none(checkpoints: Checkpoints) -> None:
    assert checkpoints.load() is None
    remove_checkpoint(checkpoints.store, checkpoints.key)


def test_removing_also_clears_what_a_killed_process_left(checkpoints: Checkpoints) -> None:
    checkpoints.save(CHECKPOINT)
    stray = file_of(checkpoints).with_name(f".{file_of(checkpoints).name}.0123")
    stray.write_bytes(b"half")
    other = Checkpoints(checkpoints.store, "model-2", checkpoints.hold)
    other.save(CHECKPOINT)
    remove_checkpoint(checkpoints.store, checkpoints.key)
    assert list(file_of(other).parent.iterdir()) == [file_of(other)]


@pytest.mark.parametrize("place", [0, 40, -1])
def test_a_flipped_byte_is_noticed_set_aside_and_said(checkpoints, place, caplog) -> None:
    checkpoints.save(CHECKPOINT)
    content = bytearray(file_of(checkpoints).read_bytes())
    content[place] ^= 1
    file_of(checkpoints).write_bytes(content)
    with caplog.at_level(logging.WARNING):
        assert checkpoints.load() is None
    assert "its sha256 differs" in caplog.text
    assert not file_of(checkpoints).exists()
    assert len(list(Path(checkpoints.store.where, "aside").iterdir())) == 1


def test_two_checkpoints_that_changed_places_are_both_refused(checkpoints, caplog) -> None:
    other = Checkpoints(checkpoints.store, "model-2", checkpoints.hold)
    for each in (checkpoints, other):
        each.save(CHECKPOINT)
    swap(file_of(checkpoints), file_of(other))
    with caplog.at_level(logging.WARNING):
        assert checkpoints.load() is None
        assert other.load() is None
    assert "it is 'checkpoints/model-2.npz', not 'checkpoints/model-1.npz'); set aside" in caplog.text
    assert len(list(Path(checkpoints.store.where, "aside").iterdir())) == 2


def test_a_checkpoint_of_an_earlier_release_has_no_name_and_is_read(checkpoints) -> None:
    checkpoints.save(CHECKPOINT)
    content = checkpoints.store.read_sealed(checkpoints.name)
    file_of(checkpoints).write_bytes(hashlib.sha256(content).digest() + content)
    found = checkpoints.load()
    assert found is not None
    assert found.history == HISTORY


@pytest.mark.parametrize("length", [0, 10, 32, 100])
def test_a_file_that_is_cut_short_is_noticed(checkpoints, length) -> None:
    checkpoints.save(CHECKPOINT)
    file_of(checkpoints).write_bytes(file_of(checkpoints).read_bytes()[:length])
    assert checkpoints.load() is None
    assert not file_of(checkpoints).exists()


def test_a_disk_that_is_full_leaves_the_old_one(checkpoints, monkeypatch) -> None:
    checkpoints.save(CHECKPOINT)

    def no_space(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", no_space)
    with pytest.raises(DiskFullError, match="disk is full"):
        checkpoints.save(Checkpoint(History(), 99.0, [], []))
    found = checkpoints.load()
    assert found is not None
    assert found.wall_seconds == 12.5
    assert list(file_of(checkpoints).parent.iterdir()) == [file_of(checkpoints)]


def test_a_process_that_was_taken_for_dead_writes_no_more(checkpoints) -> None:
    checkpoints.save(CHECKPOINT)
    checkpoints.hold.release()
    with pytest.raises(LostLockError):
        checkpoints.save(Checkpoint(History(), 99.0, [], []))
    found = checkpoints.load()
    assert found is not None
    assert found.wall_seconds == 12.5
