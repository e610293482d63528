"""A whole Airflow for the fault tests: FAB logins as in production, a mail server that wants a password, a Kaggle.

Its secrets are canaries: words that must be found nowhere but where they were put.
"""

import datetime
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
import pytest

from imdb_tasks.store import Store
from scripts import local_airflow
from scripts.airflow_api import AirflowApi
from scripts.home import Home
from scripts.local_airflow import DAG, LocalAirflow, Shutdown
from tests.support.smtp_servers import USER, BadMailServer
from tests.support.stand_ins import KaggleStandIn, kaggle_at

SECOND, EVERY_MINUTE = "imdb_second", "imdb_every_minute"
STUDIES: dict[str, dict[str, Any]] = {
    DAG: {"schedule": "none"},
    SECOND: {"schedule": "none", "source": "sample", "replicates": 2},
    # Its plan fails unless a scheduled run takes "notify" from here: there is no such connection.
    EVERY_MINUTE: {"schedule": "* * * * *", "source": "sample", "notify": "never", "smtp_connection": "no_such"},
}
# Of the user "second": to read this one DAG and what belongs to its runs.
RIGHTS_OF_SECOND = [("can_read", name) for name in (f"DAG:{SECOND}", "DAG Runs", "Task Instances", "Website")]
ENDED = ("success", "failed")
CANARIES = {
    "the password of the mail server": "canary/smtp+5f2c7a=",
    "the key of the Kaggle connection": "canary/kaggle+connection-91be04",
    "KAGGLE_KEY": "canary-kaggle-key-3d88f1",
    "KAGGLE_API_TOKEN": "canary-kaggle-token-c40d2e",
}
ADD_USERS = """
import json, sys
from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder
with get_application_builder() as builder:
    builder.sm.add_role("Nobody")
    second = builder.sm.add_role("Second")
    for action, resource in json.loads(sys.argv[1]):
        builder.sm.add_permission_to_role(second, builder.sm.create_permission(action, resource))
    for name, (role, password) in json.load(sys.stdin).items():
        added = builder.sm.add_user(name, name, name, f"{name}@example.org", builder.sm.find_role(role), password)
        assert added, name
"""


@dataclass(frozen=True)
class WholeAirflow:
    """What runs, and what it talks to."""

    airflow: LocalAirflow
    mail: BadMailServer
    kaggle: KaggleStandIn
    passwords: Mapping[str, str]

    @property
    def home(self) -> Path:
        return self.airflow.home.root

    @property
    def store(self) -> Store:
        return Store(self.airflow.home.store)

    @property
    def url(self) -> str:
        return self.airflow.api.url

    @cached_property
    def _clients(self) -> dict[str, AirflowApi]:
        return {user: AirflowApi(self.url, user, password) for user, password in self.passwords.items()}

    @cached_property
    def _tokens(self) -> dict[str, str]:
        return {}

    def close(self) -> None:
        """Close the clients' connections."""
        for client in self._clients.values():
            client.close()

    def token(self, user: str) -> str:
        """Sign a user in, once."""
        if user not in self._tokens:
            self._tokens[user] = self._clients[user].sign_in()
        return self._tokens[user]

    def ask(self, method: str, path: str, *, user: str = "admin", **request: Any) -> httpx.Response:
        """Send a request as a user."""
        as_json = {"Content-Type": "application/json"}
        return self._clients[user].send(method, path, headers=as_json, timeout=60, **request)

    def trigger(self, conf: Mapping[str, Any] | str) -> httpx.Response:
        """Ask for a run as any client would; ``conf`` as text is sent to the letter."""
        text = conf if isinstance(conf, str) else json.dumps(conf)
        # A request that is sent again meets its own run, not a second one.
        run = f"asked__{datetime.datetime.now(datetime.UTC):%Y-%m-%dT%H:%M:%S.%f}"
        body = f'{{"dag_run_id": "{run}", "logical_date": null, "conf": {text}}}'
        answer = self.ask("POST", f"/api/v2/dags/{DAG}/dagRuns", content=body)
        if answer.status_code == httpx.codes.CONFLICT:
            return self.ask("GET", f"/api/v2/dags/{DAG}/dagRuns/{run}")
        return answer

    def finished(
        self, conf: Mapping[str, Any] | str, *, after_the_plan: Callable[[], None] = lambda: None
    ) -> "FinishedRun":
        """Trigger a run and wait for its end; call ``after_the_plan`` once that has succeeded."""
        answer = self.trigger(conf)
        assert answer.is_success, answer.text
        return self.ended(answer.json()["dag_run_id"], after_the_plan=after_the_plan)

    def ended(self, run: str, *, after_the_plan: Callable[[], None] = lambda: None) -> "FinishedRun":
        """Wait for the end of a run."""
        planned = False
        while (state := self.airflow.api.state(DAG, run)) not in ENDED:
            self.airflow.components.check()
            if not planned and FinishedRun(run, state, self.airflow.api.tasks(DAG, run)).states()["plan"] == "success":
                planned = True
                after_the_plan()
            time.sleep(0.5)
        return FinishedRun(run, state, self.airflow.api.tasks(DAG, run))


