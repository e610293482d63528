"""What is wrong with a line of a GloVe file: what was expected, what is there, and what to do.

Each cause is looked for in the line itself. Only the file's last line is called cut short, and only if it has no end.
"""

import re

NUMBER_BYTES = b"0123456789+-.eE "
DAMAGED = "the line is damaged: fetch the file again and repeat the run"

_CUT_SHORT = "the file ends in the middle of this line: it was cut short; fetch it again and repeat the run"
_NUMBER = re.compile(rb"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\Z")
_SHOWN = 40  # bytes
_FEW = 3  # values that are still more likely a text than a vector


def fault(line: bytes, dimensions: int, *, first: bool, cut: bool) -> str | None:
    """Say what is wrong with a line that must be a word and ``dimensions`` values; None if nothing is.

    The line comes without its end. ``first`` is whether it is the file's first line, ``cut`` whether it is the last
    and has no end.
    """
    word, _, values = line.partition(b" ")
    count = values.count(b" ") + 1 if values else 0
    if count != dimensions or not word:
        cause = _CUT_SHORT if cut else _cause(line, dimensions, first=first)
        return f"expected a word and {dimensions} values, found {count}; {cause}"
    if strange := values.translate(None, NUMBER_BYTES):
        cause = _CUT_SHORT if cut else _cause_of_signs(strange)
        return f"expected finite numbers, found {strange[:20]!r} in them; {cause}"
    try:
        word.decode("utf8")
    except UnicodeDecodeError:
        return f"the word {word[:_SHOWN]!r} is not UTF-8; save the file as UTF-8, or fetch it again"
    return None


def _cause(line: bytes, dimensions: int, *, first: bool) -> str:
    """Say why a line has another count of values, and what to do."""
    fields = line.split()
    numbers = _numbers_at_the_end(fields)
    for sign, name in ((b"\0", "UTF-16 or the like"), (b"\t", "tabs"), (b",", "commas"), (b";", "semicolons")):
        if sign in line and len(re.split(re.escape(sign) + rb"\s*", line)) > dimensions:
            return f"found {name} between them: save the file as UTF-8 with single blanks between word and values"
    if len(fields) == dimensions + 1 and numbers == dimensions:
        return "found several blanks in a row: write single ones between word and values"
    if numbers >= dimensions and len(fields) > dimensions + 1 and numbers < len(fields) - 1:
        word = b" ".join(fields[:-dimensions])
        return (
            f"the word {word[:_SHOWN]!r} has blanks in it, as in the vectors of 840B tokens: delete the line, or "
            "choose the vectors of 6B tokens"
        )
    if first and numbers == len(fields) - 1 > _FEW:
        return f"these are vectors of {numbers} values: choose the file with {dimensions} dimensions"
    return DAMAGED if numbers or not first else "this is no file of vectors: check where it comes from"


def _cause_of_signs(strange: bytes) -> str:
    if b"\0" in strange:
        return "this is UTF-16 or the like: save the file as UTF-8"
    return DAMAGED


def _numbers_at_the_end(fields: list[bytes]) -> int:
    count = 0
    while count < len(fields) and _NUMBER.match(fields[-1 - count]):
        count += 1
    return count
