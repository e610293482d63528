"""How many examples Hypothesis tries: the profiles of tests/conftest.py, for tests that need another number."""

from hypothesis import settings

THOROUGH = 100  # Hypothesis's own number, which `make test-all` uses; `make test` a quarter of it


def examples(thorough: int) -> int:
    """Return the share of ``thorough`` that the profile in use asks for."""
    return max(1, thorough * settings().max_examples // THOROUGH)
