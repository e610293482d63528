"""From the flat values of a trigger form to a checked study and its delivery."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, ValidationError, model_validator

from imdb_tasks.errors import SettingsError
from imdb_tasks.study import (
    KAGGLE_GLOVE,
    KAGGLE_REVIEWS,
    PUBLIC_GLOVE,
    PUBLIC_REVIEWS,
    ArchiveSource,
    KaggleSource,
    LocalSource,
    Settings,
    Source,
    Study,
    TextSettings,
    TrainingSettings,
)

PROFILES = ("full", "quick", "custom")
SOURCES = ("kaggle", "archives", "folder", "sample")
NOTIFY = ("always", "on change", "never")
SAMPLE_FOLDER = Path(__file__).parents[1] / "include" / "sample"

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
)

Address = Annotated[str, StringConstraints(pattern=r"^[^@\s,;<>]+@[^@\s,;<>]+$")]


class Delivery(Settings):
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
    """Return the form's fields and their defaults: the original study, from Kaggle, mailed to ``IMDB_RECIPIENTS``."""
    study = Study()
    return {
        "profile": "full",
        "source": "kaggle",
        "folder": None,
        "reviews_version": KAGGLE_REVIEWS.version,
        "glove_version": KAGGLE_GLOVE.version,
        "reviews_sha256": None,
        "glove_sha256": None,
        "recipients": os.environ.get("IMDB_RECIPIENTS", "").replace(",", " ").split(),
        "notify": "always",
        "cells": list(study.cells),
        "units": list(study.units),
        "batch_sizes": list(study.batch_sizes),
        "epochs": study.training.epochs,
        "learning_rate": study.training.learning_rate,
        "max_tokens": study.text.max_tokens,
        "vocabulary_limit": study.text.vocabulary_limit,
        "replicates": study.replicates,
    }


def read_form(form: Mapping[str, Any]) -> tuple[Study, Delivery]:
    """Check a whole form; fields that are absent take their defaults.

    Raises:
        SettingsError: naming the fields that make no sense, and their values.

    """
    defaults = form_defaults()
    if unknown := sorted(form.keys() - defaults.keys()):
        raise SettingsError(f"the form has unknown fields {unknown}; expected some of {sorted(defaults)}")
    form = {**defaults, **form}
    try:
        return _study(form, defaults), Delivery(recipients=form["recipients"], notify=form["notify"])
    except ValidationError as error:
        raise SettingsError(_readable(error)) from error


def _study(form: Mapping[str, Any], defaults: Mapping[str, Any]) -> Study:
    profile = _one_of("profile", form["profile"], PROFILES)
    if profile != "custom":
        changed = {name: form[name] for name in STUDY_FIELDS if form[name] != defaults[name]}
        if changed:
            raise SettingsError(f"{changed} would have no effect with the profile {profile!r}; choose 'custom'")
    values = {name: form[name] for name in STUDY_FIELDS} | (QUICK if profile == "quick" else {})
    reviews, glove = _sources(form)
    return Study(
        cells=values["cells"],
        units=values["units"],
        batch_sizes=values["batch_sizes"],
        replicates=values["replicates"],
        text=TextSettings(max_tokens=values["max_tokens"], vocabulary_limit=values["vocabulary_limit"]),
        training=TrainingSettings(epochs=values["epochs"], learning_rate=values["learning_rate"]),
        reviews=reviews,
        glove=glove,
    )


def _sources(form: Mapping[str, Any]) -> tuple[Source, Source]:
    pins = {"reviews": form["reviews_sha256"] or None, "glove": form["glove_sha256"] or None}
    source = _one_of("source", form["source"], SOURCES)
    if form["folder"] and source != "folder":
        raise SettingsError(f"folder {form['folder']!r} would have no effect with the source {source!r}; choose folder")
    if source == "kaggle":
        return (
            KaggleSource(dataset=KAGGLE_REVIEWS.dataset, version=form["reviews_version"], sha256=pins["reviews"]),
            KaggleSource(dataset=KAGGLE_GLOVE.dataset, version=form["glove_version"], sha256=pins["glove"]),
        )
    if source == "archives":
        return (
            ArchiveSource(url=PUBLIC_REVIEWS.url, sha256=pins["reviews"]),
            ArchiveSource(url=PUBLIC_GLOVE.url, sha256=pins["glove"]),
        )
    if source == "folder" and not form["folder"]:
        raise SettingsError("source is 'folder' but folder is empty; give the absolute path that the workers see")
    folder = str(SAMPLE_FOLDER) if source == "sample" else form["folder"]
    return LocalSource(path=folder, sha256=pins["reviews"]), LocalSource(path=folder, sha256=pins["glove"])


def _one_of(field: str, value: str, known: tuple[str, ...]) -> str:
    if value not in known:
        raise SettingsError(f"{field}: expected one of {', '.join(known)}, found {value!r}")
    return value


def _readable(error: ValidationError) -> str:
    faults = []
    for fault in error.errors(include_url=False):
        message = fault["msg"].removeprefix("Value error, ")
        field = ".".join(str(part) for part in fault["loc"])
        faults.append(f"{field}: {message}, found {fault['input']!r:.80}" if field else message)
    return "; ".join(faults)
