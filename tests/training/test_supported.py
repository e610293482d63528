from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from imdb_tasks.errors import SettingsError
from imdb_tasks.study import TrainingSettings, Variant
from imdb_tasks.training.model import build
from tests.support.lazy import Lazy

keras, layers, engine = Lazy("keras"), Lazy("keras.layers"), Lazy("imdb_tasks.training.engine")
IDS, LABELS = np.zeros((4, 3), np.int32), np.array([0, 1, 0, 1], np.int8)


def embedding(**options: Any) -> "layers.Layer":
    return layers.Embedding(5, 4, **{"name": "vectors", "trainable": False, **options})


def recurrent(kind: Any = None, **options: Any) -> "layers.Layer":
    return (kind or layers.GRU)(3, **{"name": "recurrent", "activation": "relu", **options})


def dense(units: int = 1, **options: Any) -> "layers.Layer":
    return layers.Dense(units, **{"name": "output", "activation": "sigmoid", **options})


def model_of(*stack: "layers.Layer") -> "keras.Sequential":
    return keras.Sequential([keras.Input((3,), dtype="int32"), *stack], name="stack")


def compiled(**options: Any) -> "keras.Sequential":
    model = model_of(embedding(), recurrent(), dense())
    model.compile(**{"optimizer": "adam", "loss": "binary_crossentropy", "metrics": ["accuracy"], **options})
    return model


@pytest.mark.parametrize("cell", ["GRU", "LSTM"])
def test_the_studys_own_model_is_taken_new_and_loaded(cell: str, tmp_path) -> None:
    matrix = np.ones((5, 4), np.float32)
    model = build(Variant(cell=cell, units=3, batch_size=2), TrainingSettings(), matrix, max_tokens=3)
    engine.Engine(model, IDS, LABELS).start()
    model.save(tmp_path / "model.keras")
    for compile_it in (True, False):
        engine.Engine(keras.saving.load_model(tmp_path / "model.keras", compile=compile_it), IDS, LABELS)


def test_layers_that_keras_itself_computes_in_the_head_are_taken() -> None:
    engine.Engine(
        model_of(embedding(), recurrent(layers.LSTM), dense(4, name="hidden", use_bias=False), dense()), IDS, LABELS
    )
    adam = keras.optimizers.Adam(0.1, beta_1=0.8)
    engine.Engine(compiled(loss=keras.losses.BinaryCrossentropy(), optimizer=adam), IDS, LABELS)


STACKS: dict[str, tuple[Callable[[], "tuple[layers.Layer, ...]"], str, str]] = {
    "dropout": (lambda: (embedding(), recurrent(), layers.Dropout(0.5, name="drop"), dense()), "drop", "Dropout"),
    "dropout as an activation": (
        lambda: (embedding(), recurrent(), dense(activation=layers.Dropout(0.5))),
        "output",
        "own activations",
    ),
    "batch normalisation": (
        lambda: (embedding(), recurrent(), layers.BatchNormalization(name="norm"), dense()),
        "norm",
        "BatchNorm",
    ),
    "noise": (lambda: (embedding(), recurrent(), layers.GaussianNoise(0.1, name="noise"), dense()), "noise", "Noise"),
    "two recurrent layers": (
        lambda: (embedding(), recurrent(return_sequences=True, name="first"), recurrent(), dense()),
        "first",
        "return_seq",
    ),
    "both directions": (
        lambda: (embedding(), layers.Bidirectional(recurrent(), name="both"), dense()),
        "both",
        "Bidirectional",
    ),
    "trainable embedding": (lambda: (embedding(trainable=True), recurrent(), dense()), "vectors", "trainable=False"),
    "mask": (lambda: (embedding(mask_zero=True), recurrent(), dense()), "vectors", "mask_zero=False"),
    "regularised embedding": (
        lambda: (embedding(embeddings_regularizer="l2"), recurrent(), dense()),
        "vectors",
        "embeddings_regularizer=None",
    ),
    "recurrent dropout": (
        lambda: (embedding(), recurrent(recurrent_dropout=0.2), dense()),
        "recurrent",
        "recurrent_dropout=0.0",
    ),
    "input dropout": (lambda: (embedding(), recurrent(dropout=0.2), dense()), "recurrent", "dropout=0.0"),
    "recurrent regulariser": (
        lambda: (embedding(), recurrent(layers.LSTM, recurrent_regularizer="l1"), dense()),
        "recurrent",
        "recurrent_regularizer=None",
    ),
    "recurrent constraint": (
        lambda: (embedding(), recurrent(recurrent_constraint="unit_norm"), dense()),
        "recurrent",
        "recurrent_constraint=None",
    ),
    "another activation": (lambda: (embedding(), recurrent(activation="elu"), dense()), "recurrent", "relu or tanh"),
    "another gate": (
        lambda: (embedding(), recurrent(recurrent_activation="hard_sigmoid"), dense()),
        "recurrent",
        "recurrent_activation='sigmoid'",
    ),
    "the old GRU": (lambda: (embedding(), recurrent(reset_after=False), dense()), "recurrent", "reset_after=True"),
    "backwards": (lambda: (embedding(), recurrent(go_backwards=True), dense()), "recurrent", "go_backwards=False"),
    "kernel regulariser": (
        lambda: (embedding(), recurrent(), dense(kernel_regularizer="l2")),
        "output",
        "kernel_regularizer=None",
    ),
    "kernel constraint": (
        lambda: (embedding(), recurrent(), dense(kernel_constraint="non_neg")),
        "output",
        "kernel_constraint=None",
    ),
    "activity regulariser": (
        lambda: (embedding(), recurrent(), dense(activity_regularizer="l2")),
        "output",
        "activity_regularizer=None",
    ),
    "frozen output": (lambda: (embedding(), recurrent(), dense(trainable=False)), "output", "trainable=True"),
    "mixed precision": (
        lambda: (embedding(), recurrent(), dense(dtype="mixed_bfloat16")),
        "output",
        "dtype policy float32",
    ),
    "no recurrent layer": (lambda: (embedding(), layers.Flatten(name="flat"), dense()), "flat", "GRU or LSTM"),
    "no output": (lambda: (embedding(), recurrent()), "stack", "Dense"),
    "two outputs": (lambda: (embedding(), recurrent(), dense(2)), "stack", "1 unit"),
}


