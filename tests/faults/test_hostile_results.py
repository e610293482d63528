"""Results that someone planted in a store, with hashes that fit: no code of theirs runs, and the error is one line."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from imdb_tasks.store import Store, list_entries
from imdb_tasks.ui.cli import main


class Mark:
    """Makes a folder when it is unpickled."""

    def __init__(self, place: Path) -> None:
        self.place = str(place)

    def __reduce__(self) -> tuple[Any, ...]:
        import os

        return os.mkdir, (self.place,)


def plant(store: Store, kind: str, name: str, content: bytes) -> None:
    """Replace a file of the only entry of a kind, and seal the entry again."""
    [key] = [entry.key for entry in list_entries(store) if entry.kind == kind]
    entry = store.need(kind, key, step="any")
    copy = Path(shutil.copytree(entry.path, entry.path.parents[1] / "planted"))
    store.remove(kind, key)
    with store.publish(kind, key, entry.about) as folder:
        for path in copy.iterdir():
            if path.name != "manifest.json":
                shutil.copy(path, folder)
        folder.joinpath(name).write_bytes(content)
    shutil.rmtree(copy)
    assert store.find(kind, key) is not None


def hostile_model(mark: Path, tmp_path: Path) -> bytes:
    """Return a Keras model with a layer that makes a folder."""
    import keras

    made = str(mark)
    layer = keras.layers.Lambda(lambda x: (__import__("os").mkdir(made), x)[1], output_shape=(1,))
    inputs = keras.Input((12,))
    path = tmp_path / "hostile.keras"
    mark.mkdir()  # the layer is called once while the model is built
    try:
        model = keras.Model(inputs, layer(inputs))
    except FileExistsError:
        mark.rmdir()
        model = keras.Model(inputs, layer(inputs))
        mark.rmdir()
    model.save(path)
    shutil.rmtree(mark, ignore_errors=True)
    return path.read_bytes()


def test_a_model_with_code_in_it_is_not_run(one_variant_store: Path, tmp_path: Path, capsys) -> None:
    mark = tmp_path / "mark"
    plant(Store(one_variant_store), "models", "model.keras", hostile_model(mark, tmp_path))
    assert main(["predict", "a wonderful film", "--store", str(one_variant_store)]) == 1
    assert not mark.exists()
    [line] = [line for line in capsys.readouterr().err.splitlines() if "Error" in line]
    assert line.startswith("DataError: models/")
    assert len(line) < 500


@pytest.mark.parametrize("content", [b"no zip", b"PK\x03\x04 and no more"])
def test_a_model_that_is_none_is_named(one_variant_store: Path, capsys, content: bytes) -> None:
    plant(Store(one_variant_store), "models", "model.keras", content)
    assert main(["predict", "a wonderful film", "--store", str(one_variant_store)]) == 1
    assert "DataError: models/" in capsys.readouterr().err


def test_pickles_in_a_checkpoint_are_not_read(store: Store, tmp_path: Path, caplog) -> None:
    from imdb_tasks.training import Checkpoints

    mark = tmp_path / "mark"
    path = tmp_path / "state.npz"
    np.savez(path, history=np.array([Mark(mark)], dtype=object), wall_seconds=np.float64(1))
    with store.exclusive("models", "k") as hold:
        checkpoints = Checkpoints(store, "k", hold)
        store.write_sealed(checkpoints.name, path.read_bytes())
        assert checkpoints.load() is None
    assert "checkpoints/k.npz is damaged (it cannot be read" in caplog.text
    assert not mark.exists()


def test_pickles_in_predictions_are_not_read(one_variant_store: Path, tmp_path: Path) -> None:
    from imdb_tasks.pipeline import find_conclusions

    mark, store = tmp_path / "mark", Store(one_variant_store)
    path = tmp_path / "predictions.npz"
    np.savez(path, names=np.array([Mark(mark)], dtype=object))
    plant(store, "analyses", "predictions.npz", path.read_bytes())
    [run] = store.ref_times("runs")
    assert find_conclusions(store, run, store.refs("runs")[run]["analysis"]) is None
    assert not mark.exists()
