"""GRU and LSTM layers that compute what Keras's own do, in an order that keeps the machine busy.

They have the weights, names and configuration of ``keras.layers.GRU`` and ``keras.layers.LSTM``. What is different:

* the input projection of all time steps is one matrix product before the loop, not one per step;
* behind a frozen embedding, its table is projected and then looked up, where the table has fewer rows than the input;
* the backward pass is written out: its loop does only what must be sequential, and each weight's gradient is one
  product over all time steps after it.

Shapes: inputs (steps, batch, features); the table of an embedding (words, features); projected inputs (steps, batch,
gates * units); a state (batch, units). A GRU's gates are update, reset, candidate; an LSTM's are input, forget,
candidate, output. The formulas are those of Keras's cells, for the GRU with ``reset_after``, its default.
"""

from typing import Any

import keras
from keras import ops

from imdb_tasks.training.backends import scan, value_of

Tensor = Any


class _FastLayer:
    """Mixed into Keras's layers: when the fast path applies, and the way from inputs to the last output."""

    cell: Any

    def inner_loop(self, sequences: Tensor, initial_state: list[Tensor], mask: Tensor, **arguments: Any) -> Any:
        """Return (last output, all outputs, states) as Keras wants them, for sequences (batch, steps, features)."""
        if mask is not None or not self._applies():
            return super().inner_loop(sequences, initial_state, mask=mask, **arguments)  # type: ignore[misc]
        inputs = ops.transpose(sequences, (1, 0, 2))
        last = self._run([_project(inputs, *part) for part in self._input_weights()], *initial_state)
        return last, last[:, None], [last]  # nobody asks for more than the last output: see _applies

    def last_output(self, ids: Tensor, table: Tensor) -> Tensor:
        """Return the last output, (batch, units), for ids int32 (batch, steps) of rows of a frozen table."""
        state = self.get_initial_state(batch_size=ids.shape[0])  # type: ignore[attr-defined]
        ids = ops.transpose(ids)
        return self._run([_project_ids(ids, table, *part) for part in self._input_weights()], *state)

    def _applies(self) -> bool:
        cell: Any = self.cell
        layer: Any = self
        asks_for_more = layer.return_sequences or layer.return_state or layer.stateful
        other_order = layer.go_backwards or layer.unroll or not getattr(cell, "reset_after", True)
        drops = cell.dropout or cell.recurrent_dropout
        known = cell.activation in _SLOPES and cell.recurrent_activation is keras.activations.sigmoid and cell.use_bias
        return known and not (asks_for_more or other_order or drops)

    def _input_weights(self) -> list[tuple[Tensor, Tensor]]:
        """Return the input kernel and bias in the parts that are projected by themselves."""
        raise NotImplementedError

    def _run(self, projected: list[Tensor], *state: Tensor) -> Tensor:
        raise NotImplementedError


class GRU(_FastLayer, keras.layers.GRU):  # type: ignore[misc]
    """``keras.layers.GRU`` in a faster order. What the fast path does not cover, Keras's own code does."""

    def _input_weights(self) -> list[tuple[Tensor, Tensor]]:
        # Gates and candidate apart, as their gradients come out of the loop: joining those would copy them once more.
        kernel, bias, gates = value_of(self.cell.kernel), value_of(self.cell.bias)[0], 2 * self.cell.units
        return [(kernel[:, :gates], bias[:gates]), (kernel[:, gates:], bias[gates:])]

    def _run(self, projected: list[Tensor], *state: Tensor) -> Tensor:
        kernel, bias = value_of(self.cell.recurrent_kernel), value_of(self.cell.bias)[1]
        return _gru(self.cell.activation)(*projected, *state, kernel, bias)


class LSTM(_FastLayer, keras.layers.LSTM):  # type: ignore[misc]
    """``keras.layers.LSTM`` in a faster order. What the fast path does not cover, Keras's own code does."""

    def _input_weights(self) -> list[tuple[Tensor, Tensor]]:
        return [(value_of(self.cell.kernel), value_of(self.cell.bias))]

    def _run(self, projected: list[Tensor], *state: Tensor) -> Tensor:
        return _lstm(self.cell.activation)(*projected, *state, value_of(self.cell.recurrent_kernel))


def around(layer: Any) -> GRU | LSTM:
    """Return a fast layer around the cell of a built stock layer: both then read and train the same variables.

    Raises:
        ValueError: the layer's configuration is one that only Keras's own code covers.

    """
    kind: Any = {"GRU": GRU, "LSTM": LSTM}[type(layer).__name__]
    fast: GRU | LSTM = kind.from_config(layer.get_config())
    if not fast._applies():
        raise ValueError(f"{layer.name}: expected a configuration that the engine supports, found {layer.get_config()}")
    fast.cell = layer.cell
    return fast


def _project(inputs: Tensor, kernel: Tensor, bias: Tensor) -> Tensor:
    steps, _, features = inputs.shape
    return ops.reshape(ops.matmul(ops.reshape(inputs, (-1, features)), kernel), (steps, -1, kernel.shape[1])) + bias


