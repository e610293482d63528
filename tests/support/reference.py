"""The original study's preprocessing, written plainly: what the fast code must equal, to the token and to the bit."""

import re
from collections import OrderedDict
from pathlib import Path

import numpy as np

FILTERS = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'


def clean(text: str) -> str:
    text = re.sub(r"<[^>]+>", "", text)
    text = re.sub(r"[^a-zA-Z]", " ", text)
    text = re.sub(r"\s+[a-zA-Z]\s+", " ", text)
    return re.sub(r"\s+", " ", text)


def split_words(text: str) -> list[str]:
    """What Keras calls ``text_to_word_sequence``."""
    text = text.lower().translate(str.maketrans(dict.fromkeys(FILTERS, " ")))
    return [word for word in text.split(" ") if word]


def fit(texts: list[str]) -> dict[str, int]:
    """What Keras calls ``Tokenizer.fit_on_texts``: the word index."""
    counts: OrderedDict[str, int] = OrderedDict()
    for text in texts:
        for word in split_words(text):
            counts[word] = counts.get(word, 0) + 1
    pairs = list(counts.items())
    pairs.sort(key=lambda pair: pair[1], reverse=True)
    return {word: number + 1 for number, (word, _) in enumerate(pairs)}


def sequences(texts: list[str], index: dict[str, int], num_words: int) -> list[list[int]]:
    out = []
    for text in texts:
        ids = []
        for word in split_words(text):
            i = index.get(word)
            if i is not None and i < num_words:
                ids.append(i)
        out.append(ids)
    return out


def pad(rows: list[list[int]], length: int) -> np.ndarray:
    """What Keras calls ``pad_sequences(padding="post")``; truncation is "pre" by default."""
    out = np.zeros((len(rows), length), dtype=np.int32)
    for number, row in enumerate(rows):
        if row:
            kept = row[-length:]
            out[number, : len(kept)] = np.asarray(kept)
    return out


def embedding_matrix(glove: Path, index: dict[str, int], dimensions: int) -> np.ndarray:
    vectors = {}
    with glove.open(encoding="utf8") as lines:
        for line in lines:
            records = line.split()
            vectors[records[0]] = np.asarray(records[1:], dtype="float32")
    matrix = np.zeros((len(index) + 1, dimensions), dtype=np.float32)
    for word, i in index.items():
        vector = vectors.get(word)
        if vector is not None:
            matrix[i] = vector
    return matrix
