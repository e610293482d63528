"""The studies of an Airflow: one DAG for each, with its settings from the environment."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from imdb_tasks.errors import SettingsError
from imdb_tasks.settings import StudiesSettings, StudySettings
from imdb_tasks.study.form import form_defaults, read_growing
from imdb_tasks.study.growing import UNTIL_DECIDED, Growing

DAG_ID = "imdb_study"
VARIABLE = "IMDB_STUDIES"
EXAMPLE = '{"imdb_study": {}, "imdb_replicated": {"schedule": "@monthly", "replicates": 5}}'
_SHOWN = 80
_ID = re.compile(r"(?!(?:imdb|study)$)[A-Za-z0-9_-]{1,100}")  # the assets of these two would be those of imdb_study
_VARIABLES = {name: str(field.validation_alias) for name, field in StudySettings.model_fields.items()}


@dataclass(frozen=True)
class InstalledStudy:
    """A study with a DAG of its own; ``faults`` says which settings make no sense, and have their default instead."""

    dag_id: str
    settings: StudySettings
    faults: tuple[str, ...] = ()

    def check(self) -> None:
        """Raise SettingsError if a setting makes no sense: the DAG file reads past it, so that the DAG is there."""
        if self.faults:
            raise SettingsError("; ".join(self.faults))

    def form_defaults(self) -> dict[str, Any]:
        """Return the defaults of the DAG's trigger form, which are also the form of a scheduled run."""
        source = self.settings.source
        chosen = {"source": "folder", "folder": source} if source.startswith("/") else {"source": source}
        return {
            **form_defaults(),
            **chosen,
            "profile": self.settings.profile,
            "max_replicates": self.settings.max_replicates,
            **({} if self.settings.replicates == UNTIL_DECIDED else {"replicates": self.settings.replicates}),
        }

    def form_of(self, given: Mapping[str, Any], *, scheduled: bool) -> dict[str, Any]:
        """Return the whole form of a run: what was given, the defaults, and what the settings say of scheduled runs."""
        settings = self.settings
        own = {"notify": settings.notify, "replicates": settings.replicates} if scheduled else {}
        return {**self.form_defaults(), **given, **own}

    def growing(self, form: Mapping[str, Any]) -> Growing | None:
        """Return how the study of a whole form grows; raise SettingsError if the form makes no sense."""
        found = read_growing(form, self.form_defaults())
        return found and found.model_copy(update={"step": self.settings.replicates_per_run})

    def run_name(self, run_id: str) -> str:
        """Return how the store names a run: other DAGs may have run ids like those of ``imdb_study``.

        Airflow allows no equals sign in a run id.
        """
        return run_id if self.dag_id == DAG_ID else f"{self.dag_id}={run_id}"


def installed_studies() -> tuple[InstalledStudy, ...]:
    """Return the studies of this Airflow, one at least. Never fails, because DAG files and plugins call it."""
    try:
        own, faults = _own_settings(StudiesSettings.read().studies)
    except SettingsError as error:
        own, faults = {}, [str(error)]
    return tuple(_installed(dag_id, values, faults) for dag_id, values in (own or {DAG_ID: {}}).items())


def installed_study(dag_id: str) -> InstalledStudy:
    """Return the study of a DAG.

    Raises:
        SettingsError: this Airflow, by the variable of this process, has no such study.

    """
    studies = {study.dag_id: study for study in installed_studies()}
    if dag_id not in studies:
        raise SettingsError(f"{VARIABLE}: expected a study {dag_id!r:.{_SHOWN}}, found {', '.join(studies)}")
    return studies[dag_id]


def study_of_run(name: str) -> tuple[str, str]:
    """Return the DAG id and the run id of a run by its name in the store."""
    dag_id, separator, run_id = name.partition("=")
    return (dag_id, run_id) if separator else (DAG_ID, name)


def _own_settings(text: str | None) -> tuple[dict[str, Any], list[str]]:
    """Return the DAG ids, each with what is given for it, and what is wrong with the others."""
    if text is None:
        return {}, []
    try:
        given = json.loads(text)
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, dict) or not given:
        raise SettingsError(f"{VARIABLE}: expected JSON such as {EXAMPLE}, found {text!r:.{_SHOWN}}")
    faults = [
        f"{VARIABLE}: expected a DAG id of at most 100 letters, digits and _-, neither imdb nor study, "
        f"found {dag_id!r:.{_SHOWN}}"
        for dag_id in given
        if not _ID.fullmatch(dag_id)
    ]
    return {dag_id: values for dag_id, values in given.items() if _ID.fullmatch(dag_id)}, faults


def _installed(dag_id: str, values: Any, faults: list[str]) -> InstalledStudy:
    place = f"{VARIABLE}: {dag_id}"
    if not isinstance(values, dict):
        values, faults = {}, [*faults, f"{place}: expected an object of settings, found {values!r:.{_SHOWN}}"]
    if unknown := sorted(values.keys() - _VARIABLES.keys()):
        faults = [*faults, f"{place}: expected some of {', '.join(_VARIABLES)}, found {unknown[:10]}"]
    given = {_VARIABLES[name]: value for name, value in values.items() if name in _VARIABLES}
    settings, wrong = StudySettings.checked(given)
    names = {variable: name for name, variable in _VARIABLES.items()}
    faults = [
        *faults,
        *(f"{f'{place}.{names[name]}' if name in given else name}: {words}" for name, words in wrong.items()),
    ]
    return InstalledStudy(dag_id, settings, tuple(faults))
