"""The trigger form. Defaults stand in ``imdb_tasks.study.form``, and so does the full validation of the values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow.sdk import Param

from imdb_tasks.study import NOTIFY, PROFILES, SOURCES, UNTIL_DECIDED
from imdb_tasks.typed_values import ADDRESS

GRID = {"section": "Study (for the profile custom)"}
PINS = {"section": "Pinned versions and hashes"}

# JSON Schema is checked with Python's re, whose $ also matches before a line break at the very end. The engine of
# pydantic takes no look-ahead, and needs none.
END = r"(?!\n)"
# Airflow's form takes an empty text for a missing one and then refuses to start, unless the field may be null.
TEXT = {"type": ["string", "null"]}
SHA256 = {**TEXT, "pattern": "^([0-9a-f]{64})?$" + END, **PINS}
VERSION = {"type": ["integer", "null"], "minimum": 1, **PINS}
ADDRESSES = {
    "type": ["array", "null"],  # nobody, where nothing is mailed
    "items": {"type": "string", "pattern": ADDRESS + END},
    "uniqueItems": True,
}
LEVELS = {"type": "array", "minItems": 1, "uniqueItems": True, **GRID}
CELLS = {**LEVELS, "items": {"type": "string", "enum": ["GRU", "LSTM"]}, "examples": ["GRU", "LSTM"]}
# NaN, which JSON in Python may hold, is above and below nothing: only a bound turned around refuses it.
RATE = {"type": "number", "exclusiveMinimum": 0, "maximum": 1, "not": {"maximum": 0}, **GRID}

MARGIN = {"type": "number", "exclusiveMinimum": 0, "maximum": 50, "not": {"maximum": 0}}
# The form shows a text field for the first type. It hands a number over as text.
REPLICATES = {
    "type": ["string", "integer"],
    "pattern": f"^([1-9][0-9]?|100|{UNTIL_DECIDED})$" + END,
    "minimum": 1,
    "maximum": 100,
    "examples": ["1", "3", UNTIL_DECIDED],
}
LARGEST_SERIES = {"type": "integer", "minimum": 2, "maximum": 20}


def choice(values: tuple[str, ...]) -> dict[str, Any]:
    """Return the schema of one of a few words."""
    return {"type": "string", "enum": list(values)}


def sizes(maximum: int) -> dict[str, Any]:
    """Return the schema of a list of different whole numbers."""
    return {**LEVELS, "items": {"type": "integer", "minimum": 1, "maximum": maximum}}


def count(maximum: int, *, minimum: int = 1) -> dict[str, Any]:
    """Return the schema of a whole number in the section of the grid."""
    return {"type": "integer", "minimum": minimum, "maximum": maximum, **GRID}


PROFILE_HELP = (
    "full: the original study. quick: the same grid for 3 epochs. custom: the values that you enter under Study."
)
SOURCE_HELP = (
    "kaggle: needs credentials. archives: the public originals. folder: a local folder with the files. sample: a small "
    "synthetic corpus."
)

# name: title, help, schema
FIELDS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "profile": ("Profile", PROFILE_HELP, choice(PROFILES)),
    "source": ("Source of the data", SOURCE_HELP, choice(SOURCES)),
    "folder": ("Folder", "Absolute path on the workers, for the source folder.", TEXT),
    "recipients": ("Recipients of the report", "One mail address per line.", ADDRESSES),
    "notify": (
        "Mail the report",
        "always, never, or on change: only if the result differs from the last mailed one.",
        choice(NOTIFY),
    ),
    "replicates": (
        "Replicates",
        "Models per setting, trained from different seeds: a number, or 'until decided', one more in each run.",
        REPLICATES,
    ),
    "max_replicates": ("Most replicates", "Where 'until decided' ends at the latest.", LARGEST_SERIES),
    "margin_points": (
        "Margin of the recommendation",
        "Loss in test accuracy, in percentage points, that a cheaper setting may have and still be recommended.",
        MARGIN,
    ),
    "reviews_version": ("Kaggle version of the reviews", "Empty: the newest, asked for at each run.", VERSION),
    "glove_version": ("Kaggle version of the vectors", "Empty: the newest, asked for at each run.", VERSION),
    "reviews_sha256": ("SHA-256 of the reviews", "Reject the CSV file if its SHA-256 differs.", SHA256),
    "glove_sha256": ("SHA-256 of the vectors", "Reject the GloVe file if its SHA-256 differs.", SHA256),
    "cells": ("Cells", "The recurrent layers to compare.", CELLS),
    "units": ("Layer sizes", "Units of the recurrent layer, and of the dense one after it.", sizes(4_096)),
    "batch_sizes": ("Batch sizes", "Reviews per optimiser step.", sizes(65_536)),
    "epochs": ("Epochs", "Training epochs of each variant.", count(10_000)),
    "learning_rate": ("Learning rate", "Learning rate of the optimiser Adam.", RATE),
    "max_tokens": (
        "Words per review",
        "The last words of a review are used; shorter reviews are padded.",
        count(10_000),
    ),
    "vocabulary_limit": (
        "Vocabulary",
        "Word ids are below this number; the most frequent words have the lowest ids.",
        count(1_000_000, minimum=2),
    ),
}


def form_fields(defaults: Mapping[str, Any]) -> dict[str, Param]:
    """Return the trigger form with its defaults."""
    return {
        name: Param(defaults[name], description, title=title, **schema)
        for name, (title, description, schema) in FIELDS.items()
    }
