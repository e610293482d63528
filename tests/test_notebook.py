"""The blocks of docs/notebook.md, run from top to bottom on the store of a small study."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

PAGE = Path(__file__).parents[1] / "docs" / "notebook.md"


def test_every_block_of_the_page_runs(one_variant_store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMDB_STORE", str(one_variant_store))
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf8"), re.DOTALL)
    assert len(blocks) == 6
    names: dict[str, Any] = {}
    for block in blocks:
        exec(block, names)  # noqa: S102 - the project's own page
    assert names["histories"].index.names == ["variant", "epoch"]
    assert list(names["tests"].columns) == ["loss", "accuracy", "auc", "right", "rows"]
    assert names["arrays"].x_train.dtype == np.int32
    assert names["words"][1]
    assert names["prediction"].label in ("positive", "negative")
