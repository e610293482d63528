import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from imdb_tasks.corpus import Arrays
from imdb_tasks.study import History, TrainingRecord, TrainingSettings, Variant
from imdb_tasks.training import model as models
from imdb_tasks.training import process
from imdb_tasks.training.fit import train
from imdb_tasks.training.randomness import order_of_rows

VARIANT = Variant(cell="GRU", units=4, batch_size=16)
SETTINGS = TrainingSettings(epochs=3, learning_rate=0.01)


def make_arrays(rows: int = 100) -> Arrays:
    draw = np.random.default_rng(3)
    matrix = draw.normal(size=(30, 100)).astype(np.float32)
    x = draw.integers(1, 30, size=(rows, 8)).astype(np.int32)
    y = (matrix[x].mean(axis=(1, 2)) > 0).astype(np.int8)
    return Arrays(x, x[:20], y, y[:20], matrix)


def ignore(history: History) -> None:
    pass


def test_the_history_has_one_value_per_epoch_and_the_listener_sees_each() -> None:
    seen: list[History] = []
    trained = train(VARIANT, SETTINGS, make_arrays(), seen.append)
    history = trained.record.history
    assert [part.epochs for part in seen] == [1, 2, 3]
    assert seen[-1] == history
    assert all(len(getattr(history, name)) == 3 for name in History.model_fields)
    assert history.loss[-1] < history.loss[0]
    assert all(rate > 0 for rate in history.samples_per_second)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_history_and_another_replicate_another() -> None:
    def losses(variant: Variant) -> tuple[float | None, ...]:
        return train(variant, SETTINGS, make_arrays(), ignore).record.history.loss

    assert losses(VARIANT) == losses(VARIANT)
    assert losses(VARIANT) != losses(VARIANT.model_copy(update={"replicate": 1}))


@pytest.mark.parametrize("cell", ["GRU", pytest.param("LSTM", marks=pytest.mark.slow)])
def test_the_numbers_are_those_of_fit_with_validation_split(cell) -> None:
    arrays, variant = make_arrays(), VARIANT.model_copy(update={"cell": cell})
    history = train(variant, SETTINGS, arrays, ignore).record.history
    model = models.build(variant, SETTINGS, arrays.embedding_matrix, max_tokens=8)
    for epoch in range(SETTINGS.epochs):
        order = np.concatenate([order_of_rows(80, variant, SETTINGS.seed, epoch=epoch), np.arange(80, 100)])
        x, y = arrays.x_train[order], arrays.y_train[order].astype("float32")[:, None]
        stock = model.fit(x, y, batch_size=16, validation_split=0.2, shuffle=False, verbose=0).history
        for name, values in stock.items():
            assert getattr(history, name)[epoch] == pytest.approx(values[0], rel=1e-4), (name, epoch)


def test_the_record_says_what_the_training_took() -> None:
    record = train(VARIANT, SETTINGS, make_arrays(), ignore).record
    assert record.status == "finished"
    assert record.cost.wall_seconds > sum(record.history.seconds) * 0.9
    assert record.cost.peak_memory_bytes > 50_000_000
    assert record.cost.device
    assert record.cost.trainable_parameters == 3 * (100 * 4 + 4 * 4 + 2 * 4) + (4 * 4 + 4) + 5
    assert {"python", "keras", process.backend()} <= record.versions.keys()
    assert record.environment["processor"]
    assert TrainingRecord.model_validate_json(record.model_dump_json()) == record


def test_a_loss_that_is_not_finite_ends_the_variant_as_diverged() -> None:
    seen: list[History] = []
    arrays = make_arrays()
    arrays.embedding_matrix[:] = np.inf
    record = train(VARIANT, SETTINGS, arrays, seen.append).record
    assert (record.status, record.diverged_at_epoch) == ("diverged", 1)
    assert record.history.loss == (None,)
    assert len(seen) == 1
    json.dumps(record.model_dump(mode="json"), allow_nan=False)


def test_the_saved_model_loads_where_this_project_is_not_installed(tmp_path: Path) -> None:
    arrays = make_arrays()
    trained = train(VARIANT, SETTINGS, arrays, ignore)
    trained.model.save(tmp_path / "model.keras")
    np.save(tmp_path / "x.npy", arrays.x_test)
    script = (
        "import keras, numpy, sys; assert 'imdb_tasks' not in sys.modules;"
        "model = keras.saving.load_model('model.keras', safe_mode=True);"
        "numpy.save('p.npy', model.predict(numpy.load('x.npy'), verbose=0))"
    )
    subprocess.run([sys.executable, "-I", "-c", script], cwd=tmp_path, check=True, capture_output=True)
    assert [type(layer).__module__.partition(".")[0] for layer in trained.model.layers] == ["keras"] * 4
    expected = trained.model.predict(arrays.x_test, verbose=0)
    np.testing.assert_allclose(np.load(tmp_path / "p.npy"), expected, rtol=1e-6)
