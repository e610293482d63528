"""The curves of this project's engine and of stock Keras over a whole training: where do they part, and why?

    IMDB_DATA_DIR=... python -m bench.stock 32_GRU_128 [--epochs 100]
    python -m bench.stock 32_GRU_128 --draw                  the chart of what was measured, in docs/pictures

Three trainings go in step, epoch by epoch, from the same initial weights and in the same order of reviews: stock layers
with ``keras.fit``; the engine; and the engine again with each initial weight changed by about 1e-7 of itself, which is
the rounding error of one operation in float32. If the first two part as the last two do, rounding parts them.
"""

import argparse
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from bench import corpus, machine
from imdb_tasks.corpus import Arrays
from imdb_tasks.study import TrainingSettings, Variant
from imdb_tasks.training import load_keras
from imdb_tasks.training.randomness import order_of_rows

ROUNDING = 1e-7
EXPLODED = 1.0  # validation loss
LOOKS = {
    "stock": ("keras.fit", "#d55e00", "solid"),
    "ours": ("this project's engine", "#0072b2", "solid"),
    "moved": ("the engine, initial weights changed by 1e-7", "#59636e", "dot"),
}
"""Name, colour and dash of each training in the chart."""
Weights = list[np.ndarray]
Epoch = Callable[[np.ndarray], tuple[dict[str, float], Weights]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("variant")
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--draw", action="store_true")
    options = parser.parse_args()
    variant = Variant.named(options.variant)
    if options.draw:
        draw(variant)
    else:
        measure(variant, options.epochs)


def measure(variant: Variant, epochs: int) -> None:
    """Train, and write curves and distances after each epoch."""
    load_keras()
    settings = TrainingSettings()
    with tempfile.TemporaryDirectory() as scratch:
        corpus.prepare(Path(scratch))
        arrays = Arrays.load(Path(scratch))
    split_at = int(len(arrays.x_train) * (1 - settings.validation_fraction))
    kinds = {
        "stock": stock(variant, settings, arrays, split_at),
        "ours": ours(variant, settings, arrays, split_at, moved=0.0),
        "moved": ours(variant, settings, arrays, split_at, moved=ROUNDING),
    }
    curves: dict[str, list[dict[str, float]]] = {kind: [] for kind in kinds}
    apart: dict[str, list[float]] = {"stock": [], "moved": []}
    for epoch in range(epochs):
        order = order_of_rows(split_at, variant, settings.seed, epoch=epoch)
        weights = {}
        for kind, train in kinds.items():
            metrics, weights[kind] = train(order)
            curves[kind].append(metrics)
        for kind, found in apart.items():
            found.append(distance(weights["ours"], weights[kind]))
        losses = ", ".join(f"{kind} {found[-1]['val_loss']:.6f}" for kind, found in curves.items())
        print(f"epoch {epoch + 1}: {losses}; apart {apart['stock'][-1]:.1e}, {apart['moved'][-1]:.1e}", flush=True)
        machine.write(f"stock-{variant.name}", {"corpus": corpus.name(), "curves": curves, "apart": apart})


def stock(variant: Variant, settings: TrainingSettings, arrays: Arrays, split_at: int) -> Epoch:
    """Return what trains an epoch with ``fit`` and gives its metrics and the weights."""
    from imdb_tasks.training import model as models

    model = models.build(variant, settings, arrays.embedding_matrix, max_tokens=arrays.x_train.shape[1])
    labels = arrays.y_train.astype("float32")
    held = arrays.x_train[split_at:], labels[split_at:]

    def train(order: np.ndarray) -> tuple[dict[str, float], Weights]:
        x, y = arrays.x_train[order], labels[order]
        fitted = model.fit(x, y, batch_size=variant.batch_size, shuffle=False, validation_data=held, verbose=0)
        shown = ("loss", "accuracy", "val_loss", "val_accuracy")
        return {name: float(fitted.history[name][0]) for name in shown}, _trained(model)

    return train


def ours(variant: Variant, settings: TrainingSettings, arrays: Arrays, split_at: int, *, moved: float) -> Epoch:
    """Return what trains an epoch with the engine, each initial weight changed by about ``moved`` of itself."""
    import keras

    from imdb_tasks.training import model as models
    from imdb_tasks.training.engine import EVALUATION_BATCH, Batches, Engine

    model = models.build(variant, settings, arrays.embedding_matrix, max_tokens=arrays.x_train.shape[1])
    rng = np.random.default_rng(1)
    for weight in model.trainable_weights:
        value = keras.ops.convert_to_numpy(weight.value)
        weight.assign(value * (1 + moved * rng.standard_normal(value.shape)))
    engine = Engine(model, arrays.x_train, arrays.y_train)
    state: Any = engine.start()
    held = Batches.of(np.arange(split_at, engine.rows), EVALUATION_BATCH)

    def train(order: np.ndarray) -> tuple[dict[str, float], Weights]:
        nonlocal state
        state, trained = engine.train(state, Batches.of(order, variant.batch_size))
        validated = engine.evaluate(state[0], held)
        engine.finish(state)
        metrics = {"loss": trained.loss, "accuracy": trained.accuracy}
        return metrics | {"val_loss": validated.loss, "val_accuracy": validated.accuracy}, _trained(model)

    return train


def draw(variant: Variant) -> None:
    """Draw the validation losses of the three, and how far their weights are apart."""
    from plotly.subplots import make_subplots

    from imdb_tasks.report.charts.base import empty_figure, top_legend
    from imdb_tasks.report.charts.png import save_pictures

    found = json.loads((machine.RESULTS / f"stock-{variant.name}.json").read_text("utf8"))
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.08)
    figure.update_layout(empty_figure(height=560).layout)
    for kind, (name, colour, dash) in LOOKS.items():
        losses = [epoch["val_loss"] for epoch in found["curves"][kind]]
        shown = {"mode": "lines", "line": {"color": colour, "dash": dash}, "x": list(range(1, len(losses) + 1))}
        figure.add_scatter(y=losses, name=name, row=1, col=1, **shown)
        if kind != "ours":
            figure.add_scatter(y=found["apart"][kind], showlegend=False, row=2, col=1, **shown)
    highest = max(epoch["val_loss"] for curve in found["curves"].values() for epoch in curve)
    figure.update_yaxes(title="Validation loss", type="log" if highest > EXPLODED else "linear", row=1)
    figure.update_yaxes(title="Distance of weights", type="log", dtick=1, tickformat=".0e", row=2)
    figure.update_xaxes(title="Epoch", row=2)
    top_legend(figure)
    if reason := save_pictures({f"stock-{variant.name}": figure}, Path(__file__).parents[1] / "docs" / "pictures"):
        raise SystemExit(reason)


def distance(ours: Weights, others: Weights) -> float:
    """Return the length of the difference of all weights, relative to that of ours."""
    apart = sum(float(((one - other) ** 2).sum()) for one, other in zip(ours, others, strict=True))
    return (apart / sum(float((one**2).sum()) for one in ours)) ** 0.5


def _trained(model: Any) -> Weights:
    import keras

    return [keras.ops.convert_to_numpy(weight.value).astype(np.float64) for weight in model.trainable_weights]


if __name__ == "__main__":
    main()
