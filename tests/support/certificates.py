"""Certificates that nobody trusts yet, made by OpenSSL."""

import subprocess
from pathlib import Path


def self_signed(folder: Path) -> Path:
    """Write a certificate for localhost and 127.0.0.1, and its key, into one file, and return its path."""
    path = folder / "self-signed.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", str(path), "-out", "-"]
    made = subprocess.run(command, check=True, capture_output=True)
    with path.open("ab") as file:
        file.write(made.stdout)
    return path
