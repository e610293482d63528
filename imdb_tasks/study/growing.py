"""A study that gets further replicates, run by run, until its claims are decided."""

from typing import Annotated

from pydantic import Field

from imdb_tasks.study.grid import Record

UNTIL_DECIDED = "until decided"
MOST_REPLICATES = 20  # what the levels of the looks were simulated for, see docs/statistics.md


class Growing(Record):
    """How a study grows: to ``most`` replicates, ``step`` of them in each run."""

    most: Annotated[int, Field(ge=2, le=MOST_REPLICATES)] = 5
    step: Annotated[int, Field(ge=1, le=MOST_REPLICATES)] = 1
