import dataclasses
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from imdb_tasks.errors import LostLockError
from imdb_tasks.store import Store, claims, locks
from imdb_tasks.store.local import LocalFiles
from imdb_tasks.store.seals import json_bytes
from tests.support.crashing import crashing

TAKE_AND_COUNT = """
import sys
from pathlib import Path
from imdb_tasks.store import Store, claims, locks
from imdb_tasks.store.local import LocalFiles
locks.PAUSE = 0.01
counter = Path(sys.argv[1], "counter")
for _ in range(20):
    with locks.exclusive(LocalFiles(Path(sys.argv[1])), "k"):
        counter.write_text(str(int(counter.read_text()) + 1))
"""
TAKE_AND_WAIT = """
import sys, time
from pathlib import Path
from imdb_tasks.store import Store, claims, locks
from imdb_tasks.store.local import LocalFiles
with locks.exclusive(LocalFiles(Path(sys.argv[1])), "k"):
    print("taken", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LocalFiles:
    monkeypatch.setattr(locks, "BEAT", 0.05)
    monkeypatch.setattr(locks, "STALE", 0.5)
    monkeypatch.setattr(locks, "PAUSE", 0.02)
    return LocalFiles(tmp_path)


def wait_for_the_living(files: LocalFiles, other: locks.Lock) -> None:
    """Let another owner beat for twice the time after which silence counts; the lock is had when it is released."""
    released_at = []

    def live() -> None:
        for number in range(1, 21):
            time.sleep(0.05)
            other.beat(number)
        released_at.append(time.monotonic())
        other.release()

    living = threading.Thread(target=live)
    living.start()
    with locks.exclusive(files, "k"):
        assert time.monotonic() >= released_at[0]
    living.join()


def claim_from_elsewhere(files: LocalFiles, owner: str = "other") -> locks.Lock:
    """Return the hold of a process that cannot be seen from here."""
    hold = locks.Lock(files, "k", owner)
    hold.claim()
    files.write(
        f"locks/k.{owner}.claim", json_bytes({"host": "far", "machine": "far 1", "pid": os.getpid(), "started": 1.0})
    )
    return hold


def traces(files: LocalFiles) -> list[str]:
    return sorted(files.names("locks"))


def test_processes_that_come_at_once_never_have_it_together(files: LocalFiles) -> None:
    counter = files.root / "counter"
    counter.write_text("0")
    running = [subprocess.Popen([sys.executable, "-c", TAKE_AND_COUNT, str(files.root)]) for _ in range(4)]
    assert [process.wait() for process in running] == [0] * 4
    assert counter.read_text() == "80"
    assert traces(files) == []


def test_two_keys_do_not_wait_for_each_other(files: LocalFiles) -> None:
    with locks.exclusive(files, "k"), locks.exclusive(files, "k2"):
        assert len(locks.owners(files, "k")) == len(locks.owners(files, "k2")) == 1
    assert traces(files) == []


def test_it_is_released_when_the_block_fails(files: LocalFiles) -> None:
    with pytest.raises(RuntimeError), locks.exclusive(files, "k"):
        raise RuntimeError
    assert traces(files) == []


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_owner_is_followed_at_once_and_that_is_said(files, caplog, number: signal.Signals) -> None:
    caplog.set_level(logging.INFO)
    with subprocess.Popen(
        [sys.executable, "-c", TAKE_AND_WAIT, str(files.root)], stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "taken\n"
        assert len(traces(files)) == 2
        owner.send_signal(number)
        owner.wait()
    started = time.monotonic()
    with locks.exclusive(files, "k"):
        assert time.monotonic() - started < locks.STALE
    assert f"lock of process {owner.pid} on" in caplog.text
    assert "is stale (the process no longer exists): taken over" in caplog.text
    assert traces(files) == []


def test_a_process_number_that_was_given_out_again_is_not_taken_for_the_owner(files: LocalFiles) -> None:
    hold = locks.Lock(files, "k")
    hold.claim()
    [claim] = locks.owners(files, "k").values()
    assert not claims.owner_has_exited(claim)
    assert claims.owner_has_exited(dataclasses.replace(claim, started=claim.started - 60))


def test_an_owner_lives_on_when_the_clock_is_stepped(files: LocalFiles, monkeypatch) -> None:
    locks.Lock(files, "k").claim()
    [claim] = locks.owners(files, "k").values()
    before = psutil.Process().create_time()
    boot = psutil.boot_time() + 3_600  # the kernel tells it as the clock less the time that it is up
    monkeypatch.setattr("psutil._pslinux.boot_time", lambda: boot)
    assert psutil.Process().create_time() > before + 3_000
    assert not claims.owner_has_exited(claim)


def test_an_owner_elsewhere_that_falls_silent_is_followed(files, caplog) -> None:
    other = claim_from_elsewhere(files)
    with locks.exclusive(files, "k"), pytest.raises(LostLockError, match="another process has taken it over"):
        other.check()
    assert "on far is stale (no heartbeat for" in caplog.text
    assert traces(files) == []


TAKE_AND_PUBLISH_LATE = """
import sys
from imdb_tasks.errors import LostLockError
from imdb_tasks.store import Store, locks
locks.BEAT, locks.STALE = 0.05, 0.5
store = Store(sys.argv[1])
try:
    with store.exclusive("models", "k") as hold, store.publish("models", "k", {}, hold=hold) as folder:
        folder.joinpath("a.txt").write_text("late")
        print("taken", flush=True)
        sys.stdin.readline()
