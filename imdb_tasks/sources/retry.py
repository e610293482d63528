"""How a download that failed for a while is tried again before the scheduler hears of it. Pauses are in seconds."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from imdb_tasks.errors import ServerBusyError, TransientError

if TYPE_CHECKING:
    import tenacity

log = logging.getLogger(__name__)

_T = TypeVar("_T")


@dataclass(frozen=True)
class RetryPolicy:
    """How often and after which pauses a transient error is retried within one try of the task.

    The pause doubles from ``first_pause``, with jitter. A Retry-After header replaces it. If the header asks for more
    than ``longest_pause``, the error is raised at once, and the scheduler retries the task later.
    """

    tries: int = 4
    first_pause: float = 2.0
    longest_pause: float = 60.0

    def call(self, call: Callable[[], _T]) -> _T:
        """Return what ``call`` returns; raise its last TransientError when the tries are spent."""
        import tenacity

        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(self._is_worth_waiting),
            stop=tenacity.stop_after_attempt(self.tries),
            wait=self._pause,
            before_sleep=self._tell,
            reraise=True,
        )
        return retrying(call)

    def _pause(self, state: "tenacity.RetryCallState") -> float:
        import tenacity

        error = state.outcome.exception() if state.outcome else None
        pause = error.retry_after if isinstance(error, ServerBusyError) else None
        if pause is None:
            grows = tenacity.wait_exponential(multiplier=self.first_pause) + tenacity.wait_random(0, self.first_pause)
            pause = grows(state)
        return min(pause, self.longest_pause)

    def _is_worth_waiting(self, error: BaseException) -> bool:
        """Return whether the error is transient and the server asks for a pause of at most ``longest_pause``."""
        asked = error.retry_after if isinstance(error, ServerBusyError) else None
        return isinstance(error, TransientError) and (asked or 0.0) <= self.longest_pause

    def _tell(self, state: "tenacity.RetryCallState") -> None:
        error = state.outcome.exception() if state.outcome else None
        pause = state.next_action.sleep if state.next_action else 0.0
        log.warning("try %d of %d failed: %s; retrying in %.1f s", state.attempt_number, self.tries, error, pause)
