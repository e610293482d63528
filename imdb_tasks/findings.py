"""What a result says, in words and plain numbers: nothing here knows about charts, pages or mail."""

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import fmean
from typing import Any

from imdb_tasks.results import StudyResult, TestMetrics, VariantResult
from imdb_tasks.study import Study, TextSettings, TrainingSettings, Variant

_PUBLISHED = Path(__file__).parents[1] / "include" / "published.json"
_REASON_LIMIT = 200


@cache
def published() -> dict[str, Any]:
    """Return what the original study published: its table, its claims, and the size of its data."""
    content: dict[str, Any] = json.loads(_PUBLISHED.read_text("utf8"))
    return content


@cache
def _published_metrics() -> dict[tuple[str, int, int], TestMetrics]:
    return {
        (row["cell"], row["units"], row["batch_size"]): TestMetrics(
            loss=row["loss"], accuracy=row["accuracy"], auc=row["auc"]
        )
        for row in published()["variants"]
    }


def label(variant: Variant) -> str:
    """Return the short name for readers: ``GRU-32/64`` is 32 units, batch size 64; replicates add ``r1``."""
    text = f"{variant.cell}-{variant.units}/{variant.batch_size}"
    return f"{text} r{variant.replicate}" if variant.replicate else text


@dataclass(frozen=True)
class Row:
    """One line of the result table: a variant, and what the original study published for it."""

    result: VariantResult
    published: TestMetrics | None

    @property
    def label(self) -> str:
        """The short name for readers."""
        return label(self.result.variant)

    @property
    def ending(self) -> str:
        """How the variant ended, in words."""
        training = self.result.training
        if self.result.status == "diverged" and training and training.diverged_at_epoch:
            return f"diverged at epoch {training.diverged_at_epoch}"
        return self.result.status

    @property
    def words(self) -> str:
        """How the variant ended and why, on one line; a long reason is shortened."""
        reason = one_line(self.result.reason or "")
        return f"{self.ending}: {reason}" if reason else self.ending

    @property
    def test(self) -> TestMetrics | None:
        """The test metrics, if the variant finished and its loss and accuracy are numbers."""
        test = self.result.test if self.result.status == "finished" else None
        return test if test and test.accuracy is not None else None

    @property
    def accuracy(self) -> float | None:
        """The test accuracy, if there is one."""
        return self.test.accuracy if self.test else None

    @property
    def difference(self) -> float | None:
        """Test accuracy less the published one."""
        if self.accuracy is None or self.published is None or self.published.accuracy is None:
            return None
        return self.accuracy - self.published.accuracy


def rows(result: StudyResult) -> tuple[Row, ...]:
    """Return the result table in the study's order."""
    known = _published_metrics()
    return tuple(
        Row(each, known.get((each.variant.cell, each.variant.units, each.variant.batch_size)))
        for each in result.variants
    )


def best(table: Iterable[Row]) -> Row | None:
    """Return the row of the highest test accuracy; of equal ones, that of the lowest test loss."""

    def rank(row: Row) -> tuple[float, float]:
        loss = row.test.loss if row.test else None
        return (row.accuracy or 0.0, -math.inf if loss is None else -loss)

    return max((row for row in table if row.accuracy is not None), key=rank, default=None)


def best_of_best_setting(table: Iterable[Row]) -> Row | None:
    """Return the best replicate of the setting that is best by the means of its replicates, as in ``ranking``.

    The best row of all may be the luckiest replicate of a setting that is worse than others.
    """
    settings: dict[tuple[str, int, int], list[Row]] = {}
    for row in table:
        if row.accuracy is not None:
            variant = row.result.variant
            settings.setdefault((variant.cell, variant.units, variant.batch_size), []).append(row)

    def rank(replicates: list[Row]) -> tuple[float, float]:
        losses = [row.test.loss for row in replicates if row.test and row.test.loss is not None]
        return fmean(row.accuracy or 0.0 for row in replicates), -fmean(losses) if losses else -math.inf

    leader = max(settings.values(), key=rank, default=None)
    return best(leader) if leader else None


def wilson(share: float, count: int) -> tuple[float, float]:
    """Return the 95 % interval of a ``share`` (0 to 1) seen in ``count`` cases.

    Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference", Journal of the
    American Statistical Association 22 (1927), 209-212.
    """
    if count < 1:
        raise ValueError(f"expected at least one case, found {count}")
    from statsmodels.stats.proportion import proportion_confint

    low, high = proportion_confint(share * count, count, method="wilson")
    return max(0.0, float(low)), min(1.0, float(high))


def margin(share: float, count: int) -> float:
    """Return half the width of the 95 % interval."""
    low, high = wilson(share, count)
    return (high - low) / 2


def is_another_study(result: StudyResult) -> bool:
    """Return whether epochs or corpus differ so much that no number can be compared with the published ones."""
    original = published()
    return bool(result.study.training.epochs < original["epochs"] or result.data_card.rows != original["rows"])


def deviations(result: StudyResult) -> list[str]:
    """Return in what the study and its data differ from the original, the grid aside."""
    original, study, card = published(), result.study, result.data_card
    found = ["a synthetic sample, no real reviews"] if _is_sample(study) else []
    if study.training.epochs != original["epochs"]:
        of = "of" if study.training.epochs < original["epochs"] else "instead of"
        found.append(f"{study.training.epochs:,} {of} {original['epochs']} epochs")
    for number, expected, what in (
        (card.rows, original["rows"], "reviews"),
        (card.vocabulary_size, original["vocabulary_size"], "words in the vocabulary"),
        (card.glove_words, original["glove_words"], "GloVe vectors"),
    ):
        if number != expected:
            found.append(f"{number:,} {what} instead of {expected:,}")
    return found + _changed_settings(study)


def _is_sample(study: Study) -> bool:
    source = study.reviews
    return source.kind == "local" and Path(source.path).parts[-2:] == ("include", "sample")


def _changed_settings(study: Study) -> list[str]:
    found = []
    for now, default in ((study.text, TextSettings()), (study.training, TrainingSettings())):
        for name, value in now:
            expected = getattr(default, name)
            if value != expected and name != "epochs":
                found.append(f"{name.replace('_', ' ')} {value} instead of {expected}")
    return found


def percent(share: float) -> str:
    """Return a share as a percentage with one decimal."""
    return f"{100 * share:.1f} %"


def points(share: float) -> str:
    """Return a difference of shares in percentage points with one decimal."""
    return f"{100 * share:.1f} points"


def signed(value: float, decimals: int) -> str:
    """Return ``value`` with its sign; what rounds to zero has none."""
    rounded = round(value, decimals)
    return f"{rounded:+.{decimals}f}".replace("-", "−") if rounded else f"{0:.{decimals}f}"


def count_of(count: int, one: str, many: str) -> str:
    """Return a count with the matching noun."""
    return f"{count:,} {one if count == 1 else many}"


def one_line(text: str, limit: int = _REASON_LIMIT) -> str:
    """Return ``text`` without line breaks or control characters, cut at ``limit`` characters."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def duration(seconds: float) -> str:
    """Return a time in the two largest units that it has."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"
