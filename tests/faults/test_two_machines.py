"""Two machines on one store. One has a clock that is hours off, and is frozen for longer than a lock is waited for."""

import json
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from imdb_tasks.store import Store, list_entries, verify_store
from imdb_tasks.study import read_form
from tests.support.buckets import bucket, server
from tests.support.cli import small_study
from tests.support.corpus import write_corpus
from tests.support.machines import Machine, is_frozen
from tests.support.stepping import prepared

__all__ = ["bucket", "server"]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1_800)]  # processes that wait for each other

MADE_BY = {"prepare": ("texts", "arrays"), "report": ("analyses", "reports")}
Said = tuple[int, str]


def both(
    home: Path, arguments: list[str], moment: str, hours: float, change: Path | None = None
) -> tuple[Said, Said, Mapping[str, str]]:
    """Freeze the one at the ``moment``, let the other end, and then the one.

    Return status and output of both, and the entries with their manifests before the one went on. A file to ``change``
    gets another review while the one is frozen.
    """
    store = Store(arguments[arguments.index("--store") + 1])
    one = Machine("alpha", hours, home / "alpha").start(arguments, moment)
    while not is_frozen(one):
        assert one.poll() is None, one.communicate()[0]
        time.sleep(0.05)
    if change:
        change.write_text(change.read_text() + "Another film,positive\n")
    ended = ended_as(Machine("beta", 0, home / "beta").start(arguments))
    entries = manifests(store)
    one.send_signal(signal.SIGCONT)
    return ended_as(one), ended, entries


def ended_as(process: "subprocess.Popen[str]") -> Said:
    said, _ = process.communicate(timeout=900)
    return process.returncode, said


def manifests(store: Store) -> dict[str, str]:
    """Return the manifest of each entry, which has the hash of each of its files and says when it was made."""
    return {entry.name: str(store.files.read(f"{entry.name}/manifest.json")) for entry in list_entries(store)}


def check(store: Store, one: Said, other: Said, before: Mapping[str, str]) -> None:
    assert (one[0], other[0]) == (0, 0), one[1] + other[1]
    assert "alpha is stale (no heartbeat for" in other[1]
    assert "Traceback" not in one[1] + other[1]
    assert manifests(store) == before
    assert verify_store(store)[1] == []
    for folder in ("locks", "checkpoints", "aside"):
        assert store.files.names(folder) == {}


@pytest.mark.parametrize(
    ("freeze", "made"),
    [
        (("prepare", "put_entry texts/", 5), ("texts", "arrays")),
        (("evaluate", "put_entry evaluations/", -5), ("evaluations",)),
    ],
    ids=["prepare, five hours ahead", "evaluate, five hours behind"],
)
def test_in_a_shared_folder_the_other_takes_over_and_both_end_well_with_its_results(
    one_variant_store: Path, corpus_folder: Path, freeze: tuple[str, str, float], made: tuple[str, ...]
) -> None:
    step, moment, hours = freeze
    for kind in made:
        shutil.rmtree(one_variant_store / kind)
    arguments = [step, "--store", str(one_variant_store), *small_study(corpus_folder)]
    check(Store(one_variant_store), *both(one_variant_store.parent, arguments, moment, hours))


@pytest.mark.thorough
def test_in_a_bucket_a_training_is_taken_over_and_both_end_well_with_its_result(
    bucket: str, corpus_folder: Path, tmp_path: Path
) -> None:
    arguments = small_study(corpus_folder, epochs=2)
    fields = {name: json.loads(value) for name, _, value in (text.partition("=") for text in arguments[1::2])}
    prepared(read_form({**fields, "notify": "never"})[0], Store(bucket))
    check(Store(bucket), *both(tmp_path, ["train", "--store", bucket, *arguments], "write checkpoints/", -5))
    [progress] = Store(bucket).refs("progress").values()
    assert (progress["epoch"], progress["status"]) == (2, "finished")


def test_what_was_found_before_the_freeze_does_not_replace_what_is_newer(tmp_path: Path) -> None:
    folder, store = tmp_path / "corpus", tmp_path / "store"
    folder.mkdir()
    reviews = write_corpus(folder) / "IMDB Dataset.csv"
    arguments = ["fetch", "--store", str(store), *small_study(folder)]
    one, other, _ = both(tmp_path, arguments, "put_entry sources/", 5, change=reviews)
    assert (one[0], other[0]) == (1, 0), one[1] + other[1]
    assert one[1].startswith(f"TransientError: {folder}: the file for reviews was changed while it was read; ")
    assert len(manifests(Store(store))) == 3  # the reviews of before, those of now, and the vectors
    noted = [value for name, value in Store(store).refs("sources").items() if name.startswith("reviews-")]
    newest = [value for value in noted if value["about"]["bytes"] == reviews.stat().st_size]
    assert len(newest) == 2  # for the file as it is now, and for the source
