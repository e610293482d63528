"""From the description of a source (Kaggle, a public archive, a local path) to one verified file in the store.

``inputs`` names the two files that the study needs, ``fetching`` brings them, by way of ``kaggle``, ``http`` or a local
path; ``archives`` and ``acl_imdb`` unpack; ``retry`` tries again, ``responses`` says what a server's answer means.
Kaggle's client runs in a process of its own: ``kaggle_process`` starts it, ``kaggle_child`` is what runs there.

>>> import tempfile
>>> from imdb_tasks.resources import SAMPLE
>>> from imdb_tasks.sources import REVIEWS, fetch
>>> from imdb_tasks.store import Store
>>> from imdb_tasks.study import LocalSource
>>> fetch(LocalSource(path=str(SAMPLE)), REVIEWS, Store(tempfile.mkdtemp())).about["name"]
'reviews'
"""

from imdb_tasks.sources.fetching import errors_name_their_source, fetch, fetched, fetched_key, is_fetched
from imdb_tasks.sources.inputs import REVIEWS, InputFile, glove_vectors
from imdb_tasks.sources.kaggle import HOW_TO_GET_ACCESS, KaggleCredentials, has_own_kaggle_credentials

__all__ = [
    "HOW_TO_GET_ACCESS",
    "REVIEWS",
    "InputFile",
    "KaggleCredentials",
    "errors_name_their_source",
    "fetch",
    "fetched",
    "fetched_key",
    "glove_vectors",
    "has_own_kaggle_credentials",
    "is_fetched",
]