def _project_ids(ids: Tensor, table: Tensor, kernel: Tensor, bias: Tensor) -> Tensor:
    """Project the rows of ``table`` that ``ids`` (steps, batch) name; the table gets no gradient.

    Without the rule here, a looked-up projection would spread its gradient over the table row by row. Gathering the
    rows again and multiplying once is faster.
    """

    @ops.custom_gradient  # type: ignore[untyped-decorator]
    def project(kernel: Tensor, bias: Tensor) -> tuple[Tensor, Any]:
        if table.shape[0] < ids.shape[0] * ids.shape[1]:
            projected = ops.take(ops.matmul(table, kernel) + bias, ids, axis=0)
        else:
            projected = _project(ops.take(table, ids, axis=0), kernel, bias)

        def gradients(*upstream: Tensor) -> tuple[Tensor, Tensor]:
            slope = ops.reshape(upstream[0], (-1, kernel.shape[1]))
            rows = ops.take(table, ops.reshape(ids, (-1,)), axis=0)
            return ops.matmul(ops.transpose(rows), slope), ops.sum(slope, axis=0)

        return projected, gradients

    return project(kernel, bias)


def _relu_slope(output: Tensor, upstream: Tensor) -> Tensor:
    return ops.where(output > 0, upstream, ops.zeros_like(upstream))


def _tanh_slope(output: Tensor, upstream: Tensor) -> Tensor:
    return upstream * (1 - output * output)


# The gradient through an activation, from its output.
_SLOPES = {keras.activations.relu: _relu_slope, keras.activations.tanh: _tanh_slope}


def _gru(activation: Any) -> Any:
    """Return ``(projected gates, projected candidate, state, kernel, bias) -> last state``, with its backward pass.

    z, r = sigmoid(x_zr + h @ U_zr + b_zr);  c = activation(x_c + r * (h @ U_c + b_c));  h' = z * h + (1 - z) * c
    """
    slope = _SLOPES[activation]

    @ops.custom_gradient  # type: ignore[untyped-decorator]
    def run(x_gates: Tensor, x_candidate: Tensor, state: Tensor, kernel: Tensor, bias: Tensor) -> tuple[Tensor, Any]:
        units = kernel.shape[0]

        def forward(h: Tensor, x: tuple[Tensor, Tensor]) -> tuple[Tensor, tuple[Tensor, ...]]:
            gates, candidate = x
            recurrent = ops.matmul(h, kernel) + bias
            z = ops.sigmoid(gates[:, :units] + recurrent[:, :units])
            r = ops.sigmoid(gates[:, units:] + recurrent[:, units : 2 * units])
            inner = recurrent[:, 2 * units :]
            c = activation(candidate + r * inner)
            return z * h + (1 - z) * c, (h, z, r, inner, c)

        last, kept = scan(forward, state, (x_gates, x_candidate))

        def backward(dh: Tensor, kept: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, Tensor]]:
            h, z, r, inner, c = kept
            dz = dh * (h - c) * z * (1 - z)
            dc = slope(c, dh * (1 - z))
            dr = dc * inner * r * (1 - r)
            through_state = ops.concatenate([dz, dr, dc * r], axis=1)
            return dh * z + ops.matmul(through_state, ops.transpose(kernel)), (through_state, dc)

        def gradients(*upstream: Tensor) -> tuple[Tensor, ...]:
            dstate, (through_state, dc) = scan(backward, upstream[0], kept, reverse=True)
            flat = ops.reshape(through_state, (-1, 3 * units))
            states = ops.reshape(kept[0], (-1, units))
            dkernel = ops.matmul(ops.transpose(states), flat)
            return through_state[:, :, : 2 * units], dc, dstate, dkernel, ops.sum(flat, axis=0)

        return last, gradients

    return run


def _lstm(activation: Any) -> Any:
    """Return ``(projected, state, carry, recurrent kernel) -> last state``, with its backward pass.

    i, f, o = sigmoid(x + h @ U);  g = activation(x + h @ U);  c' = f * c + i * g;  h' = o * activation(c')
    """
    slope = _SLOPES[activation]

    @ops.custom_gradient  # type: ignore[untyped-decorator]
    def run(projected: Tensor, state: Tensor, carry: Tensor, kernel: Tensor) -> tuple[Tensor, Any]:
        units = kernel.shape[0]

        def forward(carried: tuple[Tensor, Tensor], x: Tensor) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, ...]]:
            h, c = carried
            gates = x + ops.matmul(h, kernel)
            i, f = ops.sigmoid(gates[:, :units]), ops.sigmoid(gates[:, units : 2 * units])
            g, o = activation(gates[:, 2 * units : 3 * units]), ops.sigmoid(gates[:, 3 * units :])
            after = f * c + i * g
            return (o * activation(after), after), (h, c, i, f, g, o)

        (last, last_carry), kept = scan(forward, (state, carry), projected)

        def backward(
            carried: tuple[Tensor, Tensor, Tensor], kept: tuple[Tensor, ...]
        ) -> tuple[tuple[Tensor, Tensor, Tensor], Tensor]:
            dh, dc, after = carried
            _, c, i, f, g, o = kept
            shown = activation(after)
            dc = dc + slope(shown, dh * o)
            gates = [dc * g * i * (1 - i), dc * c * f * (1 - f), slope(g, dc * i), dh * shown * o * (1 - o)]
            dgates = ops.concatenate(gates, axis=1)
            return (ops.matmul(dgates, ops.transpose(kernel)), dc * f, c), dgates

        def gradients(*upstream: Tensor) -> tuple[Tensor, ...]:
            start = (upstream[0], ops.zeros_like(last_carry), last_carry)
            (dstate, dcarry, _), dgates = scan(backward, start, kept, reverse=True)
            flat = ops.reshape(dgates, (-1, 4 * units))
            states = ops.reshape(kept[0], (-1, units))
            return dgates, dstate, dcarry, ops.matmul(ops.transpose(states), flat)

        return last, gradients

    return run
