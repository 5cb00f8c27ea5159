"""Checks passwords in a process of its own, at a low priority: argon2 takes a whole core for the time of a check.

Run by ``passwords.py`` as a script, so that it loads nothing but argon2. Each line of its input is one check; each line
of its output is its answer: ``true``, ``false``, or ``null`` when what was stored is no argon2 hash. It ends when its
input does.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_NICE = 5  # a third of a usual process's share while both want the processor, all of it otherwise


def main() -> None:
    """Answer until the input ends."""
    with contextlib.suppress(AttributeError, OSError):  # not on every system
        os.nice(_NICE)
    hasher = PasswordHasher()  # a check takes the parameters of the stored hash
    for line in sys.stdin:
        asked = json.loads(line)
        print(json.dumps(_fits(hasher, asked["stored"], bytes.fromhex(asked["password"]))), flush=True)


def _fits(hasher: PasswordHasher, stored: str, password: bytes) -> bool | None:
    try:
        return hasher.verify(stored, password)
    except InvalidHashError:
        return None
    except VerificationError:
        return False


if __name__ == "__main__":
    main()
