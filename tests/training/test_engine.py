import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imdb_tasks.study import TrainingSettings, Variant
from imdb_tasks.training import model as models

WORDS, STEPS, DIMENSIONS = 60, 12, 100
SIZES = [("GRU", 4, 16), ("LSTM", 8, 7)]
LARGER_SIZES = [("GRU", 16, 200), ("LSTM", 16, 32)]
DIVERGING = [("GRU", 3, 1.0)]
ALSO_DIVERGING = [("LSTM", 1, 0.5), ("LSTM", 1, 1.0)]


def slow(cases):
    return [pytest.param(*case, marks=pytest.mark.slow) for case in cases]


def reviews(rows: int, *, steps: int = STEPS) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(11)
    ids = draw.integers(0, WORDS, (rows, steps)).astype(np.int32)
    return ids, (np.sin(ids).sum(axis=1) > 0).astype(np.int8)


def model_of(cell: str, units: int, *, steps: int = STEPS, scale: float = 0.3, learning_rate: float = 0.01):
    matrix = (np.random.default_rng(2).normal(size=(WORDS, DIMENSIONS)) * scale).astype(np.float32)
    settings = TrainingSettings(learning_rate=learning_rate)
    model = models.build(Variant(cell=cell, units=units, batch_size=1), settings, matrix, max_tokens=steps)
    draw = np.random.default_rng(4)  # the same on both backends
    for weight in model.trainable_weights:
        weight.assign(draw.normal(size=weight.shape) / np.sqrt(weight.shape[0]))
    return model


def auc(labels: np.ndarray, probabilities: np.ndarray) -> float:
    import keras

    metric = keras.metrics.AUC()
    metric.update_state(as_keras_wants(labels), probabilities[:, None])
    return float(metric.result())


def as_keras_wants(labels: np.ndarray) -> np.ndarray:
    return labels.astype(np.float32)[:, None]


@given(st.integers(1, 200), st.integers(1, 64))
def test_batches_hold_every_review_once_and_fill_the_last_with_its_first(rows, batch_size) -> None:
    from imdb_tasks.training.engine import Batches

    order = np.random.default_rng(rows).permutation(rows)
    batches = Batches.of(order, batch_size)
    assert batches.rows.shape == (math.ceil(rows / batch_size), batch_size)
    np.testing.assert_array_equal(batches.rows[batches.counted], order)
    assert set(batches.rows[-1][~batches.counted[-1]]) <= {batches.rows[-1, 0]}
    assert batches.counted[:, 0].all()


