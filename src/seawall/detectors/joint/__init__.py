"""The joint model: reads words and images of one post together, each turned into text evidence.

    >>> from seawall.detectors.joint import JointDetector, gather
    >>> from seawall.model import Modality, Part
    >>> body = Part(path="body", modality=Modality.TEXT, field="body", text="have a lovely birthday")
    >>> detector = JointDetector()
    >>> judged = detector.judge(gather([body], {"cover": ["birthday cake", "party popper"]}))
    >>> judged.mask
    <Mask.BOTH: 'text+picture'>

An image reader (``reader``) names the pictograms in an image, the shipped text encoder reads written words and seen
pictograms as one text with marks (``evidence``), and a small head with a mask for missing sources (``fusion``) returns
a calibrated probability. Fitted by ``python -m seawall.learn.joint``; results are in ``docs/model-card-joint.md``.
"""

from seawall.detectors.joint.detector import JointDetector, Judgement
from seawall.detectors.joint.evidence import Evidence, EvidenceSource, ItemEvidence, gather
from seawall.detectors.joint.fusion import FusionError, Mask
from seawall.detectors.joint.pictogram_reader import PictogramDetection, PictogramReader, ReaderError

__all__ = [
    "Evidence",
    "EvidenceSource",
    "FusionError",
    "ItemEvidence",
    "JointDetector",
    "Judgement",
    "Mask",
    "PictogramDetection",
    "PictogramReader",
    "ReaderError",
    "gather",
]
