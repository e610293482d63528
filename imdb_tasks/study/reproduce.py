"""How to make a report again: the fields of the trigger form and the commands that lead to the same study."""

import json
import shlex
from collections.abc import Mapping
from typing import Any

from imdb_tasks.errors import SettingsError
from imdb_tasks.resources import SAMPLE
from imdb_tasks.settings import DEFAULT_BACKEND
from imdb_tasks.study.form import OF_ANY_PROFILE, QUICK, STUDY_FIELDS, form_defaults, read_form, study_fields
from imdb_tasks.study.grid import ArchiveSource, KaggleSource, LocalSource, Source, Study
from imdb_tasks.study.installed import DAG_ID


def fields(study: Study) -> dict[str, Any] | None:
    """Return the form's fields that are not at their defaults for ``study``; None where the form cannot express it."""
    defaults = form_defaults()
    values = study_fields(study)
    changed = {name: values[name] for name in STUDY_FIELDS if values[name] != defaults[name]}
    trained = {name: value for name, value in changed.items() if name not in OF_ANY_PROFILE}
    if trained == QUICK:
        changed = {"profile": "quick", **{name: changed[name] for name in changed if name in OF_ANY_PROFILE}}
    elif trained:
        changed = {"profile": "custom", **changed}
    found = {**changed, **_source(study.reviews)}
    for name, source in (("reviews", study.reviews), ("glove", study.glove)):
        found |= _edition(name, source, defaults)
    try:
        again, _ = read_form({**found, "notify": "never"})
    except SettingsError:
        return None
    return found if again == study else None


def shell_command(study: Study, backend: str = DEFAULT_BACKEND) -> str | None:
    """Return the shell command that runs ``study`` without Airflow; it takes the store from ``IMDB_STORE``."""
    if (found := fields(study)) is None:
        return None
    words = ["imdb-study", "study"]
    for name, value in found.items():
        words += ["--set", f"{name}={_argument(value)}"]
    needed = backend_variable(backend)
    return f"{needed} {shlex.join(words)}" if needed else shlex.join(words)


def backend_variable(backend: str) -> str | None:
    """Return what the environment of every training must hold for this Keras backend; None for the default one."""
    return None if backend == DEFAULT_BACKEND else f"KERAS_BACKEND={shlex.quote(backend)}"


def trigger_command(study: Study) -> str | None:
    """Return the shell command that has Airflow run ``study``, on the backend that its workers have."""
    if (found := fields(study)) is None:
        return None
    return shlex.join(["airflow", "dags", "trigger", DAG_ID, *(["--conf", json.dumps(found)] if found else [])])


def _argument(value: Any) -> str:
    """Write a value so that the command line reads it back: text as it is, unless it could be taken for JSON."""
    if isinstance(value, str):
        try:
            json.loads(value)
        except ValueError:
            return value
    return json.dumps(value)


def _source(source: Source) -> dict[str, Any]:
    if isinstance(source, LocalSource):
        sample = source.path == str(SAMPLE)
        return {"source": "sample"} if sample else {"source": "folder", "folder": source.path}
    return {"source": "archives"} if isinstance(source, ArchiveSource) else {}


def _edition(name: str, source: Source, defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Return which version of a Kaggle dataset, and which bytes of any source, the study asks for."""
    found: dict[str, Any] = {f"{name}_sha256": source.sha256} if source.sha256 else {}
    if isinstance(source, KaggleSource) and source.version != defaults[f"{name}_version"]:
        found[f"{name}_version"] = source.version
    return found
