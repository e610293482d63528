"""Replicates in one program learn what each would learn alone."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from tests.support.airflow_home import ROOT

# In a process of its own: Keras's backend is chosen once, and stacking needs JAX.
TRAINED = """
import json, sys

import numpy as np
import keras

from bench.stacked import Stack, batches_of
from imdb_tasks.study import TrainingSettings, Variant
from imdb_tasks.training import model as models
from imdb_tasks.training.engine import Batches, Engine, _on_host
from imdb_tasks.training.randomness import order_of_rows

assert keras.backend.backend() == "jax"
ROWS, TOKENS, WORDS, EPOCHS = 75, 12, 50, 3
rng = np.random.default_rng(3)
table = rng.normal(size=(WORDS, 7)).astype(np.float32)
ids = rng.integers(0, WORDS, (ROWS, TOKENS)).astype(np.int32)
labels = rng.integers(0, 2, ROWS).astype(np.int8)
replicates = [Variant(cell=sys.argv[1], units=5, batch_size=16, replicate=number) for number in range(3)]
orders = [[Batches.of(order_of_rows(ROWS, each, 1, epoch=epoch), 16) for each in replicates] for epoch in range(EPOCHS)]


def engine_of(replicate):
    return Engine(models.build(replicate, TrainingSettings(), table, max_tokens=TOKENS), ids, labels)


def numbers(measures, weights):
    return {"loss": measures.loss, "auc": measures.auc, "weights": [np.asarray(weight).tolist() for weight in weights]}


alone = []
for number, replicate in enumerate(replicates):
    engine = engine_of(replicate)
    state = engine.start()
    for epoch in range(EPOCHS):
        state, measures = engine.train(state, orders[epoch][number])
    alone.append(numbers(measures, state[0]))

stack = Stack([engine_of(each) for each in replicates])
state, program = stack.start(), stack.program()
for epoch in range(EPOCHS):
    state, measured = program(state, *batches_of(orders[epoch]))
stacked = [
    numbers(_on_host(tuple(part[number] for part in measured)), [weight[number] for weight in state[0]])
    for number in range(len(replicates))
]
print(json.dumps([alone, stacked]))
"""


@pytest.mark.parametrize("cell", ["GRU", pytest.param("LSTM", marks=pytest.mark.slow)])
def test_stacked_replicates_end_with_the_numbers_that_each_has_alone(cell: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", TRAINED, cell],
        cwd=ROOT, env={**os.environ, "KERAS_BACKEND": "jax"}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    alone, stacked = json.loads(done.stdout.splitlines()[-1])
    assert len({each["loss"] for each in alone}) == 3
    for one, other in zip(alone, stacked, strict=True):
        assert one["loss"] == pytest.approx(other["loss"], rel=1e-6)
        assert one["auc"] == pytest.approx(other["auc"], rel=1e-6)
        for expected, found in zip(one["weights"], other["weights"], strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
