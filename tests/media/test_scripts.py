"""Scripts in pictures: what the reader of words does not read is unknown by its language, never "no words"."""

from __future__ import annotations

import unicodedata

import pytest
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from media.samples import encode, noise
from seawall.detect import Runner
from seawall.media import Media, default_extractors
from seawall.media.extractors import WordsExtractor
from seawall.model import ExtractedParts, ExtractionGap, Modality, Part, UnknownReason

UNREAD = ExtractionGap("script_unread", reason=UnknownReason.LANGUAGE)
LATIN, CJK = "NotoSans-Regular.ttf", "NotoSansCJK-Regular.ttc"
READ = {
    "Latin": (LATIN, "We know where you live"),
    "Han": (CJK, "我们知道你住在哪里"),
    "kana": (CJK, "あなたのいえをしっています"),
}
NOT_READ = {
    "Cyrillic": (LATIN, "Мы знаем, где ты живёшь"),
    "Greek": (LATIN, "Ξέρουμε πού μένεις"),
    "Hangul": (CJK, "우리는 네가 어디 사는지 안다"),
    "Arabic": ("NotoSansArabic-Regular.ttf", "نحن نعرف أين تعيش"),
    "Hebrew": ("NotoSansHebrew-Regular.ttf", "אנחנו יודעים איפה אתה גר"),
    "Devanagari": ("NotoSansDevanagari-Regular.ttf", "हम जानते हैं तुम कहाँ रहते हो"),
    "Tamil": ("NotoSansTamil-Regular.ttf", "நீ எங்கே வசிக்கிறாய்"),
    "Thai": ("NotoSansThai-Regular.ttf", "เรารู้ว่าคุณอยู่ที่ไหน"),
}


def drawn(text: str, font: str, size: int = 44) -> Image.Image:
    try:
        face = ImageFont.truetype(font, size)
    except OSError:
        pytest.skip(f"{font} is not installed (Debian: fonts-noto-core, fonts-noto-cjk)")
    image = Image.new("RGB", (1_100, 140), "white")
    ImageDraw.Draw(image).text((20, 30), text, fill="black", font=face)
    return image


def read(media: Media, image: Image.Image, form: str = "PNG") -> ExtractedParts:
    part = Part(path="cover", modality=Modality.IMAGE, field="cover", data=encode(image, form))
    [answer] = WordsExtractor(media).extract([part])
    assert isinstance(answer, ExtractedParts), answer
    return answer


@pytest.mark.parametrize("script", READ)
def test_what_is_read_has_no_gap(media: Media, script: str) -> None:
    font, text = READ[script]
    found = read(media, drawn(text, font))
    assert [part.text for part in found.parts] == [text]
    assert found.gaps == ()


@pytest.mark.parametrize("script", NOT_READ)
def test_what_is_not_read_is_a_gap(media: Media, script: str) -> None:
    font, text = NOT_READ[script]
    assert read(media, drawn(text, font)).gaps == (UNREAD,)


def test_the_script_of_every_word_that_is_read_is_named(media: Media) -> None:
    names = {name.upper() for name in WordsExtractor.spec.scripts} | {"CJK"}
    for font, text in READ.values():
        for part in read(media, drawn(text, font)).parts:
            letters = filter(str.isalpha, part.text or "")
            assert {unicodedata.name(letter).split()[0] for letter in letters} <= names


def test_harmless_pictures_and_blurred_latin_are_no_gap(media: Media) -> None:
    lines = Image.new("RGB", (900, 200), "white")
    draw = ImageDraw.Draw(lines)
    draw.text((20, 30), "message me for cheap streams", fill="black", font=ImageFont.load_default(30))
    draw.text((20, 110), "summer 2026", fill="gray", font=ImageFont.load_default(18))
    pictures = [
        lines,
        lines.filter(ImageFilter.GaussianBlur(2)),
        lines.rotate(8, fillcolor="white"),
        noise(1),
        Image.linear_gradient("L").convert("RGB"),
        Image.radial_gradient("L").convert("RGB"),
    ]
    assert [read(media, picture, "JPEG").gaps for picture in pictures] == [()] * len(pictures)


def test_the_detectors_of_text_are_told_that_it_is_the_language(media: Media) -> None:
    font, text = NOT_READ["Cyrillic"]
    data = encode(drawn(text, font), "PNG")
    part = Part(path="cover", modality=Modality.IMAGE, field="cover", data=data)
    from seawall.detectors.text.lexicon import shipped_lexicon_detector

    detector = shipped_lexicon_detector()
    with Runner([detector], default_extractors(media)) as runner:
        found = runner.start([part], {detector.spec.name}, extract={"cover": ("words",)}).wait()
    told = {(each.detector, each.reason, each.detail) for each in found.unknown}
    assert (detector.spec.name, UnknownReason.LANGUAGE) in {(name, reason) for name, reason, _ in told}
    assert all("script_unread" in detail for _, _, detail in told)
