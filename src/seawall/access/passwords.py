"""Passwords: scrypt, with its parameters and salt beside the hash, compared in constant time."""

from __future__ import annotations

import base64
import functools
import hashlib
import hmac
import os

# OWASP's password storage cheat sheet names N=2^14, r=8, p=5 (16 MiB) among its equivalent minima.
_N, _R, _P = 2**14, 8, 5
_SALT_BYTES = 16
_KEY_BYTES = 32
MIN_LENGTH = 10
MAX_LENGTH = 1024


def hash_password(password: str) -> str:
    """``scrypt$N$r$p$salt$key``; salt and key in base64."""
    salt = os.urandom(_SALT_BYTES)
    key = _derive(password, salt, _N, _R, _P)
    return f"scrypt${_N}${_R}${_P}${_text(salt)}${_text(key)}"


def verify_password(password: str, stored: str) -> bool:
    """Whether ``password`` is the one that ``stored`` was made from. Takes the same time either way."""
    _, n, r, p, salt, key = stored.split("$")
    found = _derive(password, base64.b64decode(salt), int(n), int(r), int(p))
    return hmac.compare_digest(found, base64.b64decode(key))


def _derive(password: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    memory = 128 * r * (n + p + 2) * 2  # OpenSSL refuses without head-room
    # A password that is too long is cut, not hashed: the work is bounded whatever is sent.
    data = password[:MAX_LENGTH].encode("utf-8", "surrogatepass")
    return hashlib.scrypt(data, salt=salt, n=n, r=r, p=p, maxmem=memory, dklen=_KEY_BYTES)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


@functools.cache
def dummy() -> str:
    """Checked when there is no such person, so that the time of an answer tells nobody who has an account."""
    return hash_password(_text(os.urandom(16)))
