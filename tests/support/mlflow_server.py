"""A real MLflow server on loopback, with its own database and artifacts.

Its packages keep others back, so it has an environment of its own: made when it is needed, and kept in .local.
"""

import fcntl
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from scripts.home import free_port

ROOT = Path(__file__).parents[2]
REQUIREMENTS = ROOT / "requirements-mlflow.txt"
ENVIRONMENT = ROOT / ".local" / "mlflow"


def server_python() -> Path:
    """Return the interpreter that has MLflow's server, exactly as requirements-mlflow.txt pins it."""
    python, stamp = ENVIRONMENT / "bin" / "python", ENVIRONMENT / "made-from"
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    ENVIRONMENT.parent.mkdir(exist_ok=True)
    with ENVIRONMENT.with_suffix(".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stamp.exists() or stamp.read_text() != wanted:
            shutil.rmtree(ENVIRONMENT, ignore_errors=True)
            _uv("venv", "--python", sys.executable, str(ENVIRONMENT))
            _uv("pip", "install", "--python", str(python), "--require-hashes", "--requirement", str(REQUIREMENTS))
            stamp.write_text(wanted)
    return python


def _uv(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "uv", *arguments, "--quiet"], check=True)


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Start the server in an empty folder; yield its address."""
    port = free_port(5000)
    url = f"http://127.0.0.1:{port}"
    command = [
        str(server_python()),
        "-m",
        "mlflow",
        "server",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--workers",
        "1",
    ]
    command += [
        "--backend-store-uri",
        f"sqlite:///{folder}/mlflow.db",
        "--artifacts-destination",
        f"{folder}/artifacts",
    ]
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW", "PYTHON"))}
    environment = {**inherited, "MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with folder.joinpath("server.log").open("wb") as log:
        server = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True)
        try:
            _wait(url, server, folder / "server.log")
            yield url
        finally:
            os.killpg(server.pid, signal.SIGTERM)
            server.wait(60)


def _wait(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(600):
        assert server.poll() is None, log.read_text()
        try:
            if httpx.get(f"{url}/health", trust_env=False).is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.5)
    raise AssertionError(log.read_text())
