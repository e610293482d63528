from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.support.examples import also

if TYPE_CHECKING:
    import keras

TOLERANCE = {"float64": 1e-6, "float32": 1e-4}
WORDS, FEATURES = 40, 10


def stock_kind(cell: str) -> "type[keras.layers.Layer]":
    import keras

    return getattr(keras.layers, cell)


def fast_kind(cell: str) -> "type[keras.layers.Layer]":
    from imdb_tasks.training import fast_layers as recurrent

    return getattr(recurrent, cell)


@pytest.fixture(params=["float64", also("float32")])
def dtype(request: pytest.FixtureRequest):
    """Give a float type; JAX has to be told that 64 bits are wanted."""
    import keras

    if keras.backend.backend() == "jax":
        import jax

        with jax.enable_x64(request.param == "float64"):
            yield request.param
    else:
        yield request.param


def model_of(layer: "keras.layers.Layer", dtype: str, steps: int) -> "keras.Sequential":
    """Return embedding, the layer, a dense output, with weights that depend on nothing but their shapes."""
    import keras

    model = keras.Sequential(
        [
            keras.Input((steps,), dtype="int32"),
            keras.layers.Embedding(WORDS, FEATURES, trainable=False, dtype=dtype),
            layer,
            keras.layers.Dense(1, activation="sigmoid", dtype=dtype),
        ]
    )
    draw = np.random.default_rng(5)
    model.set_weights([draw.normal(size=weight.shape) * 0.4 for weight in model.get_weights()])
    return model


def loss_and_gradients(model, forward, truth) -> tuple[float, list[np.ndarray]]:
    import keras
    from keras import ops

    from imdb_tasks.training import backends

    def mean_loss(weights):
        with keras.StatelessScope(state_mapping=zip(model.trainable_variables, weights, strict=True)):
            return ops.mean(keras.losses.binary_crossentropy(truth, forward())), ()

    weights = [backends.to_device(np.array(ops.convert_to_numpy(variable))) for variable in model.trainable_variables]
    # compiled: fifty small programs, one per operation, would take longer
    loss, gradients = backends.compiled(lambda weights: backends.value_and_gradients(mean_loss, weights)[::2])(weights)
    return float(loss), [ops.convert_to_numpy(gradient) for gradient in gradients]


def assert_close(found, expected, dtype: str) -> None:
    """Compare relative to the largest value: single entries may cancel to almost nothing."""
    scale = np.abs(expected).max()
    np.testing.assert_allclose(found, expected, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype] * scale)


@pytest.mark.parametrize("activation", ["relu", pytest.param("tanh", marks=pytest.mark.slow)])
@pytest.mark.parametrize("cell", ["GRU", "LSTM"])
@pytest.mark.parametrize("size", [(1, 1, 1), (3, 64, 4), (16, 2, 25)], ids=str)
def test_forward_loss_and_every_gradient_are_those_of_the_stock_layer(dtype, cell, activation, size) -> None:
    from keras import ops

    from imdb_tasks.training import fast_layers as recurrent

    units, batch, steps = size
    draw = np.random.default_rng(units)
    ids = draw.integers(0, WORDS, (batch, steps)).astype(np.int32)
    truth = draw.integers(0, 2, (batch, 1)).astype(dtype)
    stock = model_of(stock_kind(cell)(units, activation=activation, dtype=dtype), dtype, steps)
    fast = model_of(fast_kind(cell)(units, activation=activation, dtype=dtype), dtype, steps)
    table = ops.convert_to_tensor(stock.layers[0].get_weights()[0])
    behind_a_table = recurrent.around(stock.layers[1])

    expected = loss_and_gradients(stock, lambda: stock(ids), truth)
    ways = {
        "as a layer": loss_and_gradients(fast, lambda: fast(ids), truth),
        "behind a table": loss_and_gradients(
            stock, lambda: stock.layers[2](behind_a_table.last_output(ids, table)), truth
        ),
    }

    assert_close(ops.convert_to_numpy(fast(ids)), ops.convert_to_numpy(stock(ids)), dtype)
    for loss, gradients in ways.values():
        assert loss == pytest.approx(expected[0], rel=TOLERANCE[dtype])
        assert len(gradients) == len(expected[1])
        for found, wanted in zip(gradients, expected[1], strict=True):
            assert found.dtype == dtype
            assert_close(found, wanted, dtype)


@pytest.mark.parametrize("cell", ["GRU", "LSTM"])
def test_the_gradient_reaches_inputs_and_a_given_first_state(cell) -> None:
    from keras import ops

    from imdb_tasks.training import backends

    draw = np.random.default_rng(0)
    inputs = draw.normal(size=(3, 6, FEATURES)).astype(np.float32)
    states = [draw.normal(size=(3, 4)).astype(np.float32) for _ in range({"GRU": 1, "LSTM": 2}[cell])]
    layers = [kind(cell)(4, activation="tanh") for kind in (stock_kind, fast_kind)]
    for layer in layers:
        layer.build(inputs.shape)
    layers[1].set_weights(layers[0].get_weights())

    def gradients(layer):
        def total(arguments):
            return ops.sum(layer(arguments[0], initial_state=arguments[1:])), ()

        given = [ops.convert_to_tensor(part) for part in (inputs, *states)]
        return [ops.convert_to_numpy(part) for part in backends.value_and_gradients(total, given)[2]]

    for found, wanted in zip(gradients(layers[1]), gradients(layers[0]), strict=True):
        assert_close(found, wanted, "float32")