@pytest.mark.parametrize(("stack", "name", "expected"), STACKS.values(), ids=list(STACKS))
def test_a_layer_that_would_be_trained_otherwise_is_refused_by_its_name(stack, name: str, expected: str) -> None:
    with pytest.raises(SettingsError) as caught:
        engine.Engine(model_of(*stack()), IDS, LABELS)
    assert f"{name!r}" in str(caught.value)
    assert expected in str(caught.value)
    assert "keras.Model.fit" in str(caught.value)


def test_a_layer_of_ones_own_is_refused_even_if_it_is_called_like_a_stock_one() -> None:
    class Dense(layers.Dense):
        def call(self, inputs, training=None):
            return 2 * super().call(inputs)

    with pytest.raises(SettingsError, match="the layer 'own'"):
        engine.Engine(model_of(embedding(), recurrent(), Dense(1, name="own")), IDS, LABELS)


def test_a_model_that_may_do_anything_is_refused() -> None:
    class Mine(keras.Sequential):
        pass

    mine = Mine([keras.Input((3,), dtype="int32"), embedding(), recurrent(), dense()], name="mine")
    with pytest.raises(SettingsError, match="the model 'mine'.*expected a plain keras.Sequential, found Mine"):
        engine.Engine(mine, IDS, LABELS)


def test_a_global_policy_of_mixed_precision_is_refused() -> None:
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = model_of(embedding(), recurrent(), dense())
    finally:
        keras.config.set_dtype_policy("float32")
    with pytest.raises(SettingsError, match="'vectors'.*dtype policy float32, found mixed_bfloat16"):
        engine.Engine(model, IDS, LABELS)


def decaying() -> Any:
    return keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.9)


COMPILED = {
    "another optimiser": (lambda: {"optimizer": "sgd"}, "optimiser.*expected keras.optimizers.Adam, found SGD"),
    "decoupled decay": (lambda: {"optimizer": "adamw"}, "optimiser.*found AdamW"),
    "weight decay": (
        lambda: {"optimizer": keras.optimizers.Adam(weight_decay=0.01)},
        "weight_decay=None, found weight_decay=0.01",
    ),
    "clipped norm": (lambda: {"optimizer": keras.optimizers.Adam(clipnorm=1.0)}, "clipnorm=None"),
    "clipped value": (lambda: {"optimizer": keras.optimizers.Adam(clipvalue=1.0)}, "clipvalue=None"),
    "clipped global norm": (lambda: {"optimizer": keras.optimizers.Adam(global_clipnorm=1.0)}, "global_clipnorm=None"),
    "moving average": (lambda: {"optimizer": keras.optimizers.Adam(use_ema=True)}, "use_ema=False"),
    "scaled loss": (lambda: {"optimizer": keras.optimizers.Adam(loss_scale_factor=8.0)}, "loss_scale_factor=None"),
    "dynamic loss scale": (
        lambda: {"optimizer": keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam())},
        "found LossScale",
    ),
    "accumulated gradients": (
        lambda: {"optimizer": keras.optimizers.Adam(gradient_accumulation_steps=2)},
        "gradient_accumulation",
    ),
    "amsgrad": (lambda: {"optimizer": keras.optimizers.Adam(amsgrad=True)}, "amsgrad=False"),
    "schedule": (
        lambda: {"optimizer": keras.optimizers.Adam(keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.9))},
        "constant learning_rate, found ExponentialDecay",
    ),
    "another loss": (lambda: {"loss": "mse"}, "the loss.*expected binary_crossentropy"),
    "smoothed labels": (lambda: {"loss": keras.losses.BinaryCrossentropy(label_smoothing=0.1)}, "label_smoothing=0.0"),
    "weighted loss": (lambda: {"loss_weights": [2.0]}, "loss_weights"),
    "weighted metrics": (lambda: {"weighted_metrics": ["accuracy"]}, "weighted_metrics"),
    "another metric": (lambda: {"metrics": ["accuracy", keras.metrics.Precision()]}, "the metrics.*found Precision"),
    "another AUC": (lambda: {"metrics": [keras.metrics.AUC(curve="PR")]}, "AUC.*curve='ROC', found curve='PR'"),
}


@pytest.mark.parametrize(("options", "expected"), COMPILED.values(), ids=list(COMPILED))
def test_an_optimiser_loss_or_metric_that_the_engine_does_not_compute_is_refused(options, expected: str) -> None:
    with pytest.raises(SettingsError, match=expected):
        engine.Engine(compiled(**options()), IDS, LABELS)
