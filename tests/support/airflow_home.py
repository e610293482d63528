"""An Airflow of one's own for tests: a database in a temporary folder, nothing shared with the user's."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
AIRFLOW = Path(sys.executable).with_name("airflow")


def airflow_environment(home: Path, smtp_port: int = 1) -> dict[str, str]:
    """Return the environment of an Airflow whose home, store and database are below ``home``."""
    smtp = {
        "conn_type": "smtp",
        "host": "127.0.0.1",
        "port": smtp_port,
        "extra": {"from_email": "study@example.org", "disable_tls": True, "disable_ssl": True, "retry_limit": 0},
    }
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "IMDB_", "KAGGLE_"))},
        "AIRFLOW_HOME": str(home / "airflow"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW_CONN_SMTP_DEFAULT": json.dumps(smtp),
        "IMDB_STORE": str(home / "store"),
        "IMDB_RECIPIENTS": "team@example.org",
        "IMDB_RETRY_DELAY": "1",
    }


def airflow(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run one Airflow command; output and errors together in ``stdout``."""
    return subprocess.run(
        [str(AIRFLOW), *arguments],
        env=environment,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=500,
    )
