"""A study that takes seconds, as arguments of the command line."""

import json
from pathlib import Path
from typing import Any


def small_study(corpus: Path, **changes: Any) -> list[str]:
    """Return the arguments of one variant, one epoch; ``changes`` are fields of the form."""
    fields = {"profile": "custom", "source": "folder", "folder": str(corpus), "cells": ["GRU"]}
    fields |= {"units": [4], "batch_sizes": [16], "epochs": 1, "max_tokens": 12, **changes}
    return [argument for name, value in fields.items() for argument in ("--set", f"{name}={json.dumps(value)}")]