@dataclass(frozen=True)
class FinishedRun:
    """A run that has ended, and its task instances."""

    run_id: str
    state: str
    tasks: list[dict[str, Any]]

    def states(self) -> dict[str, str]:
        """Return the state of each task; mapped ones go by their variant's title."""
        return {str(task.get("rendered_map_index") or task["task_id"]): str(task["state"]) for task in self.tasks}

    def task(self, name: str) -> dict[str, Any]:
        return next(task for task in self.tasks if name in (task["task_id"], task.get("rendered_map_index")))


@contextmanager
def running(folder: Path) -> Iterator[WholeAirflow]:
    """Start everything in an empty folder."""
    mail = BadMailServer(password=CANARIES["the password of the mail server"])
    with pytest.MonkeyPatch.context() as patch, mail, KaggleStandIn(b"") as kaggle:
        patch.setenv("IMDB_AIRFLOW_HOME", str(folder))
        patch.setattr(local_airflow, "PREFERRED_PORT", 0)  # any that is free
        patch.setattr(local_airflow, "PATIENCE", 400.0)  # seconds; other tests may run beside this one
        home = Home.from_environment()
        airflow = LocalAirflow(home, Shutdown(), smtp_port=mail.port)
        airflow.components.environment |= _environment(home, mail, kaggle)
        home.root.joinpath("person").mkdir()
        others = {"reader": "reader-7d1", "nobody": "nobody-4e9", "second": "second-a52"}
        passwords = {"admin": home.password, **others}
        airflow._migrate()
        _add_users(airflow.components.environment, passwords)
        with home.locked(), airflow:
            airflow.api.unpause(DAG)
            airflow.api.unpause(SECOND)
            whole = WholeAirflow(airflow, mail, kaggle, passwords)
            yield whole
            whole.close()


def _environment(home: Home, mail: BadMailServer, kaggle: KaggleStandIn) -> dict[str, str]:
    extra = {"from_email": "study@example.org", "disable_tls": True, "disable_ssl": True, "timeout": 10}
    smtp = {"conn_type": "smtp", "host": "127.0.0.1", "port": mail.port, "login": USER, "password": mail.password}
    return {
        "AIRFLOW__CORE__AUTH_MANAGER": "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager",
        "AIRFLOW__SCHEDULER__USE_JOB_SCHEDULE": "True",
        "AIRFLOW_CONN_SMTP_DEFAULT": json.dumps({**smtp, "extra": {**extra, "retry_limit": 0}}),
        "HOME": str(home.root / "person"),
        "IMDB_RECIPIENTS": "team@example.org",
        "IMDB_RETRY_DELAY": "1",
        "IMDB_STUDIES": json.dumps(STUDIES),
        "IMDB_STORE": str(home.store),
        "BROWSER_PATH": str(home.root / "no-such-browser"),  # pictures are not what these tests are about
        **kaggle_at(kaggle),
        **{name: word for name, word in CANARIES.items() if name.startswith("KAGGLE_")},
    }


def _add_users(environment: Mapping[str, str], passwords: Mapping[str, str]) -> None:
    roles = {"admin": "Admin", "reader": "Viewer", "nobody": "Nobody", "second": "Second"}
    users = json.dumps({name: (roles[name], password) for name, password in passwords.items()})
    command = [sys.executable, "-c", ADD_USERS, json.dumps(RIGHTS_OF_SECOND)]
    done = subprocess.run(command, env=dict(environment), input=users, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
