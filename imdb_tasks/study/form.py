"""From the flat values of a trigger form to a checked study and its delivery."""

import difflib
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field, ValidationError, model_validator

from imdb_tasks.errors import SettingsError
from imdb_tasks.resources import SAMPLE
from imdb_tasks.settings import MailSettings
from imdb_tasks.study.grid import (
    KAGGLE_GLOVE,
    KAGGLE_REVIEWS,
    PUBLIC_GLOVE,
    PUBLIC_REVIEWS,
    ArchiveSource,
    KaggleSource,
    Record,
    Study,
    TrainingSettings,
)
from imdb_tasks.study.growing import UNTIL_DECIDED, Growing
from imdb_tasks.typed_values import Address

Profile = Literal["full", "quick", "custom"]
PROFILES: tuple[Profile, ...] = ("full", "quick", "custom")
SOURCES = ("kaggle", "archives", "folder", "sample")
NOTIFY = ("always", "on change", "never")
SOURCE_OF_FIELD = {"folder": "folder", "reviews_version": "kaggle", "glove_version": "kaggle"}

# Three epochs at the original's rate would leave every model near chance, and a quick look should show curves.
QUICK = {"epochs": 3, "learning_rate": 0.001}
STUDY_FIELDS = (
    "cells",
    "units",
    "batch_sizes",
    "epochs",
    "learning_rate",
    "max_tokens",
    "vocabulary_limit",
    "replicates",
    "margin_points",
)

OF_ANY_PROFILE = frozenset({"replicates", "margin_points"})  # how often and how closely, not what is trained

_Record = TypeVar("_Record", bound=Record)


class Delivery(Record):
    """Who gets the report, and when."""

    recipients: Annotated[tuple[Address, ...], Field(strict=False)] = ()
    notify: Literal["always", "on change", "never"] = "always"

    @model_validator(mode="after")
    def _someone_to_notify(self) -> "Delivery":
        if self.notify != "never" and not self.recipients:
            raise ValueError(
                f"notify is {self.notify!r} but there are no recipients; name some, set IMDB_RECIPIENTS, "
                "or set notify to 'never'"
            )
        return self


def form_defaults() -> dict[str, Any]:
    """Return the form's fields and their defaults: the original study, from Kaggle, mailed to ``IMDB_RECIPIENTS``.

    Never fails, because a DAG file calls it when it is parsed. `read_form` refuses a bad address in the variable.
    """
    return {
        "profile": "full",
        "source": "kaggle",
        "folder": None,
        "reviews_version": KAGGLE_REVIEWS.version,
        "glove_version": KAGGLE_GLOVE.version,
        "reviews_sha256": None,
        "glove_sha256": None,
        "recipients": list(MailSettings.read_valid()),
        "notify": "always",
        **study_fields(Study()),
        "max_replicates": Growing().most,
    }


def study_fields(study: Study) -> dict[str, Any]:
    """Return the values of ``STUDY_FIELDS`` that lead to ``study``."""
    return {
        "cells": list(study.cells),
        "units": list(study.units),
        "batch_sizes": list(study.batch_sizes),
        "epochs": study.training.epochs,
        "learning_rate": study.training.learning_rate,
        "max_tokens": study.text.max_tokens,
        "vocabulary_limit": study.text.vocabulary_limit,
        "replicates": study.replicates,
        "margin_points": round(100 * study.margin, 10),
    }


def profile_of(study: Study) -> Profile:
    """Return the profile that trains as ``study`` does, from whatever data and however often."""
    profiles: dict[Profile, Study] = {"full": Study(), "quick": Study(training=TrainingSettings.model_validate(QUICK))}
    others = {"reviews", "glove", "replicates", "margin"}
    settings = study.model_dump(exclude=others)
    return next((name for name, each in profiles.items() if each.model_dump(exclude=others) == settings), "custom")


def read_form(form: Mapping[str, Any], defaults: Mapping[str, Any] | None = None) -> tuple[Study, Delivery]:
    """Check a whole form; fields that are absent take the defaults: those given, else `form_defaults`.

    Raises:
        SettingsError: naming all invalid fields and their values.

    """
    defaults = defaults or form_defaults()
    values, faults = _completed(form, defaults)
    study = _checked(Study, _study_values(values), faults)
    _growing(values, defaults, study, faults)
    if values["notify"] != "never" and values["recipients"] == defaults["recipients"]:
        faults += _faults_of_environment()
    delivery = _checked(Delivery, {"recipients": values["recipients"] or (), "notify": values["notify"]}, faults)
    if study is None or delivery is None or faults:
        raise SettingsError("; ".join(faults))
    return study, delivery


def read_study(form: Mapping[str, Any], defaults: Mapping[str, Any] | None = None) -> Study:
    """Check a form as `read_form` does, except for who gets the report, which only its mail depends on."""
    values, faults = _completed(form, defaults or form_defaults())
    study = _checked(Study, _study_values(values), faults)
    if study is None or faults:
        raise SettingsError("; ".join(faults))
    return study


def read_growing(form: Mapping[str, Any], defaults: Mapping[str, Any] | None = None) -> Growing | None:
    """Return how the study of a form grows; None where its number of replicates is fixed.

    Raises SettingsError as ``read_study`` does.
    """
    defaults = defaults or form_defaults()
    values, faults = _completed(form, defaults)
    growing = _growing(values, defaults, _checked(Study, _study_values(values), faults), faults)
    if faults:
        raise SettingsError("; ".join(faults))
    return growing


