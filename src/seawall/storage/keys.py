"""The master key and its uses: wrapped data keys, look-up hashes, digests, and sealing of vault entries."""

from __future__ import annotations

import base64
import binascii
import hmac
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from seawall.storage.errors import StorageError

KEY_BYTES: Final = 32
ENVIRONMENT: Final = "SEAWALL_MASTER_KEY"

_VERSION: Final = b"\x01"  # AES-256-GCM, random nonce of 12 bytes, tag of 16
_NONCE: Final = 12


def seal(key: AESGCM, ref: str, name: str, plaintext: bytes) -> bytes:
    """``plaintext`` encrypted under ``key``, bound to ref and name: version byte ‖ nonce ‖ ciphertext and tag."""
    nonce = os.urandom(_NONCE)
    return _VERSION + nonce + key.encrypt(nonce, plaintext, _place(ref, name))


def unseal(key: AESGCM, ref: str, name: str, sealed: bytes) -> bytes:
    """The plaintext. Raises StorageError when the bytes were changed, moved, or sealed under another key."""
    if sealed[:1] != _VERSION:
        raise StorageError(f"The vault entry {name!r} of {ref} has an unknown format; newer code wrote it. Upgrade.")
    try:
        return key.decrypt(sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :], _place(ref, name))
    except InvalidTag as error:
        raise StorageError(
            f"The vault entry {name!r} of {ref} is damaged or was sealed under another master key. "
            "Restore the database and its master key from the same backup."
        ) from error


def _place(ref: str, name: str) -> bytes:
    return f"{ref}\0{name}".encode()


class MasterKey:
    """32 secret bytes that wrap every data key. Without them the vault cannot be read."""

    def __init__(self, secret: bytes, kept: bytes | None = None) -> None:
        """``kept``: the keys of look-ups and digests, which outlive a change of the master key. See rotation.py."""
        if len(secret) != KEY_BYTES:
            raise StorageError(f"A master key has {KEY_BYTES} bytes, this one has {len(secret)}.")
        self._secret = secret
        self._wrap = AESGCM(self._derive("wrap"))
        # Copied for each digest: hmac.digest would give up the interpreter lock for a few microseconds of work,
        # and under load wait milliseconds to get it back.
        self.kept = kept or self._derive("lookup") + self._derive("digest")
        self._lookup = hmac.new(self.kept[:KEY_BYTES], digestmod="sha256")
        self._digest = hmac.new(self.kept[KEY_BYTES:], digestmod="sha256")
        self._head = self._derive("head")
        self.check = self._derive("check").hex()  # stored, to detect a wrong master key

    def _derive(self, purpose: str) -> bytes:
        return HKDF(SHA256(), KEY_BYTES, salt=None, info=f"seawall/{purpose}".encode()).derive(self._secret)

    def lookup(self, kind: str, platform_id: str) -> bytes:
        """The keyed hash by which a subject is found without storing its platform id."""
        keyed = self._lookup.copy()
        keyed.update(f"{kind}\0{platform_id}".encode())
        return keyed.digest()

    def digest(self, data: bytes) -> str:
        """A keyed digest (HMAC-SHA-256, hex): equal for equal data, and not computable without the key."""
        keyed = self._digest.copy()
        keyed.update(data)
        return keyed.hexdigest()

    def sign_head(self, seq: int, chain: bytes) -> bytes:
        """The MAC (HMAC-SHA-256) of a head of the ledger: who only has the database cannot make one."""
        return hmac.digest(self._head, b"%d\n%b" % (seq, chain), "sha256")

    def wrap(self, ref: str, key: bytes) -> bytes:
        """A subject's data key, encrypted for storage."""
        return seal(self._wrap, ref, "key", key)

    def unwrap(self, ref: str, wrapped: bytes) -> AESGCM:
        """A subject's data key, ready to seal and unseal."""
        return AESGCM(unseal(self._wrap, ref, "key", wrapped))

    def keeping(self, kept: bytes) -> MasterKey:
        """The same key with the look-ups and digests of an earlier one."""
        return MasterKey(self._secret, kept)

    def rewrap(self, ref: str, wrapped: bytes, new: MasterKey) -> bytes:
        """A subject's data key that this key wrapped, wrapped by another."""
        return new.wrap(ref, unseal(self._wrap, ref, "key", wrapped))

    @property
    def mark(self) -> str:
        """What names this key in the mark of the last erasure."""
        return self.check[:16]

    def require(self, erasures: str | None) -> None:
        """Raise StorageError when the database has another master key by now: a subject made now could not be read."""
        mark = (erasures or "").partition("@")[2]
        if mark and mark != self.mark:
            raise StorageError(
                "The master key of the database was changed since this process started. Restart it with the new key."
            )

    def encoded(self) -> bytes:
        """The key in base64, as a key file holds it."""
        return base64.b64encode(self._secret) + b"\n"

    def protect(self, name: str, plaintext: bytes) -> bytes:
        """Seal an operator's secret (a webhook's signing key) that belongs to no subject."""
        return seal(self._wrap, "secret", name, plaintext)

    def reveal(self, name: str, sealed: bytes) -> bytes:
        """Decrypt an operator's secret. Raises StorageError."""
        return unseal(self._wrap, "secret", name, sealed)


def load_master_key(
    key_file: Path | None, environ: Mapping[str, str] = os.environ, *, may_create: bool = True
) -> MasterKey:
    """The key of ``SEAWALL_MASTER_KEY`` (base64), else of ``key_file``, which is created when absent.

    Raises StorageError.
    """
    if (encoded := environ.get(ENVIRONMENT)) is not None:
        if not encoded.strip():  # a variable that was lost: another key would be made, and nothing could be read
            raise StorageError(
                f"The environment variable {ENVIRONMENT} is empty. Set it to the master key, or unset it."
            )
        return MasterKey(_decode(encoded, f"The environment variable {ENVIRONMENT}"))
    if key_file is None:
        raise StorageError(
            f"There is no master key. Set {ENVIRONMENT} to 32 random bytes in base64 (openssl rand -base64 32), "
            "the same for every process, and keep a copy apart from the database."
        )
    try:
        if not key_file.exists():
            if not may_create:
                raise StorageError(
                    f"The key file {key_file} is missing, but the database was written with one. Restore it, or set "
                    f"{ENVIRONMENT}: without that key the vault cannot be read."
                )
            _create(key_file)
        return MasterKey(_decode(key_file.read_text("ascii"), f"The key file {key_file}"))
    except (OSError, UnicodeError) as error:
        raise StorageError(f"The key file {key_file} cannot be read or created: {error}.") from error


def read_master_key(encoded: str, where: str) -> MasterKey:
    """A key in base64; ``where`` it is written, for the message. Raises StorageError."""
    return MasterKey(_decode(encoded, where))


def _decode(encoded: str, where: str) -> bytes:
    try:
        secret = base64.b64decode(encoded.strip(), validate=True)
    except (binascii.Error, ValueError):
        secret = b""
    if len(secret) != KEY_BYTES:
        raise StorageError(
            f"{where} does not hold 32 bytes in base64. Restore it; a new key cannot open the old vault."
        )
    return secret


def _create(key_file: Path) -> None:
    """Create the key file atomically, and only once even if two processes start together."""
    draft = key_file.with_name(f"{key_file.name}.{os.getpid()}.{os.urandom(4).hex()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(base64.b64encode(os.urandom(KEY_BYTES)) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):  # the other process was first: use its key
            os.link(draft, key_file)
        folder = os.open(key_file.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    finally:
        draft.unlink()
