"""Tesseract as the second reader of words in pictures: through the real library where it is installed; its absence, and
what counts as a reading, everywhere."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw, ImageFilter, ImageFont
from typer.testing import CliRunner

from media.samples import encode, noise
from media.test_scripts import NOT_READ, READ, UNREAD, drawn, read
from seawall.cli.main import app
from seawall.media import (
    DoubtedLine,
    Media,
    MediaLimits,
    TesseractError,
    TextLine,
    UnreadableMedia,
    default_extractors,
)
from seawall.media import tesseract as library
from seawall.media.blocks import blocks
from seawall.media.decoders import second_reading
from seawall.media.decoders.second_reading import LEAST_DOUBTED, LEAST_UNREAD, best, cut, share_of_script
from seawall.media.extractors import WordsExtractor
from seawall.media.tesseract import SCRIPTS, second_reader

LANGUAGES = ("ara", "ell", "heb", "hin", "kor", "rus", "tam", "tha")
LINE = DoubtedLine((10.0, 10.0, 200.0, 10.0, 200.0, 60.0, 10.0, 60.0), (10, 10, 200, 60), True)


@pytest.fixture(scope="module")
def second() -> Iterator[Media]:
    try:
        second_reader(LANGUAGES)
    except TesseractError as error:
        if os.environ.get("CI"):
            pytest.fail(str(error))
        pytest.skip(str(error))
    shared = Media(MediaLimits(max_pixels=4_000_000, ocr_languages=LANGUAGES))
    yield shared
    shared.close()


@pytest.mark.parametrize("script", NOT_READ)
def test_what_the_first_reader_cannot_read_is_read_where_it_stands(second: Media, script: str) -> None:
    font, text = NOT_READ[script]
    found = read(second, drawn(text, font))
    [part] = found.parts
    assert part.text == text
    assert found.gaps == ()
    assert part.span is not None
    assert part.span.box is not None
    left, top, right, bottom = part.span.box
    assert left < 30 < 300 < right < 700
    assert 10 < top < 60 < 80 < bottom < 130


@pytest.mark.parametrize("script", READ)
def test_what_the_first_reader_reads_stays(second: Media, script: str) -> None:
    font, text = READ[script]
    assert [part.text for part in read(second, drawn(text, font)).parts] == [text]


def test_lines_of_both_readers_are_in_one_answer(second: Media) -> None:
    image = drawn("We know where you live", READ["Latin"][0])
    both = Image.new("RGB", (1_100, 420), "white")
    both.paste(image, (0, 0))
    both.paste(drawn("Сегодня вечером на площади", NOT_READ["Cyrillic"][0]), (0, 140))
    both.paste(drawn("مساء اليوم في الساحة", NOT_READ["Arabic"][0]), (0, 280))
    found = read(second, both)
    text = "\n".join(part.text or "" for part in found.parts)
    assert text.splitlines() == ["We know where you live", "Сегодня вечером на площади", "مساء اليوم في الساحة"]
    assert found.gaps == ()


def test_a_script_of_no_installed_language_stays_unread(second: Media) -> None:
    with_arabic = Media(MediaLimits(ocr_languages=("ara", "tha")))
    try:
        for script in ("Cyrillic", "Hangul", "Tamil"):
            font, text = NOT_READ[script]
            found = read(with_arabic, drawn(text, font))
            assert found.gaps == (UNREAD,)
            assert not any(share_of_script(part.text or "", "Thai") for part in found.parts)
    finally:
        with_arabic.close()


def test_blurred_latin_and_pictures_without_words_are_left_alone(media: Media, second: Media) -> None:
    lines = Image.new("RGB", (900, 200), "white")
    draw = ImageDraw.Draw(lines)
    draw.text((20, 30), "message me for cheap streams", fill="black", font=ImageFont.load_default(30))
    draw.text((20, 110), "summer 2026", fill="gray", font=ImageFont.load_default(18))
    pictures = [lines, *(lines.filter(ImageFilter.GaussianBlur(radius)) for radius in (1, 2, 3)), noise(1)]
    for picture in pictures:
        assert read(second, picture, "JPEG") == read(media, picture, "JPEG")


def test_the_version_says_which_reader_and_languages(media: Media, second: Media) -> None:
    without, spec = WordsExtractor(media).spec, WordsExtractor(second).spec
    assert spec.version.startswith(f"{without.version} tesseract 5.")
    assert f" {'+'.join(LANGUAGES)} " in spec.version
    assert {"Latin", "Han", "Arabic", "Cyrillic", "Devanagari"} <= set(spec.scripts)
    assert not {"Arabic", "Cyrillic"} & set(without.scripts)


def test_it_runs_confined_and_refuses_what_is_too_large(second: Media) -> None:
    before = set(second.pids)
    data = encode(drawn(NOT_READ["Cyrillic"][1], NOT_READ["Cyrillic"][0]), "PNG")
    assert second.words_again(data, [LINE]) is not None
    assert second.words_again(b"no image", [LINE]) == UnreadableMedia("not_an_image")
    assert second.words_again(encode(Image.new("L", (2_100, 2_000)), "PNG"), [LINE]) == UnreadableMedia(
        "too_many_pixels"
    )
    far = DoubtedLine((-9e5, 0.0, 9e5, 0.0, 9e5, 9e5, -9e5, 9e5), (0, 0, 9, 9), True)
    assert second.words_again(data, [far] * 2) == {}
    statuses = [Path(f"/proc/{pid}/status") for pid in set(second.pids) - before] or [
        Path(f"/proc/{pid}/status") for pid in second.pids
    ]
    filtered = [status.read_text().split("Seccomp:\t")[1][0] for status in statuses if status.exists()]
    assert set(filtered) <= {"2"}


def test_without_tesseract_a_language_is_refused_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "_LIBRARIES", ("libtesseract-that-is-nowhere.so",))
    library._library.cache_clear()
    try:
        with pytest.raises(
            TesseractError, match=r"SEAWALL_OCR_LANGUAGES: Tesseract 5 is not installed \(Debian: tesser"
        ):
            second_reader(["rus"])
        media = Media(MediaLimits(ocr_languages=("rus",)))
        with pytest.raises(TesseractError, match="not installed"):
            default_extractors(media)
    finally:
        library._library.cache_clear()


class Sure:
    """A model that reads one Russian word everywhere."""

    def __init__(self, language: str) -> None:
        self.language = language

    def read(self, grey: bytes, width: int, height: int) -> tuple[str, float]:
        assert len(grey) == width * height
        return "знаем", 0.95


def test_lines_for_which_there_is_no_time_stay_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(second_reading, "LanguageModel", Sure)
    lines = second_reading.load(["rus"])["lines"]
    data = encode(Image.new("RGB", (300, 80), "white"), "PNG")
    options = {"max_pixels": 4_000_000, "corners": [LINE.corners] * 70, "unread": [True] * 70}
    read: Any = lines(data, {**options, "seconds": 20.0})[0]
    assert [(each.line, each.text, each.score, each.script) for each in read] == [
        (number, "знаем", 0.95, "Cyrillic") for number in range(60)
    ]
    assert lines(data, {**options, "seconds": -1.0}) == ([], ())


def test_a_language_that_is_not_installed_is_named(second: Media, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SCRIPTS, "zzz", "Khmer")
    with pytest.raises(TesseractError, match=r"no model for zzz: install it \(Debian: tesseract-ocr-zzz"):
        second_reader(["rus", "zzz"])


def test_a_language_of_the_first_reader_is_refused_on_the_command_line() -> None:
    result = CliRunner().invoke(app, ["detectors", "list"], env={"SEAWALL_OCR_LANGUAGES": "rus,eng"})
    assert result.exit_code == 1
    assert "SEAWALL_OCR_LANGUAGES: eng is no language of a script that the first reader does not know" in " ".join(
        result.output.split()
    )


def test_a_process_that_cannot_load_a_language_says_so() -> None:
    media = Media(MediaLimits(ocr_languages=("zzz",)))
    try:
        data = encode(Image.new("RGB", (300, 80), "white"), "PNG")
        assert media.words_again(data, [LINE]) == UnreadableMedia("not_installed")
    finally:
        media.close()


def model(text: str, confidence: float) -> Callable[[Image.Image], tuple[str, float]]:
    return lambda _: (text, confidence)


def test_the_reading_in_its_own_script_wins() -> None:
    crop = Image.new("L", (9, 9))
    greek = {"tha": model("=อ์00บนธ ฑเอบ นอ์บธเ6ุ", 0.77), "ell": model("Ξέρουμε πού μένεις", 0.73)}
    assert best(greek, crop, LEAST_UNREAD) == ("Ξέρουμε πού μένεις", 0.73, "ell")
    assert best(greek, crop, LEAST_DOUBTED) == ("", 0.0, "")
    assert best({"tha": model("วาบา ภาษา งางาพ", 0.87)}, crop, LEAST_UNREAD)[0] == ""  # Hebrew, read as Thai
    assert best({"tha": model("เพลงใหม่ของฤดูร้อนนี้", 0.94)}, crop, LEAST_UNREAD)[2] == "tha"


@pytest.mark.parametrize(
    ("text", "script", "share"),
    [
        ("Мы знаем, где ты живёшь!", "Cyrillic", 1.0),
        ("We know", "Cyrillic", 0.0),
        ("Мы2 2", "Cyrillic", 0.5),
        ("हम जानते हैं", "Devanagari", 1.0),
        ("…", "Arabic", 0.0),
        ("", "Arabic", 0.0),
    ],
)
def test_the_share_of_a_script(text: str, script: str, share: float) -> None:
    assert share_of_script(text, script) == share


def test_a_line_is_cut_upright_with_a_margin_of_its_ground() -> None:
    page = Image.new("L", (300, 300), 40)
    ImageDraw.Draw(page).rectangle((50, 100, 249, 139), fill=200)
    flat = cut(page, (50, 100, 250, 100, 250, 140, 50, 140))
    assert flat.size == (220, 60)
    assert flat.getpixel((0, 0)) == flat.getpixel((110, 30)) == 200
    assert cut(page, (50, 50, 90, 50, 90, 250, 50, 250)).size == (220, 60)  # a line from top to bottom


def test_pieces_of_a_row_from_right_to_left_are_joined_so() -> None:
    pieces = (TextLine("יודעים איפה", 0.9, (10, 10, 110, 40)), TextLine("אנחנו", 0.9, (120, 10, 180, 40)))
    assert [text for text, _ in blocks(pieces)] == ["אנחנו יודעים איפה"]
    pieces = (TextLine("we", 0.9, (10, 10, 110, 40)), TextLine("know", 0.9, (120, 10, 180, 40)))
    assert [text for text, _ in blocks(pieces)] == ["we know"]


def test_a_line_without_four_corners_is_refused() -> None:
    with pytest.raises(ValueError, match="four corners"):
        DoubtedLine((1.0, 2.0), (0, 0, 1, 1), True)
    with pytest.raises(ValueError, match="four corners"):
        DoubtedLine((float("nan"),) * 8, (0, 0, 1, 1), True)
