"""A study that grows by replicates until its claims are decided: what each look at it has shown.

Each look tests every open claim at a level of ``looks``. A claim that is decided stays decided: later looks go on to
estimate its effects, and do not test it again.
"""

from collections.abc import Sequence

from imdb_tasks.analysis.evidence import ALPHA, DECIDED, Effect, Interaction, Verdict, VerdictValue
from imdb_tasks.analysis.looks import level
from imdb_tasks.study import Record


class Seen(Record):
    """A claim at one look. ``effects`` are those of all its parts, with the intervals that the rulings used.

    ``named`` is the difference that the claim's reason names first, None where nothing was tested; ``margin`` is what
    counts as the same there, for a part "equal".

    ``needed`` is how many replicates would decide what is open with a probability of 80 %, if the differences stay as
    they are; None where nothing is open, where there is no forecast (for "equal", or from one replicate), and where it
    is ``hopeless``: no number up to 50 would. ``answerable``: grid and epochs can answer it at all.
    """

    claim: str
    title: str
    ruling: VerdictValue
    reason: str
    effects: tuple[Effect | Interaction, ...]
    named: Effect | Interaction | None
    margin: float | None = None
    needed: int | None
    hopeless: bool
    answerable: bool


class Look(Record):
    """What a study with so many replicates has shown."""

    replicates: int
    seen: tuple[Seen, ...]


class Growth(Record):
    """The looks at a study that may have ``most`` replicates, the first one first."""

    most: int
    looks: tuple[Look, ...] = ()

    @property
    def replicates(self) -> int:
        """The replicates of the last look; 0 before the first."""
        return self.looks[-1].replicates if self.looks else 0

    @property
    def decided(self) -> dict[str, tuple[int, Seen]]:
        """Return the decided claims by their ids: the number of replicates that decided each, and how."""
        found: dict[str, tuple[int, Seen]] = {}
        for look in self.looks:
            for seen in look.seen:
                if seen.ruling in DECIDED:
                    found.setdefault(seen.claim, (look.replicates, seen))
        return found

    @property
    def news(self) -> tuple[Seen, ...]:
        """Return the claims that the last look has decided."""
        return tuple(seen for number, seen in self.decided.values() if number == self.replicates)

    @property
    def open(self) -> tuple[Seen, ...]:
        """Return the claims of the last look that more replicates could decide."""
        last = self.looks[-1].seen if self.looks else ()
        return tuple(seen for seen in last if seen.ruling not in DECIDED and seen.answerable)

    @property
    def ended(self) -> bool:
        """Whether no claim is open, or the most replicates are there."""
        return bool(self.looks) and (not self.open or self.replicates >= self.most)

    def has_look(self, replicates: int) -> bool:
        """Return whether there is a look at so many replicates, or at more."""
        return self.replicates >= replicates

    def of(self, claim: str) -> tuple[tuple[int, Seen], ...]:
        """Return a claim at each look that tested it, with the replicates of the look."""
        seen = ((look.replicates, each) for look in self.looks for each in look.seen if each.claim == claim)
        return tuple((replicates, each) for replicates, each in seen if each.named)

    def before(self, replicates: int) -> "Growth":
        """Return the growth as it was before the look at so many replicates."""
        return Growth(most=self.most, looks=tuple(look for look in self.looks if look.replicates < replicates))

    def with_look(self, replicates: int, verdicts: Sequence[Verdict]) -> "Growth":
        """Return the growth after a look."""
        look = Look(replicates=replicates, seen=tuple(_seen(verdict, replicates) for verdict in verdicts))
        return Growth(most=self.most, looks=(*self.before(replicates).looks, look))

    def alpha(self, claims: int, replicates: int, *, after: int | None = None) -> float:
        """Return the level at which one of so many claims is tested, once there are so many replicates.

        The claims share an error of 5 % (Bonferroni), whether or not each can be tested yet. ``after`` is the number of
        replicates now, where the look lies ahead: each number from there on is then taken for a look.
        """
        last = min(replicates, self.most)
        known = [look.replicates for look in self.looks if look.replicates < (last if after is None else after)]
        ahead = () if after is None else range(after, last)
        return level(ALPHA / claims, [*known, *ahead, last], self.most)


def _seen(verdict: Verdict, replicates: int) -> Seen:
    undecided = [part for part in verdict.parts if part.ruling == "not decided"]
    forecast = replicates > 1 and bool(undecided) and all(part.detectable is not None for part in undecided)
    needed = [part.replicates_needed for part in undecided] if forecast else []
    tested = [part for part in verdict.parts if part.named]
    decisive = next((part for part in tested if part.ruling == verdict.ruling), tested[0] if tested else None)
    return Seen(
        claim=verdict.claim,
        title=verdict.title,
        ruling=verdict.ruling,
        reason=verdict.reason,
        effects=verdict.effects,
        named=decisive.named if decisive else None,
        margin=decisive.margin if decisive else None,
        needed=None if None in needed else max((number for number in needed if number is not None), default=None),
        hopeless=None in needed,
        answerable=all(part.answerable for part in verdict.parts),
    )
