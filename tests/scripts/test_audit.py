from pathlib import Path

import pytest

from scripts import audit

ROOT = Path(__file__).parents[2]
KNOWN = {"name": "films", "version": "1.0", "vulns": []}
UNKNOWN = {"name": "private", "skip_reason": "Dependency not found on PyPI"}
FAULT = {"id": "PYSEC-1", "fix_versions": ["1.1"], "aliases": [], "description": ""}


@pytest.fixture
def without_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # the port of "discard": nobody listens
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)


def test_a_known_vulnerability_fails_and_is_named(capsys) -> None:
    status, verdict = audit._told([KNOWN, UNKNOWN, {**KNOWN, "name": "plot", "vulns": [FAULT]}])
    assert status == audit.VULNERABLE
    assert verdict == "audited 2 packages, found 1 known vulnerabilities"
    assert "plot 1.0: PYSEC-1, fixed in 1.1" in capsys.readouterr().err


def test_what_the_database_does_not_know_is_not_called_audited() -> None:
    status, verdict = audit._told([KNOWN, UNKNOWN])
    assert status == audit.NOT_AUDITED
    assert verdict.startswith("the advisory database does not know 1 of 2 packages: private")
    assert verdict.endswith("audited 1 packages, found 0 known vulnerabilities")
    assert audit._told([KNOWN]) == (audit.CLEAN, "audited 1 packages, found 0 known vulnerabilities")


@pytest.mark.parametrize(("options", "status"), [((), audit.NOT_AUDITED), (("--optional",), audit.CLEAN)])
def test_an_audit_that_did_not_happen_fails_unless_it_is_optional_and_its_verdict_is_kept(
    without_a_network: None, tmp_path: Path, capsys, options: tuple[str, ...], status: int
) -> None:
    kept = tmp_path / "verdict"
    assert audit.main([*options, "--verdict", str(kept), str(ROOT / "requirements-uv.txt")]) == status
    said = capsys.readouterr().out
    assert said.startswith("NOT AUDITED: the advisory database cannot be reached from here. Run `make audit` where")
    assert kept.read_text() == said


def test_a_file_that_cannot_be_audited_fails_even_where_the_audit_is_optional(tmp_path: Path) -> None:
    path = tmp_path / "requirements.txt"
    path.write_text("films>=1\n")  # neither a version nor a hash
    assert audit.main(["--optional", "--verdict", str(tmp_path / "verdict"), str(path)]) == audit.VULNERABLE


def test_make_check_ends_with_the_verdict_of_the_audit() -> None:
    recipe = (ROOT / "Makefile").read_text().partition("\ncheck: ")[2].partition("\n\n")[0]
    assert recipe.splitlines()[-1] == f"\t@cat {audit.VERDICT.relative_to(ROOT)}"
    assert (ROOT / ".ci" / "run").read_text().splitlines()[-1] == f"cat {audit.VERDICT.relative_to(ROOT)}"
