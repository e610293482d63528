"""The versions of Airflow that this DAG works with; checked first, before a missing name would say less."""

from __future__ import annotations

import logging
import re

import airflow

SUPPORTED = ">=3.3,<3.4"  # as in pyproject.toml
FIRST, BEYOND = (3, 3), (3, 4)


def check_airflow() -> None:
    """Raise ImportError for an Airflow that is too old; log a warning for one that this release was not tested with."""
    found = tuple(map(int, re.findall(r"\d+", airflow.__version__)[:2]))
    told = f"this DAG needs Apache Airflow {SUPPORTED}, found {airflow.__version__}"
    if found < FIRST:
        raise ImportError(f"{told}; install 'apache-airflow{SUPPORTED}'")
    if found >= BEYOND:
        logging.getLogger(__name__).warning("%s, which it was not tested with; look for a newer release of it", told)


check_airflow()
