"""Nonsense in the form: refused before anything starts, by whatever way it comes."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

from imdb_tasks.errors import SettingsError
from imdb_tasks.study import read_form
from imdb_tasks.ui.cli import commands
from tests.support.airflow_home import airflow
from tests.support.whole_airflow import WholeAirflow

CUSTOM = {"profile": "custom", "source": "sample"}
NONSENSE: dict[str, Any] = {
    "units": [0],
    "batch_sizes": [-1],
    "learning_rate": math.nan,
    "cells": [],
    "max_tokens": 0,
    "recipients": ["nobody"],
}
TOO_MANY = {"units": list(range(1, 101)), "batch_sizes": list(range(1, 51))}  # 10,000 variants, with two cells
ONE_BY_ONE = [
    *({name: value} for name, value in NONSENSE.items() if name != "learning_rate"),
    {"learning_rate": 0},
    {"learning_rate": 1e9},
    {"units": [10**9]},
    {"batch_sizes": [10**9]},
    {"units": ["64"]},
    {"units": 64},
    {"epochs": 1.5},
    {"replicates": 0},
    {"profile": "slow"},
    {"source": "ftp"},
    {"reviews_sha256": "abc"},
]


def complaints(message: str) -> list[str]:
    return [name for name in NONSENSE if f"{name}" not in message]


def test_all_problems_are_named_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        read_form({**CUSTOM, **NONSENSE})
    assert complaints(str(caught.value)) == []


def test_a_grid_of_ten_thousand_is_refused() -> None:
    with pytest.raises(SettingsError, match="the grid has 10,000 variants; at most 1,000"):
        read_form({**CUSTOM, **TOO_MANY, "notify": "never"})


def test_the_command_line_names_all_problems_and_touches_no_store(tmp_path: Path, capsys) -> None:
    store = tmp_path / "store"
    fields = [
        word for name, value in {**CUSTOM, **NONSENSE}.items() for word in ("--set", f"{name}={json.dumps(value)}")
    ]
    assert commands.main(["study", "--store", str(store), "--set", "notify=always", *fields]) == 1
    assert complaints(capsys.readouterr().err) == []
    assert not store.exists()


@pytest.mark.parametrize("fields", ONE_BY_ONE, ids=json.dumps)
def test_the_interface_refuses_it_and_makes_no_run(whole: WholeAirflow, fields: dict[str, Any]) -> None:
    """The form of Airflow's pages sends the same request, and checks the same schema."""
    before = runs(whole)
    answer = whole.trigger({**CUSTOM, **fields})
    assert answer.status_code == 400, answer.text
    [name] = fields
    assert f"Invalid input for param {name}" in answer.json()["detail"]
    assert runs(whole) == before


def runs(whole: WholeAirflow) -> int:
    answer = whole.ask("GET", "/api/v2/dags/imdb_study/dagRuns", params={"limit": 1})
    return int(answer.raise_for_status().json()["total_entries"])


def test_a_number_that_is_none_makes_no_run(whole: WholeAirflow) -> None:
    before = runs(whole)
    answer = whole.trigger('{"profile": "custom", "source": "sample", "learning_rate": NaN}')
    assert answer.is_client_error, answer.text
    assert runs(whole) == before


def test_what_no_schema_can_say_is_refused_by_the_first_task_before_any_work(whole: WholeAirflow) -> None:
    entries = sorted(path.name for path in Path(whole.store.where).glob("*/*"))
    run = whole.finished({**CUSTOM, **TOO_MANY})
    states = run.states()
    assert states.pop("plan") == "failed"
    assert set(states.values()) == {"upstream_failed"}
    assert run.task("plan")["try_number"] == 1
    log = "\n".join(whole.airflow.api.log(run.task("plan")))
    assert "the grid has 10,000 variants; at most 1,000" in log
    assert sorted(path.name for path in Path(whole.store.where).glob("*/*")) == entries


def test_the_command_dags_test_refuses_it(whole: WholeAirflow) -> None:
    conf = json.dumps({**CUSTOM, "units": [0], "batch_sizes": [-1]})
    done = airflow(whole.airflow.components.environment, "dags", "test", "imdb_study", "2026-03-02", "--conf", conf)
    assert done.returncode != 0
    assert "Invalid input for param units" in done.stdout
