"""Write .env from .env.example, every secret that is empty there filled in at random. ``make env``."""

import base64
import secrets
import sys
from collections.abc import Callable

from imdb_tasks.runtime import code_revision
from scripts.home import PROJECT, write_private

SECRET_BYTES = 24


def password() -> str:
    """Return a random text that can stand in a URL as it is: hexadecimal digits."""
    return secrets.token_hex(SECRET_BYTES)


def fernet_key() -> str:
    """Return 32 random bytes as the cryptography package wants them."""
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


MAKERS: dict[str, Callable[[], str]] = {
    "POSTGRES_PASSWORD": password,
    "REDIS_PASSWORD": password,
    "FERNET_KEY": fernet_key,
    "API_SECRET_KEY": password,
    "JWT_SECRET": lambda: secrets.token_hex(2 * SECRET_BYTES),
    "ADMIN_PASSWORD": password,
    "FLOWER_PASSWORD": password,
}


def filled_in(example: str, revision: str) -> str:
    """Return the text of .env for that of .env.example."""

    def fill(line: str) -> str:
        name, _, value = line.partition("=")
        if name in MAKERS and not value:
            return f"{name}={MAKERS[name]()}"
        return f"{name}={revision}" if name == "IMDB_CODE_REVISION" else line

    return "\n".join(map(fill, example.splitlines())) + "\n"


def main() -> int:
    """Write the file unless there is one: its secrets may be those of a database that exists."""
    place = PROJECT / ".env"
    if place.exists():
        print(f"{place} exists and stays as it is; move it away first to make another", file=sys.stderr)
        return 1
    example = PROJECT.joinpath(".env.example").read_text("utf8")
    write_private(place, filled_in(example, code_revision()))
    print(f"written: {place}, for your eyes only; the administrator's password is in it")
    return 0


if __name__ == "__main__":
    sys.exit(main())
