"""Pictures: decoded in a process with limits, hashed, and compared with the banks.

>>> from seawall.detect.image import ImageDetector
>>> from seawall.model import Modality, Part
>>> detector = ImageDetector()
>>> [answer] = detector.detect([Part(path="cover", modality=Modality.IMAGE, field="cover", data=b"not a picture")])
>>> answer.detail
'not_an_image'
>>> detector.close()
"""

from seawall.detect.image.detector import ImageDetector
from seawall.detect.image.sandbox import ImageLimits, ImageReading, Sandbox
from seawall.detect.media.process import Unreadable

__all__ = ["ImageDetector", "ImageLimits", "ImageReading", "Sandbox", "Unreadable"]
