"""Which scripts are read in pictures, without and with Tesseract: `./run bench scripts`.

Three sentences in each script, drawn in Noto fonts at 20 and 40 pixels, sharp, and blurred and compressed. Of each
line: read in every letter, not read (`script_unread`), or read otherwise; without Tesseract, with its languages, and
with all but those of the line's script, which must not read it as another. `letters`: the share of wrong
ones in what Tesseract
reads. Needs the extra media, Debian's fonts-noto-core, fonts-noto-cjk, tesseract-ocr and the languages of `LANGUAGES`.
Prints a table, then one line of JSON.
"""

from __future__ import annotations

import io
import json
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from PIL import Image, ImageDraw, ImageFilter, ImageFont

from seawall.media import ImageWords, Media, MediaLimits, ProcessLimits, UnreadableMedia
from seawall.media.blocks import blocks
from seawall.media.extractors import with_readings
from seawall.media.tesseract import SCRIPTS, second_reader

LANGUAGES: Final = ("ara", "ben", "ell", "heb", "hin", "kor", "rus", "tam", "tha")
LATIN, CJK = "NotoSans-Regular.ttf", "NotoSansCJK-Regular.ttc"
_PATIENT: Final = ProcessLimits(seconds=600, memory_bytes=3 << 30, requests=10_000)  # also on a busy machine
SENTENCES: Final = {
    "Latin": (LATIN, ("The new song of this summer", "Konzert am Samstag, 20 Uhr", "Écoutez notre émission")),
    "Han": (CJK, ("这个夏天的新歌", "星期六晚上的音乐会", "请收听我们的节目")),
    "Kana": (CJK, ("この夏の新しい曲です", "土曜日の夜のコンサート", "ぜひ聴いてください")),
    "Cyrillic": (LATIN, ("Новая песня этого лета", "Концерт в субботу вечером", "Слушайте нашу передачу")),
    "Greek": (LATIN, ("Το νέο τραγούδι του καλοκαιριού", "Συναυλία το Σάββατο το βράδυ", "Ακούστε την εκπομπή μας")),
    "Hangul": (CJK, ("올여름의 새로운 노래", "토요일 저녁의 음악회", "우리 방송을 들어 주세요")),
    "Arabic": (
        "NotoSansArabic-Regular.ttf",
        ("الأغنية الجديدة لهذا الصيف", "حفلة موسيقية مساء السبت", "استمعوا إلى برنامجنا"),
    ),
    "Hebrew": ("NotoSansHebrew-Regular.ttf", ("השיר החדש של הקיץ", "קונצרט בשבת בערב", "האזינו לתוכנית שלנו")),
    "Devanagari": (
        "NotoSansDevanagari-Regular.ttf",
        ("इस गर्मी का नया गाना", "शनिवार शाम का संगीत कार्यक्रम", "हमारा कार्यक्रम सुनिए"),
    ),
    "Bengali": ("NotoSansBengali-Regular.ttf", ("এই গ্রীষ্মের নতুন গান", "শনিবার সন্ধ্যার গানের আসর", "আমাদের অনুষ্ঠান শুনুন")),
    "Tamil": (
        "NotoSansTamil-Regular.ttf",
        ("கோடையின் புதிய பாடல்", "சனிக்கிழமை மாலை இசை நிகழ்ச்சி", "எங்கள் நிகழ்ச்சியைக் கேளுங்கள்"),
    ),
    "Thai": ("NotoSansThai-Regular.ttf", ("เพลงใหม่ของฤดูร้อนนี้", "คอนเสิร์ตคืนวันเสาร์", "ฟังรายการของเรา")),
}


@dataclass(slots=True)
class Figures:
    """Of a script: what became of its lines, and of their letters where Tesseract read them."""

    lines: int = 0
    without: Counter[str] = field(default_factory=Counter)
    with_tesseract: Counter[str] = field(default_factory=Counter)
    of_others: Counter[str] = field(default_factory=Counter)
    wrong: int = 0
    letters: int = 0


def pictures(font: str, sentence: str) -> Iterator[bytes]:
    """A sentence, small in black on white, large in white on dark; as PNG, and blurred as a JPEG of quality 40."""
    for size, ground, ink in ((20, "white", "black"), (40, "#203040", "white")):
        sharp = Image.new("RGB", (1_100, 140), ground)
        ImageDraw.Draw(sharp).text((20, 30), sentence, fill=ink, font=ImageFont.truetype(font, size))
        yield encoded(sharp, "PNG")
        yield encoded(sharp.filter(ImageFilter.GaussianBlur(size / 36)), "JPEG", quality=40)


