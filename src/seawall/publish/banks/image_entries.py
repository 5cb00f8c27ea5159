"""The PDQ hash of an image as the value of an entry, computed in a sandboxed process with resource limits."""

from __future__ import annotations

from contextlib import closing

from seawall.match import PDQ_MIN_QUALITY
from seawall.publish.banks.errors import BankError


def hash_image(data: bytes) -> str:
    """64 hexadecimal digits. Raises BankError for an unreadable image or one with too little detail to match."""
    from seawall.detectors.image import Sandbox, UnreadableMedia  # here: only hashing needs the process

    with closing(Sandbox()) as sandbox:
        reading = sandbox.read(data)
    if isinstance(reading, UnreadableMedia):
        raise BankError(f"the image cannot be read: {reading.code}")
    if reading.quality < PDQ_MIN_QUALITY:
        raise BankError(
            f"the image has too little detail to be matched (quality {reading.quality}, "
            f"{PDQ_MIN_QUALITY} is needed); add its digest instead"
        )
    return reading.hash.hex()
