"""From reviews and GloVe vectors to the arrays that training reads, and the data card.

``reviews_csv`` reads and checks, ``tokens`` cleans and numbers the words, ``glove`` looks their vectors up, ``arrays``
puts it together, ``data_card`` counts what the report tells of the data.

>>> from imdb_tasks.corpus import split
>>> train, test = split(10, test_fraction=0.2, seed=42)
>>> test.tolist()
[8, 1]
"""

from imdb_tasks.corpus.arrays import ARRAY_NAMES, Arrays, Corpus, prepare, split
from imdb_tasks.corpus.reviews_csv import read_reviews
from imdb_tasks.corpus.tokens import Vocabulary, to_ids, tokenise

__all__ = [
    "ARRAY_NAMES",
    "Arrays",
    "Corpus",
    "Vocabulary",
    "prepare",
    "read_reviews",
    "split",
    "to_ids",
    "tokenise",
]
