import hashlib
import json
from pathlib import Path

import pytest

from imdb_tasks.store.seals import seal_bytes, unseal_bytes, write_json

NPZ = b"PK\x03\x04 and so on\n"


def test_sealed_bytes_come_back_under_their_name_alone() -> None:
    sealed = seal_bytes("checkpoints/one.npz", NPZ)
    assert unseal_bytes("checkpoints/one.npz", sealed) == NPZ
    with pytest.raises(ValueError, match=r"it is 'checkpoints/one.npz', not 'checkpoints/two.npz'"):
        unseal_bytes("checkpoints/two.npz", sealed)


@pytest.mark.parametrize("place", [0, 33, -1])
def test_a_flipped_byte_of_hash_name_or_content_is_noticed(place: int) -> None:
    sealed = bytearray(seal_bytes("checkpoints/one.npz", NPZ))
    sealed[place] ^= 1
    with pytest.raises(ValueError, match="sha256"):
        unseal_bytes("checkpoints/one.npz", bytes(sealed))


def test_bytes_of_earlier_releases_have_no_name_and_stay_readable() -> None:
    earlier = hashlib.sha256(NPZ).digest() + NPZ
    assert unseal_bytes("checkpoints/one.npz", earlier) == NPZ


def test_json_has_no_nan_literal_and_a_failed_write_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    write_json(path, {"a": 1})
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(path, {"a": float("nan")})
    assert json.loads(path.read_text()) == {"a": 1}
    assert list(tmp_path.iterdir()) == [path]
