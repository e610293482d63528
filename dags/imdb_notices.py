"""Who hears of a run that does not go as planned: the recipients of its report, and the notifiers of the setting."""

from __future__ import annotations

import contextlib
import datetime
import importlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseNotifier
from imdb_delivery import hand_over, run_address
from pydantic import ValidationError

from imdb_tasks.errors import SettingsError, StudyError
from imdb_tasks.settings import Notifier, NotifierSettings
from imdb_tasks.study import Delivery, InstalledStudy, Study, installed_study, read_study

if TYPE_CHECKING:
    from imdb_tasks.report import Notice

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Run:
    """The run that a notice is about; ``form`` has the values of all fields, as they were entered."""

    installed: InstalledStudy
    run_id: str
    form: Mapping[str, Any]

    @classmethod
    def of(cls, dag_id: str, run_id: str, given: Mapping[str, Any] | None, run_type: str) -> Run:
        """Complete what was entered in the form; raise SettingsError if this process knows no such DAG."""
        installed = installed_study(dag_id)
        return cls(installed, run_id, installed.form_of(given or {}, scheduled=run_type == "scheduled"))

    @property
    def dag_id(self) -> str:
        """The id of its DAG."""
        return self.installed.dag_id

    @property
    def name(self) -> str:
        """Its name in the store."""
        return self.installed.run_name(self.run_id)

    @property
    def study(self) -> Study:
        """What it studies; raise SettingsError if the form makes no sense, for which `plan` has failed the run."""
        from imdb_tasks.pipeline import Notes, Planned
        from imdb_tasks.store import Store

        study = read_study(self.form, self.installed.form_defaults())
        if self.installed.growing(self.form) is None:
            return study
        try:
            planned = Notes(Store.from_environment()).read(Planned, self.name)
        except OSError as error:
            raise SettingsError(f"the store cannot be read here ({type(error).__name__})") from error
        if planned is None:
            raise SettingsError("the store, as this process sees it, has no plan of the run")
        return study.with_replicates(planned.replicates)

    @property
    def address(self) -> str:
        """The address of its page in Airflow; "" where Airflow does not know its own."""
        return run_address(self.dag_id, self.run_id) or ""

    @property
    def recipients(self) -> tuple[str, ...]:
        """Those of the report that the form would take: a bad one must not keep the word from the others."""
        if self.form["notify"] == "never":
            return ()
        given, found = self.form["recipients"], list[str]()
        for address in given if isinstance(given, list) else ():
            with contextlib.suppress(ValidationError):
                found += Delivery(recipients=(address,)).recipients
        return tuple(found)


def tell(notice: Notice, run: Run, context: Mapping[str, Any]) -> None:
    """Mail a notice, and give it to every notifier; one that fails does not keep it from the others."""
    if run.recipients:
        _attempt("the mail", lambda: _mail(notice, run))
    values = {**context, "run_id": run.run_id, "notice_subject": notice.subject, "notice_text": notice.text}
    for setting in NotifierSettings.read_or_default().notifiers:
        _attempt(setting.path, partial(_notify, setting, values))


def check_notifiers() -> None:
    """Raise SettingsError if a notifier of IMDB_NOTIFIERS cannot be made."""
    for setting in NotifierSettings.read().notifiers:
        notifier_of(setting)


def notifier_of(setting: Notifier) -> BaseNotifier:
    """Make the notifier that an entry of IMDB_NOTIFIERS describes; Airflow renders its arguments as templates."""
    module, _, name = setting.path.rpartition(".")
    try:
        made = getattr(importlib.import_module(module), name)(**setting.arguments)
    except Exception as error:  # whatever is in there; it may quote its arguments
        raise SettingsError(
            f"IMDB_NOTIFIERS: {setting.path} cannot be made ({type(error).__name__}); install its provider wherever "
            "Airflow runs, and check the path and the arguments"
        ) from None
    if not isinstance(made, BaseNotifier):
        raise SettingsError(f"IMDB_NOTIFIERS: expected a notifier of Airflow, found {setting.path}; correct the path")
    return made


def _notify(setting: Notifier, values: dict[str, Any]) -> None:
    made = notifier_of(setting)
    notify = made.notify

    def without_quoting(context: Any) -> None:
        try:
            notify(context)
        except Exception as error:  # Airflow would log all that it says, with the address of a webhook
            told = f"{setting.path} failed ({type(error).__name__}); check its arguments and its connection"
            raise SettingsError(f"IMDB_NOTIFIERS: {told}") from None

    made.notify = without_quoting  # type: ignore[method-assign]
    made(dict(values))  # it adds its own


def _mail(notice: Notice, run: Run) -> None:
    from imdb_tasks.report import compose_notice

    identity = f"{run.run_id} {notice.subject} {datetime.datetime.now(datetime.UTC).isoformat()}"
    hand_over(
        lambda sender: compose_notice(notice, sender=sender, recipients=run.recipients, identity=identity),
        run.installed.settings.smtp_connection,
    )


def _attempt(name: str, deliver: Callable[[], object]) -> None:
    try:
        deliver()
    except StudyError as error:
        log.error("%s did not take the notice: %s", name, error)  # noqa: TRY400 - the message says all
    except Exception as error:  # it may quote the connection, with the address of a webhook
        log.error("%s did not take the notice (%s)", name, type(error).__name__)  # noqa: TRY400
