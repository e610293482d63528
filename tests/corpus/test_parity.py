"""The real data set, all 50,000 reviews, against the plain reference.

The data is not part of the repository: it is looked for in ``IMDB_DATA_DIR``, else in ``../shared/data``. Without it
the test compares the bundled sample and says what it did not compare.
"""

import os
import warnings
from pathlib import Path

import numpy as np
import pytest

from imdb_tasks.corpus.reviews_csv import read_reviews
from imdb_tasks.sources import REVIEWS, fetch, glove_vectors
from imdb_tasks.store import Store
from imdb_tasks.study import LocalSource, TextSettings
from tests.support import reference
from tests.support.corpus import prepare_files

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("IMDB_DATA_DIR", ROOT.parent / "shared" / "data"))
SAMPLE = ROOT / "include" / "sample"


@pytest.mark.filterwarnings("default:the real data set")
def test_every_review_of_the_real_data_set_becomes_the_originals_ids(tmp_path: Path) -> None:
    from sklearn.model_selection import train_test_split

    archive = DATA / "imdb-dataset-of-50k-movie-reviews.zip"
    if not archive.exists():
        warnings.warn(f"the real data set is not in {DATA}: compared the bundled sample only", stacklevel=1)
        archive = SAMPLE / "reviews.zip"
    store = Store(tmp_path)
    reviews = fetch(LocalSource(path=str(archive)), REVIEWS, store).file(REVIEWS.member)
    vectors = glove_vectors()
    glove = fetch(LocalSource(path=str(SAMPLE)), vectors, store).file(vectors.member)
    corpus = prepare_files(reviews, glove, TextSettings())

    frame = read_reviews(reviews)
    texts = [reference.clean(review) for review in frame["review"]]
    train, test = train_test_split(texts, test_size=0.20, random_state=42)
    index = reference.fit(train)
    assert corpus.word_index == index
    for part, ids in ((train, corpus.arrays.x_train), (test, corpus.arrays.x_test)):
        np.testing.assert_array_equal(ids, reference.pad(reference.sequences(part, index, 5_000), 100))
    assert corpus.card.vocabulary_size == len(index) + 1