def encoded(picture: Image.Image, form: str, **options: int) -> bytes:
    out = io.BytesIO()
    picture.save(out, form, **options)
    return out.getvalue()


def outcome(found: ImageWords, sentence: str) -> str:
    """``read`` in every letter; ``unread``, stated; else ``otherwise``: other letters, or nothing was seen."""
    text = text_of(found)
    if found.unread:
        return "unread"
    return "read" if text == sentence else "otherwise"


def text_of(found: ImageWords) -> str:
    return " ".join(text.replace("\n", " ") for text, _ in blocks(found.lines))


def wrong_letters(said: str, read: str) -> int:
    """Letters to insert, remove or replace."""
    row = list(range(len(read) + 1))
    for number, letter in enumerate(said, 1):
        above, row[0] = row[0], number
        for at, other in enumerate(read, 1):
            above, row[at] = row[at], min(row[at] + 1, row[at - 1] + 1, above + (letter != other))
    return row[-1]


def again(media: Media, data: bytes, found: ImageWords) -> ImageWords:
    if not found.doubted:
        return found
    readings = media.words_again(data, found.doubted)
    if isinstance(readings, UnreadableMedia):
        raise SystemExit(f"Tesseract: {readings.code}")
    return with_readings(found, readings)


def measured(script: str, first: Media, second: Media, others: Media) -> Figures:
    figures = Figures()
    font, sentences = SENTENCES[script]
    for sentence in sentences:
        for data in pictures(font, sentence):
            found = first.words(data)
            if isinstance(found, UnreadableMedia):
                raise SystemExit(f"words: {found.code}")
            read = again(second, data, found)
            figures.lines += 1
            figures.without[outcome(found, sentence)] += 1
            figures.with_tesseract[outcome(read, sentence)] += 1
            figures.of_others[outcome(again(others, data, found), sentence)] += 1
            if read != found:
                figures.letters += len(sentence)
                figures.wrong += wrong_letters(sentence, text_of(read))
    return figures


def cost(media: Media) -> float:
    """Seconds of wall time for a picture of a line that every language is tried on, once loaded."""
    data = next(pictures(*(SENTENCES["Thai"][0], SENTENCES["Thai"][1][0])))
    found = media.words(data)
    if isinstance(found, UnreadableMedia):
        raise SystemExit(f"words: {found.code}")
    media.words_again(data, found.doubted)
    started = time.perf_counter()
    media.words_again(data, found.doubted)
    return time.perf_counter() - started


def reader(languages: Sequence[str]) -> Media:
    return Media(MediaLimits(words=_PATIENT, second_reading=_PATIENT, ocr_languages=tuple(languages)))


def main() -> None:
    print(second_reader(LANGUAGES).version)
    first, second = reader(()), reader(LANGUAGES)
    rows: dict[str, dict[str, object]] = {}
    columns = ("read", "unread", "otherwise")
    print(f"{'':<12}{'':>6}   {'without Tesseract':<24}{'with Tesseract':<24}{'with other languages':<24}letters")
    print(
        f"{'script':<12}{'lines':>6}   "
        + 3 * "".join(f"{each:<8}" if each != "otherwise" else "other   " for each in columns)
        + "wrong"
    )
    for script in SENTENCES:
        others = reader([name for name in LANGUAGES if SCRIPTS[name] != script])
        found = measured(script, first, second, others)
        others.close()
        counts = (found.without, found.with_tesseract, found.of_others)
        wrong = f"{found.wrong / found.letters:.1%}" if found.letters else ""
        cells = "".join(f"{count[each]:<8}" for count in counts for each in columns)
        print(f"{script:<12}{found.lines:>6}   {cells}{wrong}", flush=True)
        rows[script] = {
            "lines": found.lines,
            "without": dict(found.without),
            "with": dict(found.with_tesseract),
            "with_others": dict(found.of_others),
            "wrong_letters": round(found.wrong / found.letters, 4) if found.letters else None,
        }
    seconds = cost(second)
    first.close()
    second.close()
    print(f"one line in {len(LANGUAGES)} languages: {seconds:.2f} s")
    print(json.dumps({"bench": "scripts", "scripts": rows, "seconds_a_line": round(seconds, 3)}))


if __name__ == "__main__":
    main()
