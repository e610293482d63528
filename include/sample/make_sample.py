"""Make the sample corpus: invented reviews and invented word vectors, the same bytes of text on every machine.

``python include/sample/make_sample.py`` writes ``reviews.zip`` and ``glove.zip`` beside this file. The reviews are
grown from the grammar in ``lexicon.toml``; the README says what they are good for and what they are not.
"""

import csv
import io
import random
import re
import tomllib
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
REVIEWS = ("reviews.zip", "IMDB Dataset.csv")
VECTORS = ("glove.zip", "glove.6B.100d.txt")

SEED = 1895
ROWS = 4_000
DUPLICATES = 24  # with a split of 80 to 20, about every third of them has its twin on the other side
SHORTEST, LONGEST = 90, 190  # words
LABEL_NOISE = 0.03
SINCERITY = (0.76, 0.88, 0.96)  # the share of opinions that agree with the label, drawn for each review
MISSPELT = 0.1  # reviews with one misspelling

# Misspellings and surnames have no vector, so that the coverage of the vocabulary is not 100 %.
WITH_VECTORS = ("town", "first")

DIMENSIONS = 100
VECTOR_STD = 0.4
POLARITY_SHARE = 0.6  # of an opinion word's length, for the strongest grade
TOPIC_SHARE = 0.5  # of any word's length: words of one list lie together

_SLOT = re.compile(r"\{(\w+)([+-]?)\}")
_WORD = re.compile(r"[a-z]+")
_A_VOWEL = re.compile(r"\b([Aa]) (?=[aeiou])")
_LONG_WORD = re.compile(r"\b[a-z]{6,}\b")


class Grammar:
    """The grammar of ``lexicon.toml``, and the dice that choose from it."""

    def __init__(self, lexicon: Mapping[str, Any], dice: random.Random) -> None:
        self.dice = dice
        self.rules = {name: entries(text) for name, text in (lexicon["sentences"] | lexicon["words"]).items()}
        self.opinions = {
            (word_class, grade[0]): [word for step in grades if step[0] == grade[0] for word in entries(grades[step])]
            for word_class, grades in lexicon["opinions"].items()
            for grade in grades
        }
        names = list(invented_names(lexicon["syllables"], dice))
        # Slices of one sample, so that no name is of two kinds.
        self.names = {"town": names[:60], "surname": names[60:260], "first": names[260:]}

    def write(self, symbol: str, sign: str = "+") -> str:
        """Grow one entry of ``symbol``; ``sign`` says whether its opinion is good (+) or bad (-)."""
        if symbol == "person":
            return f"{self.pick(self.names['first'])} {self.pick(self.names['surname'])}"
        if symbol == "town":
            return self.pick(self.names["town"])
        if symbol == "year":
            return str(self.dice.randint(1931, 2006))
        if symbol == "minutes":
            return str(self.dice.randint(71, 189))
        choices = self.opinions.get((symbol, sign)) or self.rules[symbol]
        return _SLOT.sub(lambda slot: self.write(slot[1], turned(sign, slot[2])), self.pick(choices))

    def pick(self, choices: Sequence[str]) -> str:
        """Choose one; the first are chosen more often than the last, as words are in a language."""
        return choices[int(len(choices) * self.dice.random() ** 1.5)]


def entries(text: str) -> list[str]:
    """Split a lexicon text at bars and line ends."""
    return [entry.strip() for entry in re.split(r"[|\n]", text) if entry.strip()]


def turned(sign: str, mark: str) -> str:
    """Return the sign of a slot: marked ``-`` it is the opposite of its sentence's."""
    return {"+": "-", "-": "+"}[sign] if mark == "-" else sign


def invented_names(syllables: Mapping[str, str], dice: random.Random) -> Iterator[str]:
    """Yield 400 different names, in no order."""
    first, middle, last = (syllables[part].split() for part in ("first", "middle", "last"))
    every = sorted({(a + b + c).capitalize() for a in first for b in middle for c in last})
    yield from dice.sample(every, 400)


def review(grammar: Grammar, label: str) -> str:
    """Write one review: an opening, some plot among opinions, mostly a verdict."""
    dice = grammar.dice
    sincerity = dice.choice(SINCERITY)
    length = dice.randint(SHORTEST, LONGEST)
    sentences = [grammar.write("opening")]
    while sum(len(sentence.split()) for sentence in sentences) < length:
        kind = dice.choices(("plot", "opinion", "contrast"), (4, 5, 2))[0]
        sentences.append(grammar.write(kind, label if dice.random() < sincerity else turned(label, "-")))
    if dice.random() < sincerity:
        sentences.append(grammar.write("verdict", label))
    text = _A_VOWEL.sub(r"\1n ", "".join(finish(sentence, dice) for sentence in sentences).strip())
    return misspell(text, dice) if dice.random() < MISSPELT else text


