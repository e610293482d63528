"""The two labels of a review, and how a probability becomes one of them."""

from typing import Literal

Label = Literal["negative", "positive"]
LABELS: tuple[Label, Label] = ("negative", "positive")
"""The labels by their numbers, 0 and 1."""
THRESHOLD = 0.5
"""A probability above it is taken for "positive", as in Keras's accuracy."""


def label_of(probability: float) -> Label:
    """Return the label that a model gives a review, from its probability (0 to 1) of "positive"."""
    return LABELS[probability > THRESHOLD]
