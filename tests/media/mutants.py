"""Mutated media files: what an attacker, a bad disk or a broken encoder sends. The same seed gives the same files."""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Callable, Iterator

from PIL import Image

from media.document_files import Page, compound, docx, epub, odt, ole_package, packed, pdf, stream
from media.samples import animated, encode, make_audio, make_video, noise, subtitled, tagged
from seawall.media.decoders.colour_conversion import profile_of

IMAGE, SOUND, VIDEO, PAPER = "image", "sound", "video", "paper"


def originals() -> dict[str, tuple[str, bytes]]:
    """By name: its sense, and a small whole file of every kind."""
    still = noise(1, (96, 64))
    files = {
        "jpeg": (IMAGE, encode(still, "JPEG")),
        "progressive": (IMAGE, encode(still, "JPEG", progressive=True)),
        "cmyk": (IMAGE, encode(still.convert("CMYK"), "JPEG")),
        "exif": (IMAGE, _with_exif(still)),
        "png": (IMAGE, encode(still, "PNG")),
        "palette": (IMAGE, encode(still.quantize(32), "PNG", transparency=0)),
        "webp": (IMAGE, encode(still, "WEBP")),
        "avif": (IMAGE, encode(still, "AVIF")),
        "gif": (IMAGE, animated("GIF", [1, 2, 3], (64, 48))),
        "moving webp": (IMAGE, animated("WEBP", [1, 2, 3], (64, 48))),
        "apng": (IMAGE, animated("PNG", [1, 2], (64, 48))),
        "mp3": (SOUND, make_audio("mp3", "mp3", 0.5)),
        "ogg": (SOUND, make_audio("ogg", "libopus", 0.5, 48_000)),
        "flac": (SOUND, make_audio("flac", "flac", 0.3)),
        "wav": (SOUND, make_audio("wav", "pcm_s16le", 0.2)),
        "m4a": (SOUND, make_audio("ipod", "aac", 0.5)),
        "aac": (SOUND, make_audio("adts", "aac", 0.3)),
    }
    files |= {name: (IMAGE, data) for name, data in said_images(still).items()}
    files |= {
        "tagged mp3": (SOUND, tagged("mp3", "mp3", TAGS) + b"TAG" + b"Snow".ljust(125, b"\0")),
        "covered mp3": (SOUND, id3_cover(files["jpeg"][1]) + files["mp3"][1]),
        "tagged m4a": (SOUND, tagged("ipod", "aac", TAGS)),
        "tagged ogg": (SOUND, tagged("ogg", "libopus", TAGS, 48_000)),
        "subtitled mkv": (VIDEO, subtitled(SUBTITLES, "srt")),
        "styled mkv": (VIDEO, subtitled(STYLED, "ass")),
    }
    image = (files["jpeg"][1], 96, 64)
    note = "<< /Subtype /Widget /V (a form) >>"
    papers = {
        "pdf": pdf(Page(["Hello", "world"], link="https://x.example/"), Page(["two"], image=image, notes=note)),
        "scan": pdf(Page(image=image)),
        "docx": docx("Hello", "world", link="https://x.example/", more={"word/media/a.jpg": files["jpeg"][1]}),
        "odt": odt("Hello", "world", link="https://x.example/"),
        "epub": epub("<h1>One</h1><p>Hello</p>", "<p>Two</p>"),
        "html": b"<!doctype html><title>t</title><script>x()</script><p>Hello <a href='https://x.example/'>x</a>" * 9,
        "attachments": pdf(
            Page(["Hello"]),
            root="/AF [<< /F (a.docx) /EF << /F 5 0 R >> >> << /F (b.pdf) /EF << /F 6 0 R >> >>]",
            objects={
                5: stream(docx("inside", more={"word/embeddings/a.pdf": pdf(Page(["deep"]))})),
                6: stream(pdf(Page(["inside"], image=image))),
            },
        ),
        "embedded": docx(
            "Hello",
            more={
                "word/embeddings/a.xlsx": docx("inside", more={"xl/embeddings/b.odt": odt("deep")}),
                "word/embeddings/oleObject1.bin": compound({"\1Ole10Native": ole_package("a.txt", b"packed")}),
                "word/embeddings/oleObject2.bin": compound({"CONTENTS": pdf(Page(["inside"]))}),
            },
        ),
        "shapes": pdf(Page(["Hello"], drawn=_shapes())),
        "clipped": pdf(Page(["Hello"], drawn="q 9 9 9 9 re W n BT /F 9 Tf (a) Tj ET Q 0 0 99 99 re f")),
        "cyrillic": "Я убью тебя сегодня ночью. ".encode("koi8-r") * 9,
        "japanese": "<meta charset=shift_jis><p>今夜お前を殺す".encode("cp932") * 9,
        "text": "Schöne Grüße aus dem Süden\n".encode("cp1252") * 50,
    }
    files |= {name: (PAPER, data) for name, data in papers.items()}
    shots = [(1, 0.5), (2, 0.5)]
    for name, container, codec, sound in (
        ("mp4", "mp4", "mpeg4", "aac"),
        ("h264", "mp4", "libx264", "aac"),
        ("mkv", "matroska", "mpeg4", "flac"),
        ("webm", "webm", "libvpx", "libopus"),
        ("avi", "avi", "mjpeg", "mp3"),
        ("ts", "mpegts", "mpeg2video", "mp2"),
    ):
        files[name] = (VIDEO, make_video(shots, container=container, codec=codec, sound=sound, size=(64, 48), rate=6))
    return files


