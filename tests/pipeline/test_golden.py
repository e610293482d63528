"""A step whose output changes has its revision raised: else a store would go on showing the old output."""

from pathlib import Path
from typing import Any

import pytest

from imdb_tasks.pipeline.keys import REVISIONS
from tests.support import golden

WRITE = "then write the new output: python -m tests.support.golden"


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return golden.outputs(tmp_path_factory.mktemp("golden"))


@pytest.mark.parametrize("kind", REVISIONS)
def test_a_step_that_gives_another_output_has_its_revision_raised(kind: str, outputs: dict[str, Any]) -> None:
    written, revisions = golden.read(kind), golden.revisions(kind)
    changed = golden.compare(kind, outputs[kind])
    if written.get("revisions") == revisions:
        assert changed is None, f"{changed}\nraise {golden.WHERE[kind]}, now {REVISIONS[kind]}; {WRITE}"
    else:
        pytest.fail(f"{kind}: the golden output is of {written.get('revisions')}, not {revisions}; {WRITE}")


@pytest.mark.parametrize("kind", REVISIONS)
def test_the_revision_stands_where_the_message_sends_people(kind: str) -> None:
    name, _, path = golden.WHERE[kind].partition(" in ")
    assert f"\n{name} = {REVISIONS[kind]}\n" in Path(path).read_text("utf8")


@pytest.mark.parametrize(
    ("before", "now", "told"),
    [
        ({"a": [1, 2.0]}, {"a": [1, 2.0000001]}, None),
        ({"a": [1, 2.0]}, {"a": [1, 2.1]}, "x.a[1]: 2.1 instead of 2.0"),
        ({"a": 1}, {"b": 1}, "x.a: gone"),
        ({"a": [1]}, {"a": [1, 2]}, "x.a: 2 items instead of 1"),
        ("old", "new", "x: 'new' instead of 'old'"),
        (None, 0.0, "x: 0.0 instead of None"),
    ],
)
def test_a_difference_names_its_place(before: Any, now: Any, told: str | None) -> None:
    assert next(golden.differences(before, now, "x"), None) == told
