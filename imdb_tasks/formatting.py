"""Numbers and texts as readers see them: the same number is written in the same way wherever it stands."""

_REASON_LIMIT = 200


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


def fine_duration(seconds: float) -> str:
    """Return a time in words, with tenths below ten seconds: ``2.4 s``, ``3 min 05 s`` or ``2 h 10 min``."""
    if seconds < 10:  # noqa: PLR2004 - below, tenths matter
        return f"{seconds:.1f} s"
    return duration(seconds)
