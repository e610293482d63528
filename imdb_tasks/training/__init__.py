"""From a variant to a trained Keras model, its record and its predictions."""