def finish(sentence: str, dice: random.Random) -> str:
    """Give a sentence its capital, its full stop and, now and then, the paragraph break of the real files."""
    end = dice.choice((".", ".", ".", ".", "!", "..."))
    return sentence[0].upper() + sentence[1:] + end + dice.choice((" ", " ", " ", " ", "<br /><br />"))


def misspell(text: str, dice: random.Random) -> str:
    """Swap two letters inside one long word."""
    word = dice.choice(list(_LONG_WORD.finditer(text)))
    at = dice.randrange(word.start() + 1, word.end() - 2)
    return text[:at] + text[at + 1] + text[at] + text[at + 2 :]


def make_rows(grammar: Grammar) -> list[tuple[str, str]]:
    """Return (review, sentiment) rows: balanced labels in random order, a few wrong, a few rows twice."""
    dice = grammar.dice
    signs = ["+", "-"] * ((ROWS - DUPLICATES) // 2)
    dice.shuffle(signs)
    rows = []
    for sign in signs:
        felt = turned(sign, "-") if dice.random() < LABEL_NOISE else sign
        rows.append((review(grammar, felt), "positive" if sign == "+" else "negative"))
    for row in dice.sample(rows, DUPLICATES):
        rows.insert(dice.randrange(len(rows)), row)
    return rows


def to_csv(rows: Sequence[tuple[str, str]]) -> str:
    """Write the rows as the real file has them."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("review", "sentiment"))
    writer.writerows(rows)
    return out.getvalue()


def word_classes(lexicon: Mapping[str, Any], names: Mapping[str, list[str]]) -> dict[str, tuple[str, int]]:
    """Return for every word that has a vector its list and its grade: 3 = high praise, 0 = no opinion."""
    classes: dict[str, tuple[str, int]] = {}
    for word_class, grades in lexicon["opinions"].items():
        for grade, text in grades.items():
            for word in _WORD.findall(text.lower()):
                classes.setdefault(word, (word_class, int(grade)))
    for name, text in (lexicon["words"] | lexicon["sentences"]).items():
        for word in _WORD.findall(_SLOT.sub(" ", text).lower()):
            classes.setdefault(word, (name, 0))
    for kind in WITH_VECTORS:
        classes.update((name.lower(), (kind, 0)) for name in names[kind])
    return classes


def to_vectors(classes: Mapping[str, tuple[str, int]], frequency: Counter[str], dice: random.Random) -> str:
    """Write a GloVe text file, the frequent words first."""
    polarity = direction(dice)
    topics = {name: direction(dice) for name in dict.fromkeys(name for name, _ in classes.values())}
    lines = []
    for word in sorted(classes, key=lambda word: (-frequency[word], word)):
        topic, grade = classes[word]
        tone = POLARITY_SHARE * grade / 3
        mixed = zip(direction(dice), topics[topic], polarity, strict=True)
        values = (VECTOR_STD * (own + TOPIC_SHARE * shared + tone * pole) for own, shared, pole in mixed)
        lines.append(f"{word} {' '.join(f'{value:.5g}' for value in values)}\n")
    return "".join(lines)


def direction(dice: random.Random) -> list[float]:
    """Draw standard normal values, one per dimension."""
    return [dice.gauss(0, 1) for _ in range(DIMENSIONS)]


def make() -> tuple[str, str]:
    """Return the text of the reviews' CSV file and of the vectors' file."""
    lexicon = tomllib.loads((HERE / "lexicon.toml").read_text("utf8"))
    dice = random.Random(SEED)  # noqa: S311 - dice, not a secret
    grammar = Grammar(lexicon, dice)
    reviews = to_csv(make_rows(grammar))
    frequency = Counter(_WORD.findall(reviews.lower()))
    return reviews, to_vectors(word_classes(lexicon, grammar.names), frequency, dice)


def write_zip(path: Path, member: str, text: str) -> None:
    """Write a one-member archive that is the same on every run: a fixed date, fixed rights."""
    about = zipfile.ZipInfo(member, date_time=(2000, 1, 1, 0, 0, 0))
    about.compress_type = zipfile.ZIP_DEFLATED
    about.external_attr = 0o644 << 16
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(about, text.encode(), compresslevel=9)


if __name__ == "__main__":
    for (archive_name, member_name), made in zip((REVIEWS, VECTORS), make(), strict=True):
        write_zip(HERE / archive_name, member_name, made)
