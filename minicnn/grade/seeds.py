"""Which question: which cases does this student get?

Idea: a keyed hash of student and assignment under the course's secret: nobody without the secret can tell the cases beforehand,
everybody with it gets the same ones again.

Cost: none.  What it does not do: keep the secret; whoever reads the file knows all cases.
Source: RFC 2104 (HMAC); FIPS 180-4 (SHA-256).  Next room: classroom.py.
"""

import hashlib
import hmac
import os
import secrets
from pathlib import Path

from minicnn.errors import ArgumentError, FileFormatError

LEAST = 16  # bytes; 128 bits cannot be tried out
MOST = 4096


def seed_of(secret: bytes, student: str, assignment: str) -> int:
    """Return the seed of a student's cases: HMAC-SHA256(secret, student, assignment), its first 64 bits.

    secret : at least 16 bytes     student, assignment : any text; ("a", "bc") and ("ab", "c") differ
    Raises ArgumentError for a shorter secret.  Source: RFC 2104.

    >>> seed_of(b"sixteen bytes at", "Ada", "02"), seed_of(b"sixteen bytes at", "Ada", "03")
    (17439136543572557112, 317104106059510475)
    """
    if len(secret) < LEAST:
        raise ArgumentError(
            f"seed_of: a course's secret has at least {LEAST} bytes, but it has {len(secret)}; make one: secrets.token_hex(32)."
        )
    parts = [part.encode("utf-8", "backslashreplace") for part in (student, assignment)]
    message = b"".join(len(part).to_bytes(8, "big") + part for part in parts)
    return int.from_bytes(hmac.new(secret, message, hashlib.sha256).digest()[:8], "big")


def read_secret(path) -> bytes:
    """Return the course's secret: what the file holds, without white space around it."""
    path = Path(path)
    if not path.is_file():
        raise FileFormatError(f"secret: there is no file {str(path)!r}; name the file that holds the course's secret.")
    with path.open("rb") as stream:
        secret = stream.read(MOST + 1).strip()
    if not LEAST <= len(secret) <= MOST:
        raise FileFormatError(
            f"secret: a course's secret has {LEAST} to {MOST:,} bytes, but {str(path)!r} holds {'more' if len(secret) > MOST else len(secret)}; "
            f'make one: python -c "import secrets; print(secrets.token_hex(32))".'
        )
    return secret


def new_secret(path) -> bytes:
    """Write a new secret to a file that only its owner may read, and return it; a file that is there is read instead."""
    path = Path(path)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return read_secret(path)
    with open(descriptor, "w", encoding="ascii") as stream:
        stream.write(secrets.token_hex(32) + "\n")
    return read_secret(path)
