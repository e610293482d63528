"""From reviews and GloVe vectors to the arrays that training reads, and the data card.

``reviews_csv`` reads and checks, ``tokens`` cleans and numbers the words, ``glove`` looks their vectors up, ``arrays``
puts it together, ``data_card`` counts what the report says of the data, ``review_texts`` keeps the test
reviews to quote from.

>>> from imdb_tasks.corpus import split
>>> train, test = split(10, test_fraction=0.2, seed=42)
>>> test.tolist()
[8, 1]
"""

from imdb_tasks.corpus.arrays import ARRAY_NAMES, ARRAYS_REVISION, Arrays, Corpus, prepare
from imdb_tasks.corpus.review_texts import TEXTS_REVISION, ReviewTexts
from imdb_tasks.corpus.reviews_csv import read_reviews
from imdb_tasks.corpus.splitting import split
from imdb_tasks.corpus.tokens import Vocabulary, to_ids, tokenise

__all__ = [
    "ARRAYS_REVISION",
    "ARRAY_NAMES",
    "TEXTS_REVISION",
    "Arrays",
    "Corpus",
    "ReviewTexts",
    "Vocabulary",
    "prepare",
    "read_reviews",
    "split",
    "to_ids",
    "tokenise",
]
