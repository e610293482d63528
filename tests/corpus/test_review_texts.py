from pathlib import Path

import numpy as np

from imdb_tasks.corpus import Corpus, ReviewTexts, read_reviews, split
from imdb_tasks.study import TextSettings
from tests.support.corpus import prepare_files


def test_the_texts_are_those_of_the_test_reviews_in_the_order_of_the_arrays(corpus_folder: Path) -> None:
    reviews = corpus_folder / "IMDB Dataset.csv"
    corpus: Corpus = prepare_files(reviews, corpus_folder / "glove.6B.100d.txt", TextSettings())
    frame, whole = corpus.texts.frame, read_reviews(reviews)
    _, rows = split(len(whole), test_fraction=0.2, seed=42)
    assert frame["row"].tolist() == (rows + 1).tolist()
    assert frame["review"].tolist() == whole["review"].iloc[rows].tolist()
    assert np.array_equal(frame["label"].to_numpy(), corpus.arrays.y_test)


def test_what_is_saved_is_read_again_to_the_letter(tmp_path: Path, corpus_folder: Path) -> None:
    texts = ReviewTexts.read(corpus_folder / "IMDB Dataset.csv", TextSettings())
    texts.frame.loc[0, "review"] = 'Über\u2028naïve ☕ \x85 <br />, "quoted"\n'
    texts.save(tmp_path)
    read = ReviewTexts.load(tmp_path).frame
    assert read.to_dict("list") == texts.frame.to_dict("list")
    assert read["label"].dtype == np.int8
