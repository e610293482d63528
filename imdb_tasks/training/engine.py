"""A model's epochs as compiled programs: the data lies on the device, and no Python runs between its steps.

The numbers are those of ``keras.Model.fit`` and ``evaluate`` on the same model, for its own dense layers, loss,
optimiser and metrics do the work; only the recurrent layer runs in another order (see ``fast_layers``). What it would
not train as Keras does is refused (see ``supported``).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import ops

from imdb_tasks.study import THRESHOLD
from imdb_tasks.training import fast_layers
from imdb_tasks.training.backends import compiled, scan, to_device, value_and_gradients
from imdb_tasks.training.supported import refuse_what_differs

if TYPE_CHECKING:
    import numpy.typing as npt

Tensor = Any
State = tuple[list[Tensor], list[Tensor]]  # trainable weights, the optimiser's variables

EVALUATION_BATCH = 256


@dataclass(frozen=True)
class PassMetrics:
    """What a pass over some reviews gave: mean binary cross-entropy, accuracy at 0.5, AUC over Keras's 200 thresholds,
    and the probability of "positive", float32 (reviews,), in the order of the pass, then of what only fills.
    """

    loss: float
    accuracy: float
    auc: float
    probabilities: "npt.NDArray[np.float32]"


@dataclass(frozen=True)
class Batches:
    """The order of one pass.

    Attributes:
        rows: int32 (steps, batch size), which review stands where. The last batch is filled up with its first review.
        counted: bool (steps, batch size), False for what only fills.

    """

    rows: "npt.NDArray[np.int32]"
    counted: "npt.NDArray[np.bool_]"

    @classmethod
    def of(cls, order: "npt.NDArray[np.int64]", batch_size: int) -> "Batches":
        """Cut an order, (reviews,), into batches."""
        steps = math.ceil(len(order) / batch_size)
        rows = np.full(steps * batch_size, order[(steps - 1) * batch_size], np.int32)
        rows[: len(order)] = order
        counted = np.arange(len(rows)) < len(order)
        return cls(rows.reshape(steps, batch_size), counted.reshape(steps, batch_size))


class Engine:
    """Trains and evaluates a ``keras.Sequential`` of a frozen Embedding, a GRU or LSTM, and dense layers."""

    def __init__(self, model: Any, ids: "npt.NDArray[np.int32]", labels: "npt.NDArray[np.int8]") -> None:
        """Bring ids int32 (reviews, max_tokens) and labels int8 (reviews,) to the device.

        Raises:
            SettingsError: the model has a layer, an optimiser, a loss or a metric that is not computed as Keras would.

        """
        refuse_what_differs(model)
        embedding, layer, *self._head = model.layers
        self.rows = len(ids)
        self._model = model
        self._recurrent = fast_layers.around(layer)
        words = int(ids.max()) + 1  # a row that no review names would only make the table dearer to project
        table = embedding.get_weights()[0][:words]
        labels = labels.astype(table.dtype)[:, None]
        self._metrics = keras.metrics.BinaryAccuracy(threshold=THRESHOLD), keras.metrics.AUC()
        self._data = tuple(map(to_device, (table, np.ascontiguousarray(ids), labels)))
        self._train = compiled(self._train_program, consumes_first=True)
        self._evaluate = compiled(self._evaluate_program)

    def weights(self) -> list[Tensor]:
        """Return a copy of the model's trainable weights, on the device."""
        return _copies(self._model.trainable_variables)

    def start(self) -> State:
        """Return a copy of the model's weights and a new optimiser's variables, on the device."""
        self._model.optimizer.build(self._model.trainable_variables)
        return self.weights(), _copies(self._model.optimizer.variables)

    def resume(self, weights: "Sequence[npt.NDArray[Any]]", optimizer: "Sequence[npt.NDArray[Any]]") -> State:
        """Return a state that ``on_host`` gave, on the device again.

        Raises:
            ValueError: the arrays are not those of this model and its optimiser.

        """
        expected = self.start()
        for found, wanted in zip((weights, optimizer), expected, strict=True):
            shapes = [tuple(array.shape) for array in found], [tuple(tensor.shape) for tensor in wanted]
            if shapes[0] != shapes[1]:
                raise ValueError(f"expected arrays of the shapes {shapes[1]}, found {shapes[0]}")
        return [to_device(array) for array in weights], [to_device(array) for array in optimizer]

    def finish(self, state: State) -> None:
        """Give the state to the model and its optimiser."""
        variables = [*self._model.trainable_variables, *self._model.optimizer.variables]
        for variable, value in zip(variables, [*state[0], *state[1]], strict=True):
            variable.assign(value)

    def train(self, state: State, batches: Batches) -> tuple[State, PassMetrics]:
        """Take one optimiser step per batch; ``state`` is used up. Measures are those of each batch before its step."""
        rows, counted = to_device(batches.rows), to_device(batches.counted)
        state, measured = self._train(state, self._data, rows, counted)
        return state, _on_host(measured)

    def evaluate(self, weights: list[Tensor], batches: Batches) -> PassMetrics:
        """Measure the model with these weights."""
        rows, counted = to_device(batches.rows), to_device(batches.counted)
        return _on_host(self._evaluate(weights, self._data, rows, counted))

    def _train_program(self, state: State, data: Tensor, rows: Tensor, counted: Tensor) -> tuple[State, Any]:
        def step(state: State, batch: tuple[Tensor, Tensor]) -> tuple[State, Tensor]:
            def mean_loss(weights: list[Tensor]) -> tuple[Tensor, Tensor]:
                seen = self._pass(weights, data, *batch)
                return ops.sum(seen[0]) / ops.sum(ops.cast(batch[1], seen[0].dtype)), seen

            _, seen, gradients = value_and_gradients(mean_loss, state[0])
            return _adam_step(self._model.optimizer, state, gradients), seen

        state, seen = scan(step, state, (rows, counted))
        return state, self._measure(seen, counted)

    def _evaluate_program(self, weights: list[Tensor], data: Tensor, rows: Tensor, counted: Tensor) -> Any:
        def step(nothing: Tensor, batch: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
            return nothing, self._pass(weights, data, *batch)

        _, seen = scan(step, ops.zeros(()), (rows, counted))
        return self._measure(seen, counted)

    def _pass(self, weights: list[Tensor], data: Tensor, rows: Tensor, counted: Tensor) -> tuple[Tensor, ...]:
        """Return losses (batch,), zero for what only fills, then probabilities and labels, both (batch, 1)."""
        table, ids, labels = data
        truth = ops.take(labels, rows, axis=0)
        with keras.StatelessScope(state_mapping=zip(self._model.trainable_variables, weights, strict=True)):
            output = self._recurrent.last_output(ops.take(ids, rows, axis=0), table)
            for layer in self._head:
                output = layer(output)
        losses = keras.losses.binary_crossentropy(truth, output)
        return ops.where(counted, losses, ops.zeros_like(losses)), output, truth

    def _measure(self, seen: tuple[Tensor, ...], counted: Tensor) -> tuple[Tensor, ...]:
        """Return loss, accuracy, AUC and probabilities (steps * batch size,) of a pass."""
        losses, probabilities, truth = seen
        weights = ops.reshape(ops.cast(counted, losses.dtype), (-1,))
        probabilities, truth = ops.reshape(probabilities, (-1, 1)), ops.reshape(truth, (-1, 1))
        found = []
        for metric in self._metrics:
            zeros = [ops.zeros(variable.shape, variable.dtype) for variable in metric.variables]
            found.append(metric.stateless_result(metric.stateless_update_state(zeros, truth, probabilities, weights)))
        # Summed batch by batch: one long float32 sum would lose digits.
        loss = ops.sum(ops.sum(losses, axis=1)) / ops.sum(weights)
        return loss, *found, probabilities[:, 0]


def _adam_step(adam: Any, state: State, gradients: list[Tensor]) -> State:
    """Do what ``keras.optimizers.Adam`` does, to plain tensors (Kingma and Ba 2015, section 2, last paragraph).

    Keras's own ``stateless_apply`` is not there under TensorFlow.
    """
    weights, (iterations, rate, *moments) = state
    step = ops.cast(iterations + 1, rate.dtype)
    rate_now = rate * ops.sqrt(1 - ops.power(adam.beta_2, step)) / (1 - ops.power(adam.beta_1, step))
    new_weights, new_moments = [], []
    for weight, gradient, mean, square in zip(weights, gradients, moments[::2], moments[1::2], strict=True):
        new_mean = mean + (gradient - mean) * (1 - adam.beta_1)
        new_square = square + (ops.square(gradient) - square) * (1 - adam.beta_2)
        new_weights.append(weight - new_mean * rate_now / (ops.sqrt(new_square) + adam.epsilon))
        new_moments += [new_mean, new_square]
    return new_weights, [iterations + 1, rate, *new_moments]


def on_host(state: State) -> "tuple[list[npt.NDArray[Any]], list[npt.NDArray[Any]]]":
    """Copy weights and optimiser variables to arrays."""
    weights, optimizer = ([np.array(ops.convert_to_numpy(tensor)) for tensor in part] for part in state)
    return weights, optimizer


def _copies(variables: list[Any]) -> list[Tensor]:
    # Copied on the host: the program that consumes them would take away what the variables hold.
    return [to_device(np.array(ops.convert_to_numpy(variable))) for variable in variables]


def _on_host(measured: tuple[Tensor, ...]) -> PassMetrics:
    loss, accuracy, auc, probabilities = (ops.convert_to_numpy(part) for part in measured)
    return PassMetrics(float(loss), float(accuracy), float(auc), probabilities)
