"""The Airflow that `make demo` starts, on ports that nobody else prefers."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from scripts import local_airflow, mail_catcher
from scripts.home import Home
from scripts.local_airflow import LocalAirflow, Shutdown
from scripts.mail_catcher import MailCatcher


@contextmanager
def started(folder: Path, **environment: str) -> Iterator[tuple[LocalAirflow, MailCatcher]]:
    """Start it in an empty folder, with the server that catches its mail, and more in its environment."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IMDB_AIRFLOW_HOME", str(folder))
        patch.delenv("IMDB_STORE", raising=False)
        for module in (local_airflow, mail_catcher):
            patch.setattr(module, "PREFERRED_PORT", 0)
        patch.setattr(local_airflow, "PATIENCE", 400.0)  # seconds; other tests run beside this one
        home = Home.from_environment()
        with home.locked(), MailCatcher(home.root / "mail") as mail:
            airflow = LocalAirflow(home, Shutdown(), smtp_port=mail.port)
            airflow.components.environment |= environment
            with airflow:
                yield airflow, mail
