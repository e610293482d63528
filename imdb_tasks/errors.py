"""Every error this project raises on purpose.

    StudyError
    ├── PermanentError              the same call fails again: do not retry
    │   ├── SettingsError           the study's definition, or a setting, is nonsense
    │   ├── DataError               the reviews or the vectors are not what they must be
    │   ├── MissingInputError       a step ran before the step that it depends on
    │   ├── StoreError              the store, or another place, cannot be read or written by this user
    │   ├── IncompleteStudyError    the report went out, but variants are missing from it
    │   └── SourceError             the source will not give what the study needs
    │       ├── AccessRefusedError      credentials missing or rejected (401, 403)
    │       ├── NotFoundError           no such dataset, page, folder or file (404)
    │       ├── UnexpectedContentError  a web page, another member, a wrong hash
    │       └── UnsafeArchiveError      a link, a bomb, more than the size cap
    └── TransientError              may pass: retry with backoff
        ├── ConnectionLostError     no route, time-out, or cut in mid-download
        ├── ServerBusyError         429 or 5xx; carries the seconds to wait if the server said so
        ├── DiskFullError           no space left; what was there is intact
        ├── LostLockError           this process was taken for dead, and another does its work
        └── MailError               the mail server did not take the report

A message says where, what was expected, what was found, and what to do next.
"""


class StudyError(Exception):
    """Base of every error raised on purpose."""


class PermanentError(StudyError):
    """Trying again gives the same error."""


class SettingsError(PermanentError):
    """The study's definition, or a setting from the environment, is nonsense."""


class DataError(PermanentError):
    """The reviews or the vectors are not what they must be."""


class MissingInputError(PermanentError):
    """A step ran before the step that it depends on."""


class StoreError(PermanentError):
    """The store, or another place on the disk, cannot be read or written by this user."""


class IncompleteStudyError(PermanentError):
    """The report went out, but variants are missing from it."""


class SourceError(PermanentError):
    """The source will not give what the study needs."""


class AccessRefusedError(SourceError):
    """Credentials are missing or were rejected."""


class NotFoundError(SourceError):
    """The source has no such dataset, page, folder or file."""


class UnexpectedContentError(SourceError):
    """The source returned something other than the requested file."""


class UnsafeArchiveError(SourceError):
    """The archive has a link or a device where a file should be, or more bytes than the size cap."""


class TransientError(StudyError):
    """Trying again later may work."""


class ConnectionLostError(TransientError):
    """The connection could not be made, timed out, or was cut."""


class ServerBusyError(TransientError):
    """The server asked to come back later."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        """Keep ``retry_after``, in seconds, where the server named it."""
        super().__init__(message)
        self.retry_after = retry_after


class DiskFullError(TransientError):
    """There is no space left on the disk; nothing that was there has changed."""


class LostLockError(TransientError):
    """The lock of the process became stale, and another process has taken it over."""


class MailError(TransientError):
    """The mail server did not take the report."""
