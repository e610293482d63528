"""The folder of a local Airflow: what lies where, its secrets, its lock, and the environment of its processes."""

import base64
import contextlib
import fcntl
import json
import os
import secrets
import shutil
import socket
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from imdb_tasks.errors import DiskFullError
from imdb_tasks.settings import LocalAirflowSettings, MailSettings, StoreSettings, StudiesSettings, StudySettings
from imdb_tasks.store import explaining
from scripts.files import PROJECT, write_private

USER = "admin"
RECIPIENT = "you@example.org"
LOOPBACK = "127.0.0.1"
MARK = "IMDB_LOCAL_AIRFLOW"  # in the environment of every process of a local Airflow: the home that it belongs to
OF_A_DAG = (StudySettings, StudiesSettings)  # the local Airflow has one DAG, and runs what it is told
_GPU_DRIVER = Path("/dev/nvidiactl")  # its libraries do not promise to survive a fork
ROOM = 100_000_000  # bytes; Airflow's database, its logs, the mail of some runs
MEMORY_PER_TRAINING = 2 * 2**30  # bytes; TensorFlow, the data, and some room


class HomeInUseError(Exception):
    """Another local Airflow runs in this home."""


@dataclass(frozen=True)
class Home:
    """Where a local Airflow keeps its things."""

    root: Path

    @classmethod
    def from_environment(cls) -> "Home":
        """Open the folder that ``IMDB_AIRFLOW_HOME`` names, else ``.airflow`` in the project."""
        home = cls((LocalAirflowSettings.read().home or PROJECT / ".airflow").absolute())
        with explaining(home.root):
            home.logs.mkdir(parents=True, exist_ok=True)
        return home

    @property
    def store(self) -> Path:
        """The study's artifacts."""
        return Path(StoreSettings.read().store or self.root / "store").absolute()

    @property
    def logs(self) -> Path:
        """One file per component; Airflow keeps its task logs here too."""
        return self.root / "logs"

    @property
    def database(self) -> Path:
        """Airflow's SQLite file."""
        return self.root / "airflow.db"

    @property
    def passwords(self) -> Path:
        """The file that holds the password of the web page's only user."""
        return self.root / "passwords.json"

    @property
    def password(self) -> str:
        """The password of the web page's only user; made at the first look."""
        if not self.passwords.exists():
            write_private(self.passwords, json.dumps({USER: secrets.token_urlsafe(12)}) + "\n")
        return str(json.loads(self.passwords.read_text("utf8"))[USER])

    def keys(self) -> dict[str, str]:
        """Return the random keys that Airflow's processes share; made at the first look, then kept."""
        path = self.root / "keys.json"
        if not path.exists():
            keys = {
                "AIRFLOW__CORE__FERNET_KEY": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
                "AIRFLOW__API__SECRET_KEY": secrets.token_urlsafe(32),
                "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_urlsafe(64),
            }
            write_private(path, json.dumps(keys, indent=1) + "\n")
        return dict(json.loads(path.read_text("utf8")))

    def check_room(self, least: int = ROOM) -> None:
        """Raise DiskFullError if the disk has less than that many bytes free: Airflow itself does not say so."""
        free = shutil.disk_usage(self.root).free
        if free < least:
            raise DiskFullError(
                f"{self.root}: the disk is full: expected {least / 1e6:.0f} MB or more for Airflow's database and logs,"
                f" found {free / 1e6:.0f} MB. Free some space and give the same command again, or set "
                "IMDB_AIRFLOW_HOME to another place; finished epochs and results are kept"
            )

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep every other local Airflow out of this home."""
        with (self.root / "lock").open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise HomeInUseError(
                    f"another Airflow of this project runs in {self.root}; "
                    "stop it with Ctrl-C where it was started, or set IMDB_AIRFLOW_HOME to another folder"
                ) from None
            yield


def free_port(preferred: int) -> int:
    """Return ``preferred`` if nothing listens there, else any free port of the loopback interface."""
    for port in (preferred, 0):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do: a closing port is free
            probe.bind((LOOPBACK, port))
            return int(probe.getsockname()[1])
    raise OSError(f"no free port on {LOOPBACK}")


def cores() -> int:
    """Return how many cores this process may use."""
    with contextlib.suppress(AttributeError):  # Linux only
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def recipients() -> tuple[str, ...]:
    """Return who gets the report: those of ``IMDB_RECIPIENTS``, else an address that the mail catcher takes as well."""
    return MailSettings.read().recipients or (RECIPIENT,)


def training_slots() -> int:
    """Return how many variants may train side by side: one per core, if the memory is there."""
    import psutil

    affordable = int(psutil.virtual_memory().total // MEMORY_PER_TRAINING)
    return LocalAirflowSettings.read().slots or max(1, min(cores(), affordable))


def warm_tasks() -> bool:
    """Return whether tasks are forked from a process that has imported Keras: not where a GPU's driver is loaded."""
    asked = LocalAirflowSettings.read().warm
    return not _GPU_DRIVER.exists() if asked is None else asked


