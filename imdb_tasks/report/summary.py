"""The first screen of page and mail: what was learned, what to use, whether to trust it, and what it was made from."""

from collections.abc import Sequence
from dataclasses import dataclass

from imdb_tasks.analysis import DECIDED, Analysis, Verdict, VerdictValue
from imdb_tasks.formatting import count_of, duration, percent
from imdb_tasks.report.growing import growth_text
from imdb_tasks.report.headline import headline, standing
from imdb_tasks.study import DataCard, StudyResult, deviations, is_original, ruling_scope

_RULINGS: tuple[VerdictValue, ...] = ("supported", "contradicted", "not decided", "not tested")
_NOT_CONVERGED = " (their final loss is no better than that of always giving the same answer)"
_NAMED = 2  # decided claims
_SHOWN = 12  # digits of a hash: enough to tell two files from each other


@dataclass(frozen=True)
class Made:
    """When a report was made, by which run, and with which code; each in words."""

    date: str
    run: str
    code: str


@dataclass(frozen=True)
class Summary:
    """The three answers, in sentences.

    ``learned`` names or counts the claims by their ruling; ``growth`` says how far a growing study is, "" of others.
    ``use`` is the recommendation, ``price`` what it costs and what it is to be compared with, ``why`` what else was
    considered. ``trust`` has pairs of a name and a fact, ``limit`` the most important thing that the result cannot
    tell. ``made`` are pairs, too.
    """

    learned: str
    growth: str
    use: str
    price: str
    why: str
    trust: tuple[tuple[str, str], ...]
    limit: str
    made: tuple[tuple[str, str], ...]


def first_screen(result: StudyResult, analysis: Analysis, made: Made) -> Summary:
    """Answer the three questions of a reader."""
    advice = analysis.recommendation
    said = headline(result, analysis)
    return Summary(
        learned=_learned(result, analysis.verdicts),
        growth=growth_text(result, analysis.growth) if analysis.growth else "",
        use=said,
        price=_price(analysis),
        why="" if advice is None or advice.why == said else advice.why,
        trust=tuple(_trust(result, analysis)),
        limit=analysis.cautions[0] if analysis.cautions else "",
        made=(("Date", made.date), ("First run", made.run), ("Data", _data(result)), ("Code", made.code)),
    )


def _learned(result: StudyResult, verdicts: Sequence[Verdict]) -> str:
    """Name the claims that are decided, if they are few, and count the others."""
    if not verdicts:
        return "No claim was tested."
    parts = []
    for ruling in _RULINGS:
        own = [verdict.title for verdict in verdicts if verdict.ruling == ruling]
        few = ruling in DECIDED and len(own) <= _NAMED
        told = "; ".join(own) if few else f"{len(own)} of {count_of(len(verdicts), 'claim', 'claims')}"
        if own:
            parts.append(f"{ruling.capitalize()}: {told}.")
    if scope := ruling_scope(result):
        parts[0] = f"{scope.capitalize()}, {parts[0][0].lower()}{parts[0][1:]}"
    return " ".join(parts)


def _price(analysis: Analysis) -> str:
    advice, choice = analysis.recommendation, analysis.choice
    if advice is None or choice is None or advice.use is None:
        return ""
    used = standing(analysis, advice.use)
    return (
        f"{used.variant.label} has {used.variant.units} units and was trained in batches of {used.variant.batch_size}."
        f" Its price: {used.trainable_parameters:,} trainable parameters, {duration(used.training_seconds)} of training"
        " without compilation."
        f" Always answering “{choice.baseline.label}” is right in {percent(choice.baseline.accuracy)}."
    )


def _trust(result: StudyResult, analysis: Analysis) -> list[tuple[str, str]]:
    study, card = result.study, result.data_card
    settings = len(result.variants) // study.replicates
    trainings = count_of(study.replicates, "training", "trainings")
    failed = sum(not curve.converged for curve in analysis.curves)
    diverged = sum(curve.diverged for curve in analysis.curves)
    missing = sum(row.status == "missing" for row in result.variants)
    found = [
        ("Data", f"{card.rows:,} reviews, {card.test_rows:,} of them held out for the test{_shared(card)}"),
        ("Epochs", f"{study.training.epochs:,}; every accuracy is that after the last one"),
        ("Replicates", f"{trainings} of each of {count_of(settings, 'setting', 'settings')}"),
        ("Not converged", f"{failed} of {len(analysis.curves)} trainings{_which(analysis) if failed else ''}"),
    ]
    if diverged:
        found.append(("Diverged", f"{diverged} of those, with a loss that is not finite"))
    if missing:
        found.append(("Missing", f"{missing} of {len(result.variants)} models"))
    if is_original(result) and (differs := deviations(result)):
        found.append(("Deviations", "; ".join(differs)))
    return found


def _shared(card: DataCard) -> str:
    """Say how many test reviews are not new to a model."""
    count = card.straddling_duplicates
    return f"; {count:,} of these {'is' if count == 1 else 'are'} also among the others, word for word" if count else ""


def _which(analysis: Analysis) -> str:
    """Say in which cells trainings did not converge, and what that means."""
    cells = list(dict.fromkeys(curve.variant.cell for curve in analysis.curves))
    counts = []
    for cell in cells if len(cells) > 1 else ():
        own = [curve for curve in analysis.curves if curve.variant.cell == cell]
        counts.append(f"{sum(not curve.converged for curve in own)} of {len(own)} {cell}")
    return (f", {' and '.join(counts)}" if counts else "") + _NOT_CONVERGED


def _data(result: StudyResult) -> str:
    source = result.study.reviews.words if ruling_scope(result) != "on this sample" else "the bundled synthetic sample"
    return f"{source}, SHA-256 {result.data_card.reviews_sha256[:_SHOWN]}"
