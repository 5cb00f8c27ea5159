"""Films: sampled in a process with limits, their frames hashed, and compared with the banks.

The pictures in a film are also parts of their own (``clip>frame.3``), which the image detector compares with single
pictures; here frames are held together by time, so that a clip of a known film is found with its seconds.
"""

from seawall.detect.video.detector import VideoDetector
from seawall.detect.video.entries import film_value

__all__ = ["VideoDetector", "film_value"]
