"""Look the pinned dependencies up in the advisory database. Part of `make check`.

A known vulnerability fails. Where the database cannot be asked, that is said, and the check goes on: a machine without
a network can still check everything else. A package that the database does not know counts as not audited, too: a
mirror that answers "not found" to everything must not look like a clean result.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

REQUIREMENTS = Path(__file__).parents[1] / "requirements-dev.txt"  # those of requirements.txt, and the tools
TIMEOUT = 300.0  # seconds
_SHOWN = 5


def main(arguments: Sequence[str] | None = None) -> int:
    """Audit a file of pinned requirements; return 1 if something in it is known to be vulnerable."""
    [path] = arguments or [str(REQUIREMENTS)]
    command = [sys.executable, "-m", "pip_audit", "--requirement", path, "--disable-pip", "--require-hashes"]
    command += ["--format", "json", "--progress-spinner", "off"]
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=TIMEOUT)
    except subprocess.TimeoutExpired:
        print(f"NOT AUDITED: the advisory database gave no answer within {TIMEOUT:.0f} s")
        return 0
    if not done.stdout.lstrip().startswith("{"):
        return _unanswered(done.stderr)
    return _told(json.loads(done.stdout)["dependencies"])


def _unanswered(said: str) -> int:
    """Tell a network that is not there from a use of the tool that is wrong."""
    print(said.strip()[-2_000:], file=sys.stderr)
    lost = "requests.exceptions." in said or "ServiceError" in said
    if lost:
        print("NOT AUDITED: the advisory database cannot be reached from here")
    return 0 if lost else 1


def _told(packages: list[dict[str, Any]]) -> int:
    unknown = [package["name"] for package in packages if "skip_reason" in package]
    if unknown:
        shown = ", ".join(unknown[:_SHOWN])
        print(
            f"NOT AUDITED: the advisory database does not know {len(unknown)} of {len(packages)} packages: {shown} ..."
        )
    found = [(package, fault) for package in packages for fault in package.get("vulns", ())]
    for package, fault in found:
        fixed = ", ".join(fault["fix_versions"]) or "no release yet"
        print(f"{package['name']} {package['version']}: {fault['id']}, fixed in {fixed}", file=sys.stderr)
    print(f"audited {len(packages) - len(unknown)} packages, found {len(found)} known vulnerabilities")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
