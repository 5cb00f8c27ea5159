"""Audio detection: decoded in a limited process, fingerprinted, and compared with the banks.

>>> from seawall.detectors.audio import AudioDetector
>>> from seawall.model import Modality, Part
>>> detector = AudioDetector()
>>> [answer] = detector.detect([Part(path="clip", modality=Modality.AUDIO, field="clip", data=b"not an audio file")])
>>> answer
()
>>> detector.close()

The banks contain no audio, so nothing could match and nothing was decoded.
"""

from seawall.detectors.audio.detector import AudioDetector
from seawall.detectors.audio.entries import audio_value
from seawall.detectors.audio.fingerprint import REMEDY, Fingerprinter, FingerprintError, find_fingerprinter

__all__ = ["REMEDY", "AudioDetector", "FingerprintError", "Fingerprinter", "audio_value", "find_fingerprinter"]