@pytest.mark.parametrize("cell", ["GRU", "LSTM"])
def test_weights_names_and_configuration_are_those_of_the_stock_layer(cell) -> None:
    stock, fast = (
        kind(cell)(3, activation="relu", kernel_initializer="he_normal", name="r") for kind in (stock_kind, fast_kind)
    )
    for layer in (stock, fast):
        layer.build((None, 5, FEATURES))
    assert fast.get_config() == stock.get_config()
    assert [(w.path, w.shape) for w in fast.weights] == [(w.path, w.shape) for w in stock.weights]
    assert stock_kind(cell).from_config(fast.get_config()).get_config() == stock.get_config()


@pytest.mark.parametrize(
    "asked",
    [
        {"return_sequences": True},
        {"return_state": True},
        {"go_backwards": True},
        {"use_bias": False},
        {"activation": "sigmoid"},
        {"recurrent_activation": "tanh"},
        {"unroll": True},
    ],
    ids=str,
)
@pytest.mark.parametrize("cell", ["GRU", "LSTM"])
def test_what_the_fast_path_does_not_cover_is_left_to_keras(cell, asked) -> None:
    import keras
    from keras import ops

    inputs = np.random.default_rng(1).normal(size=(2, 5, FEATURES)).astype(np.float32)
    stock, fast = (kind(cell)(4, **{"activation": "relu", **asked}) for kind in (stock_kind, fast_kind))
    for layer in (stock, fast):
        layer.build(inputs.shape)
    fast.set_weights(stock.get_weights())
    found, wanted = (keras.tree.flatten(layer(inputs)) for layer in (fast, stock))
    assert len(found) == len(wanted)
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(ops.convert_to_numpy(one), ops.convert_to_numpy(other), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("cell", ["GRU", "LSTM"])
def test_a_mask_is_respected(cell) -> None:
    from keras import ops

    inputs = np.random.default_rng(1).normal(size=(2, 5, FEATURES)).astype(np.float32)
    mask = np.array([[True] * 5, [True, True, False, False, False]])
    stock, fast = (kind(cell)(4, activation="relu") for kind in (stock_kind, fast_kind))
    for layer in (stock, fast):
        layer.build(inputs.shape)
    fast.set_weights(stock.get_weights())
    results = [ops.convert_to_numpy(layer(inputs, mask=mask)) for layer in (fast, stock)]
    np.testing.assert_allclose(results[0], results[1], rtol=1e-5, atol=1e-6)


def test_a_layer_around_a_stock_one_trains_the_same_variables() -> None:
    import keras

    from imdb_tasks.training import fast_layers as recurrent

    stock = keras.layers.GRU(4, activation="relu")
    stock.build((None, 5, FEATURES))
    fast = recurrent.around(stock)
    stock.cell.kernel.assign(np.ones((FEATURES, 12)))
    np.testing.assert_array_equal(fast.get_weights()[0], np.ones((FEATURES, 12)))


def test_a_layer_that_the_fast_path_does_not_cover_is_refused_behind_a_table() -> None:
    import keras

    from imdb_tasks.training import fast_layers as recurrent

    stock = keras.layers.LSTM(4, recurrent_dropout=0.5)
    stock.build((None, 5, FEATURES))
    with pytest.raises(ValueError, match="a configuration that the engine supports, found .*'recurrent_dropout': 0.5"):
        recurrent.around(stock)


def test_the_table_is_projected_only_where_it_is_smaller_than_the_input() -> None:
    from keras import ops

    from imdb_tasks.training import fast_layers as recurrent

    table = np.random.default_rng(0).normal(size=(WORDS, FEATURES)).astype(np.float32)
    kernel, bias = np.ones((FEATURES, 6), np.float32), np.arange(6, dtype=np.float32)
    for shape in [(2, 3), (10, 30)]:
        ids = np.random.default_rng(1).integers(0, WORDS, shape).astype(np.int32)
        found = recurrent._project_ids(*map(ops.convert_to_tensor, (ids, table, kernel, bias)))
        np.testing.assert_allclose(ops.convert_to_numpy(found), table[ids] @ kernel + bias, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("reverse", [False, True])
def test_a_scan_is_a_loop_over_the_first_axis(reverse) -> None:
    from keras import ops

    from imdb_tasks.training import backends

    inputs = np.arange(12, dtype=np.float32).reshape(4, 3)

    def step(state, row):
        return state * 2 + row, {"before": state, "sum": ops.sum(row)}

    last, seen = backends.scan(step, ops.zeros(3), ops.convert_to_tensor(inputs), reverse=reverse)

    state, before = np.zeros(3, np.float32), []
    for row in inputs[::-1] if reverse else inputs:
        before.append(state)
        state = state * 2 + row
    np.testing.assert_array_equal(ops.convert_to_numpy(last), state)
    expected = before[::-1] if reverse else before
    np.testing.assert_array_equal(ops.convert_to_numpy(seen["before"]), expected)
    np.testing.assert_array_equal(ops.convert_to_numpy(seen["sum"]), inputs.sum(axis=1))
