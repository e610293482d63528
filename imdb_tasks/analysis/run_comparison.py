"""Compare two runs: what changed, and whether the accuracies differ significantly."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from imdb_tasks.analysis.bootstrap import Predictions
from imdb_tasks.analysis.effects import holm
from imdb_tasks.analysis.evidence import ALPHA, Interval
from imdb_tasks.analysis.records import Analysis, Change, Origin, RunComparison, VariantChange
from imdb_tasks.formatting import count_of, percent
from imdb_tasks.study import Study


@dataclass(frozen=True)
class AnalysedRun:
    """A run, its analysis, and what its models said of its test reviews."""

    run: str
    analysis: Analysis
    tested: Predictions


def compare(now: Analysis, tested: Predictions, previous: AnalysedRun) -> RunComparison:
    """Set ``now`` beside ``previous``."""
    before = previous.analysis
    same = _same_test_reviews(now.origin, before.origin) and (tested.labels == previous.tested.labels).all()
    variants = _variants(now, tested, previous, paired=bool(same))
    changes = (*_origin_changes(before.origin, now.origin), *_result_changes(before, now))
    return RunComparison(
        previous_run=previous.run,
        changes=changes,
        same_test_reviews=bool(same),
        variants=variants,
        summary=_summary(changes, variants, same=bool(same)),
    )


def _same_test_reviews(now: Origin, before: Origin) -> bool:
    def split(origin: Origin) -> tuple[object, ...]:
        text = origin.study.text
        return origin.reviews_sha256, text.test_fraction, text.split_seed, origin.test_rows

    return split(now) == split(before)


def _origin_changes(before: Origin, now: Origin) -> Iterable[Change]:
    data = ("reviews_sha256", "glove_sha256", "train_rows", "test_rows")
    old, new = _settings(before.study), _settings(now.study)
    for where, pairs in (
        ("data", {name: (getattr(before, name), getattr(now, name)) for name in data}),
        (
            "code",
            {name: (before.versions.get(name), now.versions.get(name)) for name in {*before.versions, *now.versions}},
        ),
        ("code", {"backend": (before.backend, now.backend), "revision": (before.code, now.code)}),
        ("settings", {name: (old.get(name), new.get(name)) for name in sorted({*old, *new})}),
    ):
        for name, (was, is_now) in sorted(pairs.items()):
            if was != is_now:
                yield Change.model_validate(
                    {"where": where, "what": name.replace("_", " "), "before": _text(was), "now": _text(is_now)}
                )


def _settings(study: Study) -> dict[str, Any]:
    """Return the settings by name, without the place of the data: its bytes have hashes, which are compared as data."""
    flat: dict[str, Any] = {}
    for name, value in study.model_dump(mode="json", exclude={"reviews", "glove"}).items():
        flat |= (
            {f"{name} {inner}": each for inner, each in value.items()} if isinstance(value, Mapping) else {name: value}
        )
    return flat


def _text(value: object) -> str:
    if value is None:
        return "none"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _result_changes(before: Analysis, now: Analysis) -> Iterable[Change]:
    def change(what: str, was: str, is_now: str) -> Iterable[Change]:
        return [Change(where="results", what=what, before=was, now=is_now)] if was != is_now else []

    yield from change("best setting", _leader(before), _leader(now))
    yield from change("diverged models", _diverged(before), _diverged(now))
    rulings = {verdict.claim: verdict.ruling for verdict in before.verdicts}
    for verdict in now.verdicts:
        if verdict.claim in rulings:
            yield from change(f"claim “{verdict.title}”", rulings[verdict.claim], verdict.ruling)


def _leader(analysis: Analysis) -> str:
    return analysis.standings[0].variant.label if analysis.standings else "none"


def _diverged(analysis: Analysis) -> str:
    return str(sum(curve.diverged for curve in analysis.curves))


def _variants(now: Analysis, tested: Predictions, previous: AnalysedRun, *, paired: bool) -> tuple[VariantChange, ...]:
    was = {summary.variant: summary.accuracy for summary in previous.analysis.variants}
    found = []
    for summary in now.variants:
        before = was.get(summary.variant)
        if before is None or summary.accuracy is None:
            continue
        interval, p_value = _paired(summary.variant.name, tested, previous.tested) if paired else (None, None)
        found.append((summary.variant, before, summary.accuracy, interval, p_value))
    corrected = iter(holm([p for *_, p in found if p is not None]))
    changes = []
    for variant, before, accuracy, interval, p_value in found:
        p = None if p_value is None else next(corrected)
        changes.append(
            VariantChange(
                variant=variant,
                before=before,
                now=accuracy,
                difference=accuracy - before,
                interval=interval,
                p_corrected=p,
                beyond_noise=p is not None and p <= ALPHA,
            )
        )
    return tuple(changes)


def _paired(name: str, tested: Predictions, before: Predictions) -> tuple[Interval, float]:
    """Return the interval of a paired t test over the reviews, and the p-value of McNemar's exact test."""
    import numpy as np
    from scipy.stats import ttest_1samp
    from statsmodels.stats.contingency_tables import mcnemar

    new, old = tested.right(name), before.right(name)
    gained, lost = int((new & ~old).sum()), int((old & ~new).sum())
    if gained + lost == 0:
        return Interval(low=0.0, high=0.0), 1.0
    differences = new.astype(np.float64) - old
    if np.ptp(differences) == 0:
        low = high = float(differences[0])
    else:
        low, high = ttest_1samp(differences, 0.0).confidence_interval(0.95)
    p_value = mcnemar([[0, gained], [lost, 0]], exact=True).pvalue
    return Interval(low=float(low), high=float(high)), min(1.0, float(p_value))


def _causes(changes: Sequence[Change]) -> list[str]:
    """Return what could have changed the results; where that is one setting, with its values."""
    causes = list(dict.fromkeys(change.where for change in changes if change.where != "results"))
    settings = [change for change in changes if change.where == "settings"]
    if len(settings) != 1:
        return [str(cause) for cause in causes]
    [setting] = settings
    named = f"settings ({setting.what} from {setting.before} to {setting.now})"
    return [named if cause == "settings" else cause for cause in causes]


def _summary(changes: tuple[Change, ...], variants: tuple[VariantChange, ...], *, same: bool) -> str:
    causes = _causes(changes)
    text = f"Changed between the two runs: {', '.join(causes)}." if causes else "Data, code and settings are the same."
    if not variants:
        return f"{text} The two runs have no model in common."
    if not same:
        return f"{text} The test reviews differ, so differences of accuracy are shown but not tested."
    moved = [each for each in variants if each.beyond_noise]
    models = count_of(len(variants), "common model", "common models")
    if not moved:
        return f"{text} Of {models}, none changed its accuracy by more than the sampling error of the test reviews."
    widest = max(moved, key=lambda each: abs(each.difference))
    return (
        f"{text} Of {models}, {len(moved)} changed accuracy by more than the sampling error of the test reviews, most"
        f" of all {widest.variant.label}: {percent(widest.before)} before, {percent(widest.now)} now."
    )
