"""The state of an unfinished training: one file, replaced atomically after each epoch, deleted once there is a result.

ROOT/checkpoints/{model key}.npz is sealed with that name (see ``store.seals``), and holds an .npz without pickled
objects: ``history`` (JSON as uint8), ``wall_seconds``, ``weights-N`` and ``optimizer-N``. The order of an epoch is a
function of seed and epoch, so there is no other state.
"""

import io
import logging
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from imdb_tasks.store import CHECKPOINTS, Lock, Store
from imdb_tasks.study import History

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Checkpoint:
    """Everything that the next epoch depends on.

    Attributes:
        history: of all epochs so far.
        wall_seconds: what they took, with the start of the processes that trained them.
        weights: the trainable weights, in the model's order.
        optimizer: the optimiser's variables, in its order.

    """

    history: History
    wall_seconds: float
    weights: "list[npt.NDArray[np.float32]]"
    optimizer: "list[npt.NDArray[np.float32]]"


@dataclass(frozen=True)
class Checkpoints:
    """The place of one model's checkpoint. Only the process that holds the model's lock writes it."""

    store: Store
    key: str
    hold: Lock

    def save(self, checkpoint: Checkpoint) -> None:
        """Replace what is there, at once: a process that is killed meanwhile leaves the old one or the new one.

        Raises:
            LostLockError: another process has taken the training over.
            DiskFullError: there is no space; the old checkpoint is intact.

        """
        import numpy as np

        arrays: dict[str, Any] = {
            "history": np.frombuffer(checkpoint.history.model_dump_json().encode(), np.uint8),
            "wall_seconds": np.float64(checkpoint.wall_seconds),
            **{f"weights-{number}": array for number, array in enumerate(checkpoint.weights)},
            **{f"optimizer-{number}": array for number, array in enumerate(checkpoint.optimizer)},
        }
        buffer = io.BytesIO()
        np.savez(buffer, allow_pickle=False, **arrays)
        self.hold.check()
        self.store.write_sealed(self.name, buffer.getvalue())

    def load(self) -> Checkpoint | None:
        """Return the last one; None where there is none. A damaged or misplaced one is set aside and logged."""
        content = self.store.read_sealed(self.name)
        if content is None:
            return None
        try:
            return _read(content)
        except (ValueError, KeyError, ValidationError, zipfile.BadZipFile) as error:
            self.store.set_aside(self.name, f"it cannot be read ({error})")
            return None

    @property
    def name(self) -> str:
        """The file's name in the store."""
        return _name(self.key)


def remove_checkpoint(store: Store, key: str) -> None:
    """Delete a model's checkpoint and the partial files of killed processes."""
    store.files.delete(_name(key))
    store.files.sweep(_name(key))


def _name(key: str) -> str:
    return f"{CHECKPOINTS}/{key}.npz"


def _read(content: bytes) -> Checkpoint:
    import numpy as np

    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        parts = {
            kind: [arrays[f"{kind}-{number}"] for number in range(sum(name.startswith(f"{kind}-") for name in arrays))]
            for kind in ("weights", "optimizer")
        }
        history = History.model_validate_json(arrays["history"].tobytes())
        return Checkpoint(history, float(arrays["wall_seconds"]), parts["weights"], parts["optimizer"])
