"""Clocks that differ, and a clock that is set back while a study runs: the same keys, the same results."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from imdb_tasks.study import Study

# Four studies one after the other, each of which starts TensorFlow anew.
pytestmark = [pytest.mark.slow, pytest.mark.thorough, pytest.mark.timeout(1_800)]

ROOT = Path(__file__).parents[2]
ZONES = ("Pacific/Auckland", "America/St_Johns", "UTC")
# The clock jumps: an hour back, as at the end of summer time on a machine that keeps local time, at each look.
RUN = """
import datetime, itertools, json, os, sys, time
if os.environ.get("CLOCK") == "jumps":
    real, looks = time.time, itertools.count()
    time.time = lambda: real() - 3_600 * (next(looks) % 2)
from imdb_tasks.store import locks, maintenance
from imdb_tasks.study.records import TrainingRecord
from imdb_tasks.store.store import Store
from imdb_tasks.study.grid import Study
from tests.support.stepping import reached
steps = reached(Study.model_validate_json(sys.argv[1]), Store(sys.argv[2]))
told = {"entries": sorted(entry.name for entry in maintenance.list_entries(steps.store)), "histories": {}}
for variant in steps.study.variants:
    model = steps.store.need("models", steps.keys.model(variant), step="train")
    record = TrainingRecord.model_validate_json(model.file("record.json").read_bytes())
    assert min(record.history.seconds) > 0
    told["histories"][variant.name] = record.history.model_dump(exclude={"seconds", "samples_per_second"})
print(json.dumps(told))
"""


def told(study: Study, root: Path, **environment: str) -> dict[str, object]:
    command = [sys.executable, "-c", RUN, study.model_dump_json(), str(root)]
    values = {**os.environ, "BROWSER_PATH": "/no-such-browser", **environment}
    done = subprocess.run(command, cwd=ROOT, env=values, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stderr[-3_000:]
    result: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return result


def test_three_time_zones_and_a_clock_that_jumps_give_the_same_keys_and_results(
    tiny_study: Study, tmp_path: Path
) -> None:
    runs = [told(tiny_study, tmp_path / str(number), TZ=zone) for number, zone in enumerate(ZONES)]
    runs.append(told(tiny_study, tmp_path / "jumping", TZ="Europe/Berlin", CLOCK="jumps"))
    assert len(runs[0]["entries"]) == 11
    assert all(run == runs[0] for run in runs[1:])


def test_a_run_in_another_zone_finds_what_the_first_one_made(tiny_study: Study, tmp_path: Path) -> None:
    first = told(tiny_study, tmp_path, TZ=ZONES[0])
    assert told(tiny_study, tmp_path, TZ=ZONES[1]) == first
