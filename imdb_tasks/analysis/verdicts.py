"""Claims against a result: supported, contradicted, not decided, or not tested.

The rule. The file's m claims share an error of 5 % (Bonferroni): each is tested at 5 % / m. A part "higher" or "lower"
is tested twice, each time at half of that: by its mean difference (``noise``) and by an exact test of ranks
(``ranks``), because one exploded training can hide a plain difference from a mean. The rank test counts only where the
mean, the rate of failures and the sampling error of the reviews do not speak against it. An interaction has its mean
only, a part on ``failures`` its ranks only. A part "equal" is supported if the interval of every difference lies within
the margin, contradicted if one lies outside it: two one-sided tests, D. J. Schuirmann, Journal of Pharmacokinetics and
Biopharmaceutics 15 (1987), 657-680.

A claim is supported if every part is (an intersection-union test: R. L. Berger, Technometrics 24 (1982), 295-300), and
contradicted if a part is, at an error divided by the number of parts. So each ruling is read off the interval printed
beside it, or off the rank test that is named.
"""

from collections.abc import Sequence

from imdb_tasks.analysis import parts, sentences
from imdb_tasks.analysis.claims import Claim
from imdb_tasks.analysis.contrasts import ON_REVIEWS, Measured
from imdb_tasks.analysis.evidence import ALPHA, PartRuling, Verdict, VerdictValue
from imdb_tasks.analysis.parts import Tested


def verdicts(measured: Measured, claims: Sequence[Claim]) -> tuple[Verdict, ...]:
    """Rule on each claim."""
    tested = [[parts.test(measured, part) for part in claim.parts] for claim in claims]
    testable = sum(_is_testable(each) for each in tested)
    return tuple(_verdict(measured, claim, each, testable) for claim, each in zip(claims, tested, strict=True))


def _is_testable(tested: Sequence[Tested]) -> bool:
    """Tell whether a claim can be tested: a part that nothing can be said of stops it, a vacuous one does not."""
    return all(part.vacuous or not part.obstacle for part in tested) and any(not part.obstacle for part in tested)


def _verdict(measured: Measured, claim: Claim, tested: Sequence[Tested], testable: int) -> Verdict:
    counted = [part for part in tested if not part.obstacle]
    ruling: VerdictValue = "not tested"
    p_corrected = None
    if _is_testable(tested):
        supported = max(part.supported for part in counted)
        contradicted = min(1.0, len(counted) * min(part.contradicted for part in counted))
        p_corrected = min(1.0, testable * min(supported, contradicted))
        ruling = "not decided" if p_corrected > ALPHA else "supported" if supported < contradicted else "contradicted"
    alpha = ALPHA / testable if _is_testable(tested) else None
    rulings = tuple(parts.rule(measured, part, alpha, len(counted)) for part in tested)
    decisive = _decisive(ruling, rulings)
    effects = [effect for part in rulings for effect in part.effects]
    lost = parts.failed(measured, [q for part in tested if part.part.outcome in ON_REVIEWS for q in part.questions])
    told = [text(measured, part) for text in (parts.one_cell_text, parts.survivors_text) for part in tested]
    return Verdict(
        claim=claim.id,
        title=claim.title,
        ruling=ruling,
        reason=" ".join(dict.fromkeys(part.reason for part in decisive)),
        parts=rulings,
        power=next(filter(None, map(sentences.power_text, decisive)), "") if ruling == "not decided" else "",
        sample=sentences.sample_text(measured, effects),
        warnings=tuple(filter(None, [sentences.failures_text(len(lost), effects), *dict.fromkeys(told)])),
        p_corrected=p_corrected,
    )


def _decisive(ruling: VerdictValue, rulings: Sequence[PartRuling]) -> list[PartRuling]:
    """Return the parts that a ruling rests on: all if supported, else those of its own kind."""
    if ruling == "supported":
        return [part for part in rulings if part.ruling == "supported"]
    return [part for part in rulings if part.ruling == ruling] or list(rulings)
