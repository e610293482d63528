"""Anything at all as reviews, as vectors and as a form: the result, or an error of this project, and nothing else."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imdb_tasks.corpus import read_reviews
from imdb_tasks.corpus.glove import read_embeddings
from imdb_tasks.errors import DataError, SettingsError
from imdb_tasks.study import form_defaults, read_form
from tests.support.examples import examples

PIECES = st.sampled_from(
    ["review,sentiment\n", "good,positive\n", "bad,negative\n", '"', ",", "\n", "\r\n", "\0", "\ufeff", '""', "é", " "]
)  # fmt: skip
CSV = st.one_of(st.binary(max_size=300), st.lists(PIECES, max_size=30).map(lambda parts: "".join(parts).encode()))
NUMBERS = st.sampled_from(["1", "-2.5e-3", "nan", "1e400", "+.5", "0x1", "1e", "", "1_0", "٣", "."])
LINES = st.lists(NUMBERS, max_size=4).map(lambda values: " ".join(["film", *values]))
GLOVE = st.one_of(st.binary(max_size=200), st.lists(LINES, max_size=6).map(lambda lines: "\n".join(lines).encode()))
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
FORMS = st.dictionaries(st.sampled_from(sorted(form_defaults())) | st.text(max_size=8), JUNK, max_size=6)
LONG = settings(max_examples=examples(1_000), suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def write(tmp_path: Path) -> Callable[[bytes], Path]:
    def write(content: bytes) -> Path:
        path = tmp_path / "file"
        path.write_bytes(content)
        return path

    return write


@LONG
@given(CSV)
def test_any_bytes_as_reviews(write: Callable[[bytes], Path], content: bytes) -> None:
    try:
        frame = read_reviews(write(content))
    except DataError:
        return
    assert set(frame["label"]) == {0, 1}
    assert frame["review"].ne("").all()


@LONG
@given(GLOVE)
def test_any_bytes_as_vectors(write: Callable[[bytes], Path], content: bytes) -> None:
    try:
        found = read_embeddings(write(content), {"film": 1, "end": 2}, dimensions=3)
    except DataError:
        return
    assert found.matrix.shape == (3, 3)
    assert abs(found.matrix).max() < float("inf")
    assert not found.matrix[0].any()


@LONG
@given(FORMS)
def test_anything_as_a_form(form: dict[str, object]) -> None:
    try:
        study, _ = read_form(form)
    except SettingsError:
        return
    assert study.variants
