"""A study that grows, on a real Airflow: each run adds a replicate, and the last one trains nothing."""

from typing import Any

import pytest

from tests.support.whole_airflow import FinishedRun, WholeAirflow

MOST = 2


@pytest.fixture(scope="module")
def runs(whole: WholeAirflow, small_form: dict[str, Any]) -> list[FinishedRun]:
    """Three runs, one after the other."""
    form = {**small_form, "cells": ["GRU", "LSTM"], "replicates": "until decided", "max_replicates": MOST}
    return [whole.finished(form) for _ in range(MOST + 1)]


def trainings(run: FinishedRun) -> list[str]:
    tasks = [task for task in run.tasks if task["task_id"] == "train"]
    return [task["rendered_map_index"] for task in sorted(tasks, key=lambda task: task["map_index"])]


def test_each_run_trains_one_replicate_more_and_its_label_says_which(runs: list[FinishedRun]) -> None:
    assert [run.state for run in runs] == ["success"] * (MOST + 1)
    first, second, third = map(trainings, runs)
    assert len(second) == 2 * len(first)
    assert [label for label in second if label not in first] == [f"{label}, replicate 1" for label in first]
    assert third == second


def test_the_last_run_finds_every_model_and_trains_nothing(whole: WholeAirflow, runs: list[FinishedRun]) -> None:
    for label in trainings(runs[-1]):
        assert "is already in the store" in "\n".join(whole.airflow.api.log(runs[-1].task(label)))


def test_the_event_of_the_report_carries_looks_and_rulings(whole: WholeAirflow, runs: list[FinishedRun]) -> None:
    told = []
    for run in runs:
        [event] = [e for e in whole.airflow.api.asset_events(run.run_id) if e["name"] == "imdb_report"]
        told.append(event["extra"])
    assert [each["looks"] for each in told] == [[1], [1, 2], [1, 2]]
    assert set(told[0]["rulings"]) == {"cell", "stability", "batch", "size"}


def test_the_study_page_shows_the_runs_as_one_line_that_grows(whole: WholeAirflow, runs: list[FinishedRun]) -> None:
    page = whole.ask("GET", "/imdb-study/").text
    for run in runs:
        assert run.run_id in page
    assert "replicates 1 → 2" in page
