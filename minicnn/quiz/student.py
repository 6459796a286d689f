"""Which question: which numbers does this student get?

Idea: a keyed hash of student, topic and number, as for the cases of an assignment: neighbours get questions of their own, the same
student the same ones again.  With the course's secret as the key, nobody else can work them out beforehand.

Cost: none.  What it does not do: keep the secret, or check who a student is.
Source: RFC 2104 (HMAC); FIPS 180-4 (SHA-256).  Next room: catalogue.py.
"""

import hashlib
import hmac

from minicnn.errors import ArgumentError

__all__ = ["OPEN", "seed_for"]

LEAST = 16  # bytes; 128 bits cannot be tried out
OPEN = b"minicnn: anybody may know this key"  # for practice: repeatable, and no secret


def seed_for(student: str, topic: str, number: int = 0, key: bytes = OPEN) -> int:
    """Return the seed of a student's question: 64 bits of HMAC-SHA256(key, student, topic and number).

    student : any text     number : which of this student's questions of the topic     key : at least 16 bytes
    Raises ArgumentError for a student without a name or a shorter key.  Source: RFC 2104.

    >>> seed_for("Ada", "groups") == seed_for("Ada", "groups"), seed_for("Ada", "groups") == seed_for("Emmy", "groups")
    (True, False)
    """
    if not isinstance(student, str) or not student.strip():
        raise ArgumentError(f"student: a student is named by a text such as 'Ada', but it is {student!r}.")
    if not isinstance(key, bytes):
        raise ArgumentError(f"student: a course's secret is bytes, but it is a {type(key).__name__}; a text is key.encode().")
    if len(key) < LEAST:
        raise ArgumentError(
            f"student: a course's secret has at least {LEAST} bytes, but it has {len(key)}; make one: secrets.token_bytes({2 * LEAST})."
        )
    name = student.strip().encode("utf-8", "backslashreplace")
    message = len(name).to_bytes(8, "big") + name + f"quiz {topic} {number}".encode()  # the length keeps a name apart from what follows
    return int.from_bytes(hmac.new(key, message, hashlib.sha256).digest()[:8], "big")
