"""The state of an unfinished training: one file, replaced after each epoch in one step, gone once the result is there.

ROOT/checkpoints/{model key}.npz holds, after 32 bytes of SHA-256 over the rest, an .npz without pickled objects:
``history`` (JSON as uint8), ``wall_seconds``, ``weights-N`` and ``optimizer-N``. The order of an epoch is a function of
seed and epoch, so there is no other state.
"""

import hashlib
import io
import logging
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from imdb_tasks.results import History
from imdb_tasks.store import Store, replace_file

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

log = logging.getLogger(__name__)

_DIGEST_BYTES = hashlib.sha256().digest_size


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
    """The place of one model's checkpoint."""

    store: Store
    key: str

    def save(self, checkpoint: Checkpoint) -> None:
        """Replace what is there, at once: a process that is killed meanwhile leaves the old one or the new one."""
        import numpy as np

        arrays: dict[str, Any] = {
            "history": np.frombuffer(checkpoint.history.model_dump_json().encode(), np.uint8),
            "wall_seconds": np.float64(checkpoint.wall_seconds),
            **{f"weights-{number}": array for number, array in enumerate(checkpoint.weights)},
            **{f"optimizer-{number}": array for number, array in enumerate(checkpoint.optimizer)},
        }
        buffer = io.BytesIO()
        np.savez(buffer, allow_pickle=False, **arrays)
        content = buffer.getvalue()
        replace_file(self.store.checkpoint_path(self.key), hashlib.sha256(content).digest() + content)

    def load(self) -> Checkpoint | None:
        """Return the last one; None where there is none. A damaged one is set aside, and that is said."""
        path = self.store.checkpoint_path(self.key)
        try:
            whole = path.read_bytes()
        except FileNotFoundError:
            return None
        digest, content = whole[:_DIGEST_BYTES], whole[_DIGEST_BYTES:]
        if hashlib.sha256(content).digest() == digest:
            try:
                return _read(content)
            except (zipfile.BadZipFile, ValidationError, KeyError, ValueError) as error:
                self.store.set_aside(path, f"it cannot be read ({error})")
                return None
        self.store.set_aside(path, "it does not have the sha256 that it was written with")
        return None

    def remove(self) -> None:
        """Delete the checkpoint, and what killed processes left of writing it."""
        path = self.store.checkpoint_path(self.key)
        for file in (path, *path.parent.glob(f".{path.name}.*")):
            file.unlink(missing_ok=True)


def _read(content: bytes) -> Checkpoint:
    import numpy as np

    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        parts = {
            kind: [arrays[f"{kind}-{number}"] for number in range(sum(name.startswith(f"{kind}-") for name in arrays))]
            for kind in ("weights", "optimizer")
        }
        history = History.model_validate_json(arrays["history"].tobytes())
        return Checkpoint(history, float(arrays["wall_seconds"]), parts["weights"], parts["optimizer"])
