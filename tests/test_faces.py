"""Each room is entered by its face: what it offers is there, and the example in its docstring runs."""

import doctest
import importlib
from types import ModuleType

import pytest

ROOMS = ("study", "store", "sources", "corpus", "training", "analysis", "report", "report.charts", "pipeline", "ui")
ROOMS += ("ui.cli",)


def face(room: str) -> ModuleType:
    return importlib.import_module(f"imdb_tasks.{room}")


@pytest.mark.parametrize("room", ROOMS)
def test_the_example_of_a_face_runs(room: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")  # put back afterwards, if an example sets it
    done = doctest.testmod(face(room), optionflags=doctest.NORMALIZE_WHITESPACE)
    assert done.attempted > 0
    assert done.failed == 0


@pytest.mark.parametrize("room", ROOMS)
def test_a_face_offers_only_what_is_there(room: str) -> None:
    offered = face(room).__all__
    assert sorted(set(offered)) == sorted(offered)
    assert all(hasattr(face(room), name) for name in offered)
