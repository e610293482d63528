"""A variant to a compiled Keras model: the original's layers, initialisers, optimiser and metrics."""

from typing import TYPE_CHECKING, Any

from imdb_tasks.study import TrainingSettings, Variant
from imdb_tasks.training.randomness import weight_seeds

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


def build(
    variant: Variant,
    training: TrainingSettings,
    embedding_matrix: "npt.NDArray[np.float32]",
    *,
    max_tokens: int,
) -> Any:
    """Return ``keras.Sequential``: ids int32 (batch, max_tokens) -> probability of "positive" float32 (batch, 1).

    The frozen embedding is float32 (vocabulary size, dimensions). The initial weights are reproducible, and independent
    of those of every other variant (see ``randomness``).
    """
    import keras
    from keras import initializers, layers

    # Seeds for each weight, and none for the process: Keras's global seed would import TensorFlow under JAX.
    inputs, recurrence, hidden, output = weight_seeds(variant, training.seed)
    recurrent = {"GRU": layers.GRU, "LSTM": layers.LSTM}[variant.cell](
        variant.units,
        activation="relu",
        kernel_initializer=initializers.HeNormal(inputs),
        recurrent_initializer=initializers.Orthogonal(seed=recurrence),
    )
    embedding = layers.Embedding(*embedding_matrix.shape, "zeros", trainable=False, name="glove")
    model = keras.Sequential(
        [
            keras.Input((max_tokens,), dtype="int32", name="ids"),
            embedding,
            recurrent,
            layers.Dense(variant.units, activation="relu", kernel_initializer=initializers.HeNormal(hidden)),
            layers.Dense(1, activation="sigmoid", kernel_initializer=initializers.GlorotNormal(output)),
        ],
        name=f"imdb_{variant.name}",
    )
    embedding.set_weights([embedding_matrix])
    model.compile(
        optimizer=keras.optimizers.Adam(training.learning_rate),
        loss="binary_crossentropy",
        metrics=["accuracy", keras.metrics.AUC(name="auc")],
    )
    return model
