"""What the study costs where nothing is computed: parsing, cached tasks, a cached re-run, memory of each step.

    python -m bench.overhead

A real local Airflow of its own, on the bundled sample: the quick study once, then again with everything in the store,
and a baseline in the same Airflow, a DAG with as many mapped tasks that do nothing. How the cached re-run grows is
measured with copies of one tiny model under the keys of 18, 72 and 180 variants.
"""

import datetime
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench import corpus, machine
from imdb_tasks.pipeline import Steps
from imdb_tasks.store import Store, write_json
from imdb_tasks.study import read_form
from imdb_tasks.training import peak_memory_bytes
from scripts.home import Home
from scripts.local_airflow import DAG, LocalAirflow, Shutdown
from scripts.mail_catcher import MailCatcher

ROOT = Path(__file__).parents[1]
SAMPLE = {"source": "sample", "notify": "never"}
TINY = {"profile": "custom", "epochs": 1, "max_tokens": 10, **SAMPLE}
GROWTH = {18: 1, 72: 4, 180: 10}  # variants: replicates
NOTHING = "nothing"
NOTHING_DAG = f"""
from airflow.sdk import dag, task

@dag(dag_id="{NOTHING}", schedule=None)
def nothing():
    @task(pool="training")
    def work(number: int) -> None:
        pass

    work.expand(number=list(range(18)))

nothing()
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch, airflow(Path(scratch)) as (local, store):
        runs = {"first": run(local, DAG, {"profile": "quick", **SAMPLE})}
        runs["cached"] = run(local, DAG, {"profile": "quick", **SAMPLE})
        runs[NOTHING] = run(local, NOTHING, {})
        growth = {}
        for variants, replicates in GROWTH.items():
            conf = {**TINY, "replicates": replicates}
            fill(conf, store)
            run(local, DAG, conf)  # the corpus, the predictions and the report
            growth[variants] = run(local, DAG, conf)["job_seconds"]
        memory = memory_of_steps(Path(scratch))
    parsing = parse_seconds()
    ratio = runs["cached"]["seconds_per_mapped_task"] / runs[NOTHING]["seconds_per_mapped_task"]
    result = {"runs": runs, "mapped_task_ratio": ratio, "growth": growth, "parse_seconds": parsing, "steps": memory}
    print(json.dumps(result, indent=1))
    machine.write("overhead", {**result, "corpus_of_steps": corpus.name()})


@contextmanager
def airflow(scratch: Path) -> Iterator[tuple[LocalAirflow, Store]]:
    """Give a local Airflow with the study's DAG and one that does nothing."""
    home = Home(scratch / "airflow")
    home.logs.mkdir(parents=True)
    dags = scratch / "dags"
    dags.mkdir()
    for file in (ROOT / "dags").glob("*.py"):
        dags.joinpath(file.name).symlink_to(file)
    dags.joinpath("nothing.py").write_text(textwrap.dedent(NOTHING_DAG), "utf8")
    with home.locked(), MailCatcher(home.root / "mail") as mail:
        local = LocalAirflow(home, Shutdown(), smtp_port=mail.port)
        local.components.environment["AIRFLOW__CORE__DAGS_FOLDER"] = str(dags)
        with local:
            yield local, Store(home.store)


def run(local: LocalAirflow, dag: str, conf: dict[str, Any]) -> dict[str, Any]:
    """Trigger a DAG, wait, and return the seconds of the job and of its tasks."""
    while local.api.parsed_at(dag) is None:
        time.sleep(0.5)
    local.api.unpause(dag)
    began = time.perf_counter()
    name = local.api.trigger(dag, conf)
    while (state := local.api.state(dag, name)) not in ("success", "failed"):
        time.sleep(0.2)
    seconds = time.perf_counter() - began
    tasks = local.api.tasks(dag, name)
    if state != "success":
        raise RuntimeError(
            f"{dag} ended as {state}: {[task['task_id'] for task in tasks if task['state'] == 'failed']}"
        )
    mapped = [task for task in tasks if task["map_index"] >= 0]
    span = max(task["end_date"] for task in mapped), min(task["start_date"] for task in mapped)
    return {
        "job_seconds": seconds,
        "seconds_per_mapped_task": (when(span[0]) - when(span[1])) / len(mapped),
        "mapped_task_duration": statistics.median(task["duration"] for task in mapped),
        "other_tasks": {task["task_id"]: task["duration"] for task in tasks if task["map_index"] < 0},
    }


