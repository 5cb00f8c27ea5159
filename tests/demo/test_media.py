"""The media of the demo are what they claim to be."""

from __future__ import annotations

import io
import wave

import pytest
from PIL import Image

from seawall.demo import media


def test_a_poster_is_an_image_and_the_same_each_time() -> None:
    made = media.image_with_words("HELLO", "there")
    with Image.open(io.BytesIO(made)) as opened:
        assert (opened.format, opened.size) == ("PNG", (640, 360))
    media.image_with_words.cache_clear()
    assert media.image_with_words("HELLO", "there") == made != media.image_with_words("HELLO", "you")


@pytest.mark.parametrize("can_speak", [True, False])
def test_a_voice_note_begins_with_silence(can_speak: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not can_speak:
        monkeypatch.setattr(media.shutil, "which", lambda _name: None)
    media.voice_note.cache_clear()
    with wave.open(io.BytesIO(media.voice_note("a word", 0.5))) as file:
        assert (file.getframerate(), file.getnchannels()) == (16_000, 1)
        assert file.getnframes() > 16_000
        assert not any(file.readframes(7_000))
        assert any(file.readframes(8_000))
    media.voice_note.cache_clear()


def test_a_video_shows_its_scenes_one_after_the_other() -> None:
    av = pytest.importorskip("av")
    made = media.video_with_words("ONE", "TWO", said="hello")
    assert made is not None
    with av.open(io.BytesIO(made)) as clip:
        assert {stream.codec_context.name for stream in clip.streams} & {"vp8", "libvpx"}
        assert len(clip.streams.audio) == 1
        assert sum(1 for _ in clip.decode(video=0)) == 30
