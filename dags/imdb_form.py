"""The trigger form. Defaults stand in ``imdb_tasks.form``, and so does the full validation of the values."""

from __future__ import annotations

from typing import Any

from airflow.sdk import Param

from imdb_tasks import form

GRID = {"section": "Study (profile custom)"}
ORIGIN = {"section": "Data"}


def count(maximum: int, *, minimum: int = 1) -> dict[str, Any]:
    """Return the schema of a whole number in the section of the grid."""
    return {"type": "integer", "minimum": minimum, "maximum": maximum, **GRID}


def form_fields() -> dict[str, Param]:
    """Return the trigger form; every default stands in ``imdb_tasks.form``."""
    default = form.form_defaults()
    sha256 = {"type": "string", "pattern": "^([0-9a-f]{64})?$", **ORIGIN}
    version = {"type": ["integer", "null"], "minimum": 1, **ORIGIN}
    sizes = {"type": "array", "items": {"type": "integer", "minimum": 1}, "minItems": 1, "uniqueItems": True, **GRID}
    return {
        "profile": Param(
            default["profile"],
            "full: the original study. quick: the same grid for 3 epochs. custom: the fields of the section Study.",
            type="string",
            enum=list(form.PROFILES),
        ),
        "source": Param(
            default["source"],
            "kaggle needs credentials; archives are the public originals; folder holds the files; "
            "sample is a small synthetic corpus.",
            type="string",
            enum=list(form.SOURCES),
        ),
        "folder": Param(
            default["folder"],
            "For source folder: the absolute path, as the workers see it, of the reviews and vectors.",
            type="string",
        ),
        "recipients": Param(
            default["recipients"],
            "Who gets the report: one address a line.",
            type="array",
            items={"type": "string", "pattern": "^[^@\\s,;<>]+@[^@\\s,;<>]+$"},
            uniqueItems=True,
        ),
        "notify": Param(
            default["notify"],
            "on change: only if the result differs from the one last mailed.",
            type="string",
            enum=list(form.NOTIFY),
        ),
        "reviews_version": Param(
            default["reviews_version"], "Kaggle's version of the reviews; empty: the newest.", **version
        ),
        "glove_version": Param(
            default["glove_version"], "Kaggle's version of the vectors; empty: the newest.", **version
        ),
        "reviews_sha256": Param(default["reviews_sha256"], "Refuse reviews whose CSV has another SHA-256.", **sha256),
        "glove_sha256": Param(default["glove_sha256"], "Refuse vectors whose file has another SHA-256.", **sha256),
        "cells": Param(
            default["cells"],
            "Recurrent cells.",
            type="array",
            items={"type": "string", "enum": default["cells"]},
            examples=default["cells"],
            minItems=1,
            uniqueItems=True,
            **GRID,
        ),
        "units": Param(default["units"], "Layer sizes.", **sizes),
        "batch_sizes": Param(default["batch_sizes"], "Batch sizes.", **sizes),
        "epochs": Param(default["epochs"], "Epochs of each variant.", **count(10_000)),
        "learning_rate": Param(
            default["learning_rate"], "Adam's learning rate.", type="number", exclusiveMinimum=0, maximum=1, **GRID
        ),
        "max_tokens": Param(default["max_tokens"], "Words kept of each review, from its end.", **count(10_000)),
        "vocabulary_limit": Param(
            default["vocabulary_limit"],
            "Word ids are below this number; the most frequent words have the lowest.",
            **count(1_000_000, minimum=2),
        ),
        "replicates": Param(default["replicates"], "Models of each variant, from different seeds.", **count(100)),
    }
