"""Video detection: sampled in a limited process, frames hashed, and compared with the banks.

The frames of a video are also separate parts (``clip>frame.3``), which the image detector compares with single images;
here frames are combined by time, so that a clip of a known video is found with its times.
"""

from seawall.detectors.video.detector import VideoDetector
from seawall.detectors.video.entries import video_value

__all__ = ["VideoDetector", "video_value"]
