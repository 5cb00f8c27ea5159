"""What files carry beside their pixels and samples: texts and pictures that detectors read like all others."""

from __future__ import annotations

import base64
import io
import struct
import zlib
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import av
import numpy as np
import pytest
from av.subtitles.subtitle import SubtitleSet
from av.video.frame import VideoFrame
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from media.mutants import chunk, id3_cover, segment
from media.samples import RATE, animated, encode, make_audio, make_video, noise, subtitled, tagged
from seawall.detect import Findings, Runner
from seawall.detectors import default_detectors
from seawall.detectors.banks import BankDetector
from seawall.detectors.image import ImageDetector
from seawall.match import BankEntry, BankMatcher, pdq
from seawall.media import Media, VideoContent, default_extractors
from seawall.model import ExtractedParts, Extractor, Modality, Part, Unknown

THREAT = "I will kill you tonight"


@pytest.fixture(scope="module")
def extractor(media: Media) -> Extractor:
    [found] = [each for each in default_extractors(media) if each.spec.name == "metadata"]
    return found


def read(extractor: Extractor, data: bytes, modality: Modality = Modality.IMAGE) -> ExtractedParts:
    [answer] = extractor.extract([Part(path="file", modality=modality, field="file", data=data)])
    assert isinstance(answer, ExtractedParts), answer
    return answer


def texts(found: ExtractedParts) -> dict[str, str | None]:
    return {each.path.removeprefix("file>"): each.text for each in found.parts if each.modality is Modality.TEXT}


def pictures(found: ExtractedParts) -> dict[str, bytes]:
    return {
        each.path.removeprefix("file>"): each.data or b"" for each in found.parts if each.modality is Modality.IMAGE
    }


# ── texts of images ─────────────────────────────────────────────────────────────────────────────────────────────────


def with_chunks(*chunks: bytes, before_end: bool = False) -> bytes:
    png = encode(noise(1, (64, 48)), "PNG")
    at = len(png) - 12 if before_end else 33
    return png[:at] + b"".join(chunks) + png[at:]


def with_exif(form: str, tags: dict[int, Any], inner: dict[int, Any] | None = None) -> bytes:
    exif = Image.Exif()
    exif.update(tags)
    if inner:
        exif.get_ifd(0x8769).update(inner)
    return encode(noise(1, (64, 48)), form, exif=exif.tobytes())


def xmp(inside: str, attributes: str = "") -> bytes:
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
        'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" '
        'xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:xmpGImg="http://ns.adobe.com/xap/1.0/g/img/" '
        f'xmp:CreatorTool="Paint 1.0 of many words" {attributes}>{inside}</rdf:Description></rdf:RDF></x:xmpmeta>'
        + " " * 200
        + '<?xpacket end="w"?>'
    ).encode()


def xmp_said(text: str) -> bytes:
    return xmp(f'<dc:description><rdf:Alt><rdf:li xml:lang="x-default">{text}</rdf:li></rdf:Alt></dc:description>')


def with_segments(*segments: bytes) -> bytes:
    jpeg = encode(noise(1, (64, 48)), "JPEG")
    return jpeg[:2] + b"".join(segments) + jpeg[2:]


def photoshop(kind: int, content: bytes) -> bytes:
    return segment(
        0xED,
        b"Photoshop 3.0\0" + b"8BIM" + struct.pack(">HH", kind, 0) + struct.pack(">I", len(content)) + content
        + b"\0" * (len(content) % 2),
    )  # fmt: skip


def iptc(dataset: int, text: str) -> bytes:
    return b"\x1c" + struct.pack(">BBH", 2, dataset, len(text.encode())) + text.encode()


def gif_with(*extensions: bytes) -> bytes:
    gif = animated("GIF", [1, 2], (64, 48))
    return gif[:-1] + b"".join(extensions) + b";"


def raw_profile(kind: str, data: bytes) -> bytes:
    text = f"\n{kind}\n{len(data):8}\n{data.hex()}\n"
    return chunk(b"zTXt", f"Raw profile type {kind}\0\0".encode() + zlib.compress(text.encode()))