def when(text: str) -> float:
    return datetime.datetime.fromisoformat(text).timestamp()


def fill(conf: dict[str, Any], store: Store) -> None:
    """Put copies of one trained and measured model under the keys of all variants: nothing is left to compute."""
    study, _ = read_form(conf)
    steps = Steps(study, store)
    first, *others = study.variants
    for step in ("fetch_reviews", "fetch_glove", "prepare", "train", "evaluate"):
        in_a_process(
            step, {**conf, "cells": [first.cell], "units": [first.units], "batch_sizes": [first.batch_size]}, store
        )
    model = store.need("models", steps.keys.model(first), step="train")
    predictions = store.need("predictions", steps.keys.predictions(model.key), step="evaluate")
    record = json.loads(model.file("record.json").read_bytes())
    for variant in others:
        key = steps.keys.model(variant)
        if store.find("models", key):
            continue
        with store.publish("models", key, {**model.about, "variant": variant.name}) as folder:
            shutil.copyfile(model.file("model.keras"), folder / "model.keras")
            write_json(folder / "record.json", {**record, "variant": variant.model_dump(mode="json")})
        with store.publish("predictions", steps.keys.predictions(key), {"model": key}) as folder:
            for name in ("metrics.json", "probabilities.npy"):
                shutil.copyfile(predictions.file(name), folder / name)


def memory_of_steps(scratch: Path) -> dict[str, Any]:
    """Return seconds and peak memory of each step in a process of its own: the largest model, one epoch."""
    conf = {
        "profile": "custom",
        "epochs": 1,
        "cells": ["LSTM"],
        "units": [128],
        "batch_sizes": [128],
        "notify": "never",
    }
    conf |= {"source": "folder", "folder": str(corpus.folder())}
    steps = ("fetch_reviews", "fetch_glove", "prepare", "train", "evaluate", "report")
    return {step: in_a_process(step, conf, Store(scratch / "steps")) for step in steps}


def in_a_process(step: str, conf: dict[str, Any], store: Store) -> dict[str, float]:
    """Do one step by itself, and return what it took."""
    command = [sys.executable, "-m", "bench.overhead", step, json.dumps(conf), store.where]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def do(step: str, conf: str, root: str) -> None:
    """Be that process."""
    began = time.perf_counter()
    study, _ = read_form(json.loads(conf))
    steps = Steps(study, Store(root))
    getattr(steps, step)(*study.variants[:1] if step == "train" else ())
    print(json.dumps({"seconds": time.perf_counter() - began, "peak_mb": peak_memory_bytes() / 1e6}))


def parse_seconds() -> dict[str, float]:
    """Return the seconds to import Airflow's SDK, and then the DAG file, in a fresh process; medians of five."""
    script = (
        "import sys, time; a = time.perf_counter(); import airflow.sdk; b = time.perf_counter();"
        "sys.path.insert(0, 'dags'); import imdb_study; c = time.perf_counter(); print(b - a, c - b)"
    )
    times = []
    for _ in range(5):
        done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
        times.append([float(value) for value in done.stdout.split()[-2:]])
    sdk, own = (statistics.median(column) for column in zip(*times, strict=True))
    return {"airflow_sdk": sdk, "dag_file": own}


if __name__ == "__main__":
    do(*sys.argv[1:]) if len(sys.argv) > 1 else main()