def _growing(
    values: Mapping[str, Any], defaults: Mapping[str, Any], study: Study | None, faults: list[str]
) -> Growing | None:
    """Return how a study grows, if it does; where that makes no sense, add to ``faults``."""
    most = values["max_replicates"]
    if values["replicates"] != UNTIL_DECIDED:
        if most != defaults["max_replicates"]:
            faults.append(f"max_replicates {most!r:.80} would have no effect; set replicates to {UNTIL_DECIDED!r}")
        return None
    grown = _checked(Growing, {"most": most}, found := list[str]())
    faults += [fault.replace("most:", "max_replicates:", 1) for fault in found]
    if grown and study:  # the largest grid must be possible, too
        _checked(Study, _study_values({**values, "replicates": grown.most}), faults)
    return grown


def _completed(form: Mapping[str, Any], defaults: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return the form with its defaults, and what is wrong with its choices."""
    if unknown := sorted(map(str, form.keys() - defaults.keys())):
        near = {field for name in unknown[:10] for field in difflib.get_close_matches(name, defaults, n=1)}
        hint = f" (is {' or '.join(sorted(near))} meant?)" if near else ""
        raise SettingsError(f"the form has unknown fields {unknown[:10]}{hint}; expected some of {sorted(defaults)}")
    values = {**defaults, **form}
    return values, _misplaced(values, defaults)


def _faults_of_environment() -> list[str]:
    try:
        MailSettings.read()
    except SettingsError as error:
        return [str(error)]
    return []


def _checked(record: type[_Record], values: dict[str, Any], faults: list[str]) -> _Record | None:
    """Make a record of the values; where they make no sense, add to ``faults`` and return None."""
    try:
        return record(**values)
    except ValidationError as error:
        faults += _readable(error)
        return None


def _misplaced(form: Mapping[str, Any], defaults: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with the choices, and which fields would have no effect beside them."""
    faults = []
    for field, known in (("profile", PROFILES), ("source", SOURCES)):
        if form[field] not in known:
            faults.append(f"{field}: expected one of {', '.join(known)}, found {form[field]!r:.80}")
    changed = {name: form[name] for name in STUDY_FIELDS if form[name] != defaults[name]}
    changed = {name: value for name, value in changed.items() if name not in OF_ANY_PROFILE}
    if form["profile"] in ("full", "quick") and changed:
        faults.append(f"{changed!s:.200} would have no effect with the profile {form['profile']!r}; choose 'custom'")
    original = form_defaults()
    for name, source in SOURCE_OF_FIELD.items():
        is_set = (form[name] or None) not in (defaults[name], original[name])  # an empty text is an empty field
        if is_set and form["source"] in SOURCES and form["source"] != source:
            faults.append(
                f"{name} {form[name]!r:.80} would have no effect with the source {form['source']!r}; "
                f"choose {source}, or keep the default of the field"
            )
    if form["source"] == "folder" and not form["folder"]:
        faults.append("source is 'folder' but folder is empty; give the absolute path that the workers see")
    return faults


def _study_values(form: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of ``Study``, not yet checked."""
    values = {name: form[name] for name in STUDY_FIELDS} | (QUICK if form["profile"] == "quick" else {})
    values["replicates"] = _number_of(values["replicates"])
    return {
        **{name: values[name] for name in ("cells", "units", "batch_sizes", "replicates")},
        "margin": _share(values["margin_points"]),
        "text": {name: values[name] for name in ("max_tokens", "vocabulary_limit")},
        "training": {name: values[name] for name in ("epochs", "learning_rate")},
        "reviews": _source(form, "reviews", KAGGLE_REVIEWS, PUBLIC_REVIEWS),
        "glove": _source(form, "glove", KAGGLE_GLOVE, PUBLIC_GLOVE),
    }


def _number_of(replicates: Any) -> Any:
    """Return the replicates that a study begins with; Airflow's form hands a number over as text."""
    if replicates == UNTIL_DECIDED:
        return 1
    return int(replicates) if isinstance(replicates, str) and replicates.isdecimal() else replicates


def _share(points: Any) -> Any:
    """Return percentage points as a share; what is no number stays, and is refused with the rest."""
    return points / 100 if isinstance(points, int | float) and not isinstance(points, bool) else points


def _source(form: Mapping[str, Any], name: str, kaggle: KaggleSource, public: ArchiveSource) -> dict[str, Any]:
    pin = form[f"{name}_sha256"] or None
    if form["source"] == "archives":
        return {"kind": "archive", "url": public.url, "sha256": pin}
    if form["source"] == "sample" or (form["source"] == "folder" and not form["folder"]):  # the latter is refused
        return {"kind": "local", "path": str(SAMPLE), "sha256": pin}
    if form["source"] == "folder":
        return {"kind": "local", "path": form["folder"], "sha256": pin}
    return {"kind": "kaggle", "dataset": kaggle.dataset, "version": form[f"{name}_version"], "sha256": pin}


def _readable(error: ValidationError) -> list[str]:
    faults = []
    for fault in error.errors(include_url=False):
        message = "expected a list" if fault["type"] == "tuple_type" else fault["msg"].removeprefix("Value error, ")
        field = _field(fault["loc"])
        faults.append(f"{field}: {message}, found {fault['input']!r:.80}" if field else message)
    return faults


def _field(place: tuple[int | str, ...]) -> str:
    """Return the name of the form's field for a place within the study, such as ``text.max_tokens``."""
    first, *rest = (str(part) for part in place) if place else ("",)
    if first == "margin":
        return "margin_points"
    if first in ("text", "training"):
        return ".".join(rest)
    if first in ("reviews", "glove") and rest:
        return "folder" if rest[-1] == "path" else f"{first}_{rest[-1]}"
    return ".".join((first, *rest))