@pytest.mark.parametrize(("cell", "units", "batch_size"), [*SIZES, *slow(LARGER_SIZES)])
def test_fifty_steps_give_the_losses_metrics_and_weights_of_keras(cell, units, batch_size) -> None:
    from imdb_tasks.training.engine import Batches, Engine

    ids, labels = reviews(50 * batch_size)
    stock, ours = model_of(cell, units), model_of(cell, units)
    engine = Engine(ours, ids, labels)
    state = engine.start()
    for step in range(50):
        rows = np.arange(step * batch_size, (step + 1) * batch_size)
        stock.reset_metrics()
        expected = stock.train_on_batch(ids[rows], as_keras_wants(labels[rows]), return_dict=True)
        state, found = engine.train(state, Batches.of(rows, batch_size))
        assert found.loss == pytest.approx(expected["loss"], rel=1e-4), step
        assert found.accuracy == pytest.approx(expected["accuracy"], abs=1e-6), step
        # one review within rounding of one of the 200 thresholds may fall on its other side
        assert found.auc == pytest.approx(expected["auc"], abs=2e-3), step
        assert found.auc == pytest.approx(auc(labels[rows], found.probabilities), abs=1e-6), step
    engine.finish(state)
    for one, other in zip(ours.get_weights(), stock.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("cell", ["GRU", pytest.param("LSTM", marks=pytest.mark.slow)])
def test_an_epoch_with_a_last_batch_that_is_not_full_is_that_of_fit_and_evaluate(cell) -> None:
    from imdb_tasks.training.engine import Batches, Engine

    ids, labels = reviews(75)
    stock, ours = model_of(cell, 5), model_of(cell, 5)
    history = stock.fit(ids, as_keras_wants(labels), batch_size=16, shuffle=False, verbose=0).history
    tested = stock.evaluate(ids, as_keras_wants(labels), verbose=0, return_dict=True)

    engine = Engine(ours, ids, labels)
    order = Batches.of(np.arange(75), 16)
    state, trained = engine.train(engine.start(), order)
    evaluated = engine.evaluate(state[0], order)

    for name in ("loss", "accuracy", "auc"):
        assert getattr(trained, name) == pytest.approx(history[name][0], rel=1e-4), name
        assert getattr(evaluated, name) == pytest.approx(tested[name], rel=1e-4), name
    np.testing.assert_allclose(evaluated.probabilities[:75], stock.predict(ids, verbose=0)[:, 0], rtol=1e-4)


def test_the_finished_model_and_its_optimiser_are_the_trained_state() -> None:
    from imdb_tasks.training.engine import Batches, Engine

    ids, labels = reviews(64)
    model = model_of("GRU", 4)
    engine = Engine(model, ids, labels)
    state, _ = engine.train(engine.start(), Batches.of(np.arange(64), 16))
    engine.finish(state)
    expected = engine.evaluate(state[0], Batches.of(np.arange(64), 64)).probabilities
    np.testing.assert_allclose(model.predict(ids, verbose=0)[:, 0], expected, rtol=1e-5)
    assert int(model.optimizer.iterations) == 4


def test_training_goes_on_from_keras_where_the_engine_stopped() -> None:
    from imdb_tasks.training.engine import Batches, Engine

    ids, labels = reviews(64)
    stock, ours = model_of("LSTM", 4), model_of("LSTM", 4)
    engine = Engine(ours, ids, labels)
    state, _ = engine.train(engine.start(), Batches.of(np.arange(64), 16))
    engine.finish(state)
    stock.fit(ids, as_keras_wants(labels), batch_size=16, shuffle=False, verbose=0)
    losses = [
        model.fit(ids, as_keras_wants(labels), batch_size=16, shuffle=False, verbose=0).history["loss"][0]
        for model in (ours, stock)
    ]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


@pytest.mark.parametrize(
    ("cell", "scale", "rate"),
    [*DIVERGING, *slow(ALSO_DIVERGING)],
)
def test_a_diverging_model_is_not_finite_from_the_same_epoch_on(cell, scale, rate) -> None:
    """Steps of this size make a relu state overflow after two to five epochs of one batch.

    In which one depends on the backend: Keras computes the loss from logits under TensorFlow, from clipped
    probabilities under JAX.
    """
    from imdb_tasks.training.engine import Batches, Engine

    ids, labels = reviews(64, steps=60)
    stock, ours = (model_of(cell, 8, steps=60, scale=scale, learning_rate=rate) for _ in range(2))
    # Keras's own default, which TensorFlow's determinism turns off. Without XLA, TensorFlow's relu makes 0 of NaN on a
    # CPU, and a model whose weights are NaN goes on with a finite loss.
    stock.jit_compile = True
    engine = Engine(ours, ids, labels)
    state, order = engine.start(), Batches.of(np.arange(64), 64)
    finite: list[tuple[bool, bool]] = []
    for _ in range(8):
        loss = stock.fit(ids, as_keras_wants(labels), batch_size=64, shuffle=False, verbose=0).history["loss"][0]
        state, measured = engine.train(state, order)
        finite.append((math.isfinite(loss), math.isfinite(measured.loss)))
    assert (finite[0], finite[-1]) == ((True, True), (False, False))
    assert [stock for stock, _ in finite] == [ours for _, ours in finite]
