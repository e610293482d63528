"""A disk that fills up: a real one, a tmpfs of a few MB in a mount namespace of the test's own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from imdb_tasks.study import Study
from tests.support.stand_ins import REVIEWS_CSV, StandIn, file_server, zip_of

pytestmark = pytest.mark.slow  # needs file systems of its own

ROOT = Path(__file__).parents[2]


def on_a_small_disk(folder: Path, megabytes: int, case: str, argument: str) -> None:
    """Run a case of ``full_disk`` where ``folder`` is a file system of that size."""
    own = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--mount"]
    script = 'mount -t tmpfs -o "size=$1m" tmpfs "$2" && shift && exec "$0" -m tests.support.full_disk "$@"'
    command = [*own, "sh", "-c", script, sys.executable, str(megabytes), str(folder), case, argument]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300)
    assert done.returncode == 0, done.stdout


def test_a_full_disk_keeps_the_old_checkpoint(tmp_path: Path) -> None:
    on_a_small_disk(tmp_path, 2, "checkpoint", "")


def test_a_full_disk_below_airflow_is_told_in_one_line_before_its_start_and_after_a_component_ended(
    tmp_path: Path,
) -> None:
    on_a_small_disk(tmp_path, 8, "airflow", "")


def test_a_full_disk_leaves_no_half_of_the_arrays(tmp_path: Path, tiny_study: Study) -> None:
    on_a_small_disk(tmp_path, 2, "arrays", tiny_study.model_dump_json())


@pytest.mark.parametrize("noise", [0, 600_000], ids=["while it unpacks", "while it arrives"])
def test_a_full_disk_leaves_nothing_of_a_download(tmp_path: Path, noise: int) -> None:
    rows = b"".join(b'"%d a film",%s\n' % (n, b"positive" if n % 2 else b"negative") for n in range(40_000))
    archive = zip_of({"IMDB Dataset.csv": REVIEWS_CSV + rows, "noise": os.urandom(noise)})
    with StandIn() as server:
        on_a_small_disk(tmp_path, 8, "download", server.answer("/reviews.zip", file_server(archive)))