SAID = THREAT.encode()
IMAGES = {
    "PNG tEXt": (with_chunks(chunk(b"tEXt", b"Comment\0" + SAID)), "metadata.comment"),
    "PNG zTXt": (with_chunks(chunk(b"zTXt", b"Description\0\0" + zlib.compress(SAID))), "metadata.description"),
    "PNG iTXt": (with_chunks(chunk(b"iTXt", b"Title\0\0\0en\0Titel\0" + SAID)), "metadata.title"),
    "PNG iTXt, packed": (
        with_chunks(chunk(b"iTXt", b"Title\0\1\0en\0Titel\0" + zlib.compress(SAID))),
        "metadata.title",
    ),
    "PNG after its pixels": (with_chunks(chunk(b"tEXt", b"Author\0" + SAID), before_end=True), "metadata.author"),
    "PNG, the second of a name": (
        with_chunks(chunk(b"tEXt", b"Comment\0" + SAID), chunk(b"tEXt", b"Comment\0a friendly word")),
        "metadata.comment",
    ),
    "PNG of an own keyword": (with_chunks(chunk(b"tEXt", b"Message to you\0" + SAID)), "metadata.other"),
    "PNG XMP": (with_chunks(chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp_said(THREAT))), "metadata.description"),
    "PNG of ImageMagick, IPTC": (with_chunks(raw_profile("iptc", iptc(120, THREAT))), "metadata.caption"),
    "JPEG comment": (with_segments(segment(0xFE, SAID)), "metadata.comment"),
    "JPEG, two comments": (with_segments(segment(0xFE, b"a friendly word"), segment(0xFE, SAID)), "metadata.comment.1"),
    "JPEG XMP": (with_segments(segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + xmp_said(THREAT))),
                 "metadata.description"),
    "JPEG XMP attribute": (
        with_segments(
            segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + xmp("", f'photoshop:Headline="{THREAT}"'))
        ),
        "metadata.headline",
    ),
    "JPEG IPTC caption": (with_segments(photoshop(0x0404, iptc(5, "Hill") + iptc(120, THREAT))), "metadata.caption"),
    "EXIF ImageDescription": (with_exif("JPEG", {0x010E: THREAT}), "metadata.description"),
    "EXIF Artist": (with_exif("JPEG", {0x013B: THREAT}), "metadata.artist"),
    "EXIF Copyright": (with_exif("WEBP", {0x8298: THREAT}), "metadata.copyright"),
    "EXIF XPTitle": (with_exif("JPEG", {0x9C9B: (THREAT + "\0").encode("utf-16-le")}), "metadata.title"),
    "EXIF XPComment": (with_exif("PNG", {0x9C9C: (THREAT + "\0").encode("utf-16-le")}), "metadata.comment"),
    "EXIF UserComment": (with_exif("JPEG", {}, {0x9286: b"ASCII\0\0\0" + SAID}), "metadata.comment"),
    "EXIF UserComment, UTF-16 LE": (
        with_exif("JPEG", {}, {0x9286: b"UNICODE\0" + THREAT.encode("utf-16-le")}),
        "metadata.comment",
    ),
    "EXIF UserComment, UTF-16 BE": (
        with_exif("JPEG", {}, {0x9286: b"UNICODE\0" + THREAT.encode("utf-16-be")}),
        "metadata.comment",
    ),
    "AVIF EXIF": (with_exif("AVIF", {0x010E: THREAT}), "metadata.description"),
    "WebP XMP": (encode(noise(1, (64, 48)), "WEBP", xmp=xmp_said(THREAT)), "metadata.description"),
    "AVIF XMP": (encode(noise(1, (64, 48)), "AVIF", xmp=xmp_said(THREAT)), "metadata.description"),
    "GIF comment": (gif_with(b"!\xfe" + bytes([len(SAID)]) + SAID + b"\0"), "metadata.comment"),
    "GIF XMP": (
        gif_with(
            b"!\xff\x0bXMP DataXMP" + xmp_said(THREAT) + b"\1" + bytes(range(255, -1, -1)) + b"\0"
        ),
        "metadata.description",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", IMAGES)
def test_words_in_an_image_file_are_read(extractor: Extractor, name: str) -> None:
    data, path = IMAGES[name]
    found = read(extractor, data)
    assert texts(found).get(path) == THREAT, found
    assert found.gaps == ()


def test_extended_xmp_is_read(extractor: Extractor) -> None:
    packet = xmp_said(THREAT)
    half = len(packet) // 2
    head = b"http://ns.adobe.com/xmp/extension/\0" + b"0" * 32 + struct.pack(">I", len(packet))
    pieces = [
        segment(0xE1, head + struct.pack(">I", at) + packet[at : at + half + 1])
        for at in range(0, len(packet), half + 1)
    ]
    assert THREAT in texts(read(extractor, with_segments(*reversed(pieces)))).values()


@settings(max_examples=40, deadline=None)
@given(
    st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zs", "Zl", "Zp")), min_size=1, max_size=60)
)
def test_any_title_comes_out_as_it_went_in(extractor: Extractor, title: str) -> None:
    assert (
        texts(read(extractor, with_chunks(chunk(b"iTXt", b"Title\0\0\0\0\0" + title.encode()))))["metadata.title"]
        == title
    )


def test_one_caption_in_several_places_is_one_text(extractor: Extractor) -> None:
    data = with_segments(
        segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + xmp_said("A hill in June")),
        photoshop(0x0404, iptc(120, "A hill in June")),
        segment(0xFE, b"A hill in June"),
    )
    assert len(read(extractor, data).parts) == 1


