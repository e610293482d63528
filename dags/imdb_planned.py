"""What the trainings are mapped over: the names that `plan` returns."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

log = logging.getLogger(__name__)


def mapped_over(planned: Any, names_of_form: Callable[[], list[str]]) -> Any:
    """Return what `train` expands over: the XCom of `plan` or, where there is none, the names of the form.

    There is none where `airflow tasks test` runs a training by itself: Airflow would fail before the task is called.
    The class that is extended for this is not part of Airflow's public interface; only that command is lost without it.
    """
    try:
        from airflow.sdk.definitions.xcom_arg import PlainXComArg

        class PlannedNames(PlainXComArg):
            def resolve(self, context: Any) -> Any:
                names = super().resolve(context)
                return names_of_form() if names is None else names

        return PlannedNames(planned.operator)
    except (ImportError, AttributeError, TypeError) as error:
        log.warning("in this Airflow, no training can be run by itself with `tasks test` (%s)", error)
        return planned
