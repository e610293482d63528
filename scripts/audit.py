"""Look the pinned dependencies up in the advisory database. Part of `make check`.

A known vulnerability fails. So does an audit that did not happen, because the database cannot be reached or does not
know a package (a mirror that answers "not found" to everything must not look like a clean result), unless the caller
has said that it is optional. The verdict is also kept in a file, for `make check` to repeat as its last word.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scripts.files import PROJECT

REQUIREMENTS = PROJECT / "requirements-dev.txt"  # those of requirements.txt, and the tools
VERDICT = PROJECT / ".venv" / ".audit"
TIMEOUT = 300.0  # seconds
CLEAN, VULNERABLE, NOT_AUDITED = 0, 1, 2  # exit statuses
_SHOWN = 5
_ELSEWHERE = (
    "Run `make audit` where the database can be reached, before each release (docs/releasing.md). "
    "AUDIT=optional lets make go on without it."
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Audit a file of pinned requirements, keep the verdict, and return the exit status."""
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--optional", action="store_true", help="exit with 0 where the audit cannot happen")
    reader.add_argument(
        "--verdict", type=Path, default=VERDICT, help="the file for the last line (default: %(default)s)"
    )
    reader.add_argument("requirements", nargs="?", type=Path, default=REQUIREMENTS)
    options = reader.parse_args(arguments)
    status, verdict = _audit(options.requirements)
    if status == NOT_AUDITED:
        verdict = f"NOT AUDITED: {verdict}. {_ELSEWHERE}"
    print(verdict)
    if options.verdict.parent.is_dir():
        options.verdict.write_text(f"{verdict}\n", "utf8")
    return CLEAN if status == NOT_AUDITED and options.optional else status


def _audit(requirements: Path) -> tuple[int, str]:
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(requirements), "--disable-pip"]
    command += ["--require-hashes", "--format", "json", "--progress-spinner", "off"]
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=TIMEOUT)
    except subprocess.TimeoutExpired:
        return NOT_AUDITED, f"the advisory database gave no answer within {TIMEOUT:.0f} s"
    if not done.stdout.lstrip().startswith("{"):
        return _unanswered(done.stderr)
    return _told(json.loads(done.stdout)["dependencies"])


def _unanswered(said: str) -> tuple[int, str]:
    """Tell a network that is not there from a use of the tool that is wrong."""
    print(said.strip()[-2_000:], file=sys.stderr)
    if "requests.exceptions." in said or "ServiceError" in said:
        return NOT_AUDITED, "the advisory database cannot be reached from here"
    return VULNERABLE, "the requirements cannot be audited; the lines above say why"


def _told(packages: list[dict[str, Any]]) -> tuple[int, str]:
    unknown = [package["name"] for package in packages if "skip_reason" in package]
    found = [(package, fault) for package in packages for fault in package.get("vulns", ())]
    for package, fault in found:
        fixed = ", ".join(fault["fix_versions"]) or "no release yet"
        print(f"{package['name']} {package['version']}: {fault['id']}, fixed in {fixed}", file=sys.stderr)
    audited = f"audited {len(packages) - len(unknown)} packages, found {len(found)} known vulnerabilities"
    if found or not unknown:
        return VULNERABLE if found else CLEAN, audited
    shown = ", ".join(unknown[:_SHOWN])
    return (
        NOT_AUDITED,
        f"the advisory database does not know {len(unknown)} of {len(packages)} packages: {shown} ...; {audited}",
    )


if __name__ == "__main__":
    sys.exit(main())
