"""How many cases of a kind are tried: some by `make test-all`, which CI runs, the others by `make test-thorough`."""

from typing import Any

import pytest
from hypothesis import settings

THOROUGH = 100  # Hypothesis's own number of examples, which `make test-thorough` uses; the others a quarter of it


def examples(thorough: int) -> int:
    """Return the share of ``thorough`` that the profile in use asks for."""
    return max(1, thorough * settings().max_examples // THOROUGH)


def first(count: int, cases: Any) -> list[Any]:
    """Return parameters of a test, of which all but the first ``count`` wait for `make test-thorough`."""
    found = list(cases)
    return [*found[:count], *(also(case) for case in found[count:])]


def also(*values: Any) -> Any:
    """Return a parameter of a test that waits for `make test-thorough`; a tuple stands for the values in it."""
    [only, *more] = values
    values = only if isinstance(only, tuple) and not more else values
    return pytest.param(*values, marks=pytest.mark.thorough)
