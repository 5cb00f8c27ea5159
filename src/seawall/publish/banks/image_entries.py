"""From an image to the value of an entry: its PDQ hash, taken in a process with limits."""

from __future__ import annotations

from contextlib import closing

from seawall.match import PDQ_MIN_QUALITY
from seawall.publish.banks.errors import BankError


def hash_image(data: bytes) -> str:
    """64 hexadecimal digits. Raises BankError for what is no image, or too flat to be found again."""
    from seawall.detectors.image import Sandbox, UnreadableMedia  # here: only who hashes needs the process

    with closing(Sandbox()) as sandbox:
        reading = sandbox.read(data)
    if isinstance(reading, UnreadableMedia):
        raise BankError(f"this is no image that can be read: {reading.code}")
    if reading.quality < PDQ_MIN_QUALITY:
        raise BankError(
            f"the image has too little detail to be found again (quality {reading.quality}, "
            f"{PDQ_MIN_QUALITY} is needed); add its digest instead"
        )
    return reading.hash.hex()
