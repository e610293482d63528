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

A study that grows is looked at several times. Then all claims of the file share the 5 %, each look has the level of
``looks``, and what an earlier look decided stays so.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from imdb_tasks.analysis import parts, sentences
from imdb_tasks.analysis.claims import Claim
from imdb_tasks.analysis.contrasts import ON_REVIEWS, Measured
from imdb_tasks.analysis.evidence import ALPHA, DECIDED, PartRuling, Verdict, VerdictValue
from imdb_tasks.analysis.growth import Growth
from imdb_tasks.analysis.parts import Tested
from imdb_tasks.formatting import count_of


def verdicts(measured: Measured, claims: Sequence[Claim], growth: Growth | None = None) -> tuple[Verdict, ...]:
    """Rule on each claim; ``growth`` has the earlier looks at a study that grows."""
    tested = [[parts.test(measured, part) for part in claim.parts] for claim in claims]
    shared_by = len(claims) if growth else sum(_is_testable(each) for each in tested)
    error = Error(shared_by, measured.study.replicates, growth.before(measured.study.replicates) if growth else None)
    ruled = [_verdict(measured, claim, each, error) for claim, each in zip(claims, tested, strict=True)]
    return tuple(as_decided(verdict, error.growth) if error.growth else verdict for verdict in ruled)


def as_decided(verdict: Verdict, growth: Growth) -> Verdict:
    """Return a verdict with the ruling of the look that decided it, if one did."""
    if verdict.claim not in growth.decided:
        return verdict
    replicates, then = growth.decided[verdict.claim]
    reason = f"Decided with {count_of(replicates, 'replicate', 'replicates')}: {then.reason}"
    if now := sentences.now_text(verdict.effects, then.named, named=len(verdict.parts) > 1):
        reason += f" Now {now}."
    return verdict.model_copy(update={"ruling": then.ruling, "reason": reason, "power": "", "p_corrected": None})


def held_back(verdict: Verdict, growth: Growth, missing: int) -> Verdict:
    """Return the verdict of a look that is not taken, since models are missing: what it would decide stays open.

    It will be tested when they are there, and a test that is shown is a test that is spent.
    """
    if verdict.claim in growth.decided or verdict.ruling not in DECIDED:
        return verdict
    models = count_of(missing, "model is", "models are")
    reason = f"Not tested while {models} missing: the next run goes on."
    held = {"ruling": "not decided", "reason": reason, "power": "", "converged": "", "p_corrected": None}
    return verdict.model_copy(update=held)


@dataclass(frozen=True)
class Error:
    """The error that so many claims share, at this look of a study that grows, if it does."""

    claims: int
    replicates: int
    growth: Growth | None

    @property
    def of_one(self) -> float:
        """The level at which one claim is tested."""
        return self.growth.alpha(self.claims, self.replicates) if self.growth else ALPHA / self.claims

    def later(self, replicates: int) -> float:
        """Return the level with so many replicates, as a multiple of today's."""
        if self.growth is None:
            return 1.0
        return self.growth.alpha(self.claims, replicates, after=self.replicates) / self.of_one


def _is_testable(tested: Sequence[Tested]) -> bool:
    """Tell whether a claim can be tested: a part that nothing can be said of stops it, a vacuous one does not."""
    return all(part.vacuous or not part.obstacle for part in tested) and any(not part.obstacle for part in tested)


def _verdict(measured: Measured, claim: Claim, tested: Sequence[Tested], error: Error) -> Verdict:
    counted = [part for part in tested if not part.obstacle]
    ruling: VerdictValue = "not tested"
    p_corrected = alpha = None
    if _is_testable(tested):
        alpha = error.of_one
        supported = max(part.supported for part in counted)
        contradicted = min(1.0, len(counted) * min(part.contradicted for part in counted))
        p_value = min(supported, contradicted)
        p_corrected = min(1.0, ALPHA / alpha * p_value)
        ruling = "not decided" if p_value > alpha else "supported" if supported < contradicted else "contradicted"
    rulings = tuple(parts.rule(measured, part, alpha, len(counted), error.later) for part in tested)
    decisive = _decisive(ruling, rulings)
    effects = [effect for part in rulings for effect in part.effects]
    lost = parts.failed(measured, [q for part in tested if part.part.outcome in ON_REVIEWS for q in part.questions])
    diverged = {curve.variant for curve in measured.curves if curve.diverged}
    told = [parts.one_cell_text(measured, part) for part in tested]
    return Verdict(
        claim=claim.id,
        title=claim.title,
        ruling=ruling,
        reason=" ".join(dict.fromkeys(part.reason for part in decisive)),
        parts=rulings,
        power=sentences.power_text(rulings, parts.MOST_FORESEEN) if ruling == "not decided" else "",
        sample=sentences.sample_text(measured, effects),
        warnings=tuple(
            filter(None, [sentences.failures_text(len(lost), len(lost & diverged), effects), *dict.fromkeys(told)])
        ),
        converged=sentences.converged_text([parts.survivors_text(measured, part) for part in tested]),
        p_corrected=p_corrected,
    )


def _decisive(ruling: VerdictValue, rulings: Sequence[PartRuling]) -> list[PartRuling]:
    """Return the parts that a ruling rests on: all if supported, else those of its own kind."""
    if ruling == "supported":
        return [part for part in rulings if part.ruling == "supported"]
    return [part for part in rulings if part.ruling == ruling] or list(rulings)
