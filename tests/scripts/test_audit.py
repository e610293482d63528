from pathlib import Path

import pytest

from scripts import audit

ROOT = Path(__file__).parents[2]
KNOWN = {"name": "films", "version": "1.0", "vulns": []}
UNKNOWN = {"name": "private", "skip_reason": "Dependency not found on PyPI"}
FAULT = {"id": "PYSEC-1", "fix_versions": ["1.1"], "aliases": [], "description": ""}


def test_a_known_vulnerability_fails_and_is_named(capsys) -> None:
    assert audit._told([KNOWN, {**KNOWN, "name": "plot", "vulns": [FAULT]}]) == 1
    assert "plot 1.0: PYSEC-1, fixed in 1.1" in capsys.readouterr().err


def test_what_the_database_does_not_know_is_not_called_audited(capsys) -> None:
    assert audit._told([KNOWN, UNKNOWN]) == 0
    said = capsys.readouterr().out
    assert "NOT AUDITED: the advisory database does not know 1 of 2 packages: private" in said
    assert "audited 1 packages, found 0" in said


def test_without_a_network_the_check_says_so_and_goes_on(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # the port of "discard": nobody listens
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    assert audit.main([str(ROOT / "requirements-uv.txt")]) == 0
    assert "NOT AUDITED: the advisory database cannot be reached" in capsys.readouterr().out


def test_a_file_that_cannot_be_audited_fails(tmp_path: Path) -> None:
    path = tmp_path / "requirements.txt"
    path.write_text("films>=1\n")  # neither a version nor a hash
    assert audit.main([str(path)]) == 1
