"""What is new and what to do about it, in one or two sentences: the page's headline, the mail's subject."""

from imdb_tasks.analysis import Analysis, Recommendation, RunComparison, Standing, margin
from imdb_tasks.formatting import percent, points, signed
from imdb_tasks.study import StudyResult, Variant, is_original


def headline(result: StudyResult, analysis: Analysis) -> str:
    """Return the main result and the advice that follows from it."""
    advice = analysis.recommendation
    if advice is None:
        return f"No variant has a test result: {missing_counts(result)}."
    best = standing(analysis, advice.best)
    said = f"{best.variant.label} is the most accurate, {percent(best.accuracy)}{_plus_minus(result, best)}"
    if advice.cheapest == advice.best:
        others = (
            "; no cheaper setting is statistically indistinguishable from it." if len(analysis.standings) > 1 else "."
        )
        return f"{said}{others}"
    cheap = standing(analysis, advice.cheapest)
    cheaper = f"{cheap.variant.label}, at {percent(cheap.accuracy)}"
    return f"{said}; {cheaper}, is cheaper and statistically indistinguishable from it."


def subject(result: StudyResult, analysis: Analysis) -> str:
    """Return the news as the subject of a mail."""
    start = "IMDB study" if is_original(result) else "IMDB study (not the original)"
    news = "no variant has a test result"
    if analysis.recommendation:
        best = standing(analysis, analysis.recommendation.best)
        news = (
            f"{best.variant.label} best at {percent(best.accuracy)}{_since_before(analysis.comparison, best.variant)}"
        )
    return f"{start}: " + "; ".join(filter(None, (news, missing_counts(result), _changed(analysis.comparison))))


def standing(analysis: Analysis, variant: Variant) -> Standing:
    """Return the standing of a recommended variant."""
    return next(each for each in analysis.standings if each.variant == variant)


def missing_counts(result: StudyResult) -> str:
    """Return how many variants have no result, and why: ``2 diverged, 1 missing``."""
    statuses = [row.status for row in result.variants]
    counts = ((statuses.count(status), status) for status in ("diverged", "missing"))
    return ", ".join(f"{count} {status}" for count, status in counts if count)


def savings(analysis: Analysis, advice: Recommendation) -> str:
    """Return what the cheapest recommended setting saves against the best: parameters and training time, as shares."""
    best, cheap = standing(analysis, advice.best), standing(analysis, advice.cheapest)
    parts = []
    for now, before, what in (
        (cheap.trainable_parameters, best.trainable_parameters, "of the trainable parameters"),
        (cheap.wall_seconds, best.wall_seconds, "of the training time"),
    ):
        if before and now != before:
            parts.append(f"{100 * now / before:.0f} % {what}")
    return " and ".join(parts)


def _plus_minus(result: StudyResult, best: Standing) -> str:
    # The mean of several replicates has another margin than one model; the page gives it with the standings.
    return f" ± {points(margin(best.accuracy, result.data_card.test_rows))}" if result.study.replicates == 1 else ""


def _since_before(comparison: RunComparison | None, best: Variant) -> str:
    change = next((each for each in comparison.variants if each.variant == best), None) if comparison else None
    if comparison is None or change is None:
        return ""
    noise = "significant" if change.beyond_noise else "not significant"
    return f" ({signed(100 * change.difference, 1)}, {noise if comparison.same_test_reviews else 'other test reviews'})"


def _changed(comparison: RunComparison | None) -> str:
    if comparison is None:
        return ""
    where = {change.where for change in comparison.changes}
    changed = [name for name in ("data", "settings", "code") if name in where]
    words = [f"{' and '.join(changed)} changed"] if changed else []
    return ", ".join(words if "data" in where else [*words, "data unchanged"])