def environment(home: Home, *, port: int, smtp_port: int) -> dict[str, str]:
    """Return the environment of Airflow's processes.

    Nothing of another Airflow leaks in: ``AIRFLOW*`` variables of the shell could name a production database, and
    settings of the DAG another pool.
    """
    foreign = {str(field.validation_alias) for group in OF_A_DAG for field in group.model_fields.values()}
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW") and name not in foreign
    }
    # Airflow's own requests must not go through a proxy.
    direct = ",".join(filter(None, [os.environ.get("NO_PROXY") or os.environ.get("no_proxy"), LOOPBACK, "localhost"]))
    return {
        **inherited,
        **home.keys(),
        **_airflow_options(home, port),
        MARK: str(home.root),
        "AIRFLOW_HOME": str(home.root),
        "AIRFLOW_CONN_SMTP_DEFAULT": _mail_connection(smtp_port),
        "IMDB_STORE": str(home.store),
        "IMDB_RECIPIENTS": ",".join(recipients()),
        "NO_PROXY": direct,
        "no_proxy": direct,
        "SPT_NOENV": "1",  # setproctitle would write over the environment, and the mark with it
        "PYTHONUNBUFFERED": "1",  # a component that dies has said why
    }


def _airflow_options(home: Home, port: int) -> dict[str, str]:
    options = {
        "CORE__DAGS_FOLDER": PROJECT / "dags",
        "CORE__PLUGINS_FOLDER": PROJECT / "plugins",
        "CORE__LOAD_EXAMPLES": False,
        "CORE__EXECUTOR": "scripts.warm_executor.WarmExecutor" if warm_tasks() else "LocalExecutor",
        "CORE__PARALLELISM": max(2, cores()),
        "CORE__HOSTNAME_CALLABLE": "socket.gethostname",  # getfqdn asks a name server, and may wait for it
        "CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:admin",
        "CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": home.passwords,
        # These three go together when the port is not 8080.
        "API__PORT": port,
        "API__BASE_URL": f"http://{LOOPBACK}:{port}",
        "CORE__EXECUTION_API_SERVER_URL": f"http://{LOOPBACK}:{port}/execution/",
        "API__HOST": LOOPBACK,
        "API__WORKERS": 1,
        # A supervisor that misses the end of its task holds the slot until its next heartbeat: 5 s by default.
        "WORKERS__MIN_HEARTBEAT_INTERVAL": 1,
        # The machine may sleep or be busy with training; neither must fail a task.
        "WORKERS__MAX_FAILED_HEARTBEATS": 60,
        "WORKERS__EXECUTION_API_TIMEOUT": 30,
        # By default a task that was silent for five minutes is killed and tried again, as after a sleep of the machine.
        # Here a supervisor does not vanish without its scheduler.
        "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": 86_400,
        "SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": 0.5,
        # What runs here is what someone asked for; a weekly study is not to start because a demo unpaused the DAG.
        "SCHEDULER__USE_JOB_SCHEDULE": False,
        "DATABASE__SQL_ALCHEMY_CONN": sqlite_address(home.database),
        "LOGGING__BASE_LOG_FOLDER": home.logs,
        "LOGGING__COLORED_CONSOLE_LOG": False,
    }
    return {f"AIRFLOW__{name}": str(value) for name, value in options.items()}


def sqlite_address(file: Path) -> str:
    """Return the address of a database for SQLAlchemy, which takes ``?`` and ``%41`` in it for more than a path."""
    return f"sqlite:///{urllib.parse.quote(str(file))}"


def _mail_connection(smtp_port: int) -> str:
    extra = {"from_email": "imdb-study@localhost", "disable_tls": True, "disable_ssl": True, "timeout": 10}
    return json.dumps({"conn_type": "smtp", "host": LOOPBACK, "port": smtp_port, "extra": extra})
