"""Claims as data: what ``include/claims.toml`` says, checked. Its head explains the fields."""

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, ValidationError, model_validator

from imdb_tasks.analysis.evidence import Factor, Level, Outcome
from imdb_tasks.errors import SettingsError
from imdb_tasks.resources import CLAIMS
from imdb_tasks.study import CELLS, Record

Chosen = Literal["smallest", "largest"] | Level
Direction = Literal["higher", "lower", "equal"]
_Words = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class At(Record):
    """The levels of another factor between which a difference is said to differ."""

    factor: Factor
    first: Chosen
    second: Chosen

    @model_validator(mode="after")
    def _check_levels(self) -> Self:
        _check_level(self.factor, "first", self.first)
        _check_level(self.factor, "second", self.second)
        return self


class Part(Record):
    """One testable statement. Without ``first`` and ``second`` ("equal" only) it speaks of every pair of levels."""

    outcome: Outcome
    factor: Factor
    direction: Direction
    first: Chosen | None = None
    second: Chosen | None = None
    subset: dict[Factor, Level] = Field(default_factory=dict)
    at: At | None = None
    margin: Annotated[float, Field(gt=0)] | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.margin is None) == (self.direction == "equal"):
            raise ValueError(f"margin: expected one with direction 'equal' and none else, found {self.margin}")
        if (self.first is None) != (self.second is None) or (self.first is None and self.direction != "equal"):
            raise ValueError(f"first, second: expected two levels, found {self.first!r} and {self.second!r}")
        if self.outcome == "failures" and (self.direction == "equal" or self.at):
            raise ValueError("outcome: expected 'failures' with direction 'higher' or 'lower', and without 'at'")
        if self.first is not None and self.first == self.second:
            raise ValueError(f"first, second: expected two different levels, found {self.first!r} twice")
        if self.at and (self.direction == "equal" or self.at.factor == self.factor):
            raise ValueError("at: expected another factor than the part's own, and a direction other than 'equal'")
        for factor in {self.factor, *([self.at.factor] if self.at else [])} & self.subset.keys():
            raise ValueError(f"subset: expected factors that the part does not compare, found {factor!r}")
        for name in ("first", "second"):
            _check_level(self.factor, name, getattr(self, name))
        for factor, level in self.subset.items():
            _check_level(factor, f"subset.{factor}", level)
        return self


class Claim(Record):
    """A claim and its parts: all must hold."""

    id: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]
    title: _Words
    parts: Annotated[tuple[Part, ...], Field(min_length=1, strict=False)]


class Claims(Record):
    """A family of claims: their p-values are corrected together."""

    claims: Annotated[tuple[Claim, ...], Field(strict=False)]

    @model_validator(mode="after")
    def _unique(self) -> Self:
        ids = [claim.id for claim in self.claims]
        if twice := sorted({each for each in ids if ids.count(each) > 1}):
            raise ValueError(f"id: expected each once, found {twice} more than once")
        return self


def read_claims(path: Path = CLAIMS) -> Claims:
    """Read a file of claims.

    Raises:
        SettingsError: naming the file, and every entry, field and value that makes no sense.

    """
    try:
        content = tomllib.loads(path.read_text("utf8"))
    except (OSError, ValueError) as error:
        raise SettingsError(f"{path}: expected a TOML file with [[claims]], found {error}; correct it") from error
    try:
        return Claims.model_validate(content)
    except ValidationError as error:
        faults = [_readable(fault, content) for fault in error.errors(include_url=False)]
        raise SettingsError(f"{path}: {'; '.join(dict.fromkeys(faults))}. Its head explains the fields") from error


def _check_level(factor: Factor, name: str, level: Chosen | None) -> None:
    if level is None:
        return
    fits = level in CELLS if factor == "cell" else level in ("smallest", "largest") or isinstance(level, int)
    if not fits:
        expected = f"one of {', '.join(CELLS)}" if factor == "cell" else "a number, 'smallest' or 'largest'"
        raise ValueError(f"{name}: expected a level of {factor}, {expected}, found {level!r:.80}")


def _readable(fault: Any, content: dict[str, Any]) -> str:
    """Say entry, field, what was expected, and the value; pydantic's places count from 0, people from 1."""
    place = list(fault["loc"])
    words = []
    if place[:1] == ["claims"] and len(place) > 1:
        entry = content["claims"][place[1]]
        name = entry.get("id") if isinstance(entry, dict) else None
        words.append(f"claim {place[1] + 1}" + (f" ({name!r:.60})" if name else ""))
        place = place[2:]
    if place[:1] == ["parts"] and len(place) > 1:
        words.append(f"part {place[1] + 1}")
        place = place[2:]
    if place:
        words.append(str(place[0]))
    message = fault["msg"].removeprefix("Value error, ")
    found = f", found {fault['input']!r:.80}" if "found" not in message else ""
    return f"{', '.join(words)}: {message}{found}" if words else f"{message}{found}"
