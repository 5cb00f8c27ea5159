"""Bank entries for videos."""

from __future__ import annotations

import json
from contextlib import closing

from seawall.detectors.video.detector import frames_of
from seawall.match import EntryError
from seawall.media import Media, UnreadableMedia


def video_value(data: bytes) -> str:
    """The value of a ``video`` entry for a video. Raises ``EntryError`` with the remedy."""
    with closing(Media()) as media:
        clip = media.video(data)
    if isinstance(clip, UnreadableMedia):
        raise EntryError(f"this is not a readable video: {clip.code}")
    frames = frames_of(clip)
    if not frames:
        raise EntryError("every frame has too little detail to match; add the video's digest instead")
    return json.dumps([[seconds, hash.hex()] for seconds, hash in frames])
