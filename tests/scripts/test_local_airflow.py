"""The runner of a local Airflow, as far as it can be tested without one. The real thing is `make demo`."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time

import httpx
import pytest
import sqlalchemy

from scripts import components, home, local_airflow
from scripts.airflow_api import AirflowApi
from scripts.local_airflow import Shutdown
from tests.support.airflow_home import ROOT

RUN = "local__2026-11-23"


@pytest.fixture
def own_home(tmp_path, monkeypatch):
    monkeypatch.setenv("IMDB_AIRFLOW_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("IMDB_STORE", raising=False)
    monkeypatch.delenv("IMDB_RECIPIENTS", raising=False)
    return home.Home.from_environment()


def test_a_port_in_use_is_not_chosen():
    with socket.socket() as taken:
        taken.bind((home.LOOPBACK, 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert home.free_port(port) != port
    assert home.free_port(port) == port


def test_the_environment_is_complete_and_nothing_of_another_airflow_leaks_in(own_home, monkeypatch):
    monkeypatch.setenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "postgresql://production")
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", "aws://")
    monkeypatch.setenv("NO_PROXY", "intranet")
    found = home.environment(own_home, port=8081, smtp_port=1026)
    assert found["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] == f"sqlite:///{own_home.root}/airflow.db"
    assert "AIRFLOW_CONN_AWS_DEFAULT" not in found
    assert found["AIRFLOW__API__PORT"] == "8081"
    assert found["AIRFLOW__API__HOST"] == "127.0.0.1"
    assert found["AIRFLOW__API__BASE_URL"] == "http://127.0.0.1:8081"
    assert found["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] == "http://127.0.0.1:8081/execution/"
    assert found["NO_PROXY"] == "intranet,127.0.0.1,localhost"
    assert found["IMDB_RECIPIENTS"] == "you@example.org"
    assert found["IMDB_STORE"] == str(own_home.root / "store")
    assert json.loads(found["AIRFLOW_CONN_SMTP_DEFAULT"])["port"] == 1026


@pytest.mark.parametrize("name", ["x%41", "what?", "a b", "50%"])
def test_the_address_of_the_database_leads_to_its_file_whatever_the_folder_is_called(tmp_path, monkeypatch, name):
    monkeypatch.setenv("IMDB_AIRFLOW_HOME", str(tmp_path / name))
    own = home.Home.from_environment()
    address = home.environment(own, port=8081, smtp_port=1026)["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"]
    with sqlalchemy.create_engine(address).connect() as connection:
        connection.execute(sqlalchemy.text("create table t (x)"))
    assert own.database.stat().st_size > 0


def test_a_home_that_cannot_be_made_is_named_in_one_line(tmp_path):
    in_the_way = tmp_path / "file"
    in_the_way.write_text("")
    command = [sys.executable, "-m", "scripts.local_airflow"]
    environment = {**os.environ, "IMDB_AIRFLOW_HOME": str(in_the_way / "home")}
    done = subprocess.run(command, cwd=home.PROJECT, env=environment, capture_output=True, text=True)
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert line.startswith(f"{in_the_way}/home: expected a place that this user can read and write")


def test_secrets_are_random_private_and_kept(own_home):
    keys, password = own_home.keys(), own_home.password
    assert (own_home.keys(), own_home.password) == (keys, password)
    assert len(set(keys.values())) == 3
    for name in ("keys.json", "passwords.json"):
        assert stat.S_IMODE((own_home.root / name).stat().st_mode) == 0o600


def test_a_home_serves_one_airflow_at_a_time(own_home):
    with own_home.locked(), pytest.raises(home.HomeInUseError, match="another Airflow"), own_home.locked():
        pass
    with own_home.locked():
        pass


def test_the_number_of_trainings_can_be_chosen(monkeypatch):
    monkeypatch.setenv("IMDB_TRAINING_SLOTS", "7")
    assert home.training_slots() == 7
    monkeypatch.delenv("IMDB_TRAINING_SLOTS")
    assert 1 <= home.training_slots() <= home.cores()


def test_a_number_of_trainings_that_makes_no_sense_stops_the_start(tmp_path):
    environment = {**os.environ, "IMDB_AIRFLOW_HOME": str(tmp_path), "IMDB_TRAINING_SLOTS": "many"}
    command = [sys.executable, "-m", "scripts.local_airflow"]
    done = subprocess.run(command, cwd=home.PROJECT, env=environment, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == "IMDB_TRAINING_SLOTS: expected a whole number from 1, found 'many'\n"


CHILD_IN_A_SESSION_OF_ITS_OWN = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
told = "import time; print('started', flush=True); time.sleep(60)"
subprocess.Popen([sys.executable, "-c", told], start_new_session=True)
time.sleep(60)
"""


