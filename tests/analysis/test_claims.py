from pathlib import Path

import pytest

from imdb_tasks.analysis.claims import read_claims
from imdb_tasks.errors import SettingsError
from imdb_tasks.resources import CLAIMS

PART = """
[[claims]]
id = "mine"
title = "Mine"
[[claims.parts]]
outcome = "accuracy"
factor = "units"
first = "smallest"
second = 128
direction = "higher"
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "claims.toml"
    path.write_text(text, "utf8")
    return path


def test_the_original_made_four_claims():
    assert [claim.id for claim in read_claims().claims] == ["cell", "stability", "batch", "size"]


def test_a_claim_of_ones_own_is_read_beside_the_four(tmp_path):
    claims = read_claims(written(tmp_path, CLAIMS.read_text("utf8") + PART)).claims
    assert claims[-1].title == "Mine"
    assert claims[-1].parts[0].second == 128
    assert len(claims) == 5


def test_another_claim_has_another_fingerprint(tmp_path):
    assert read_claims(written(tmp_path, PART)).fingerprint() != read_claims().fingerprint()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"accuracy"', '"speed"', r"claim 1 \('mine'\), part 1, outcome: Input should be .*, found 'speed'"),
        ('"units"', '"optimiser"', r"part 1, factor: .*, found 'optimiser'"),
        ('"higher"', '"better"', r"part 1, direction: .*, found 'better'"),
        ('"higher"', '"equal"', r"part 1: margin: expected one with direction 'equal' and none else, found None"),
        ('"higher"', '"higher"\nmargin = 0.1', r"margin: expected one with direction 'equal' .* found 0.1"),
        ('"higher"', '"equal"\nmargin = -1.0', r"part 1, margin: Input should be greater than 0, found -1.0"),
        ("second = 128", "", r"first, second: expected two levels, found 'smallest' and None"),
        ("128", '"smallest"', r"expected two different levels, found 'smallest' twice"),
        ('"smallest"', '"GRU"', r"first: expected a level of units, a number, .*, found 'GRU'"),
        ('"higher"', '"higher"\nsubset = { units = 64 }', r"subset: expected factors that .*, found 'units'"),
        ('"higher"', '"higher"\nsubset = { cell = 64 }', r"subset.cell: expected a level of cell, .*, found 64"),
        (
            '"higher"',
            '"higher"\nat = { factor = "units", first = 1, second = 2 }',
            r"at: expected another factor than the part's own",
        ),
        ('"Mine"', '"Mine"\ncolour = "red"', r"claim 1 \('mine'\), colour: Extra inputs .*, found 'red'"),
        ('"mine"', '"Not an id!"', r"id: String should match pattern .*, found 'Not an id!'"),
        ("[[claims]]", PART + "[[claims]]", r"id: expected each once, found \['mine'\] more than once"),
        ("[[claims]]", "[[claims", r"expected a TOML file with \[\[claims\]\], found .*line 2"),
    ],
)
def test_a_wrong_claim_is_refused_by_entry_field_and_value(tmp_path, old, new, message):
    path = written(tmp_path, PART.replace(old, new, 1))
    with pytest.raises(SettingsError, match=message) as refused:
        read_claims(path)
    assert str(path) in str(refused.value)


def test_every_fault_is_named_at_once(tmp_path):
    with pytest.raises(SettingsError, match=r"outcome: .*; .*direction: "):
        read_claims(written(tmp_path, PART.replace("accuracy", "speed").replace("higher", "better")))


def test_a_file_that_is_not_there_is_said(tmp_path):
    with pytest.raises(SettingsError, match="No such file"):
        read_claims(tmp_path / "claims.toml")


def test_no_claims_are_a_family_too(tmp_path):
    assert read_claims(written(tmp_path, "claims = []")).claims == ()
