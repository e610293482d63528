"""A variant to a compiled Keras model: the original's layers, initialisers, optimiser and metrics."""

from typing import TYPE_CHECKING, Any

from imdb_tasks.study import TrainingSettings, Variant

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

    The frozen embedding is float32 (vocabulary size, dimensions). Every weight is drawn from the training seed and the
    replicate's number, so that the random initialisation of a variant is reproducible.
    """
    import keras
    import numpy as np
    from keras import initializers, layers

    # Seeds for each weight, and none for the process: Keras's global seed would import TensorFlow under JAX.
    seeds = np.random.SeedSequence((training.seed, variant.replicate)).generate_state(4)
    inputs, recurrence, hidden, output = (int(seed) // 2 for seed in seeds)
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