def test_no_process_is_left_not_even_a_stubborn_one_or_one_in_another_session(own_home, monkeypatch):
    monkeypatch.setattr(components, "GRACE", 0.3)
    marked = {**os.environ, home.MARK: str(own_home.root)}
    # Not started by the Components below: what a runner that was killed left behind.
    with subprocess.Popen(
        [sys.executable, "-c", CHILD_IN_A_SESSION_OF_ITS_OWN], env=marked, start_new_session=True, stdout=-1
    ) as child:
        assert child.stdout
        child.stdout.readline()
        family = components.Components(marked, own_home.logs)
        assert len(family.alive()) == 2
        family.stop()
        assert family.alive() == []


def test_a_component_that_ends_is_named_with_the_end_of_its_log(own_home):
    family = components.Components({**os.environ, home.MARK: str(own_home.root)}, own_home.logs)
    family.log_of("scheduler").write_text("why it ended\n")
    family._processes["scheduler"] = subprocess.Popen([sys.executable, "-c", "raise SystemExit(3)"])
    family._processes["scheduler"].wait()
    with pytest.raises(components.ComponentError, match=r"scheduler ended with code 3(?s:.*)why it ended"):
        family.check()


@pytest.mark.parametrize(("beat", "healthy"), [("12:00:01", True), ("11:59:59", False)])
def test_a_heartbeat_from_before_the_start_is_no_sign_of_health(beat, healthy):
    class Api:
        def health(self):
            return {
                "metadatabase": {"status": "healthy"},
                "scheduler": {"status": "healthy", "latest_scheduler_heartbeat": f"2026-11-23T{beat}+00:00"},
                "dag_processor": {"status": "healthy", "latest_dag_processor_heartbeat": f"2026-11-23T{beat}+00:00"},
            }

    began = local_airflow.datetime.datetime(2026, 11, 23, 12, tzinfo=local_airflow.datetime.UTC)
    faults = local_airflow.unhealthy(Api(), began)
    assert set(faults) == (set() if healthy else {"scheduler", "dag-processor"})


def answering(handler):
    api = AirflowApi("http://airflow", "admin", "password")
    api._client = httpx.Client(base_url=api.url, transport=httpx.MockTransport(handler))
    return api


def test_an_expired_token_is_renewed_and_a_run_is_made_once(monkeypatch):
    monkeypatch.setattr(time, "sleep", lambda _: None)
    runs = []

    def handler(request):
        if request.url.path == "/auth/token":
            return httpx.Response(201, json={"access_token": "new"})
        if request.headers.get("Authorization") != "Bearer new":
            return httpx.Response(401)
        runs.append(json.loads(request.content))
        return httpx.Response(500 if len(runs) == 1 else 409)  # made, but the answer got lost; then: it exists

    with answering(handler) as api:
        assert api.trigger("imdb_study", {"profile": "quick"}) == runs[0]["dag_run_id"] == runs[1]["dag_run_id"]
    assert runs[0]["logical_date"] is None


def test_a_connection_that_the_server_closes_on_the_way_is_opened_again(monkeypatch):
    monkeypatch.setattr(time, "sleep", lambda _: None)
    asked = []

    def handler(request):
        asked.append(request.url.path)
        if len(asked) < 3:
            raise httpx.ReadError("Connection reset by peer", request=request)
        return httpx.Response(200, json={"state": "success"})

    with answering(handler) as api:
        assert api.state("imdb_study", "run") == "success"
    assert len(asked) == 3


def test_a_refused_form_says_why():
    refusing = answering(lambda _: httpx.Response(400, json={"detail": "epochs: -1"}))
    with refusing as api, pytest.raises(ValueError, match="epochs: -1"):
        api.trigger("imdb_study", {})


def test_every_page_of_task_instances_is_read():
    def handler(request):
        start = int(request.url.params["offset"])
        page = [{"map_index": index} for index in range(start, min(start + 100, 250))]
        return httpx.Response(200, json={"task_instances": page, "total_entries": 250})

    with answering(handler) as api:
        assert [task["map_index"] for task in api.tasks("imdb_study", RUN)] == list(range(250))


def test_a_closed_terminal_does_not_keep_the_clean_up_from_going_on(tmp_path):
    script = "from scripts.local_airflow import say; import pathlib; say('Stopping'); pathlib.Path('done').touch()"
    reading, writing = os.pipe()
    os.close(reading)
    try:
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        subprocess.run([sys.executable, "-c", script], stdout=writing, cwd=tmp_path, env=environment, check=False)
    finally:
        os.close(writing)
    assert (tmp_path / "done").exists()


def test_a_closed_terminal_ends_it_unless_it_was_started_with_nohup() -> None:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in numbers}
    try:
        for given in (signal.SIG_DFL, signal.SIG_IGN):
            signal.signal(signal.SIGHUP, given)
            Shutdown().install()
            assert (signal.getsignal(signal.SIGHUP) is signal.SIG_IGN) == (given is signal.SIG_IGN)
            assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
