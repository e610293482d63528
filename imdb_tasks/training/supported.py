"""What the engine trains as Keras would, and the refusal, by name, of everything else.

The engine computes a model's epochs itself. What it does not know of, such as a ``Dropout`` or a regulariser, would
have no effect on the numbers, without a word. So a configuration is accepted only if everything in it either has a
meaning for the engine, listed here, or is as Keras sets it by default.
"""

from collections.abc import Mapping
from typing import Any

import keras

from imdb_tasks.errors import SettingsError

_EXPECTED = "a frozen Embedding, one GRU or LSTM, then Dense layers, the last one of 1 unit"
_ADVICE = "remove it, train this model with keras.Model.fit, or teach it to imdb_tasks/training/engine.py"
_EMBEDDING = ("input_dim", "output_dim", "embeddings_initializer")
_DENSE = ("units", "use_bias", "kernel_initializer", "bias_initializer")
_RECURRENT = (
    *("units", "activation", "kernel_initializer", "recurrent_initializer", "bias_initializer"),
    *("unit_forget_bias", "seed"),  # of the first weights, and of dropout, which there is not
)
_RECURRENT_ACTIVATIONS = (keras.activations.relu, keras.activations.tanh)
_ADAM = ("learning_rate", "beta_1", "beta_2", "epsilon")


def refuse_what_differs(model: Any) -> None:
    """Raise SettingsError if the engine would not train, or evaluate, the model as Keras does.

    Optimiser, loss and metrics are looked at where the model is compiled.
    """
    if type(model) is not keras.Sequential:
        raise _refusal(f"the model {model.name!r}", "a plain keras.Sequential", type(model).__name__)
    kinds = [type(layer) for layer in model.layers]
    for number, (layer, kind) in enumerate(zip(model.layers, kinds, strict=True)):
        allowed = _allowed_at(number)
        if kind not in allowed:
            expected = f"{' or '.join(each.__name__ for each in allowed)} in place {number + 1} of {_EXPECTED}"
            raise _refusal(f"the layer {layer.name!r}", expected, kind.__name__)
        _check_layer(layer)
    if len(kinds) < 3 or model.layers[-1].units != 1:  # noqa: PLR2004 - the shortest that gives a probability
        raise _refusal(f"the model {model.name!r}", _EXPECTED, ", ".join(kind.__name__ for kind in kinds) or "no layer")
    if model.compiled:
        _check_compiled(model.get_compile_config())


def _allowed_at(number: int) -> tuple[Any, ...]:
    layers = keras.layers
    return {0: (layers.Embedding,), 1: (layers.GRU, layers.LSTM)}.get(number, (layers.Dense,))


def _check_layer(layer: Any) -> None:
    what, found = f"the layer {layer.name!r}", layer.get_config()
    if layer.dtype_policy.name != "float32":
        raise _refusal(what, "the dtype policy float32", layer.dtype_policy.name)
    found.pop("dtype")
    if isinstance(layer, keras.layers.Embedding):
        if layer.trainable:
            raise _refusal(what, "trainable=False, for the engine gives its table no gradient", "trainable=True")
        _check_rest(what, found, keras.layers.Embedding(1, 1, trainable=False).get_config(), _EMBEDDING)
    elif isinstance(layer, keras.layers.Dense):
        if keras.activations.get(found.pop("activation")) is not layer.activation:
            raise _refusal(what, "one of Keras's own activations", repr(layer.activation))
        _check_rest(what, found, keras.layers.Dense(1).get_config(), _DENSE)
    else:
        if layer.activation not in _RECURRENT_ACTIVATIONS:
            raise _refusal(what, "the activation relu or tanh", str(found["activation"]))
        _check_rest(what, found, type(layer)(1).get_config(), _RECURRENT)


def _check_compiled(compiled: Mapping[str, Any]) -> None:
    adam = _config_of(compiled["optimizer"], "Adam")
    if adam is None:
        raise _refusal("the optimiser", "keras.optimizers.Adam", _name_of(compiled["optimizer"]))
    if not isinstance(adam["learning_rate"], float):
        raise _refusal("the optimiser", "a constant learning_rate", _name_of(adam["learning_rate"]))
    _check_rest("the optimiser", adam, keras.optimizers.Adam().get_config(), _ADAM)
    loss = compiled["loss"]
    if loss != "binary_crossentropy":
        found = _config_of(loss, "BinaryCrossentropy")
        if found is None:
            raise _refusal("the loss", "binary_crossentropy", _name_of(loss))
        _check_rest("the loss", found, keras.losses.BinaryCrossentropy().get_config())
    for name in ("loss_weights", "weighted_metrics"):
        if compiled.get(name):
            raise _refusal(f"compile({name})", "none", str(compiled[name]))
    for metric in compiled.get("metrics") or ():
        if metric != "accuracy":
            found = _config_of(metric, "AUC")
            if found is None:
                raise _refusal("the metrics", "'accuracy' and keras.metrics.AUC", _name_of(metric))
            _check_rest("the metric AUC", found, keras.metrics.AUC().get_config())


def _check_rest(what: str, found: Mapping[str, Any], defaults: Mapping[str, Any], free: tuple[str, ...] = ()) -> None:
    """Refuse every value that is not Keras's default, but for those that the engine takes as they are."""
    for name, value in found.items():
        if name not in (*free, "name") and value != defaults.get(name):
            raise _refusal(what, f"{name}={defaults.get(name)!r}", f"{name}={_name_of(value)}")


def _config_of(serialised: Any, kind: str) -> dict[str, Any] | None:
    """Return the configuration of an object of this class of Keras's own; None of anything else."""
    if not isinstance(serialised, Mapping) or serialised.get("registered_name"):
        return None
    own = str(serialised.get("module")).partition(".")[0] == "keras"
    return dict(serialised["config"]) if own and serialised.get("class_name") == kind else None


def _name_of(value: Any) -> str:
    return str(value.get("class_name", value)) if isinstance(value, Mapping) else f"{value!r:.80}"


def _refusal(what: str, expected: str, found: str) -> SettingsError:
    return SettingsError(
        f"{what}: the engine trains only what it computes as Keras does; expected {expected}, found {found}; {_ADVICE}"
    )