def said_images(still: Image.Image) -> dict[str, bytes]:
    """Images with texts, thumbnails and profiles."""
    packet = (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><r:Description>'
        b'<d:title xmlns:d="http://purl.org/dc/elements/1.1/"><r:Alt><r:li>a title</r:li></r:Alt></d:title>'
        b"</r:Description></r:RDF></x:xmpmeta>"
    )
    second = encode(noise(2, (96, 64)), "JPEG")
    exif = struct.pack("<HHHIIHHIIHHIII", 3, 259, 3, 1, 6, 513, 4, 1, 56, 514, 4, 1, len(second), 0)
    exif = b"Exif\0\0II*\0" + struct.pack("<IHI", 8, 0, 14) + exif + second
    caption = b"\x1c\2\x78\0\x09a caption"
    photoshop = b"Photoshop 3.0\x008BIM\4\4\0\0" + struct.pack(">I", len(caption)) + caption + b"\0"
    jpeg = encode(still, "JPEG", exif=exif, xmp=packet, comment=b"a comment", icc_profile=profile_of(1.0, _WIDE))
    texts = chunk(b"tEXt", b"Comment\0a comment") + chunk(b"zTXt", b"Title\0\0" + zlib.compress(b"a title"))
    texts += chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + packet) + chunk(b"gAMA", struct.pack(">I", 100_000))
    gif = animated("GIF", [1, 2], (64, 48))
    return {
        "said jpeg": jpeg[:2] + segment(0xED, photoshop) + jpeg[2:],
        "said png": _with_chunks(encode(still, "PNG"), texts),
        "said gif": gif[:-1] + b"!\xfe\x09a comment\0!\xff\x0bXMP DataXMP" + packet + b"\1\0\0;",
        "said webp": encode(still, "WEBP", exif=exif, xmp=packet, icc_profile=profile_of(1.0, _WIDE)),
        "said avif": encode(still, "AVIF", exif=exif, xmp=packet, icc_profile=profile_of(1.0, _WIDE)),
    }


_WIDE = (0.3457, 0.3585, 0.7347, 0.2653, 0.1596, 0.8404, 0.0366, 0.0001)
TAGS = {
    "title": "Rain",
    "artist": "Somebody",
    "comment": "for May",
    "lyrics": "Rain falls\nand falls",
    "own": "two words",
}
SUBTITLES = "1\n00:00:00,100 --> 00:00:00,500\none <i>line</i>\n\n2\n00:00:00,600 --> 00:00:00,900\nanother\n"
STYLED = (
    "[Script Info]\nScriptType: v4.00+\n\n[V4+ Styles]\nFormat: Name, Fontname\nStyle: Default,Arial\n\n[Events]\n"
    "Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n"
    "Dialogue: 0,0:00:00.10,0:00:00.50,Default,,0,0,0,,one {\\b1}line\n"
)


