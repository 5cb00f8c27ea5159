"""Parts extracted from media: text and codes in images, frames and audio of videos, speech, text of documents.

Every file is decoded in a process with limited memory, CPU time and wall time, without access to files or network.

>>> from seawall.media import Media, default_extractors
>>> from seawall.model import Modality, Part
>>> extractors = default_extractors()
>>> sorted({extractor.spec.name for extractor in extractors} - {"transcript"})  # that one needs a speech model
['animation', 'codes', 'document', 'frames', 'metadata', 'voice', 'words']
>>> [codes] = [extractor for extractor in extractors if extractor.spec.name == "codes"]
>>> [answer] = codes.extract([Part(path="cover", modality=Modality.IMAGE, field="cover", data=b"no image")])
>>> answer.detail
'not_an_image'
>>> codes.close()
"""

from seawall.media.confine import confinement
from seawall.media.extractors import default_extractors
from seawall.media.media import Media, MediaLimits
from seawall.media.process import ProcessLimits, ProcessPool, UnreadableMedia
from seawall.media.results import (
    RATE,
    AudioContent,
    BlurredFaces,
    DecodedCode,
    DisplayedImage,
    DocumentContent,
    DocumentImage,
    DoubtedLine,
    HashedFrame,
    ImageWords,
    LinkTarget,
    MediaMetadata,
    MetadataText,
    ProvenanceRecord,
    SpeechSegments,
    TextLine,
    TextPassage,
    VideoContent,
    VideoFrame,
    from_wav,
    to_wav,
)
from seawall.media.tesseract import TesseractError
from seawall.media.transcribe import (
    Transcriber,
    TranscriberError,
    UnreadLanguageError,
    Utterance,
    WhisperTranscriber,
)

__all__ = [
    "RATE",
    "AudioContent",
    "BlurredFaces",
    "DecodedCode",
    "DisplayedImage",
    "DocumentContent",
    "DocumentImage",
    "DoubtedLine",
    "HashedFrame",
    "ImageWords",
    "LinkTarget",
    "Media",
    "MediaLimits",
    "MediaMetadata",
    "MetadataText",
    "ProcessLimits",
    "ProcessPool",
    "ProvenanceRecord",
    "SpeechSegments",
    "TesseractError",
    "TextLine",
    "TextPassage",
    "Transcriber",
    "TranscriberError",
    "UnreadLanguageError",
    "UnreadableMedia",
    "Utterance",
    "VideoContent",
    "VideoFrame",
    "WhisperTranscriber",
    "confinement",
    "default_extractors",
    "from_wav",
    "to_wav",
]
