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

    The frozen embedding is float32 (vocabulary size, dimensions). Every weight is drawn from the training seed plus
    the replicate's number, so that the same variant starts the same each time.
    """
    import keras
    from keras import layers

    keras.utils.set_random_seed(training.seed + variant.replicate)
    recurrent = {"GRU": layers.GRU, "LSTM": layers.LSTM}[variant.cell]
    embedding = layers.Embedding(*embedding_matrix.shape, trainable=False, name="glove")
    model = keras.Sequential(
        [
            keras.Input((max_tokens,), dtype="int32", name="ids"),
            embedding,
            recurrent(variant.units, activation="relu", kernel_initializer="he_normal"),
            layers.Dense(variant.units, activation="relu", kernel_initializer="he_normal"),
            layers.Dense(1, activation="sigmoid", kernel_initializer="glorot_normal"),
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