except LostLockError:
    print("lost")
"""


def test_an_owner_that_was_suspended_for_too_long_is_followed_and_writes_nothing(files: LocalFiles) -> None:
    store = Store(files.root)
    with subprocess.Popen(
        [sys.executable, "-c", TAKE_AND_PUBLISH_LATE, str(files.root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "taken\n"
        owner.send_signal(signal.SIGSTOP)
        started = time.monotonic()
        with store.exclusive("models", "k") as hold:
            assert time.monotonic() - started > locks.STALE
            owner.send_signal(signal.SIGCONT)
            said, _ = owner.communicate("go on\n", timeout=60)
            assert said == "lost\n"
            hold.check()  # the one that came back has released its own lock only
            with store.publish("models", "k", {}, hold=hold) as folder:
                folder.joinpath("a.txt").write_text("in time")
    entry = store.find("models", "k")
    assert entry is not None
    assert entry.file("a.txt").read_text() == "in time"
    assert traces(files) == []


def test_an_owner_elsewhere_that_beats_is_waited_for(files, caplog) -> None:
    caplog.set_level(logging.INFO)
    other = claim_from_elsewhere(files)
    wait_for_the_living(files, other)
    assert caplog.text.count("on far; waiting") == 1


def test_the_owner_beats_while_it_works(files: LocalFiles) -> None:
    with locks.exclusive(files, "k") as hold:
        first = files.read(f"locks/k.{hold.owner}.beat")
        time.sleep(0.3)
        assert files.read(f"locks/k.{hold.owner}.beat") != first
        hold.check()


def test_a_beat_that_comes_late_gives_a_lost_lock_no_new_owner(files: LocalFiles) -> None:
    with locks.exclusive(files, "k") as hold:
        locks.release(files, "k", hold.owner)
        hold.beat(99)
        assert locks.owners(files, "k") == {}


def test_what_a_killed_owner_left_of_a_heartbeat_goes_with_its_lock(tmp_path: Path) -> None:
    files = LocalFiles(tmp_path)
    with locks.exclusive(files, "k") as lock:
        half_written = tmp_path / "locks" / f".k.{lock.owner}.beat.0123"
        half_written.write_bytes(b"{")
    assert list(tmp_path.joinpath("locks").iterdir()) == []


@pytest.mark.parametrize("moment", range(1, 20))
def test_whatever_the_moment_of_a_kill_the_next_owner_leaves_no_beat_without_its_claim(
    files: LocalFiles, tmp_path: Path, moment: int
) -> None:
    def come_and_go() -> None:
        with locks.exclusive(files, "k"):
            pass

    crashing(come_and_go, moment)
    come_and_go()
    assert [path.name for path in tmp_path.joinpath("locks").glob("*.beat")] == []
    assert locks.owners(files, "k") == {}


HERE = {"host": "h", "machine": claims.machine(), "started": 1.0}
DAMAGED = [
    *(b"claim", b"", b"{", b"[]", b"{}", b"null", b"\xff\xfe", json_bytes({**HERE, "pid": "x"})),
    *(json_bytes({**HERE, "pid": pid}) for pid in (-1, 0, 2**70)),
]


@pytest.mark.parametrize("content", DAMAGED)
def test_a_lock_file_that_cannot_be_read_is_stale_after_its_time_and_set_aside(files, caplog, content: bytes) -> None:
    files.write("locks/k.other.claim", content)
    locks.release_stale(files, "k")
    assert locks.live_locks(files, since=0) == {"k.other"}
    started = time.monotonic()
    with locks.exclusive(files, "k"):
        assert time.monotonic() - started > locks.STALE
        assert [claim.readable for claim in locks.owners(files, "k").values()] == [True]
    [aside] = files.names("aside")
    assert files.read(f"aside/{aside}") == content
    assert f"k.other.claim is damaged; set aside as {files.where}/aside/{aside}" in caplog.text
    assert traces(files) == []


def test_an_owner_whose_lock_file_was_damaged_is_waited_for_while_it_beats(files: LocalFiles) -> None:
    other = locks.Lock(files, "k", "other")
    other.claim()
    files.write("locks/k.other.claim", b"claim")
    wait_for_the_living(files, other)
    assert files.names("aside") == {}
