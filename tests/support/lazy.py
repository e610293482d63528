"""Modules that take seconds to import, at the top of a test file that pytest collects in every process."""

import importlib
from typing import Any


class Lazy:
    """Stands for a module, which is imported when something of it is first asked for."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        return getattr(importlib.import_module(self._name), name)
