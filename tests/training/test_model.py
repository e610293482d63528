import itertools
import os
import subprocess
import sys

import numpy as np
import pytest

from imdb_tasks.study import TrainingSettings, Variant
from imdb_tasks.training.model import build

MATRIX = np.random.default_rng(0).normal(size=(50, 100)).astype(np.float32)


@pytest.mark.parametrize("cell", ["GRU", "LSTM"])
def test_the_model_is_the_originals(cell) -> None:
    model = build(Variant(cell=cell, units=8, batch_size=4), TrainingSettings(), MATRIX, max_tokens=10)
    embedding, recurrent, dense, output = (layer.get_config() for layer in model.layers)
    assert [type(layer).__name__ for layer in model.layers] == ["Embedding", cell, "Dense", "Dense"]
    assert (embedding["trainable"], embedding["mask_zero"]) == (False, False)
    assert (recurrent["units"], recurrent["activation"]) == (8, "relu")
    assert recurrent["kernel_initializer"]["class_name"] == "HeNormal"
    assert recurrent["recurrent_initializer"]["class_name"] == "Orthogonal"
    assert (dense["units"], dense["activation"], dense["kernel_initializer"]["class_name"]) == (8, "relu", "HeNormal")
    assert (output["activation"], output["kernel_initializer"]["class_name"]) == ("sigmoid", "GlorotNormal")
    assert model.loss == "binary_crossentropy"
    assert float(model.optimizer.learning_rate) == pytest.approx(1e-4)
    np.testing.assert_array_equal(model.layers[0].get_weights()[0], MATRIX)


def test_an_embedding_row_of_the_padding_is_used_as_it_is_without_a_mask() -> None:
    model = build(Variant(cell="GRU", units=4, batch_size=4), TrainingSettings(), MATRIX, max_tokens=3)
    one, other = model.predict_on_batch(np.int32([[1, 2, 0], [1, 2, 2]]))
    assert one != other


def test_the_same_variant_starts_from_the_same_weights_and_every_other_from_others() -> None:
    variant = Variant(cell="GRU", units=4, batch_size=4)
    others = [variant.model_copy(update=change) for change in ({"replicate": 1}, {"batch_size": 8})]
    kernels = [
        build(each, TrainingSettings(), MATRIX, max_tokens=3).layers[1].get_weights()[0]
        for each in (variant, variant, *others)
    ]
    np.testing.assert_array_equal(kernels[0], kernels[1])
    assert all(not np.array_equal(one, other) for one, other in itertools.combinations(kernels[1:], 2))


@pytest.mark.slow
def test_under_jax_tensorflow_is_not_imported() -> None:
    script = (
        "from tests.training.test_model import *; import sys;"
        "build(Variant(cell='GRU', units=4, batch_size=4), TrainingSettings(), MATRIX, max_tokens=3);"
        "assert 'tensorflow' not in sys.modules"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], env={**os.environ, "KERAS_BACKEND": "jax"}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_the_original_has_so_many_parameters() -> None:
    # GRU, reset after: 3 (100 u + u u + 2 u); two dense layers: u u + u and u + 1
    model = build(Variant(cell="GRU", units=32, batch_size=4), TrainingSettings(), MATRIX, max_tokens=3)
    trainable = sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)
    assert trainable == 3 * (100 * 32 + 32 * 32 + 2 * 32) + (32 * 32 + 32) + 33
