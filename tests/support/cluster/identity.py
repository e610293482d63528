"""What a service calls itself where all share one machine: the loopback address that it has to itself."""

import os


def address() -> str:
    """Return the address; Airflow asks for it as ``[core] hostname_callable``."""
    return os.environ["SERVICE_ADDRESS"]
