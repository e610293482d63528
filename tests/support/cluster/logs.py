"""What counts as an error in the log of a service or a task, whoever writes it: Airflow, Celery, PostgreSQL, Redis."""

import re

_FAULT = re.compile(
    r'\b(?:ERROR|FATAL|PANIC|CRITICAL)\b|\[(?:error|critical) *\]|"level": ?"(?:error|critical)"'
    r"|^(?:[\w-]+ +\| )?Traceback"  # compose begins each line with the name of the container
)
# At the first start, on an empty database, by design of those who do it.
_FIRST_START = re.compile(
    # Airflow notes every command in a table, which `db migrate` has yet to make.
    r'relation "log" does not exist'
    # Celery's workers make their tables at the same time; who comes second looks again.
    r'|duplicate key value violates unique constraint "pg_(?:class_relname|type_typname)_nsp_index"'
)


def faults_in(text: str) -> list[str]:
    """Return the lines that are errors."""
    return [line for line in text.splitlines() if _FAULT.search(line) and not _FIRST_START.search(line)]
