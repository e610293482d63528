"""What the entry point of PostgreSQL's image does, with the PostgreSQL of this machine."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.support.cluster.compose import Service


def postgres(service: Service, data: Path, address: str, environment: Mapping[str, str]) -> list[str]:
    """Return the command of the server, as its own user; make the database first where there is none."""
    # PostgreSQL refuses to run as root.
    as_postgres = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"] if os.getuid() == 0 else []
    if not data.exists():
        data.mkdir()
        if as_postgres:
            shutil.chown(data, "postgres", "postgres")
        user, password, name = (service.environment[f"POSTGRES_{part}"] for part in ("USER", "PASSWORD", "DB"))
        wanted = f"ALTER USER {user} PASSWORD '{password}'\nCREATE DATABASE {name}\n"
        for command in (
            ["initdb", "-D", str(data), "-U", user, "-A", "trust"],
            ["postgres", "--single", "-D", str(data), "postgres"],
        ):
            whole = [*as_postgres, *command]
            done = subprocess.run(whole, env=environment, input=wanted, capture_output=True, text=True)
            if done.returncode:
                raise RuntimeError(f"{' '.join(whole)} ended with {done.returncode}\n{done.stdout}{done.stderr}")
        data.joinpath("pg_hba.conf").write_text("host all all 127.0.0.0/8 scram-sha-256\n")
    listening = ["-c", f"listen_addresses={address}", "-c", "unix_socket_directories="]
    return [*as_postgres, "postgres", "-D", str(data), *listening]
