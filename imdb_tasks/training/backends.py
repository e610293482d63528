"""The one place where the two Keras backends differ: loops, gradients, compilation and devices.

Each function has a TensorFlow and a JAX form with the same meaning; all else is written once, with ``keras.ops``.
"""

from collections.abc import Callable
from typing import Any

import keras

Tree = Any  # a tensor, or nested tuples, lists and dicts of them

_JAX = keras.backend.backend() == "jax"


def compiled(function: Callable[..., Tree], *, consumes_first: bool = False) -> Callable[..., Tree]:
    """Return ``function`` as one XLA program per shape of its inputs. Memory of a consumed argument is used again."""
    if _JAX:
        import jax

        return jax.jit(function, donate_argnums=0 if consumes_first else ())
    import tensorflow as tf

    return tf.function(function, jit_compile=True, autograph=False)  # type: ignore[no-any-return]


def to_device(array: Any) -> Any:
    """Copy an array to the device that Keras computes on."""
    if _JAX:
        import jax

        return jax.device_put(array)
    import tensorflow as tf

    return tf.constant(array)


def value_of(variable: Any) -> Any:
    """Return what a ``keras.Variable`` holds in the present scope, as a plain tensor."""
    value = variable.value
    if _JAX:
        return value
    import tensorflow as tf

    return tf.convert_to_tensor(value)


def value_and_gradients(loss: Callable[[Tree], tuple[Any, Tree]], weights: list[Any]) -> tuple[Any, Tree, list[Any]]:
    """Call ``loss(weights) -> (value, extra)``; return value, extra and the value's gradients by ``weights``."""
    if _JAX:
        import jax

        (value, extra), gradients = jax.value_and_grad(loss, has_aux=True)(weights)
        return value, extra, gradients
    import tensorflow as tf

    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(weights)
        value, extra = loss(weights)
    return value, extra, tape.gradient(value, weights)


def scan(
    step: Callable[[Tree, Tree], tuple[Tree, Tree]], state: Tree, inputs: Tree, *, reverse: bool = False
) -> tuple[Tree, Tree]:
    """Loop over the first axis of ``inputs``: ``step(state, one input) -> (state, one output)``.

    Returns the last state and the stacked outputs, in the order of the inputs even if the loop runs in reverse.
    ``keras.ops.scan`` would do, but under TensorFlow its outputs must have the shape of its state.
    """
    if _JAX:
        import jax

        return jax.lax.scan(step, state, inputs, reverse=reverse)
    return _tensorflow_scan(step, state, inputs, reverse=reverse)


def _tensorflow_scan(
    step: Callable[[Tree, Tree], tuple[Tree, Tree]], state: Tree, inputs: Tree, *, reverse: bool
) -> tuple[Tree, Tree]:
    import tensorflow as tf

    flat = tf.nest.flatten(inputs)
    length = flat[0].shape[0]
    # Traced once, by itself: it tells how many outputs there are, and their shapes, and the loop calls it.
    first = tf.nest.map_structure(lambda part: part[0], inputs)
    traced: Any = tf.function(step, autograph=False).get_concrete_function(state, first)
    _, example = traced.structured_outputs
    read = [tf.TensorArray(part.dtype, length, element_shape=part.shape[1:]).unstack(part) for part in flat]
    written = [tf.TensorArray(part.dtype, length, element_shape=part.shape) for part in tf.nest.flatten(example)]

    def body(index: Any, state: Tree, written: list[Any]) -> tuple[Any, Tree, list[Any]]:
        state, output = traced(state, tf.nest.pack_sequence_as(inputs, [part.read(index) for part in read]))
        parts = tf.nest.flatten(output)
        written = [array.write(index, part) for array, part in zip(written, parts, strict=True)]
        return index + (-1 if reverse else 1), state, written

    start = tf.constant(length - 1 if reverse else 0)
    _, state, written = tf.while_loop(
        lambda index, *_: index >= 0 if reverse else index < length,
        body,
        (start, state, written),
        maximum_iterations=length,
    )
    return state, tf.nest.pack_sequence_as(example, [array.stack() for array in written])
