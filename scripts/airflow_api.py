"""The few requests that the local runner makes to Airflow's REST interface."""

import datetime
import time
from collections.abc import Mapping
from typing import Any, Self

import httpx

PAGE = 100  # Airflow's own limit
TRIES = 5  # SQLite has one writer at a time; on a busy machine Airflow's API server may wait in vain


class AirflowApi:
    """A client that signs in by itself, again when its token has expired."""

    def __init__(self, url: str, user: str, password: str) -> None:
        self.url = url
        self._user, self._password = user, password
        # The machine's proxy settings are not for the loopback interface.
        # Airflow's server closes a connection that was idle for five seconds, as httpx would: a request that is sent at
        # that moment fails.
        limits = httpx.Limits(keepalive_expiry=2)
        self._client = httpx.Client(base_url=url, trust_env=False, timeout=30, limits=limits)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def health(self) -> dict[str, Any]:
        """Return the state of the database, the scheduler and the dag-processor."""
        return dict(self._client.get("/api/v2/monitor/health", timeout=5).raise_for_status().json())

    def set_pool(self, name: str, slots: int, description: str) -> None:
        """Make a pool, or change it."""
        pool = {"name": name, "slots": slots, "description": description, "include_deferred": False}
        if self._send("GET", f"/pools/{name}").status_code == httpx.codes.NOT_FOUND:
            self._send("POST", "/pools", json=pool).raise_for_status()
        else:
            self._send("PATCH", f"/pools/{name}", json=pool).raise_for_status()

    def parsed_at(self, dag: str) -> datetime.datetime | None:
        """Return when the dag-processor last read the DAG; None if it never did."""
        answer = self._send("GET", f"/dags/{dag}")
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        parsed = answer.raise_for_status().json()["last_parsed_time"]
        return datetime.datetime.fromisoformat(parsed) if parsed else None

    def import_errors(self) -> list[str]:
        """Return what the dag-processor could not import, with the reason."""
        errors = self._send("GET", "/importErrors").raise_for_status().json()["import_errors"]
        return [f"{error['filename']}\n{error['stack_trace']}" for error in errors]

    def unpause(self, dag: str) -> None:
        """Let the scheduler run the DAG."""
        self._send("PATCH", f"/dags/{dag}", json={"is_paused": False}).raise_for_status()

    def end_unfinished_runs(self, dag: str) -> None:
        """Mark as failed what an earlier Airflow left unfinished, so that it does not go on beside a new run."""
        unfinished = {"state": ["running", "queued"], "limit": PAGE}
        for run in self._send("GET", f"/dags/{dag}/dagRuns", params=unfinished).raise_for_status().json()["dag_runs"]:
            path = f"/dags/{dag}/dagRuns/{run['dag_run_id']}"
            self._send("PATCH", path, json={"state": "failed"}).raise_for_status()

    def trigger(self, dag: str, conf: Mapping[str, Any]) -> str:
        """Start a run and return its id.

        Raises:
            ValueError: Airflow finds fault with ``conf``.

        """
        # An id of our own: a request that is sent again meets its own run, not a second one.
        run = f"local__{datetime.datetime.now(datetime.UTC):%Y-%m-%dT%H:%M:%S.%f}"
        # Airflow wants the key "logical_date", even when there is no date.
        answer = self._send(
            "POST", f"/dags/{dag}/dagRuns", json={"dag_run_id": run, "logical_date": None, "conf": dict(conf)}
        )
        if answer.is_client_error and answer.status_code != httpx.codes.CONFLICT:
            raise ValueError(f"Airflow refuses the run: {answer.json().get('detail', answer.text)}")
        if answer.is_server_error:
            answer.raise_for_status()
        return run

    def state(self, dag: str, run: str) -> str:
        """Return the state of a run."""
        return str(self._send("GET", f"/dags/{dag}/dagRuns/{run}").raise_for_status().json()["state"])

    def end(self, dag: str, run: str) -> str | None:
        """Return how a run ended; None before its end, and while the API server is away or too busy to answer."""
        try:
            state = self.state(dag, run)
        except httpx.HTTPError:
            return None
        return state if state in ("success", "failed") else None

    def tasks(self, dag: str, run: str) -> list[dict[str, Any]]:
        """Return every task instance of a run, mapped ones included."""
        found: list[dict[str, Any]] = []
        while True:
            page = self._send(
                "GET", f"/dags/{dag}/dagRuns/{run}/taskInstances", params={"limit": PAGE, "offset": len(found)}
            )
            body = page.raise_for_status().json()
            found += body["task_instances"]
            if not body["task_instances"] or len(found) >= body["total_entries"]:
                return found

    def asset_events(self, run: str) -> list[dict[str, Any]]:
        """Return what the tasks of a run have announced."""
        answer = self._send("GET", "/assets/events", params={"source_run_id": run, "limit": PAGE})
        return list(answer.raise_for_status().json()["asset_events"])

    def log(self, task: Mapping[str, Any]) -> list[str]:
        """Return the lines of the log of a task instance's last try."""
        path = f"/dags/{task['dag_id']}/dagRuns/{task['dag_run_id']}/taskInstances/{task['task_id']}"
        answer = self._send(
            "GET", f"{path}/logs/{task['try_number']}", params={"map_index": task["map_index"], "full_content": True}
        )
        content = answer.raise_for_status().json()["content"]
        return [line if isinstance(line, str) else _as_text(line) for line in content]

    def page(self, path: str) -> bytes:
        """Return a page of a plugin, as the signed-in user gets it."""
        return self.send("GET", path).raise_for_status().content

    def send(self, method: str, path: str, **request: Any) -> httpx.Response:
        """Send a request; again where the token has expired, or the server fails or closes the connection."""
        for wait in range(TRIES):
            try:
                answer = self._client.request(method, path, **request)
            except (httpx.ReadError, httpx.RemoteProtocolError):
                if wait == TRIES - 1:
                    raise
                time.sleep(wait)
                continue
            if answer.status_code == httpx.codes.UNAUTHORIZED:
                self.sign_in()
            elif answer.is_server_error:
                time.sleep(wait)
            else:
                break
        return answer

    def sign_in(self) -> str:
        """Return a token for the user; what is sent from now on has it."""
        person = {"username": self._user, "password": self._password}
        token = self._client.post("/auth/token", json=person).raise_for_status().json()["access_token"]
        self._client.headers["Authorization"] = f"Bearer {token}"
        return str(token)

    def _send(self, method: str, path: str, **request: Any) -> httpx.Response:
        return self.send(method, f"/api/v2{path}", **request)


def _as_text(record: Mapping[str, Any]) -> str:
    errors = [f"{error['exc_type']}: {error['exc_value']}" for error in record.get("error_detail") or ()]
    return "  ".join(filter(None, [str(record.get("level") or ""), str(record["event"]), *errors]))
