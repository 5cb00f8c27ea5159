"""Content that attacks: on no page does it become markup, and no page carries a script or style of its own."""

from __future__ import annotations

import hashlib
import io
import os
import re
import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image as PilImage

from seawall import access, console, review
from seawall.console.text import SHORT
from seawall.model import Image, Item
from support.console import Browser, Rig

SCRIPT = "<script>alert('fool')</script>"
IMAGE = '"><img src=x onerror=alert(1)>'
TEMPLATE = "{{ 7 * 7 }}"
BIDI = "invoice\u202efdp.exe"
HOSTILE = f"{SCRIPT} {IMAGE} {TEMPLATE} {BIDI}"


@pytest.fixture(scope="module")
def browser(rig: Rig) -> Browser:
    return rig.browser("admin")


@pytest.fixture(scope="module")
def paths(rig: Rig) -> list[str]:
    """Every page that shows something of an item whose every word attacks."""
    fields = {
        "title": f"fool {HOSTILE}"[:200],
        "description": HOSTILE,
        "track_titles": (SCRIPT, IMAGE),
        "track_count": 2,
    }
    item = Item(content_type="playlist", id=HOSTILE, actor=HOSTILE, fields=fields, language="en")
    screened = rig.app.screener.screen(item)
    comment = rig.screen(f"fool {HOSTILE}", id="hostile", actor=HOSTILE)
    rig.report("hostile", note=HOSTILE)
    access.create_person(rig.app.ledger, "hostile@example.org", SCRIPT[:100], "0123456789ab", ["reviewer"])
    access.create_key(rig.app.ledger, SCRIPT, ["read"])
    return [
        "/",
        "/queue",
        "/queue?queue=" + HOSTILE.replace(" ", "%20").replace("#", ""),
        f"/cases/{review.case_id(screened.item)}",
        f"/cases/{review.case_id(comment.item)}",
        f"/items/{screened.item}",
        f"/items/{comment.item}",
        "/decisions",
        f"/decisions/{comment.decision}",
        "/pending-rescreens",
        "/deliveries",
        "/policies",
        "/policies/rudeness",
        "/ledger",
        "/access",
        "/nowhere/" + SCRIPT,
        f"/cases/{review.case_id(comment.item)}?done=" + SCRIPT,
    ]


def test_nothing_that_came_in_becomes_markup(browser: Browser, paths: list[str]) -> None:
    seen = ""
    for path in paths:
        text = browser.get(path).text
        assert "<script>" not in text, path
        assert "<img src=x" not in text, path
        assert "\u202e" not in text, path
        seen += text
    assert "&lt;script&gt;alert(&#39;fool" in seen or "&lt;script&gt;alert(&#39;" in seen
    assert TEMPLATE in seen
    assert ">RLO</span>" in seen
    assert "said &lt;b&gt;plainly&lt;/b&gt;" in seen


def test_no_page_carries_a_script_or_style_of_its_own(browser: Browser, paths: list[str]) -> None:
    for path in [*paths, "/sign-in"]:
        text = browser.get(path).text
        assert not re.search(r"<script(?![^>]*\ssrc=\"/static/)", text), path
        assert not re.search(r"<style|\sstyle=", text), path
        assert not re.search(r"<[^>]+\son[a-z]+=", text), path
        assert not re.search(r"(?:src|href)=\"(?:https?:)?//", text), path


def test_links_in_content_cannot_be_clicked(rig: Rig, browser: Browser) -> None:
    screened = rig.screen("fool, see https://evil.example/x and javascript:alert(1)", id="links")
    text = browser.get(f"/items/{screened.item}").text
    assert "evil.example" in text
    assert 'href="https://evil' not in text
    assert 'href="javascript' not in text


def test_a_huge_text_is_cut_until_asked_for(rig: Rig, browser: Browser) -> None:
    words = "fool " + " ".join(map(str, range(1000)))
    screened = rig.screen(words, id="huge")
    text = browser.get(f"/items/{screened.item}").text
    assert f"Show all {len(words):,} characters" in text
    assert words[:SHORT][-200:] in text
    assert words[-1000:] not in text
    assert words[-1000:] in browser.get(f"/items/{screened.item}?all=1").text


EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 50 50\n%%EndComments\nshowpage\n%%EOF\n"


def broken() -> bytes:
    """The first half of an image."""
    out = io.BytesIO()
    PilImage.effect_noise((64, 64), 50).save(out, "PNG")
    return out.getvalue()[:1000]


def bomb() -> bytes:
    """A few bytes that say they are 60,000 × 60,000 pixels."""
    out = io.BytesIO()
    PilImage.new("1", (1, 1)).save(out, "PNG")
    header = b"IHDR" + struct.pack(">II", 60_000, 60_000) + out.getvalue()[24:29]
    return out.getvalue()[:12] + header + struct.pack(">I", zlib.crc32(header)) + out.getvalue()[33:]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (EPS, "Seawall does not decode this image format"),
        (bomb(), "more pixels than Seawall decodes"),
        (broken(), "cannot be decoded"),
        (b"GIF89a" + bytes(40), "decode"),
    ],
    ids=["eps", "bomb", "broken-png", "broken-gif"],
)
def test_an_upload_is_decoded_outside_the_server_and_starts_no_program(
    rig: Rig,
    browser: Browser,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
    data: bytes,
    said: str,
) -> None:
    ran = tmp_path / "ran"
    for name in ("gs", "gswin32c", "gswin64c"):  # what Pillow calls to draw an EPS
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\ntouch {ran}\nexit 1\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    opened = []
    monkeypatch.setattr("PIL.Image.open", lambda *_, **__: opened.append("opened"))
    fields = {"title": "silly", "cover": Image(data), "track_count": 0}
    item = Item(content_type="playlist", id=request.node.name, actor="dj", fields=fields, language="en")
    screened = rig.app.screener.screen(item)
    assert browser.get(f"/items/{screened.item}").status_code == 200
    answer = browser.get(f"/items/{screened.item}/1/image/cover")
    assert answer.status_code == 422
    assert said in answer.text
    assert browser.get(f"/items/{screened.item}/1/image/cover/0").status_code == 404
    assert opened == []
    assert not ran.exists()


@pytest.mark.parametrize("value", ["x", "-1", "9" * 40, "1e9", "٣", "%00"])
def test_odd_positions_are_ignored(browser: Browser, value: str) -> None:
    for path in ("/decisions?before=", "/ledger?before=", "/ledger?seq=", "/queue?skip=", "/deliveries?before="):
        assert browser.get(path + value).status_code == 200


def test_vendored_files_are_what_the_list_says() -> None:
    folder = Path(console.__file__).parent / "static" / "vendor"
    listed = {}
    for line in (folder / "VENDOR.txt").read_text().splitlines()[1:]:
        digest, name, *rest = line.split()
        assert len(rest) >= 4, "package, version, licence, origin"
        listed[name] = digest
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}
    del found["VENDOR.txt"]
    assert found == listed


def test_the_package_names_the_vendored_files_it_uses() -> None:
    folder = Path(console.__file__).parent
    pages = "".join(path.read_text() for path in folder.rglob("*.html"))
    for path in (folder / "static" / "vendor").glob("*.min.*"):
        assert f"/static/vendor/{path.name}" in pages
