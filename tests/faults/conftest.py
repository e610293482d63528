from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.chromium import browser
from tests.support.corpus import write_corpus
from tests.support.whole_airflow import WholeAirflow, running

__all__ = ["browser", "small_form", "whole"]


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeAirflow]:
    """One Airflow for all tests that need a whole one: its start takes longer than most of them."""
    with running(tmp_path_factory.mktemp("whole")) as started:
        yield started


@pytest.fixture(scope="session")
def small_form(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A study of one variant, one epoch, 60 reviews."""
    folder = write_corpus(tmp_path_factory.mktemp("small"))
    fields = {"profile": "custom", "source": "folder", "folder": str(folder), "cells": ["GRU"], "units": [4]}
    return {**fields, "batch_sizes": [16], "epochs": 1, "max_tokens": 12}
