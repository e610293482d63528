"""What is new and what to do about it, in one or two sentences: the page's headline, the mail's subject."""

from imdb_tasks.analysis import Analysis, Choice, RunComparison, Standing
from imdb_tasks.formatting import percent, points, signed
from imdb_tasks.study import StudyResult, Variant, is_original


def headline(result: StudyResult, analysis: Analysis) -> str:
    """Return the advice and the result that it rests on."""
    advice, choice = analysis.recommendation, analysis.choice
    if advice is None or choice is None:
        return f"No model has a test result: {missing_counts(result)}."
    if advice.use is None:
        return advice.why
    if advice.use == choice.variant:
        alone = " No cheaper setting is shown to be as good." if advice.candidates else ""
        return (
            f"Use {choice.variant.label}: the highest validation accuracy, and {_test_result(result, choice)}.{alone}"
        )
    used = standing(analysis, advice.use)
    limit = next(each.loss_limit for each in advice.candidates if each.variant == advice.use) or 0.0
    share = used.trainable_parameters / standing(analysis, choice.variant).trainable_parameters
    return (
        f"Use {advice.use.label}: at most {points(max(0.0, limit))} less accurate than {choice.variant.label}, with"
        f" {100 * share:.0f} % of its trainable parameters. {choice.variant.label} has the highest validation accuracy,"
        f" and {_test_result(result, choice)}."
    )


def subject(result: StudyResult, analysis: Analysis) -> str:
    """Return the news as the subject of a mail."""
    start = "IMDB study" if is_original(result) else "IMDB study (not the original)"
    news, advice, choice = "no model has a test result", analysis.recommendation, analysis.choice
    if advice and choice and advice.use is None:
        news = f"no model better than always “{choice.baseline.label}”"
    elif advice and advice.use:
        used = standing(analysis, advice.use)
        news = f"use {used.variant.label}, {percent(used.accuracy)}{_since_before(analysis.comparison, used)}"
    return f"{start}: " + "; ".join(filter(None, (news, missing_counts(result), _changed(analysis.comparison))))


def standing(analysis: Analysis, variant: Variant) -> Standing:
    """Return the standing of a setting."""
    return next(each for each in analysis.standings if each.variant == variant)


def missing_counts(result: StudyResult) -> str:
    """Return how many variants have no result, and why: ``2 diverged, 1 missing``."""
    statuses = [row.status for row in result.variants]
    counts = ((statuses.count(status), status) for status in ("diverged", "missing"))
    return ", ".join(f"{count} {status}" for count, status in counts if count)


def _test_result(result: StudyResult, choice: Choice) -> str:
    low, high = percent(choice.interval.low).removesuffix(" %"), percent(choice.interval.high)
    models = "" if choice.replicates == 1 else f" in the mean of {choice.replicates} trainings"
    return (
        f"{percent(choice.accuracy)} of {result.data_card.test_rows:,} test reviews right{models}"
        f" (95 % interval {low} to {high})"
    )


def _since_before(comparison: RunComparison | None, used: Standing) -> str:
    known = comparison.variants if comparison and used.replicates == 1 else ()
    change = next((each for each in known if each.variant == used.variant), None)
    return f" ({signed(100 * change.difference, 1)} points)" if change else ""


def _changed(comparison: RunComparison | None) -> str:
    if comparison is None:
        return ""
    where = {change.where for change in comparison.changes}
    changed = [name for name in ("data", "settings", "code") if name in where]
    words = [f"{' and '.join(changed)} changed"] if changed else []
    return ", ".join(words if "data" in where else [*words, "data unchanged"])