def id3_cover(picture: bytes, mime: bytes = b"image/jpeg") -> bytes:
    """An ID3 tag with a cover, which comes before an MP3."""
    body = b"\0" + mime + b"\0\x03\0" + picture
    frame = b"APIC" + struct.pack(">IH", len(body), 0) + body
    return b"ID3\3\0\0" + bytes((len(frame) >> shift) & 0x7F for shift in (21, 14, 7, 0)) + frame


def _shapes() -> str:
    """Rows of little polygons."""
    places = [(60 + 9 * (at % 40), 700 - 14 * (at // 40), at % 5) for at in range(200)]
    return " ".join(f"{x} {y} m {x + 6} {y} {x + 7} {y + k} {x + 3 + k} {y + 8} c h f*" for x, y, k in places)


def mutants(count: int, seed: int, share: Callable[[int], bool]) -> Iterator[tuple[str, str, bytes]]:
    """``count`` files (description, sense, bytes); of them those whose number ``share`` picks."""
    files = originals()
    names = sorted(files)
    made = crafted(files)
    for number in range(count):
        if not share(number):
            continue
        chance = random.Random(f"{seed}:{number}")
        if number % 20 == 0 and number // 20 < len(made):
            yield made[number // 20]
            continue
        name = names[number % len(names)]
        sense, data = files[name]
        mutation = chance.choice(MUTATIONS)
        data = mutation(bytearray(data), chance, files)
        if chance.random() < 0.3:
            data = chance.choice(MUTATIONS)(bytearray(data), chance, files)
        if chance.random() < 0.05:
            sense = chance.choice([IMAGE, SOUND, VIDEO, PAPER])  # a wrong extension
        yield f"{number} {name} {mutation.__name__}", sense, bytes(data)


Files = dict[str, tuple[str, bytes]]


def cut_off(data: bytearray, chance: random.Random, files: Files) -> bytes:
    return bytes(data[: chance.randrange(len(data) + 1)])


def flip(data: bytearray, chance: random.Random, files: Files) -> bytes:
    for _ in range(chance.choice([1, 2, 8, 40])):
        if data:
            data[chance.randrange(len(data))] = chance.choice([0, 255, 127, 128, chance.randrange(256)])
    return bytes(data)


def flip_head(data: bytearray, chance: random.Random, files: Files) -> bytes:
    for _ in range(chance.choice([1, 3, 8])):
        if data:
            data[chance.randrange(min(len(data), 200))] = chance.choice([0, 255, chance.randrange(256)])
    return bytes(data)


def huge_numbers(data: bytearray, chance: random.Random, files: Files) -> bytes:
    """Sizes, counts and dimensions that no file has."""
    for _ in range(chance.choice([1, 2, 4])):
        at = chance.randrange(max(1, len(data) - 4))
        data[at : at + 4] = chance.choice(
            [b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\0\0\0", b"\0\0\0\1", b"\x80\0\0\0"]
        )
    return bytes(data)


def repeat(data: bytearray, chance: random.Random, files: Files) -> bytes:
    """A stretch again and again: streams that do not end."""
    if not data:
        return b""
    start = chance.randrange(len(data))
    stretch = data[start : start + chance.choice([4, 64, 1_000])]
    return bytes(data[:start] + stretch * chance.choice([10, 200]) + data[start:])


def leave_out(data: bytearray, chance: random.Random, files: Files) -> bytes:
    start = chance.randrange(len(data) + 1)
    del data[start : start + chance.choice([1, 4, 100, 1_000])]
    return bytes(data)


def insert(data: bytearray, chance: random.Random, files: Files) -> bytes:
    start = chance.randrange(len(data) + 1)
    data[start:start] = chance.randbytes(chance.choice([1, 4, 100, 3_000]))
    return bytes(data)


def swap(data: bytearray, chance: random.Random, files: Files) -> bytes:
    """Two stretches change places: boxes, chunks and pages out of order."""
    if len(data) < 200:
        return bytes(data)
    one, other = sorted(chance.sample(range(0, len(data) - 100), 2))
    size = min(100, other - one)
    data[one : one + size], data[other : other + size] = data[other : other + size], data[one : one + size]
    return bytes(data)


def splice(data: bytearray, chance: random.Random, files: Files) -> bytes:
    """The head of one file, the rest of another."""
    other = files[chance.choice(sorted(files))][1]
    return bytes(data[: chance.randrange(len(data) + 1)]) + other[chance.randrange(len(other)) :]


def append(data: bytearray, chance: random.Random, files: Files) -> bytes:
    """A file behind a file."""
    return bytes(data) + files[chance.choice(sorted(files))][1]


MUTATIONS = (cut_off, flip, flip_head, huge_numbers, repeat, leave_out, insert, swap, splice, append)


# ── made by hand ────────────────────────────────────────────────────────────────────────────────────────────────────


def crafted(files: Files) -> list[tuple[str, str, bytes]]:
    """Attacks with a name."""
    png, jpeg, gif = files["png"][1], files["jpeg"][1], files["gif"][1]
    mp4, mkv, wav = files["mp4"][1], files["mkv"][1], files["wav"][1]
    images = {
        "nothing": b"",
        "one byte": b"\x89",
        "PNG of 60,000 × 60,000": png_of(60_000, 60_000, b""),
        "PNG bomb: 7,000 × 7,000 of nothing": png_of(7_000, 7_000, bytes(7_001 * 7_000)),
        "PNG bomb beyond its size": png_of(10, 10, bytes(30_000_000)),
        "PNG without pixels": png_of(0, 0, b""),
        "PNG one pixel high": png_of(1_000_000, 1, bytes(1_000_001)),
        "PNG with 50,000 chunks": _with_chunks(png, chunk(b"tEXt", b"a\0b") * 50_000),
        "PNG with a text bomb": _with_chunks(png, chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(100_000_000)))),
        "PNG with a profile bomb": _with_chunks(png, chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(100_000_000)))),
        "PNG with unending EXIF": _with_chunks(png, chunk(b"eXIf", looping_exif())),
        "JPEG with unending EXIF": jpeg[:2] + segment(0xE1, b"Exif\0\0" + looping_exif()) + jpeg[2:],
        "JPEG with 400 EXIF segments": jpeg[:2] + segment(0xE1, b"Exif\0\0" + bytes(65_000)) * 400 + jpeg[2:],
        "JPEG with 100,000 comments": jpeg[:2] + segment(0xFE, b"") * 100_000 + jpeg[2:],
        "JPEG of 65,535 × 65,535": _with_size(jpeg, 65_535, 65_535),
        "JPEG of 7,000 × 7,000 that ends early": _with_size(jpeg, 7_000, 7_000),
        "GIF of 65,535 × 65,535": gif[:6] + b"\xff\xff\xff\xff" + gif[10:],
        "GIF with 20,000 frames": gif[:-1] + _gif_frame() * 20_000 + b";",
        "GIF that is a script": b"GIF89a/*" + gif[8:] + b"*/=1;alert(1)",
        "WebP that claims 16,383 × 16,383": _webp_of(16_383, 16_383),
        "AVIF with huge boxes": files["avif"][1].replace(
            b"ispe\0\0\0\0", b"ispe\0\0\0\0\x7f\xff\xff\xff\x7f\xff\xff\xff", 1
        ),
        "SVG": b"<svg xmlns='http://www.w3.org/2000/svg'><image href='file:///etc/passwd'/></svg>",
        "PostScript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/etc/passwd) (r) file\n",
        "TIFF": b"II*\0" + bytes(1_000),
        "ZIP behind a PNG": png + b"PK\x03\x04" + bytes(500),
        "video as an image": mp4,
    }
    said = said_images(noise(1, (96, 64)))
    images |= {
        "PNG with 100,000 texts": _with_chunks(png, b"".join(chunk(b"tEXt", b"a\0%d" % n) for n in range(100_000))),
        "PNG with 60 text bombs": _with_chunks(png, chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(1_000_000))) * 60),
        "PNG with XMP 100,000 deep": _with_chunks(png, chunk(b"iTXt", _XMP + b"<a>" * 100_000)),
        "PNG with XMP of laughs": _with_chunks(png, chunk(b"iTXt", _XMP + laughs().encode())),
        "PNG with a gamma of nothing": _with_chunks(png, chunk(b"gAMA", bytes(4)) + chunk(b"cHRM", bytes(32))),
        "GIF of comments": gif[:-1] + b"!\xfe\1a\0" * 200_000 + b";",
        "JPEG with 400 thumbnails": jpeg[:2] + segment(0xE0, b"JFXX\0\x10" + jpeg) * 400 + jpeg[2:],
        "JPEG with Photoshop's endless blocks": jpeg[:2]
        + segment(0xED, b"Photoshop 3.0\0" + b"8BIM\4\4\0\0\0\0\0\0" * 5_000) * 20
        + jpeg[2:],
        "JPEG whose profile is huge numbers": said["said jpeg"].replace(b"rXYZ", b"rXYZ\xff\xff\xff\xff"),
        "profile of another length": said["said webp"].replace(b"acsp", b"acsp\xff\xff\xff\xff"),
    }
    videos = {
        "nothing": b"",
        "playlist": b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nhttp://169.254.169.254/latest\n#EXT-X-ENDLIST\n",
        "playlist of files": b"ffconcat version 1.0\nfile /etc/passwd\n",
        "DASH": b"<?xml version='1.0'?><MPD xmlns='urn:mpeg:dash:schema:mpd:2011'><BaseURL>file:///etc/</BaseURL></MPD>",
        "subtitles": b"1\n00:00:00,000 --> 99:59:59,000\nhello\n" * 1_000,
        "SDP": b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nm=video 1234 RTP/AVP 96\n",
        "MP4 whose boxes hold themselves": (b"\0\0\0\x10moov\0\0\0\x08" * 50_000)[:400_000],
        "MP4 with boxes of no size": mp4[:40] + b"\0\0\0\0free" * 20_000,
        "MP4 boxes 10,000 deep": b"".join(struct.pack(">I4s", 8 * (10_000 - n), b"moov") for n in range(10_000)),
        "MP4 of a year": mp4.replace(b"mvhd\0\0\0\0", b"mvhd\1\0\0\0", 1),
        "MP4 of 65,535 × 65,535": mp4.replace(struct.pack(">HH", 64, 48), b"\xff\xff\xff\xff"),
        "MP4 with a huge sample table": _with_table(mp4, b"stsz"),
        "MP4 with huge times": _with_table(mp4, b"stts"),
        "MP4 with 4 GB of samples in a chunk": _with_table(mp4, b"stsc"),
        "Matroska of unknown size without end": mkv + mkv[len(mkv) // 2 :] * 50,
        "Matroska full of voids": mkv[:60] + (b"\xec\x80" * 500_000) + mkv[60:],
        "transport stream of 100 programmes": files["ts"][1] * 100,
        "AVI of 2³¹ frames": files["avi"][1].replace(b"avih", b"avih\xff\xff\xff\x7f", 1),
        "image as a video": jpeg,
        "animated image as a video": gif,
        "a video behind an image": jpeg + mp4,
        "zeros": bytes(2_000_000),
        "ones": b"\xff" * 2_000_000,
        "sync bytes": (b"\x47\x40\0\x10" + bytes(184)) * 5_000,
    }
    sounds = {
        "nothing": b"",
        "WAV of 4 GB": wav[:4] + b"\xff\xff\xff\xff" + wav[8:40] + b"\xff\xff\xff\xff" + wav[44:],
        "WAV of 65,535 channels": wav[:22] + b"\xff\xff" + wav[24:],
        "WAV of no samples a second": wav[:24] + b"\0\0\0\0" + wav[28:],
        "WAV of 4 billion samples a second": wav[:24] + b"\xff\xff\xff\xff" + wav[28:],
        "WAV of one sample a second": wav[:24] + b"\1\0\0\0" + wav[28:],
        "MP3 with 16 MB of tags": b"ID3\4\0\0\x07\x7f\x7f\x7f" + b"APIC" + bytes(16_000_000) + files["mp3"][1],
        "MP3 of 10,000 frames more": files["mp3"][1] * 30,
        "Ogg of a thousand chains": files["ogg"][1] * 300,
        "FLAC with huge images": b"fLaC\6\xff\xff\xff" + bytes(1_000_000),
        "MP3 of 1,000 covers": id3_cover(jpeg) * 1_000 + files["mp3"][1],
        "APE tags that are endless": files["mp3"][1] + b"APETAGEX" + b"\xff" * 24,
        "APE tags of tags": files["mp3"][1] + b"\0\0\0\0\0\0\0\0a\0" * 9_999 + b"APETAGEX" + b"\x10\x27\1\0" * 6,
        "video as sound": mp4,
        "text as sound": b"hello " * 10_000,
    }
    papers = {
        "PDF with a bomb for a page": pdf_with(stream(zlib.compress(bytes(300_000_000)), "/Filter /FlateDecode")),
        "PDF with bombs in a bomb": pdf_with(
            stream(zlib.compress(zlib.compress(bytes(300_000_000))), "/Filter [/FlateDecode /FlateDecode]")
        ),
        "PDF with a million operators": pdf_with(stream(b"BT (a) Tj ET " * 1_000_000)),
        "PDF with a page that draws itself": pdf_with(
            stream(b"/X Do " * 100), more="/XObject << /X 5 0 R >>", form=stream(b"/X Do " * 100, "/Subtype /Form")
        ),
        "PDF whose pages are their own parents": pdf(Page(["a"])).replace(b"/Kids [10 0 R]", b"/Kids [2 0 R]"),
        "PDF of 100,000 pages that are one": pdf(Page(["a"])).replace(
            b"/Kids [10 0 R]", b"/Kids [" + b"10 0 R " * 100_000
        ),
        "PDF with arrays 50,000 deep": pdf(Page(["a"]), root="/X " + "[" * 50_000),
        "PDF with dictionaries 50,000 deep": pdf(Page(["a"]), root="/X <<" * 50_000),
        "PDF whose length is elsewhere": pdf(Page(["a"])).replace(b"/Length ", b"/Length 11 0 R "),
        "PDF with an image of 4 billion pixels": pdf(Page(image=(png, 65_000, 65_000))),
        "PDF with 5,000 images": pdf(*[Page(image=(jpeg, 96, 64))] * 5_000),
        "PDF that is only its head": b"%PDF-1.7\n%%EOF\n" * 10_000,
        "PDF with 100,000 tables": pdf(Page(["a"]))
        + b"xref\n0 1\ntrailer\n<< /Prev 9 >>\nstartxref\n9\n%%EOF\n" * 100_000,
        "DOCX with a billion laughs": docx(more={"word/x.xml": laughs()}),
        "DOCX with a file from elsewhere": docx(
            more={"word/x.xml": "<!DOCTYPE x [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><t>&a;</t>"}
        ),
        "DOCX of 1 GB of nothing": docx(more={f"word/{n}.xml": bytes(50_000_000) for n in range(20)}),
        "DOCX 100,000 deep": docx(more={"word/x.xml": "<a>" * 100_000}),
        "DOCX with 50,000 attributes": docx(
            more={"word/x.xml": "<a " + " ".join(f"a{n}='x'" for n in range(50_000)) + "/>"}
        ),
        "ZIP of 60,000 files": packed({f"{n}": b"" for n in range(60_000)}),
        "PDF that attaches a bomb": pdf(
            Page(["a"]), root=ATTACHED, objects={5: stream(zlib.compress(bytes(300_000_000)), "/Filter /FlateDecode")}
        ),
        "PDF that attaches 3,000 files": pdf(
            Page(["a"]),
            root=f"/AF [{' '.join(f'<< /F (a) /EF << /F {100 + n} 0 R >> >>' for n in range(3_000))}]",
            objects={100 + n: stream(b"%d" % n) for n in range(3_000)},
        ),
        "PDF that attaches itself": pdf(Page(["a"]), root="/AF [<< /F (a) /EF << /F 1 0 R /UF 10 0 R >> >>]"),
        "files 200 deep": _deep(200),
        "DOCX of 40 bombs": docx(
            more={f"word/embeddings/{n}.docx": docx(f"{n}", more={"x.xml": bytes(50_000_000)}) for n in range(40)}
        ),
        "DOCX of 40 slow pages": docx(
            more={f"word/embeddings/{n}.bin": pdf(Page([f"{n}"], drawn="BT (a) Tj ET " * 4_000)) for n in range(40)}
        ),
        "object whose sectors go in a circle": docx(
            more={"word/embeddings/a.bin": compound({"CONTENTS": bytes(9_000)}).replace(b"\2\0\0\0\3", b"\2\0\0\0\2")}
        ),
        "object of huge sectors": docx(
            more={"a.bin": compound({"a": b"x"})[:30] + b"\x1f\0" + compound({"a": b"x"})[32:]}
        ),
        "one path of 100,000 points": pdf(Page(["a"], drawn="0 0 m " + "1 2 l " * 100_000 + "f")),
        "rectangles over everything": pdf(Page(["a"] * 50, drawn="0 0 600 850 re f " * 4_000)),
        "letters as large as a page": pdf(
            Page(["a"], drawn=" ".join(f"{n} {n} m {n + 60} {n + n % 7} l {n} {n + 70} l h f" for n in range(1_000)))
        ),
        "text of all bytes": bytes(range(128, 256)) * 20_000,
        "ZIP in a ZIP in a ZIP": packed({"a.zip": packed({"b.zip": packed({"[Content_Types].xml": b""})})}),
        "ZIP whose files are one": docx("a" * 1_000_000).replace(b"word/document", b"word/documenu", 1),
        "HTML of open tags": b"<a href=" * 200_000,
        "HTML of comments": b"<!doctype html>" + b"<!--" * 300_000,
        "HTML of unfinished declarations": b"<!doctype html>" + b"<![CDATA[" * 200_000,
        "HTML of entities": b"<p>" + b"&" * 1_000_000,
        "HTML of 200,000 attributes": b"<p " + b"a='b' " * 200_000 + b">",
        "HTML with one endless attribute": b"<p a='" + b"x" * 5_000_000,
        "HTML of scripts": b"<script>" * 200_000,
        "words without end": b"a" * 10_000_000,
        "UTF-16 cut in half": b"\xff\xfe" + b"a\0" * 100 + b"\xd8",
        "video as a document": mp4,
        "image as a document": png,
    }
    return [
        *((f"paper: {name}", PAPER, data) for name, data in papers.items()),
        *((f"image: {name}", IMAGE, data) for name, data in images.items()),
        *((f"video: {name}", VIDEO, data) for name, data in videos.items()),
        *((f"sound: {name}", SOUND, data) for name, data in sounds.items()),
    ]


_XMP = b"XML:com.adobe.xmp\0\0\0\0\0"
ATTACHED = "/AF [<< /F (a) /EF << /F 5 0 R >> >>]"


def _deep(count: int) -> bytes:
    data = docx("a")
    for _ in range(count):
        data = docx("a", more={"word/embeddings/a.docx": data})
    return data


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_of(width: int, height: int, rows: bytes) -> bytes:
    """A grey PNG whose header may promise anything."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def segment(marker: int, data: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data


def looping_exif() -> bytes:
    """A directory of entries whose next directory is itself."""
    entries = b"".join(struct.pack("<HHII", 0x0112 + n, 4, 1, 8) for n in range(500))
    return b"II*\0\x08\0\0\0" + struct.pack("<H", 500) + entries + struct.pack("<I", 8)


def _with_exif(image: Image.Image) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = "an image " * 1_000
    return encode(image, "JPEG", exif=exif)


def _with_chunks(png: bytes, chunks: bytes) -> bytes:
    return png[:33] + chunks + png[33:]


def _with_size(jpeg: bytes, width: int, height: int) -> bytes:
    at = jpeg.index(b"\xff\xc0")
    return jpeg[: at + 5] + struct.pack(">HH", height, width) + jpeg[at + 9 :]


def _gif_frame() -> bytes:
    return b"!\xf9\4\0\1\0\0\0,\0\0\0\0\1\0\1\0\0\2\2D\1\0"


def _webp_of(width: int, height: int) -> bytes:
    body = b"VP8X" + struct.pack("<I", 10) + b"\x02\0\0\0" + (width - 1).to_bytes(3, "little")
    body += (height - 1).to_bytes(3, "little") + b"ANIM\6\0\0\0\0\0\0\0\0\0"
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def _with_table(mp4: bytes, kind: bytes) -> bytes:
    at = mp4.index(kind)
    return mp4[: at + 8] + b"\x0f\xff\xff\xff" + mp4[at + 12 :]


def pdf_with(content: bytes, more: str = "", form: bytes = b"null") -> bytes:
    """A PDF whose only page is drawn by this stream."""
    page = f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 4 0 R /Resources << {more} >> >>"
    return pdf(objects={3: page.encode(), 4: content, 5: form}).replace(b"/Kids []", b"/Kids [3 0 R]")


def laughs() -> str:
    """Entities of entities of entities."""
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "ha"}">' for n in range(10))
    return f"<!DOCTYPE x [{entities}]><x><t>&l9;</t></x>"
