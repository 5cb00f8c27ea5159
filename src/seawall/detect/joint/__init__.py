"""The joint model: words and pictures of one post read together, each turned into text evidence.

    >>> from seawall.detect.joint import JointDetector, gather
    >>> from seawall.model import Modality, Part
    >>> body = Part(path="body", modality=Modality.TEXT, field="body", text="have a lovely birthday")
    >>> detector = JointDetector()
    >>> judged = detector.judge(gather([body], {"cover": ["birthday cake", "party popper"]}))
    >>> judged.mask
    <Mask.BOTH: 'text+picture'>

A picture reader (``reader``) names the pictograms in a picture, the shipped text encoder reads what was written and
what was seen as one text with marks (``evidence``), and a small head with a mask for what is missing (``fusion``)
gives a calibrated probability. Fitted by ``python -m seawall.learn.joint``; what it is worth stands in
``docs/model-card-joint.md``.
"""

from seawall.detect.joint.detector import JointDetector, Judgement
from seawall.detect.joint.evidence import Bundle, Evidence, Source, gather
from seawall.detect.joint.fusion import FusionError, Mask
from seawall.detect.joint.reader import PictureReader, ReaderError, Sighting

__all__ = [
    "Bundle",
    "Evidence",
    "FusionError",
    "JointDetector",
    "Judgement",
    "Mask",
    "PictureReader",
    "ReaderError",
    "Sighting",
    "Source",
    "gather",
]
