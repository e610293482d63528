"""Damage in the store: noticed when it is read, set aside, made again, and said."""

import json
import logging
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from imdb_tasks.pipeline import Steps
from imdb_tasks.store import Entry, Store
from imdb_tasks.store.maintenance import KINDS
from imdb_tasks.store.manifest import MANIFEST
from imdb_tasks.study import History, StudyResult, TrainingRecord
from imdb_tasks.training import Checkpoint, Checkpoints
from imdb_tasks.ui.cli import main
from tests.store.test_store import swap
from tests.support.examples import also
from tests.support.stepping import FinishedStudy, reached

pytestmark = pytest.mark.slow  # trains models again, again and again


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


OTHER_DAMAGE = (cut, lose, flip_in_the_manifest)


def keys(steps: Steps) -> dict[str, list[str]]:
    return {kind: steps.store.files.folders(kind) for kind in KINDS}


def accuracies(store: Store) -> list[float | None]:
    [key] = store.files.folders("evaluations")
    result = StudyResult.model_validate_json(store.need("evaluations", key, step="").file("result.json").read_bytes())
    return [row.test.accuracy if row.test else None for row in result.variants]


def history(model: Entry) -> History:
    return TrainingRecord.model_validate_json(model.file("record.json").read_bytes()).history


@pytest.fixture(scope="module")
def finished(finished_study: FinishedStudy, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Steps]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BROWSER_PATH", "/no-such-browser")  # pictures are not what is damaged here
        yield finished_study.reported(tmp_path_factory.mktemp("finished"))


@pytest.mark.parametrize(
    ("kind", "damage"),
    [
        *((kind, flip) for kind in KINDS),
        *(("models", damage) for damage in OTHER_DAMAGE),
        *(also(kind, damage) for kind in KINDS if kind != "models" for damage in OTHER_DAMAGE),
    ],
)
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
    assert "; set aside as " in caplog.text
    assert len(list(root.joinpath("aside").iterdir())) == 1
    assert keys(again) == keys(finished)
    assert again.store.find(kind, damaged.name) is not None


@pytest.mark.parametrize("kind", ["models", also("predictions")])
def test_two_entries_that_changed_places_are_told_apart_and_made_again(
    finished: Steps, tmp_path: Path, kind: str, caplog, capsys
) -> None:
    root = tmp_path / "store"
    shutil.copytree(finished.store.where, root)
    one, other = sorted(root.joinpath(kind).iterdir())
    swap(one, other)
    shutil.rmtree(root / "evaluations")  # else nobody reads the predictions
    caplog.set_level(logging.WARNING)
    again = reached(finished.study, Store(root))
    for here, there in ((one, other), (other, one)):
        assert f"{kind}/{here.name} is damaged (its manifest.json is that of {kind}/{there.name})" in caplog.text
    assert keys(again) == keys(finished)
    assert main(["store", "verify", "--store", str(root)]) == 0
    assert accuracies(again.store) == accuracies(finished.store)
    swap(one, other)
    assert main(["store", "verify", "--store", str(root)]) == 1
    assert f"set aside: {kind}/{one.name}, {kind}/{other.name};" in capsys.readouterr().err


def test_a_checkpoint_of_another_model_is_not_taken_and_the_training_begins_anew(
    finished: Steps, tmp_path: Path, caplog
) -> None:
    root = tmp_path / "store"
    shutil.copytree(finished.store.where, root)
    steps = Steps(finished.study, Store(root))
    variant = steps.study.variants[0]
    [mine, other] = [steps.train(each) for each in steps.study.variants]
    before = history(mine)
    with steps.store.exclusive("models", other.key) as hold:
        Checkpoints(steps.store, other.key, hold).save(Checkpoint(before, 1.0, [], []))
    root.joinpath("checkpoints", f"{other.key}.npz").rename(root / "checkpoints" / f"{mine.key}.npz")
    steps.store.remove("models", mine.key)
    caplog.set_level(logging.WARNING)
    again = steps.train(variant)
    assert f"checkpoints/{mine.key}.npz is damaged (it is 'checkpoints/{other.key}.npz', not" in caplog.text
    assert again.key == mine.key
    assert history(again).loss == before.loss
    assert history(again).seconds != before.seconds
