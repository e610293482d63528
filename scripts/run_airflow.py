"""One command of the local Airflow, in its own environment: ``python -m scripts.run_airflow tasks test ...``."""

import os
import sys

from scripts.home import Home, environment
from scripts.local_airflow import PREFERRED_PORT as API_PORT
from scripts.mail_catcher import PREFERRED_PORT as SMTP_PORT


def main() -> None:
    """Replace this process by the command; Airflow need not be up, but its database must have been made."""
    variables = environment(Home.from_environment(), port=API_PORT, smtp_port=SMTP_PORT)
    os.execve(sys.executable, [sys.executable, "-m", "airflow", *sys.argv[1:]], variables)  # noqa: S606


if __name__ == "__main__":
    main()
