"""Image detection: decoded in a limited process, hashed, and compared with the banks.

>>> from seawall.detectors.image import ImageDetector
>>> from seawall.model import Modality, Part
>>> detector = ImageDetector()
>>> [answer] = detector.detect([Part(path="cover", modality=Modality.IMAGE, field="cover", data=b"not an image")])
>>> answer.detail
'not_an_image'
>>> detector.close()
"""

from seawall.detectors.image.detector import ImageDetector
from seawall.detectors.image.sandbox import ImageLimits, ImageReading, Sandbox
from seawall.media.process import UnreadableMedia

__all__ = ["ImageDetector", "ImageLimits", "ImageReading", "Sandbox", "UnreadableMedia"]
