"""The README's section on an Airflow of one's own, to the letter: from an empty folder to a study that ends well."""

import json
import os
import re
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from scripts.home import free_port
from scripts.mail_catcher import MailCatcher
from tests.support.inbox import Inbox

ROOT = Path(__file__).parents[1]
PATIENCE = 1_000  # seconds for the study, on a machine with other work
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1_200)]


def blocks() -> list[str]:
    """Return the code of the section: what is to be adjusted, and what is to be typed."""
    section = ROOT.joinpath("README.md").read_text("utf8").partition("## On an Airflow of your own\n")[2]
    return re.findall(r"^```\n(.*?)^```$", section.partition("\n## ")[0], re.MULTILINE | re.DOTALL)


@contextmanager
def typed(commands: str, folder: Path, environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Type the commands into a shell; at the end nothing that they started is left."""
    with folder.joinpath("output").open("wb") as output:
        shell = subprocess.Popen(
            ["bash", "-e", "-c", commands], cwd=folder / "empty", env=environment, stdout=output, stderr=output
        )
    try:
        yield shell
    finally:
        started = list[psutil.Process]()
        with suppress(psutil.NoSuchProcess):
            started = [psutil.Process(shell.pid), *psutil.Process(shell.pid).children(recursive=True)]
        for process in started:
            with suppress(psutil.NoSuchProcess):
                process.terminate()
        _, alive = psutil.wait_procs(started, timeout=20)
        for process in alive:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        shell.wait()


def state_of_run(home: Path) -> str | None:
    """Return the state of the only run; None before there is one."""
    database = home / "airflow.db"
    if not database.exists():
        return None
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=30)
    try:
        found = connection.execute("select state from dag_run").fetchall()
    except sqlite3.OperationalError:  # the table is not made yet
        return None
    finally:
        connection.close()
    assert len(found) <= 1
    return found[0][0] if found else None


def surroundings(folder: Path) -> dict[str, str]:
    """Return the environment of a person who has Python and uv, and ports that nobody else listens to."""
    tools = folder / "bin"
    tools.mkdir()
    tools.joinpath("uv").symlink_to(Path(sys.executable).with_name("uv"))
    tools.joinpath("python3").symlink_to(Path(sys.base_prefix, "bin", f"python3.{sys.version_info.minor}"))
    kept = {
        name: value
        for name, value in os.environ.items()
        if not re.match("AIRFLOW|IMDB_|KAGGLE|PYTHON|VIRTUAL|UV_PYTHON", name)
    }
    port = free_port(0)
    return {
        **kept,
        "PATH": f"{tools}:/usr/bin:/bin",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__BASE_URL": f"http://127.0.0.1:{port}",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(free_port(0)),
        "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(free_port(0)),
        "BROWSER_PATH": str(folder / "no-such-browser"),  # pictures are not what this is about
    }


def test_the_commands_of_the_readme_lead_from_an_empty_folder_to_a_mailed_report(tmp_path: Path) -> None:
    adjusted, commands = blocks()
    tmp_path.joinpath("empty").mkdir()
    with MailCatcher(tmp_path / "mail") as catcher:
        extra = {"from_email": "study@example.org", "disable_ssl": True, "disable_tls": True}
        smtp = {"conn_type": "smtp", "host": "127.0.0.1", "port": catcher.port, "extra": extra}
        ours = {"PROJECT": str(ROOT), "IMDB_RECIPIENTS": "a@example.org", "AIRFLOW_CONN_SMTP_DEFAULT": json.dumps(smtp)}
        assert re.findall(r"^export (\w+)=", adjusted, re.MULTILINE) == list(ours)
        with typed(commands, tmp_path, surroundings(tmp_path) | ours) as shell:
            deadline = time.monotonic() + PATIENCE
            while (state := state_of_run(tmp_path / "empty" / "airflow")) not in ("success", "failed"):
                told = tmp_path.joinpath("output").read_text("utf8", "replace")
                assert shell.poll() is None, told[-5_000:]
                assert time.monotonic() < deadline, told[-5_000:]
                time.sleep(2)
        assert state == "success", tmp_path.joinpath("output").read_text("utf8", "replace")[-5_000:]
        [mail] = Inbox(catcher).mails
    assert mail["To"] == "a@example.org"
    [report] = tmp_path.glob("empty/store/reports/*/report.html")
    assert "LSTM" in report.read_text("utf8")
