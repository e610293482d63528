"""Every ref that the steps write, with its type: what was found last, who did what, how far it is.

A note lies in ``refs/{folder}/{name}.json``. ``NOTES`` lists them all; pruning walks that list.
"""

import json
import logging
from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, ValidatorFunctionWrapHandler, field_validator

from imdb_tasks.analysis import Growth, RunSummary
from imdb_tasks.errors import SettingsError
from imdb_tasks.store import Store, is_safe
from imdb_tasks.study import History

log = logging.getLogger(__name__)

_LONGEST_RUN_ID = (
    250  # with .json, the most that a file system takes; Airflow's own limit, where no DAG's id is before it
)


class Note(BaseModel):
    """A small frozen record in a ref. What later versions add is ignored by earlier ones."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    folder: ClassVar[str]
    # When prune may forget a note, see ``RefKind`` in the store.
    entry: ClassVar[str | None] = None
    of_run: ClassVar[bool] = False
    target: ClassVar[tuple[str, str] | None] = None
    keeps: ClassVar[bool] = False


class Evaluated(Note):
    """The last evaluation of a study; named by ``Keys.of_study``."""

    folder: ClassVar[str] = "evaluated"
    target: ClassVar[tuple[str, str] | None] = ("evaluations", "key")
    key: str


class PreviousRun(Note):
    """The run that an analysis is compared with; part of ``Analysed``, never a ref of its own."""

    run: str
    analysis: str


class Analysed(Note):
    """The last analysis of an evaluation, and the run it is compared with; named by the evaluation's key."""

    folder: ClassVar[str] = "analysed"
    entry: ClassVar[str | None] = "evaluations"
    key: str
    previous: PreviousRun | None = None


class ReportedRun(Note):
    """A run that has a report, and what the mail needs of it; named by the run's id.

    ``study`` is ``Workspace.name_of_study``; earlier releases wrote a fingerprint that contained the place of the data,
    and no ``summary``.
    """

    folder: ClassVar[str] = "runs"
    of_run: ClassVar[bool] = True
    target: ClassVar[tuple[str, str] | None] = ("reports", "report")
    keeps: ClassVar[bool] = True
    report: str
    analysis: str | None = None
    evaluation: str | None = None
    study: str | None = None
    code: str | None = None
    headline: str = ""
    subject: str = ""
    summary: RunSummary | None = None

    @field_validator("summary", mode="wrap")
    @classmethod
    def _none_of_another_form(cls, value: Any, read: ValidatorFunctionWrapHandler) -> Any:
        """Take the summary of another release for none: it can be worked out again, and the run is listed."""
        try:
            return read(value)
        except ValidationError:
            return None


class Training(Note):
    """Which model a run's training task made, or found in the store; named by the run's id and the variant's name."""

    folder: ClassVar[str] = "trainings"
    of_run: ClassVar[bool] = True
    target: ClassVar[tuple[str, str] | None] = ("models", "model")
    model: str
    cached: bool = False


class Failure(Note):
    """Why the last training of a model failed; named by the model's key."""

    folder: ClassVar[str] = "failures"
    entry: ClassVar[str | None] = "models"
    reason: str


class Progress(Note):
    """How far the training of a model is, after each epoch; named by the model's key."""

    folder: ClassVar[str] = "progress"
    entry: ClassVar[str | None] = "models"
    run_id: str
    variant: str
    epoch: int
    epochs: int
    status: str
    history: History


class Mailed(Note):
    """What a study's last mail was about; named by ``Keys.of_study``.

    ``key`` is that of the evaluation, or, of a growing study, the fingerprint of what was concluded.
    """

    folder: ClassVar[str] = "mailed"
    key: str


class MailedBy(Note):
    """The report that a run has mailed; named by the run's id."""

    folder: ClassVar[str] = "mailed-by"
    of_run: ClassVar[bool] = True
    report: str


class Fetched(Note):
    """The file that a source led to; ``fetch`` writes it, and names it by the source."""

    folder: ClassVar[str] = "sources"
    target: ClassVar[tuple[str, str] | None] = ("sources", "key")
    key: str


class Planned(Note):
    """How many replicates a run of a growing study has, and of which series it is; named by the run's id."""

    folder: ClassVar[str] = "planned"
    of_run: ClassVar[bool] = True
    series: str | None
    replicates: int


class Series(Note):
    """The looks that were taken at a growing study; named by ``growing.series_key``."""

    folder: ClassVar[str] = "series"
    growth: Growth


NOTES: tuple[type[Note], ...] = (
    *(Fetched, Evaluated, Analysed, Training, Failure, Progress, Mailed, MailedBy, Planned, Series),
    ReportedRun,
)
"""All kinds of notes, as prune takes them: the run itself goes last, so that a killed prune goes on from it."""

_Note = TypeVar("_Note", bound=Note)


class Notes:
    """The notes in one store, read and written by their type."""

    def __init__(self, store: Store) -> None:
        """Keep the store."""
        self._store = store

    def read(self, kind: type[_Note], name: str) -> _Note | None:
        """Return the note of this name; None where there is none."""
        value = self._store.read_ref(f"{kind.folder}/{name}")
        return None if value is None else _typed(kind, name, value)

    def write(self, note: Note, name: str) -> None:
        """Replace the note of this name at once."""
        self._store.write_ref(f"{note.folder}/{name}", note.model_dump(mode="json"))

    def remove(self, kind: type[Note], name: str) -> None:
        """Delete the note of this name, if there is one."""
        self._store.remove_ref(f"{kind.folder}/{name}")

    def all(self, kind: type[_Note]) -> dict[str, _Note]:
        """Return the notes in the folder of a kind by name, the one written last at the end."""
        found = {name: _typed(kind, name, value) for name, value in self._store.refs(kind.folder).items()}
        return {name: note for name, note in found.items() if note is not None}

    def look(self, kind: type[_Note]) -> list[tuple[str, _Note | None, float]]:
        """Return names, notes and times (seconds since 1970) in the folder of a kind, the one written last at the end.

        For those who only look: a damaged note, or one of another form, is None, and stays where it is.
        """
        found = self._store.listed_refs(kind.folder)
        return [
            (ref.name, None if ref.value is None else _typed(kind, ref.name, ref.value), ref.written) for ref in found
        ]

    def latest(self, kind: type[_Note]) -> _Note | None:
        """Return the note of a kind that was written last; None where there is none."""
        return next(reversed(self.all(kind).values()), None)


def check_run_id(run_id: str) -> None:
    """Raise SettingsError if the notes of a run could not have its id as their name.

    The plan calls it, so that a run does not fail when its report is noted, hours later.
    """
    if not is_safe(run_id) or len(run_id) > _LONGEST_RUN_ID:
        raise SettingsError(
            f"the run id {run_id!r:.80} cannot name a file of the store; expected at most {_LONGEST_RUN_ID} letters, "
            "digits and _.~+:=-, and no dot in front. Trigger the run again with another id"
        )


def _typed(kind: type[_Note], name: str, value: Mapping[str, Any]) -> _Note | None:
    """Return the note; None for one that another release has written in another form, which is as good as none."""
    try:
        # By way of JSON: only there a strict record takes a list for a tuple.
        return kind.model_validate_json(json.dumps(value))
    except ValidationError as error:
        log.warning(
            "refs/%s/%s has another form than this release reads (%s)", kind.folder, name, error.errors()[0]["msg"]
        )
        return None
