"""Parts from media: words and codes in pictures, frames and sound of films, speech in recordings, texts of documents.

Every file is decoded by a process with limits on memory, processor time and wall time, without files or network.

>>> from seawall.detect.media import Media, default_derivers
>>> from seawall.model import Modality, Part
>>> derivers = default_derivers()
>>> sorted(deriver.spec.name for deriver in derivers)
['animation', 'codes', 'document', 'frames', 'voice', 'words']
>>> [codes] = [deriver for deriver in derivers if deriver.spec.name == "codes"]
>>> [answer] = codes.derive([Part(path="cover", modality=Modality.IMAGE, field="cover", data=b"no picture")])
>>> answer.detail
'not_an_image'
>>> codes.close()
"""

from seawall.detect.media.confine import confinement
from seawall.detect.media.derivers import default_derivers
from seawall.detect.media.media import Media, MediaLimits
from seawall.detect.media.process import Limits, Pool, Unreadable
from seawall.detect.media.readings import (
    RATE,
    Code,
    Document,
    Film,
    Frame,
    Line,
    Passage,
    Sample,
    Sound,
    Speech,
    Target,
    from_wav,
    to_wav,
)
from seawall.detect.media.transcribe import Transcriber, TranscriberError, Utterance, WhisperTranscriber

__all__ = [
    "RATE",
    "Code",
    "Document",
    "Film",
    "Frame",
    "Limits",
    "Line",
    "Media",
    "MediaLimits",
    "Passage",
    "Pool",
    "Sample",
    "Sound",
    "Speech",
    "Target",
    "Transcriber",
    "TranscriberError",
    "Unreadable",
    "Utterance",
    "WhisperTranscriber",
    "confinement",
    "default_derivers",
    "from_wav",
    "to_wav",
]
