"""Password hashing with argon2id; the hash holds parameters and salt."""

from __future__ import annotations

import functools
import os
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

# OWASP's password storage cheat sheet names 19 MiB, two passes, one thread among its minima for argon2id.
_HASHER: Final = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
MIN_LENGTH: Final = 10
MAX_LENGTH: Final = 1024


def hash_password(password: str) -> str:
    """``$argon2id$v=19$m=…,t=…,p=…$salt$key``."""
    return _HASHER.hash(_bounded(password))


def verify_password(password: str, stored: str) -> bool:
    """Whether ``password`` is the one that ``stored`` was made from. Takes equal time for right and wrong ones.

    Raises ValueError when ``stored`` is no argon2 hash.
    """
    try:
        return _HASHER.verify(stored, _bounded(password))
    except InvalidHashError as error:
        raise ValueError("A stored password is no argon2 hash. Give the person a new password.") from error
    except VerificationError:
        return False


def is_outdated(stored: str) -> bool:
    """Whether a hash was made with other parameters than those in use; if so, callers hash the password again."""
    return _HASHER.check_needs_rehash(stored)


@functools.cache
def dummy() -> str:
    """A hash to check for unknown emails, so that response times do not reveal who has an account."""
    return hash_password(os.urandom(16).hex())


def _bounded(password: str) -> bytes:
    """The password as bytes, cut to ``MAX_LENGTH`` characters so that the work is bounded."""
    return password[:MAX_LENGTH].encode("utf-8", "surrogatepass")
