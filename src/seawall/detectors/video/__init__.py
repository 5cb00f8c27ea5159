"""Videos: sampled in a process with limits, their frames hashed, and compared with the banks.

The images in a video are also parts of their own (``clip>frame.3``), which the image detector compares with single
images; here frames are held together by time, so that a clip of a known video is found with its seconds.
"""

from seawall.detectors.video.detector import VideoDetector
from seawall.detectors.video.entries import video_value

__all__ = ["VideoDetector", "video_value"]
