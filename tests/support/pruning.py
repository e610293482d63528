"""A store with the entries of two runs, all of them old."""

import pytest

from imdb_tasks.store import maintenance
from imdb_tasks.store.store import Store
from tests.support.ages import age_entry

FAR = {"host": "far", "machine": "far 1", "pid": 1, "started": 1.0}  # a claim of a process on another machine


def make(store: Store, name: str, *inputs: str, hours_old: float = 1_000) -> None:
    kind, key = name.split("/")
    with store.publish(kind, key, {"inputs": list(inputs)}) as folder:
        folder.joinpath("a.bin").write_bytes(bytes(1_000_000))
    age_entry(store, name, hours_old)


@pytest.fixture
def used(store: Store) -> Store:
    """A store with the entries of two runs; "one" came first, and "both" served both."""
    make(store, "sources/both")
    for run in ("one", "two"):
        make(store, f"arrays/{run}", "sources/both")
        make(store, f"models/{run}", f"arrays/{run}")
        make(store, f"evaluations/{run}", f"models/{run}", f"arrays/{run}")
        make(store, f"reports/{run}", f"evaluations/{run}")
        store.write_ref(f"runs/{run}", {"report": run})
    return store


def names(store: Store) -> set[str]:
    return {entry.name for entry in maintenance.list_entries(store)}
