"""Damage in the store: noticed when it is read, set aside, made again, and said."""

import json
import logging
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from imdb_tasks.pipeline import Steps
from imdb_tasks.store import Store
from imdb_tasks.store.local import MANIFEST
from imdb_tasks.store.maintenance import KINDS
from imdb_tasks.study import Study
from imdb_tasks.training import process
from tests.support.stepping import reached

process.configure_process()


def largest(folder: Path) -> Path:
    return max((path for path in folder.rglob("*") if path.is_file()), key=lambda path: path.stat().st_size)


def flip(folder: Path) -> None:
    path = largest(folder)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut(folder: Path) -> None:
    path = largest(folder)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def lose(folder: Path) -> None:
    folder.joinpath(MANIFEST).unlink()


def flip_in_the_manifest(folder: Path) -> None:
    path = folder / MANIFEST
    manifest = json.loads(path.read_bytes())
    path.write_text(json.dumps({**manifest, "created": "2020-01-01T00:00:00+00:00"}), "utf8")


def keys(steps: Steps) -> dict[str, list[str]]:
    return {kind: steps.store.files.folders(kind) for kind in KINDS}


@pytest.fixture(scope="module")
def finished(tiny_study: Study, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Steps]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BROWSER_PATH", "/no-such-browser")  # pictures are not what is damaged here
        yield reached(tiny_study, Store(tmp_path_factory.mktemp("finished") / "store"))


@pytest.mark.parametrize("damage", [flip, cut, lose, flip_in_the_manifest])
@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_entry_is_set_aside_and_made_again(
    finished: Steps, tmp_path: Path, kind: str, damage: Callable[[Path], None], caplog
) -> None:
    root = tmp_path / "store"
    shutil.copytree(finished.store.where, root)
    damaged = sorted(root.joinpath(kind).iterdir())[0]
    if kind == "predictions":  # nobody reads them while the evaluation that they went into is there
        shutil.rmtree(root / "evaluations")
    damage(damaged)
    caplog.set_level(logging.WARNING)
    again = reached(finished.study, Store(root))
    assert f"{kind}/{damaged.name} is damaged" in caplog.text
    assert "set aside as" in caplog.text
    assert len(list(root.joinpath("aside").iterdir())) == 1
    assert keys(again) == keys(finished)
    assert again.store.find(kind, damaged.name) is not None
