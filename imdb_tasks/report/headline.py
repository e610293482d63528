"""What is new and what to do about it, in one or two sentences: the page's headline, the mail's subject."""

from imdb_tasks.analysis import Analysis, Choice, Growth, RunComparison, Standing
from imdb_tasks.formatting import count_of, percent, signed
from imdb_tasks.study import StudyResult, Variant, is_original


def headline(result: StudyResult, analysis: Analysis) -> str:
    """Return the advice and the accuracy that goes with it."""
    advice, choice = analysis.recommendation, analysis.choice
    if advice is None or choice is None:
        return f"No model has a test result: {missing_counts(result)}."
    if advice.use is None:
        return advice.why
    used = standing(analysis, advice.use)
    models = "" if used.replicates == 1 else f" in the mean of {used.replicates} trainings"
    right = f"{percent(used.accuracy)} of {result.data_card.test_rows:,} test reviews right{models}"
    return f"Use {used.variant.label}: {right}{_interval(analysis, used, choice)}."


def subject(result: StudyResult, analysis: Analysis) -> str:
    """Return the news as the subject of a mail."""
    start = "IMDB study" if is_original(result) else "IMDB study (not the original)"
    news, advice, choice = "no model has a test result", analysis.recommendation, analysis.choice
    if advice and choice and advice.use is None:
        news = f"no model shown to be better than always “{choice.baseline.label}”"
    elif advice and advice.use:
        used = standing(analysis, advice.use)
        news = f"use {used.variant.label}, {percent(used.accuracy)}{_since_before(analysis.comparison, used)}"
    told = (
        _decided(analysis.growth, result.study.replicates),
        news,
        missing_counts(result),
        _changed(analysis.comparison, grows=analysis.growth is not None),
    )
    return f"{start}: " + "; ".join(filter(None, told))


def standing(analysis: Analysis, variant: Variant) -> Standing:
    """Return the standing of a setting."""
    return next(each for each in analysis.standings if each.variant == variant)


def missing_counts(result: StudyResult) -> str:
    """Return how many variants have no result, and why: ``2 diverged, 1 missing``."""
    statuses = [row.status for row in result.variants]
    counts = ((statuses.count(status), status) for status in ("diverged", "missing"))
    return ", ".join(f"{count} {status}" for count, status in counts if count)


def _interval(analysis: Analysis, used: Standing, choice: Choice) -> str:
    """Return the interval of an accuracy on other test reviews, if there is one."""
    alone = next((each.accuracy_interval for each in analysis.variants if each.variant == used.variant), None)
    interval = choice.interval if used.variant == choice.variant else alone if used.replicates == 1 else None
    if interval is None:
        return ""
    about = "95 % interval" if used.replicates == 1 else "95 % interval for these very models"
    return f" ({about} {percent(interval.low).removesuffix(' %')} to {percent(interval.high)})"


def _since_before(comparison: RunComparison | None, used: Standing) -> str:
    known = comparison.variants if comparison and used.replicates == 1 else ()
    change = next((each for each in known if each.variant == used.variant), None)
    return f" ({signed(100 * change.difference, 1)} points)" if change else ""


def _decided(growth: Growth | None, replicates: int) -> str:
    """Return what the last look at a growing study has decided."""
    if growth is None or not growth.has_look(replicates):
        return ""
    news = count_of(len(growth.news), "claim", "claims") + " newly decided" if growth.news else ""
    return ", ".join(filter(None, (news, "series ended" if growth.ended else "")))


def _changed(comparison: RunComparison | None, *, grows: bool) -> str:
    """Return what differs from the run before; a growing study always has more replicates, which is no news."""
    if comparison is None:
        return ""
    where = {change.where for change in comparison.changes if not (grows and change.what == "replicates")}
    if grows and not where & {"data", "settings", "code"}:
        return ""
    changed = [name for name in ("data", "settings", "code") if name in where]
    words = [f"{' and '.join(changed)} changed"] if changed else []
    return ", ".join(words if "data" in where else [*words, "data unchanged"])