NOON = "2024:06:01 12:00:00"


@pytest.mark.parametrize(
    "data",
    [
        with_exif(
            "JPEG",
            {0x010F: "Canon", 0x0110: "Canon EOS 5D Mark IV", 0x0131: "Firmware of many words", 0x0132: NOON},
            {0x9003: NOON, 0xA431: "352099009205861", 0x9286: b"ASCII\0\0\0" + bytes(40)},
        ),
        with_exif("JPEG", {0x010E: " " * 31}, {0x9286: bytes(64)}),
        with_exif("JPEG", {0x010E: "OLYMPUS DIGITAL CAMERA         "}),
        with_segments(segment(0xFE, b"CREATOR: gd-jpeg v1.0 (using IJG JPEG v62), quality = 90\n")),
        with_chunks(chunk(b"tEXt", b"Software\0Paint for everybody"), chunk(b"tEXt", b"date:create\x002024-06-01")),
        with_chunks(chunk(b"tEXt", b"parameters\0a cat\nNegative prompt: nude, child\nSteps: 20")),
        encode(noise(1, (64, 48)), "WEBP", xmp=xmp("<xmp:Nickname>my old friend</xmp:Nickname>")),
    ],
)  # fmt: skip
def test_what_cameras_and_programs_write_is_no_content(extractor: Extractor, data: bytes) -> None:
    assert read(extractor, data) == ExtractedParts()


def test_texts_without_end_are_bounded_and_said(extractor: Extractor) -> None:
    many = with_chunks(*(chunk(b"tEXt", b"Comment\0word number %d" % number) for number in range(1_000)))
    found = read(extractor, many)
    assert len(found.parts) == 400
    assert [gap.code for gap in found.gaps] == ["too_much_metadata"]
    bomb = with_chunks(chunk(b"iTXt", b"Comment\0\1\0\0\0" + zlib.compress(b"a " * 700_000)))
    [answer] = extractor.extract([Part(path="file", modality=Modality.IMAGE, field="file", data=bomb)])
    assert isinstance(answer, Unknown)


def test_entities_in_xmp_are_refused(extractor: Extractor) -> None:
    laughs = b"<!DOCTYPE x [<!ENTITY a 'ha'><!ENTITY b '&a;&a;'>]><x><description>&b;</description></x>"
    found = read(extractor, encode(noise(1, (64, 48)), "WEBP", xmp=laughs))
    assert (found.parts, [gap.code for gap in found.gaps]) == ((), ["metadata_damaged"])


# ── thumbnails ──────────────────────────────────────────────────────────────────────────────────────────────────────


def exif_block(thumbnail: bytes) -> bytes:
    """EXIF with nothing but a thumbnail."""
    second = struct.pack("<HHHIIHHIIHHIII", 3, 259, 3, 1, 6, 513, 4, 1, 8 + 6 + 42, 514, 4, 1, len(thumbnail), 0)
    return b"Exif\0\0II*\0" + struct.pack("<IHI", 8, 0, 14) + second + thumbnail


def photo(whole: Image.Image, thumbnail: bytes, form: str = "JPEG") -> bytes:
    return encode(whole, form, exif=exif_block(thumbnail))


