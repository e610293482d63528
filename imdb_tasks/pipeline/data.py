"""The steps of the data: fetch the two sources, prepare the arrays."""

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from imdb_tasks.pipeline.workspace import Workspace
from imdb_tasks.sources import REVIEWS, KaggleCredentials, errors_name_their_source, fetch, fetched, is_fetched
from imdb_tasks.store import Entry, Lock

if TYPE_CHECKING:
    from imdb_tasks.corpus import ReviewTexts

log = logging.getLogger(__name__)


def fetch_reviews(work: Workspace, credentials: KaggleCredentials | None) -> Entry:
    """Make sure that the reviews are in the store."""
    return fetch(work.study.reviews, REVIEWS, work.store, credentials=credentials)


def fetch_glove(work: Workspace, credentials: KaggleCredentials | None) -> Entry:
    """Make sure that the vectors are in the store."""
    return fetch(work.study.glove, work.keys.glove, work.store, credentials=credentials)


def will_ask_kaggle(work: Workspace) -> bool:
    """Tell whether the fetches have to ask Kaggle: for a dataset not in the store, or its newest version."""
    wanted = ((work.study.reviews, REVIEWS), (work.study.glove, work.keys.glove))
    return any(
        source.kind == "kaggle" and (source.version is None or not is_fetched(source, file, work.store))
        for source, file in wanted
    )


def prepare(work: Workspace) -> Entry:
    """Make the arrays and the data card, and keep the texts of the test reviews beside them."""
    return work.once("arrays", work.keys.corpus(), lambda key, hold: _prepare(work, key, hold), step="prepare")


def _prepare(work: Workspace, key: str, hold: Lock) -> None:
    from imdb_tasks.corpus import prepare as prepare_corpus

    reviews = fetched(work.study.reviews, REVIEWS, work.store)
    glove = fetched(work.study.glove, work.keys.glove, work.store)
    with errors_name_their_source(reviews, glove):
        corpus = prepare_corpus(
            reviews.file(REVIEWS.member),
            glove.file(work.keys.glove.member),
            work.study.text,
            reviews_sha256=reviews.about["sha256"],
            glove_sha256=glove.about["sha256"],
        )
    _keep_texts(work, reviews, lambda: corpus.texts)  # another vocabulary or length leaves them as they are
    about = {**_inputs(reviews, glove), "reviews": reviews.key, "glove": glove.key}
    with work.store.publish("arrays", key, about, hold=hold) as folder:
        corpus.save(folder)
    log.info("data card: %s", corpus.card.model_dump_json(exclude={"lengths"}))


def texts_behind(work: Workspace, evaluation: Entry) -> Entry | None:
    """Return the texts of the test reviews of an evaluation; None where they and the reviews have been pruned."""
    reviews_key = evaluation.about.get("reviews")
    if reviews_key is None:  # earlier releases did not name it: their arrays list the reviews first
        [arrays] = evaluation.input_keys("arrays")
        reviews_key = work.need("arrays", arrays, step="prepare").input_keys("sources")[0]
    key = work.keys.texts(reviews_key)
    if entry := work.find("texts", key):
        return entry
    reviews = work.find("sources", reviews_key)
    if reviews is None:
        return None

    def read() -> "ReviewTexts":
        from imdb_tasks.corpus import ReviewTexts

        return ReviewTexts.read(reviews.file(REVIEWS.member), work.study.text)

    return _keep_texts(work, reviews, read)


def _keep_texts(work: Workspace, reviews: Entry, read: "Callable[[], ReviewTexts]") -> Entry:
    """Return the texts of the test reviews in ``reviews``; publish what ``read`` gives if they are not in the store."""

    def keep(key: str, hold: Lock) -> None:
        with work.store.publish("texts", key, _inputs(reviews), hold=hold) as folder:
            read().save(folder)

    return work.once("texts", work.keys.texts(reviews.key), keep, step="prepare")


def _inputs(*entries: Entry) -> dict[str, list[str]]:
    return {"inputs": [f"sources/{entry.key}" for entry in entries]}
