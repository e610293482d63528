import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from imdb_tasks import runtime

runtime.configure_process()


from imdb_tasks import models  # noqa: E402
from imdb_tasks.arrays import Arrays  # noqa: E402
from imdb_tasks.results import History, TrainingRecord  # noqa: E402
from imdb_tasks.study import TrainingSettings, Variant  # noqa: E402
from imdb_tasks.training import _batches, finite, train  # noqa: E402

VARIANT = Variant(cell="GRU", units=4, batch_size=16)
SETTINGS = TrainingSettings(epochs=3, learning_rate=0.01)


def make_arrays(scale: float = 1.0, rows: int = 100) -> Arrays:
    draw = np.random.default_rng(3)
    matrix = (draw.normal(size=(30, 100)) * scale).astype(np.float32)
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


def test_the_same_seed_gives_the_same_history_and_another_replicate_another() -> None:
    def losses(variant: Variant) -> tuple[float | None, ...]:
        return train(variant, SETTINGS, make_arrays(), ignore).record.history.loss

    assert losses(VARIANT) == losses(VARIANT)
    assert losses(VARIANT) != losses(VARIANT.model_copy(update={"replicate": 1}))


def test_the_numbers_are_those_of_keras_with_validation_split() -> None:
    arrays = make_arrays()
    history = train(VARIANT, SETTINGS.model_copy(update={"epochs": 1}), arrays, ignore).record.history
    model = models.build(VARIANT, SETTINGS, arrays.embedding_matrix, max_tokens=8)
    order = np.random.default_rng((SETTINGS.seed, 0)).permutation(80)
    x = np.concatenate([arrays.x_train[order], arrays.x_train[80:]])
    y = np.concatenate([arrays.y_train[order], arrays.y_train[80:]]).astype("float32")[:, None]
    stock = model.fit(x, y, batch_size=16, validation_split=0.2, shuffle=False, verbose=0).history
    for name, values in stock.items():
        assert getattr(history, name)[0] == pytest.approx(values[0], rel=1e-5), name


def test_the_record_says_what_the_training_took() -> None:
    record = train(VARIANT, SETTINGS, make_arrays(), ignore).record
    assert record.status == "finished"
    assert record.cost.wall_seconds > sum(record.history.seconds) * 0.9
    assert record.cost.peak_memory_bytes > 50_000_000
    assert record.cost.device
    assert record.cost.total_parameters - record.cost.trainable_parameters == 30 * 100
    assert {"python", "keras", "tensorflow"} <= record.versions.keys()
    assert TrainingRecord.model_validate_json(record.model_dump_json()) == record


def test_a_loss_that_is_not_finite_ends_the_variant_as_diverged() -> None:
    seen: list[History] = []
    record = train(VARIANT, SETTINGS, make_arrays(scale=1e30), seen.append).record
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
    expected = trained.model.predict(arrays.x_test, verbose=0)
    np.testing.assert_allclose(np.load(tmp_path / "p.npy"), expected, rtol=1e-6)


def test_every_row_is_served_once_an_epoch_in_an_order_of_that_epoch() -> None:
    ids = np.arange(10, dtype=np.int32)[:, None]
    batches = _batches(ids, np.zeros(10, np.int8), 4, seed=1)
    orders = []
    for epoch in range(2):
        batches.start(epoch)
        served = [batches[number] for number in range(len(batches))]
        assert [len(x) for x, _ in served] == [4, 4, 2]
        orders.append(np.concatenate([x for x, _ in served])[:, 0].tolist())
    assert sorted(orders[0]) == sorted(orders[1]) == list(range(10))
    assert orders[0] != orders[1]


def test_validation_rows_keep_their_order() -> None:
    batches = _batches(np.arange(5, dtype=np.int32)[:, None], np.zeros(5, np.int8), 2)
    assert np.concatenate([batches[n][0] for n in range(3)])[:, 0].tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(("value", "kept"), [(1.5, 1.5), (float("nan"), None), (float("inf"), None)])
def test_only_finite_numbers_are_kept(value: float, kept: float | None) -> None:
    assert finite(value) == kept


def test_the_jax_backend_trains_the_same_model() -> None:
    script = (
        "import keras; from tests.test_training import *;"
        "record = train(VARIANT, SETTINGS, make_arrays(), ignore).record;"
        "assert keras.backend.backend() == 'jax';"
        "print(record.model_dump_json())"
    )
    import os

    environment = {key: value for key, value in os.environ.items() if not key.startswith(("TF_", "XLA_", "OMP_"))}
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**environment, "KERAS_BACKEND": "jax"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    record = TrainingRecord.model_validate_json(done.stdout.splitlines()[-1])
    assert record.status == "finished"
    assert record.history.loss[-1] < record.history.loss[0]
