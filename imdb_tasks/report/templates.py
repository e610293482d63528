"""The templates' environment: where they are, that they escape, and how they write numbers."""

from collections.abc import Mapping, Sequence
from functools import cache, partial
from typing import TYPE_CHECKING

from imdb_tasks import formatting
from imdb_tasks.analysis import LOG_OUTCOMES, Outcome, Verdict, VerdictValue, effect_text, level_text
from imdb_tasks.report.wrong_reviews import Misclassified
from imdb_tasks.resources import TEMPLATES

if TYPE_CHECKING:
    import jinja2

_MARKS: Mapping[VerdictValue, str] = {"supported": "✓", "contradicted": "✗", "not decided": "?", "not tested": "–"}
_WORDS_OF_CLAIMS: Mapping[tuple[Outcome, ...], str] = {
    ("roughness",): "Roughness: of the curve of the validation loss.",
    ("overfitting",): "Overfitting gap: final validation loss less final training loss.",
    LOG_OUTCOMES: "A number such as ×0.62 is a ratio, where ×1 is no difference.",
}
_HUGE = 100
_LEAST_P = 0.001


@cache
def template_environment(*, escape: bool) -> "jinja2.Environment":
    """Return the environment; ``escape`` is for HTML. An unknown name is an error, not an empty text."""
    import jinja2

    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=escape,  # noqa: S701  (select_autoescape does not know names such as mail.html.j2)
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(
        number=_number,
        brief=partial(_number, decimals=3),
        percent=lambda share: "–" if share is None else formatting.percent(share),
        bare_percent=lambda share: "–" if share is None else f"{100 * share:.1f}",
        signed=lambda share: "–" if share is None else formatting.signed(100 * share, 1),
        p_value=lambda p: f"p = {p:.3f}" if p >= _LEAST_P else "p < 0.001",
        tight=lambda text: text.replace(" %", "\N{NO-BREAK SPACE}%").replace("± ", "±\N{NO-BREAK SPACE}"),
        duration=formatting.duration,
        megabytes=lambda count: f"{count / 1e6:,.0f} MB",
        one_line=formatting.one_line,
        minute=lambda at: f"{at:%Y-%m-%d %H:%M} UTC",
        day=lambda at: f"{at:%Y-%m-%d}",
        effect_text=effect_text,
        sureness=_sureness,
    )
    made.globals.update(marks=_MARKS, level=level_text, words_of_claims=_words_of_claims)
    return made


def _words_of_claims(verdicts: Sequence[Verdict]) -> str:
    """Explain the words that the reasons of these verdicts use."""
    used = {effect.outcome for verdict in verdicts for effect in verdict.effects}
    return " ".join(words for outcomes, words in _WORDS_OF_CLAIMS.items() if used & set(outcomes))


def _number(value: float | None, decimals: int = 4) -> str:
    """Write a loss or an AUC: without decimals where it is huge, in words where it is no number."""
    if value is None:
        return "not finite"
    return f"{value:.{decimals}f}" if abs(value) < _HUGE else f"{value:,.0f}"


def _sureness(review: Misclassified) -> str:
    """Write how sure the model is of its wrong answer; a rounded 100 % would claim too much."""
    sure = max(review.probability, 1 - review.probability)
    return f"{100 * sure:.1f} %" if sure < 0.9995 else "over 99.9 %"  # noqa: PLR2004