def small(image: Image.Image, size: tuple[int, int] = (160, 120), bars: bool = False) -> bytes:
    if not bars:
        return encode(image.resize(size), "JPEG", quality=70)
    shown = Image.new("RGB", size)
    scaled = image.resize((size[0], round(size[0] * image.height / image.width)))
    shown.paste(scaled, (0, (size[1] - scaled.height) // 2))
    return encode(shown, "JPEG", quality=70)


def natural(seed: int, size: tuple[int, int] = (1_200, 800)) -> Image.Image:
    """Large shapes with smaller ones in them, as in a photo."""
    octaves = [np.asarray(noise(seed + 50 * n, size, (6 << n, 4 << n))).astype(float) / 2**n for n in range(4)]
    return Image.fromarray((sum(octaves[1:], octaves[0]) / 1.875).astype(np.uint8))


@pytest.mark.parametrize("seed", range(12))
def test_an_ordinary_photo_has_no_second_picture(extractor: Extractor, seed: int) -> None:
    whole = natural(seed)
    for thumbnail in (small(whole, (160, 107)), small(whole, bars=True), small(whole, (160, 120))):
        assert read(extractor, photo(whole, thumbnail)) == ExtractedParts()


@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_flat_photo_has_no_second_picture(extractor: Extractor, level: int) -> None:
    whole = Image.new("RGB", (640, 480), (level, level, level))
    assert read(extractor, photo(whole, small(whole))) == ExtractedParts()


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_a_thumbnail_of_something_else_is_a_picture(extractor: Extractor, form: str) -> None:
    thumbnail = small(natural(7))
    assert pictures(read(extractor, photo(natural(1), thumbnail, form))) == {"thumbnail.0": thumbnail}


def test_a_thumbnail_of_what_was_cropped_away_is_a_picture(extractor: Extractor) -> None:
    whole = natural(3)
    cropped = whole.crop((0, 0, 500, 400))
    assert list(pictures(read(extractor, photo(cropped, small(whole))))) == ["thumbnail.0"]


def test_a_flat_photo_with_a_thumbnail_of_something_is_two_pictures(extractor: Extractor) -> None:
    assert list(pictures(read(extractor, photo(Image.new("RGB", (640, 480), "white"), small(natural(3)))))) == [
        "thumbnail.0"
    ]


def test_a_thumbnail_that_was_cut_off_is_none_and_a_damaged_one_is_said(extractor: Extractor) -> None:
    whole, thumbnail = natural(1), small(natural(7))
    block = exif_block(thumbnail)[: -len(thumbnail)]
    assert read(extractor, encode(whole, "JPEG", exif=block)) == ExtractedParts()
    found = read(extractor, photo(whole, thumbnail[:2] + bytes(len(thumbnail))))
    assert [gap.code for gap in found.gaps] == ["thumbnail_unread"]


def test_other_thumbnails_of_something_else_are_pictures(extractor: Extractor) -> None:
    thumbnail = small(natural(7))
    jpeg = encode(natural(1), "JPEG")
    coded = base64.b64encode(thumbnail).decode()
    for extra in (
        photoshop(0x040C, bytes(28) + thumbnail),
        segment(0xE0, b"JFXX\0\x10" + thumbnail),
        segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + xmp(f"<xmpGImg:image>{coded}</xmpGImg:image>")),
    ):
        assert pictures(read(extractor, jpeg[:2] + extra + jpeg[2:])) == {"thumbnail.0": thumbnail}


def test_every_picture_of_a_picture_file_is_a_part(media: Media) -> None:
    data = encode(noise(1), "MPO", save_all=True, append_images=[noise(2)])
    frames = media.animation(data)
    assert isinstance(frames, tuple)
    assert len(frames) == 1


# ── audio files and films ───────────────────────────────────────────────────────────────────────────────────────────


AUDIO = {
    "mp3": ("mp3", "mp3", RATE),
    "m4a": ("ipod", "aac", RATE),
    "opus": ("ogg", "libopus", 48_000),
    "flac": ("flac", "flac", RATE),
    "wav": ("wav", "pcm_s16le", RATE),
    "aiff": ("aiff", "pcm_s16be", RATE),
    "matroska": ("matroska", "flac", RATE),
    "caf": ("caf", "pcm_s16le", RATE),
}


TAGS = ("title", "artist", "album", "comment", "description", "lyrics")
NO_TAGS = {"wav": ("description", "lyrics"), "aiff": ("artist", "album", "description", "lyrics")}  # of the format


@pytest.mark.parametrize(
    ("form", "key"), [(form, key) for form in AUDIO for key in TAGS if key not in NO_TAGS.get(form, ())]
)
def test_tags_of_an_audio_file_are_read(extractor: Extractor, form: str, key: str) -> None:
    container, codec, rate = AUDIO[form]
    found = read(extractor, tagged(container, codec, {key: THREAT}, rate), Modality.AUDIO)
    assert list(texts(found).values()) == [THREAT], found
    assert found.gaps == ()


def test_a_tag_is_named_by_its_part(extractor: Extractor) -> None:
    data = tagged("mp3", "mp3", {"title": "Rain", "lyrics": "Rain falls", "comment": "for May"})
    assert texts(read(extractor, data, Modality.AUDIO)) == {
        "metadata.title": "Rain",
        "metadata.lyrics": "Rain falls",
        "metadata.comment": "for May",
    }


def test_what_encoders_write_is_no_content(extractor: Extractor) -> None:
    technical = {
        **{"encoder": "LAME of many words", "date": "2024-06-01", "track": "3/12", "TSRC": "DEABC2400001"},
        **{"MusicBrainz Album Id": "b2a7d4ce-8c1b-4b9e-9a0e-0c8f2c7d1f11", "replaygain_track_gain": "-6.50 dB"},
        **{"iTunNORM": " 0000136A 00001402 00006A5B 00006C2A 0003D0E0", "genre": "Death Metal", "BPM": "120"},
        **{"Acoustid Fingerprint": "AQADtEqSJUmS" * 20, "SERATO_PLAYCOUNT": "four", "own": "MDAxMjM0NTY3ODk=" * 12},
        **{"comment": " 0000136A 00001402 00006A5B 00006C2A 0003D0E0 0003D0E0 00007F3A 00007E6B 0001D4C0 0001D4C0"},
    }
    assert read(extractor, tagged("mp3", "mp3", technical), Modality.AUDIO) == ExtractedParts()
    for container, codec in (("mp3", "mp3"), ("ipod", "aac"), ("flac", "flac"), ("wav", "pcm_s16le"), ("adts", "aac")):
        assert read(extractor, make_audio(container, codec), Modality.AUDIO) == ExtractedParts()
    assert read(extractor, make_video([(1, 1.0)]), Modality.VIDEO) == ExtractedParts()


def test_the_address_of_a_shop_in_a_comment_is_no_content(extractor: Extractor) -> None:
    data = tagged("mp3", "mp3", {"comment": "Visit https://some-band.bandcamp.com"})
    assert read(extractor, data, Modality.AUDIO) == ExtractedParts()


def test_tags_at_the_end_of_an_mp3_are_read(extractor: Extractor) -> None:
    data = tagged("mp3", "mp3", {"title": "Rain"})
    old = b"TAG" + b"Snow".ljust(30, b"\0") + bytes(60) + b"2024" + SAID.ljust(30, b"\0") + b"\xff"
    item = struct.pack("<II", len(SAID), 0) + b"Comment\0" + SAID
    foot = b"APETAGEX" + struct.pack("<IIII", 2_000, len(item) + 32, 1, 0) + bytes(8)
    assert texts(read(extractor, data + old, Modality.AUDIO)) == {
        "metadata.title": "Rain",
        "metadata.title.1": "Snow",
        "metadata.comment": THREAT,
    }
    assert THREAT in texts(read(extractor, data + item + foot, Modality.AUDIO)).values()
    assert THREAT in texts(read(extractor, data + item + foot + old, Modality.AUDIO)).values()


def id3(version: int, *frames: tuple[bytes, bytes]) -> bytes:
    body = b""
    for name, content in frames:
        size = len(content)
        if version == 2:
            body += name + size.to_bytes(3, "big") + content
        else:
            body += name + (syncsafe(size) if version == 4 else struct.pack(">I", size)) + b"\0\0" + content
    return b"ID3" + bytes([version, 0, 0]) + syncsafe(len(body)) + body + make_audio("mp3", "mp3", 1.0)[45:]


def syncsafe(size: int) -> bytes:
    return bytes((size >> shift) & 0x7F for shift in (21, 14, 7, 0))


SECOND = [
    (3, (b"COMM", b"\0eng\0hello"), (b"COMM", b"\0eng\0" + SAID)),
    (4, (b"COMM", b"\3eng\0hello"), (b"COMM", b"\3engnote to you\0" + SAID)),
    (2, (b"COM", b"\0eng\0hello"), (b"COM", b"\0eng\0" + SAID)),
    (4, (b"TPE1", b"\3Somebody\0" + SAID)),
    (3, (b"TIT2", b"\0Rain"), (b"TIT2", b"\1\xff\xfe" + THREAT.encode("utf-16-le"))),
    (4, (b"TIT2", b"\2" + THREAT.encode("utf-16-be"))),
    (3, (b"USLT", b"\0eng\0la la"), (b"USLT", b"\0eng\0" + SAID)),
    (3, (b"TXXX", b"\0message\0" + SAID)),
    (3, (b"SYLT", b"\0eng\2\1words\0I will\0\0\0\0\1kill you\0\0\0\0\2tonight\0\0\0\0\3")),
]


@pytest.mark.parametrize("tag", SECOND)
def test_every_text_of_id3_is_read(extractor: Extractor, tag: Any) -> None:
    found = read(extractor, id3(*tag), Modality.AUDIO)
    assert any((text or "").endswith(THREAT) for text in texts(found).values()), found


def test_addresses_in_id3_are_read(extractor: Extractor) -> None:
    data = id3(3, (b"WXXX", b"\0mine\0https://casino-royal.example/"), (b"WOAR", b"https://band.example/"))
    assert texts(read(extractor, data, Modality.AUDIO)) == {
        "metadata.link": "mine https://casino-royal.example/",
        "metadata.link.1": "https://band.example/",
    }


def with_apic(picture: bytes, mime: bytes = b"image/jpeg") -> bytes:
    return id3_cover(picture, mime) + make_audio("mp3", "mp3", 1.0)


def flac_picture(picture: bytes) -> bytes:
    return struct.pack(">II10sIIIIII", 3, 10, b"image/jpeg", 0, 160, 120, 24, 0, len(picture)) + picture


def with_flac_picture(picture: bytes) -> bytes:
    block = flac_picture(picture)
    flac = make_audio("flac", "flac", 1.0)
    return flac[:4] + b"\0" + flac[5:42] + b"\6" + len(block).to_bytes(3, "big") + block + flac[42:]


def with_covr(picture: bytes) -> bytes:
    encoded = io.BytesIO()
    with av.open(io.BytesIO(make_audio("ipod", "aac", 1.0))) as source, av.open(encoded, "w", format="mp4") as output:
        track = output.add_stream_from_template(source.streams.audio[0])
        with av.open(io.BytesIO(picture), format="jpeg_pipe") as one:
            cover: Any = output.add_stream_from_template(one.streams.video[0])
            cover.disposition = av.stream.Disposition.attached_pic
            [packet, *_] = one.demux()
            packet.stream = cover
            output.mux(packet)
        for packet in source.demux():
            if packet.size:
                packet.stream = track
                output.mux(packet)
    return encoded.getvalue()


def with_ogg_picture(picture: bytes) -> bytes:
    return tagged(
        "ogg", "libopus", {"METADATA_BLOCK_PICTURE": base64.b64encode(flac_picture(picture)).decode()}, 48_000
    )


@pytest.mark.parametrize("make", [with_apic, with_flac_picture, with_covr, with_ogg_picture])
def test_the_cover_of_an_audio_file_is_a_picture(extractor: Extractor, make: Any) -> None:
    cover = small(natural(5))
    found = read(extractor, make(cover), Modality.AUDIO)
    assert pictures(found) == {"cover.0": cover}
    assert (texts(found), found.gaps) == ({}, ())


def test_a_cover_in_another_format_is_a_picture(extractor: Extractor) -> None:
    [data] = pictures(
        read(extractor, with_apic(encode(noise(5, (160, 120)), "BMP"), b"image/bmp"), Modality.AUDIO)
    ).values()
    with Image.open(io.BytesIO(data)) as shown:
        assert shown.format == "JPEG"
        apart = int.from_bytes(pdq(np.asarray(shown)).hash) ^ int.from_bytes(pdq(np.asarray(noise(5, (160, 120)))).hash)
    assert apart.bit_count() <= 16


SRT = "1\n00:00:12,300 --> 00:00:13,000\nI will <i>kill</i>\n\n2\n00:00:13,100 --> 00:00:14,000\nyou tonight\n"
VTT = "WEBVTT\n\n00:12.300 --> 00:13.000\nI will <b>kill</b>\n\n00:13.100 --> 00:14.000\nyou tonight\n"
ASS = (
    "[Script Info]\nScriptType: v4.00+\n\n[V4+ Styles]\nFormat: Name, Fontname\nStyle: Default,Arial\n\n[Events]\n"
    "Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n"
    "Dialogue: 0,0:00:12.30,0:00:13.00,Default,,0,0,0,,I will {\\b1}kill\n"
    "Dialogue: 0,0:00:13.10,0:00:14.00,Default,,0,0,0,,you tonight\n"
)


@pytest.mark.parametrize(
    ("text", "form", "container"),
    [(SRT, "srt", "matroska"), (VTT, "webvtt", "webm"), (VTT, "webvtt", "matroska"), (ASS, "ass", "matroska")],
)
def test_subtitles_are_read_with_their_time(extractor: Extractor, text: str, form: str, container: str) -> None:
    if container == "webm":
        data = subtitled(text, form).replace(b"\x42\x82\x88matroska", b"\x42\x82\x84webm\xec\x82\0\0", 1)
    else:
        data = subtitled(text, form, container)
    found = read(extractor, data, Modality.VIDEO)
    [part] = found.parts
    assert (part.path, (part.text or "").split(), found.gaps) == ("file>subtitle.0", THREAT.split(), ())
    assert part.span is not None
    assert (part.span.start, part.span.end) == (12.3, 14.0)


def test_subtitles_of_an_mp4_are_read(extractor: Extractor) -> None:
    encoded = io.BytesIO()
    with av.open(encoded, "w", format="mp4") as output:
        image: Any = output.add_stream("mpeg4", rate=5)
        image.width, image.height, image.pix_fmt = 64, 48, "yuv420p"
        track: Any = output.add_stream("mov_text")
        track.codec_context.subtitle_header = ASS.encode()
        for number in range(10):
            frame = VideoFrame.from_ndarray(np.asarray(noise(1, (64, 48))), format="rgb24")
            frame.pts = number
            output.mux(image.encode(frame))
        output.mux(image.encode(None))
        line = SubtitleSet.create(text=f"0,0,Default,,0,0,0,,{THREAT}".encode(), start=0, end=1_000, pts=0)
        packet = track.codec_context.encode_subtitle(line)
        packet.stream, packet.pts, packet.dts, packet.duration = track, 500, 500, 1_000
        packet.time_base = Fraction(1, 1_000)
        output.mux(packet)
    assert texts(read(extractor, encoded.getvalue(), Modality.VIDEO)) == {"subtitle.0": THREAT}


def test_the_subtitles_of_a_long_film_are_few_parts(extractor: Extractor) -> None:
    def at(second: int) -> str:
        return f"{second // 3_600:02}:{second // 60 % 60:02}:{second % 60:02},000"

    cues = "".join(f"{n}\n{at(5 * n)} --> {at(5 * n + 2)}\nline {n}\n\n" for n in range(1, 1_400))
    found = read(extractor, subtitled(cues), Modality.VIDEO)
    assert 10 < len(found.parts) <= 150
    assert sum((part.text or "").count("line") for part in found.parts) == 1_399
    assert found.gaps == ()


def test_titles_of_a_film_and_its_chapters_are_read(extractor: Extractor) -> None:
    encoded = io.BytesIO()
    with av.open(io.BytesIO(subtitled("", title="Rain"))) as source, av.open(encoded, "w", format="mp4") as output:
        output.metadata.update({"title": "Rain", "comment": "a walk"})
        base = Fraction(1, 1_000)
        output.set_chapters([{"id": 1, "start": 0, "end": 900, "time_base": base, "metadata": {"title": THREAT}}])
        image = output.add_stream_from_template(source.streams.video[0])
        for packet in source.demux():
            if packet.size:
                packet.stream = image
                output.mux(packet)
    found = read(extractor, encoded.getvalue(), Modality.VIDEO)
    assert {path: text for path, text in texts(found).items() if "subtitle" not in path} == {
        "metadata.title": "Rain",
        "metadata.comment": "a walk",
        "chapter.0": THREAT,
    }


@pytest.mark.parametrize("kind", [b"S_VOBSUB\0\0\0", b"S_HDMV/PGS\0", b"S_DVBSUB\0\0\0"])
def test_pictures_for_subtitles_are_said_to_be_unread(extractor: Extractor, kind: bytes) -> None:
    found = read(extractor, subtitled(SRT).replace(b"S_TEXT/UTF8", kind, 1), Modality.VIDEO)
    assert [gap.code for gap in found.gaps] == ["subtitles_unread"]
    assert found.parts == ()


def test_a_film_with_subtitles_is_looked_at(media: Media) -> None:
    assert isinstance(media.video(subtitled(SRT)), VideoContent)


# ── through the detectors ───────────────────────────────────────────────────────────────────────────────────────────


def test_a_known_cover_is_found_by_the_image_detector() -> None:
    cover = natural(5, (320, 240))
    banks = BankDetector()
    banks.replace(
        BankMatcher([BankEntry(bank="covers", id="c", kind="image", value=pdq(np.asarray(cover)).hash.hex())])
    )
    [metadata] = [each for each in default_extractors() if each.spec.name == "metadata"]
    part = Part(path="song", modality=Modality.AUDIO, field="song", data=with_apic(encode(cover, "JPEG")))
    with Runner([ImageDetector(banks)], [metadata]) as runner:
        found = runner.start([part], {"image"}, extract={"song": ("metadata",)}).wait()
    assert [(each.part, each.evidence) for each in found.signals if each.name == "bank:covers"] == [
        ("song>cover.0", "c")
    ]
    assert found.unknown == ()


@pytest.fixture(scope="module")
def runner() -> Iterator[Runner]:
    extractors = [each for each in default_extractors() if each.spec.name == "metadata"]
    detectors = [each for each in default_detectors() if Modality.TEXT in each.spec.modalities]
    with Runner(detectors, extractors) as shared:
        yield shared


def measured(runner: Runner, modality: Modality, data: bytes) -> Findings:
    part = Part(path="file", modality=modality, field="file", data=data, language="en")
    wanted = {spec.name for spec in runner.specs if Modality.TEXT in spec.modalities}
    return runner.start([part], wanted, extract={"file": ("metadata",)}).wait()


@pytest.mark.parametrize(
    ("modality", "data", "path"),
    [
        (Modality.IMAGE, IMAGES["EXIF UserComment"][0], "file>metadata.comment"),
        (Modality.AUDIO, tagged("mp3", "mp3", {"lyrics": THREAT}), "file>metadata.lyrics"),
        (Modality.VIDEO, subtitled(SRT), "file>subtitle.0"),
    ],
)
def test_a_threat_beside_the_samples_is_measured(runner: Runner, modality: Modality, data: bytes, path: str) -> None:
    found = measured(runner, modality, data)
    threats = [each for each in found.signals if each.name == "threat_terms"]
    assert {each.part for each in threats} == {path}
    assert max(each.value for each in threats) > 0.8


ORDINARY = {
    "title": "Time to Pretend",
    "artist": "MGMT",
    "album": "Oracular Spectacular",
    "comment": "Visit https://mgmt.bandcamp.com",
    "copyright": "2007 Columbia Records, a Division of Sony Music Entertainment. All rights reserved.",
    "composer": "Andrew VanWyngarden, Ben Goldwasser",
    "date": "2007-10-02",
    "TSRC": "USSM10703001",
}


@pytest.mark.parametrize(
    ("modality", "data"),
    [
        (Modality.AUDIO, tagged("mp3", "mp3", ORDINARY)),
        (Modality.AUDIO, tagged("flac", "flac", ORDINARY)),
        (
            Modality.AUDIO,
            tagged("ipod", "aac", {"title": "20240601 120000", "comment": "Voice memo, New Recording 12"}),
        ),
        (
            Modality.IMAGE,
            with_exif("JPEG", {0x010E: "OLYMPUS DIGITAL CAMERA", 0x013B: "A. Miller", 0x8298: "(c) 2024"}),
        ),
        (Modality.IMAGE, with_exif("JPEG", {0x010E: "SONY DSC", 0x010F: "SONY"}, {0x9286: bytes(125)})),
        (Modality.IMAGE, with_segments(segment(0xFE, b"CREATOR: gd-jpeg v1.0 (using IJG JPEG v62), quality = 90\n"))),
        (Modality.IMAGE, with_segments(segment(0xFE, b"Created with GIMP"))),
        (
            Modality.VIDEO,
            subtitled("", title="Holiday by the sea", comment="filmed with friends", encoder="HandBrake 1.6"),
        ),
    ],
)
def test_ordinary_files_measure_as_before(runner: Runner, modality: Modality, data: bytes) -> None:
    found = measured(runner, modality, data)
    assert {each.detector for each in found.unknown} <= {"unjudged"}
    high = {each.name: each.value for each in found.signals if each.value >= 0.5}
    assert high.keys() <= {"link_count"}, "a short name is scored up to 0.4 by the text model: no policy acts on it"
