"""Places and arguments at the edges: each is answered in one line that says where, what was found, and what to do."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from imdb_tasks.errors import SettingsError
from imdb_tasks.store import Store, locks
from imdb_tasks.ui.cli import main
from tests.support.cli import small_study

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "imdb_tasks"]
UNSHARE = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--mount"]
READ_ONLY = 'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && shift && exec "$@"'


def run(*arguments: str | bytes, within: Sequence[str] = (), **environment: str) -> tuple[int, str, str]:
    command = [*within, *COMMAND, *arguments]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, **environment}, capture_output=True, timeout=300)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def read_only(folder: Path) -> list[str]:
    """Return the beginning of a command that sees the folder as a read-only file system."""
    return [*UNSHARE, "sh", "-c", READ_ONLY, "sh", str(folder)]


def test_a_read_only_store_can_be_looked_at_and_asked(one_variant_store: Path) -> None:
    within, store = read_only(one_variant_store), ["--store", str(one_variant_store)]
    for command in (["store", "list"], ["store", "prune", "--dry-run"], ["predict", "a wonderful film"]):
        status, said, _ = run(*command, *store, within=within)
        assert (status, bool(said)) == (0, True)


@pytest.mark.parametrize("there_already", [True, False], ids=["a store", "an empty folder"])
def test_a_step_on_a_read_only_store_says_so_in_one_line(
    one_variant_store: Path, tmp_path: Path, corpus_folder: Path, there_already: bool
) -> None:
    root = one_variant_store if there_already else tmp_path
    status, _, told = run("fetch", "--store", str(root), *small_study(corpus_folder), within=read_only(root))
    assert status == 1
    assert "Traceback" not in told
    [line] = [line for line in told.splitlines() if line.startswith("StoreError: ")]
    assert f"{root}/" in line
    assert "found: Read-only file system; change its permissions, or choose another place" in line


@pytest.mark.parametrize("command", ["store list", "store verify", "store prune", "predict x", "fetch"])
def test_a_store_that_is_a_file_is_named(tmp_path: Path, capsys, command: str) -> None:
    path = tmp_path / "store"
    path.write_text("not a folder")
    assert main([*command.split(), "--store", str(path)]) == 1
    told = capsys.readouterr().err.splitlines()[-1]
    assert told == f"StoreError: {path}: expected a folder for the store, found a file; choose another place"


def test_a_file_in_the_place_of_a_folder_of_the_store_is_named(tmp_path: Path, corpus_folder: Path, capsys) -> None:
    tmp_path.joinpath("refs").write_text("not a folder")
    assert main(["fetch", "--store", str(tmp_path), *small_study(corpus_folder)]) == 1
    assert f"StoreError: {tmp_path}/refs" in capsys.readouterr().err


def test_a_bucket_without_a_home_folder_asks_for_the_cache(monkeypatch) -> None:
    def nobody(_: int) -> None:
        raise KeyError

    for name in ("HOME", "XDG_CACHE_HOME", "IMDB_CACHE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", nobody)
    with pytest.raises(SettingsError, match="this user has no home folder; set IMDB_CACHE"):
        Store("s3://bucket/prefix")


@pytest.mark.parametrize("arguments", [("predict", "fine", b"caf\xe9"), ("fetch", "--set", b"folder=/caf\xe9")])
def test_arguments_that_are_not_utf8_are_refused_in_one_line(tmp_path: Path, arguments) -> None:
    status, _, told = run(*arguments, "--store", str(tmp_path), PYTHONUTF8="1")
    assert status == 1
    [line] = told.splitlines()
    assert line.startswith("SettingsError: ")
    assert r"expected text in UTF-8, found b'" in line
    assert r"caf\xe9" in line


@pytest.mark.parametrize(("place", "found"), [("no such folder/x", "found no folder"), ("a folder.keras", "found")])
def test_an_output_that_cannot_be_written_is_refused_before_any_work(tmp_path: Path, capsys, place, found) -> None:
    tmp_path.joinpath("a folder.keras").mkdir()
    reviews = ["--reviews", "/no/reviews", "--glove", "/no/vectors"]
    for command in (["export-arrays", *reviews], ["export-model", "--store", str(tmp_path)]):
        out = tmp_path / place
        assert main([*command, "--out", str(out.with_suffix(".keras"))]) == 1
        told = capsys.readouterr().err.splitlines()[-1]
        assert told.startswith("SettingsError: --out: expected a file ")
        assert f"{found} {tmp_path}" in told


def test_a_reader_that_leaves_early_hears_no_complaint(one_variant_store: Path) -> None:
    command = f'{" ".join(COMMAND)} store list --store "{one_variant_store}" | true'
    done = subprocess.run(["sh", "-c", command], cwd=ROOT, capture_output=True, text=True, timeout=100)
    assert done.stderr == ""


@pytest.mark.parametrize("argument", ["x" * 300_000, "epochs=" + "x" * 100_000])
def test_a_long_argument_does_not_fill_the_screen(tmp_path: Path, capsys, argument: str) -> None:
    assert main(["fetch", "--store", str(tmp_path), "--set", argument]) == 1
    assert len(capsys.readouterr().err) < 1_000


@pytest.mark.parametrize("seconds", [0.2, 0.5, 1, 2, 4, 8])
def test_ctrl_c_is_answered_in_one_line_whenever_it_comes(tmp_path: Path, corpus_folder: Path, seconds: float) -> None:
    command = [*COMMAND, "study", "--store", str(tmp_path), *small_study(corpus_folder, epochs=10_000)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        time.sleep(seconds)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=100)
    assert process.returncode == 130
    assert "Traceback" not in told
    assert told.splitlines()[-1].startswith("interrupted")
    assert locks.live_locks(Store(tmp_path).files, since=time.time()) == set()


SWALLOWS = """
    try:
        print("begun", flush=True)
        time.sleep(100)
    except:  # as some libraries do while they are imported
        pass
    try:
        time.sleep(100)
    except KeyboardInterrupt:
        return 130
"""
COLLECTS = """
    def collecting(phase, info):
        if phase == "start":
            print("begun", flush=True)
            time.sleep(100)

    gc.disable()  # only the collection below
    gc.callbacks.append(collecting)
    gc.collect()
    gc.callbacks.clear()
    try:
        time.sleep(100)
    except KeyboardInterrupt:
        return 130
"""
CLEANS_UP = """
    try:
        try:
            print("begun", flush=True)
            time.sleep(100)
        finally:
            time.sleep(2.5)
            print("cleaned up")
    except KeyboardInterrupt:
        return 130
"""


@pytest.mark.parametrize(
    ("command", "output"),
    [(SWALLOWS, "begun\n"), (COLLECTS, "begun\n"), (CLEANS_UP, "begun\ncleaned up\n")],
    ids=["an except", "a callback of the garbage collector", "a clean-up"],
)
def test_ctrl_c_is_repeated_until_it_is_heard_but_not_while_it_is_answered(command: str, output: str) -> None:
    program = f"""
import gc, sys, time
from imdb_tasks import __main__, ui

def run():{command}

ui.main = run
sys.exit(__main__.main())
"""
    with subprocess.Popen(
        [sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        said = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        rest, told = process.communicate(timeout=50)
    assert (process.returncode, said + rest, told) == (130, output, "")
