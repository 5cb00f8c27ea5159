"""Recordings: decoded in a process with limits, fingerprinted, and compared with the banks.

>>> from seawall.detect.audio import AudioDetector
>>> from seawall.model import Modality, Part
>>> detector = AudioDetector()
>>> [answer] = detector.detect([Part(path="clip", modality=Modality.AUDIO, field="clip", data=b"not a recording")])
>>> answer
()
>>> detector.close()

The banks hold no recording, so that nothing could match: nothing was decoded.
"""

from seawall.detect.audio.detector import AudioDetector
from seawall.detect.audio.entries import recording_value
from seawall.detect.audio.fingerprint import REMEDY, FingerprintError, Maker, find_maker

__all__ = ["REMEDY", "AudioDetector", "FingerprintError", "Maker", "find_maker", "recording_value"]
