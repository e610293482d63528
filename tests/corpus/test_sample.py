import csv
import io
import math
import zipfile

import numpy as np
import pytest

from imdb_tasks.corpus import tokens
from include.sample import make_sample


def member(archive: str, name: str) -> str:
    with zipfile.ZipFile(make_sample.HERE / archive) as opened:
        assert opened.namelist() == [name]
        return opened.read(name).decode("utf8")


@pytest.fixture(scope="module")
def reviews() -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(member(*make_sample.REVIEWS), newline="")))


@pytest.fixture(scope="module")
def vectors() -> dict[str, list[float]]:
    lines = member(*make_sample.VECTORS).splitlines()
    return {word: [float(value) for value in values] for word, *values in (line.split(" ") for line in lines)}


def test_the_archives_hold_what_the_generator_makes():
    assert make_sample.make() == (member(*make_sample.REVIEWS), member(*make_sample.VECTORS))


def test_the_same_text_gives_the_same_archive(tmp_path):
    paths = [tmp_path / "first.zip", tmp_path / "second.zip"]
    for path in paths:
        make_sample.write_zip(path, "member.txt", "text")
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_the_archives_stay_small():
    total = sum(
        (make_sample.HERE / archive).stat().st_size for archive, _ in (make_sample.REVIEWS, make_sample.VECTORS)
    )
    assert total < 2_500_000


def test_the_reviews_have_the_columns_and_the_balance_of_the_real_file(reviews):
    assert len(reviews) == make_sample.ROWS
    assert list(reviews[0]) == ["review", "sentiment"]
    positive = sum(row["sentiment"] == "positive" for row in reviews)
    assert {row["sentiment"] for row in reviews} == {"positive", "negative"}
    assert abs(positive / len(reviews) - 0.5) < 0.01


def test_some_reviews_stand_twice(reviews):
    assert len(reviews) - len({row["review"] for row in reviews}) == make_sample.DUPLICATES


def test_the_reviews_are_as_awkward_as_real_ones(reviews):
    everything = " ".join(row["review"] for row in reviews)
    for oddity in ("<br /><br />", '"', "'", "1", "é", "ï", ";", "..."):
        assert oddity in everything
    assert "{" not in everything


def test_most_reviews_are_longer_than_a_row_of_the_arrays(reviews):
    import pandas as pd

    lengths = tokens.tokenise(pd.Series([row["review"] for row in reviews], name="review")).lengths
    assert sum(length > 100 for length in lengths) > 0.9 * len(lengths)
    assert min(lengths) < 100


def test_every_word_has_100_finite_values_of_the_scale_of_glove(vectors):
    assert all(len(values) == make_sample.DIMENSIONS for values in vectors.values())
    everything = [value for values in vectors.values() for value in values]
    assert all(map(math.isfinite, everything))
    assert 0.3 < math.sqrt(math.fsum(value * value for value in everything) / len(everything)) < 0.6


def test_about_a_quarter_of_the_vocabulary_has_no_vector(reviews, vectors):
    import pandas as pd

    vocabulary = tokens.count_words(tokens.tokenise(pd.Series([row["review"] for row in reviews], name="review")))
    missing = np.array([word not in vectors for word in vocabulary.words])
    assert 0.2 < missing.mean() < 0.35
    assert 0.01 < vocabulary.counts[missing].sum() / vocabulary.counts.sum() < 0.04
