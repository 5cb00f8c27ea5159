"""Banks over HTTP: configured, filled, matched, suspended; what a look-up tells."""

from __future__ import annotations

import base64
import hashlib
import io
import random
import struct
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image as PilImage

from detectors.hashers import AverageHasher
from media.mutants import id3_cover
from media.samples import make_audio, tagged
from seawall.detectors.hashes import hash_file
from seawall.match import pdq
from support.api import Client, item, problem, serving


def make_image(seed: int) -> tuple[bytes, str]:
    """A PNG and its PDQ hash."""
    chance = random.Random(seed)
    image = PilImage.new("RGB", (128, 128))
    for _ in range(30):
        box = (*(chance.randrange(64) for _ in range(2)), *(64 + chance.randrange(64) for _ in range(2)))
        image.paste(tuple(chance.randrange(256) for _ in range(3)), box)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue(), pdq(np.asarray(image)).hash.hex()


def add(client: Client, bank: str, kind: str, value: str) -> str:
    entries = [{"kind": kind, "value": value, "source": "case-7"}]
    answer = client.send("POST", f"/v1/banks/{bank}/entries", key="bank", json={"entries": entries})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["entries"][0])


def test_a_bank_is_configured(fresh: Client) -> None:
    asked = {"title": "Covers", "role": "allow", "thresholds": {"image": 20}, "harm": "spam", "flood_limit": 9}
    answer = fresh.send("PUT", "/v1/banks/known-covers", key="bank", json=asked)
    assert answer.status_code == 200
    assert answer.json() == {
        "name": "known-covers",
        "owner": "",
        "expires_after_days": None,
        "on_erasure": "keep",
        "active": 0,
        "suspended": 0,
        "quarantined": 0,
        **asked,
    }
    assert answer.json() in fresh.send("GET", "/v1/banks", key="bank").json()
    refused = problem(fresh.send("PUT", "/v1/banks/known-covers", key="bank", json={"role": "deny"}), 422)
    assert "one of block, allow" in refused["detail"]
    problem(fresh.send("PUT", "/v1/banks/Known Covers", key="bank", json={}), 422)
    problem(fresh.send("PUT", "/v1/banks/known-covers", key="screen", json={}), 403)


def test_an_entry_says_what_it_was_made_from_until_that_is_erased(fresh: Client) -> None:
    fresh.send("PUT", "/v1/banks/blocked-texts", key="bank", json={"on_erasure": "remove"})
    screened = fresh.screen("you are a known phrase", id="c-17", actor={"id": "u-17"}).json()
    entry = {"kind": "text", "value": "a known phrase", "source": "case-7", "content_type": "note"}
    path = "/v1/banks/blocked-texts/entries"
    refused = problem(fresh.send("POST", path, key="bank", json={"entries": [{**entry, "item_id": "c-18"}]}), 422)
    assert "no note 'c-18' was screened here" in refused["detail"]
    made = fresh.send("POST", path, key="bank", json={"entries": [{**entry, "item_id": "c-17"}]}).json()["entries"][0]
    (source,) = fresh.send("GET", f"{path}/{made}", key="bank").json()["sources"]
    assert (source["item"], source["erased_at"]) == (screened["item"], None)
    certificate = fresh.send("POST", "/v1/subjects/account/u-17/erase", key="admin", json={}).json()
    assert (certificate["bank_sources"], certificate["bank_entries"]) == (1, 1)
    left = fresh.send("GET", f"{path}/{made}", key="bank").json()
    assert (left["state"], left["value"], left["sources"][0]["item"]) == ("removed", None, None)


def test_what_is_known_about_something(fresh: Client) -> None:
    data, hashed = make_image(1)
    near = bytearray.fromhex(hashed)
    near[3] ^= 0x0F
    entries = {
        "text": add(fresh, "blocked-texts", "text", "buy ten thousand streams"),
        "link": add(fresh, "blocked-domains", "domain", "evil.example"),
        "pdq": add(fresh, "blocked-images", "image", near.hex()),
        "digest": add(fresh, "shared-files", "digest", hashlib.md5(data, usedforsecurity=False).hexdigest()),
    }

    def match(**asked: str) -> dict[str, tuple[str, int | None]]:
        answer = fresh.send("POST", "/v1/match", key="screen", json=asked)
        assert answer.status_code == 200, answer.text
        found = answer.json()
        assert found["unknown"] == []
        assert {one["revision"] for one in found["matches"]} <= {found["revision"]}
        assert {one["source"] for one in found["matches"]} <= {"case-7"}
        return {one["entry"]: (one["bank"], one["distance"]) for one in found["matches"]}

    assert match(text="Buy  ten thousand streams on https://a.evil.example/x!") == {
        entries["text"]: ("blocked-texts", None),
        entries["link"]: ("blocked-domains", 1),
    }
    assert match(link="https://evil.example") == {entries["link"]: ("blocked-domains", 0)}
    assert match(pdq=hashed) == {entries["pdq"]: ("blocked-images", 4)}
    assert match(digest=hashlib.md5(data, usedforsecurity=False).hexdigest()) == {
        entries["digest"]: ("shared-files", 0)
    }
    assert match(image=base64.b64encode(data).decode()) == {
        entries["pdq"]: ("blocked-images", 4),
        entries["digest"]: ("shared-files", 0),
    }
    assert match(text="good morning") == {}
    unread = fresh.send("POST", "/v1/match", key="screen", json={"image": base64.b64encode(b"no image").decode()})
    assert [one["reason"] for one in unread.json()["unknown"]] == ["unreadable"]


def test_every_frame_of_a_moving_image_or_video_is_looked_up(fresh: Client) -> None:
    data, hashed = make_image(1)
    entry = add(fresh, "blocked-images", "image", hashed)
    with PilImage.open(io.BytesIO(data)) as known:
        frames = [PilImage.new("RGB", known.size), known.convert("RGB")]
    moving, film = io.BytesIO(), io.BytesIO()
    frames[0].save(moving, "PNG", save_all=True, append_images=frames[1:], duration=10)
    with av.open(film, "w", format="matroska") as output:
        stream = output.add_stream("mpeg4", rate=5)
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = 128, 128, "yuv420p", 4_000_000
        for number in range(10):
            frame = av.VideoFrame.from_ndarray(np.asarray(frames[number // 5]), format="rgb24")
            frame.pts = number
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    for kind, file in (("image", moving), ("video", film)):
        asked = {kind: base64.b64encode(file.getvalue()).decode()}
        answer = fresh.send("POST", "/v1/match", key="screen", json=asked).json()
        assert [one["entry"] for one in answer["matches"]] == [entry], kind
        assert answer["unknown"] == []


def test_a_thumbnail_and_a_cover_are_looked_up(fresh: Client) -> None:
    data, hashed = make_image(1)
    entry = add(fresh, "blocked-images", "image", hashed)
    with PilImage.open(io.BytesIO(data)) as known:
        jpeg = io.BytesIO()
        known.convert("RGB").save(jpeg, "JPEG")
    thumbnail = jpeg.getvalue()
    second = struct.pack("<HHHIIHHIIHHIII", 3, 259, 3, 1, 6, 513, 4, 1, 56, 514, 4, 1, len(thumbnail), 0)
    exif = b"Exif\0\0II*\0" + struct.pack("<IHI", 8, 0, 14) + second + thumbnail
    photo, plain = io.BytesIO(), io.BytesIO()
    with PilImage.open(io.BytesIO(make_image(2)[0])) as other:
        other.convert("RGB").save(photo, "JPEG", exif=exif)
        other.convert("RGB").save(plain, "JPEG")
    song = id3_cover(thumbnail) + make_audio("mp3", "mp3", 1.0)
    for kind, file, found in (
        ("image", photo.getvalue(), [entry]),
        ("image", plain.getvalue(), []),
        ("audio", song, [entry]),
        ("audio", tagged("mp3", "mp3", {"title": "Rain"}), []),
    ):
        asked = {kind: base64.b64encode(file).decode()}
        answer = fresh.send("POST", "/v1/match", key="screen", json=asked).json()
        assert [one["entry"] for one in answer["matches"]] == found
        assert answer["unknown"] == []


def test_large_patterns_keep_no_other_entry_from_matching(fresh: Client) -> None:
    """Together they need more memory than RE2 gives to patterns that are compiled as one."""
    values = [f"[a-z].{{0,900}}q{number}" for number in range(120)] + [f"[0-9].{{0,900}}q{n}" for n in range(40)]
    entries = [{"kind": "pattern", "value": value, "source": "staff"} for value in values]
    made = fresh.send("POST", "/v1/banks/blocked-patterns/entries", json={"entries": entries})
    assert made.status_code == 201, made.text
    found = fresh.send("POST", "/v1/match", json={"text": "ask for q117"}).json()["matches"]
    ids = made.json()["entries"]
    assert {one["entry"] for one in found} == {ids[number] for number in (1, 11, 117)}
    text = add(fresh, "blocked-texts", "text", "one two three four")
    found = fresh.send("POST", "/v1/match", json={"text": "say one two three four"}).json()["matches"]
    assert [one["entry"] for one in found] == [text]
    entry = {"kind": "pattern", "value": "ab" * 60_000, "source": "staff"}
    refused = fresh.send("POST", "/v1/banks/blocked-patterns/entries", json={"entries": [entry]})
    assert "at most 100000" in problem(refused, 422)["detail"]


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({}, "has 0 values"),
        ({"text": "a", "link": "b"}, "has 2 values"),
        ({"pdq": "zz"}, "pdq needs 64 hexadecimal digits"),
        ({"digest": "00"}, "digest needs 32 or 40 or 64 hexadecimal digits"),
        ({"image": "%%%"}, "image: "),
    ],
)
def test_what_cannot_be_looked_up(client: Client, asked: dict[str, str], says: str) -> None:
    assert says in problem(client.send("POST", "/v1/match", key="screen", json=asked), 422)["detail"]


def test_states_of_an_entry(fresh: Client) -> None:
    entry = add(fresh, "blocked-texts", "text", "a phrase of four")
    place = f"/v1/banks/blocked-texts/entries/{entry}"

    def found() -> int:
        asked = {"text": "it is a phrase of four words"}
        return len(fresh.send("POST", "/v1/match", key="screen", json=asked).json()["matches"])

    assert found() == 1
    assert fresh.send("POST", f"{place}/suspend", key="bank", json={"reason": "wrong_match"}).status_code == 204
    assert found() == 0
    problem(fresh.send("POST", f"{place}/suspend", key="bank", json={"reason": "wrong_match"}), 404)
    problem(fresh.send("POST", f"{place}/restore", key="bank", json={"reason": "Free words!"}), 422)
    assert fresh.send("POST", f"{place}/restore", key="bank", json={"reason": "checked"}).status_code == 204
    assert found() == 1
    assert fresh.send("DELETE", f"{place}?reason=withdrawn", key="bank").status_code == 204
    state = fresh.send("GET", place, key="bank").json()
    assert (state["state"], state["state_reason"], state["counts"]["hits"]) == ("removed", "withdrawn", 0)
    problem(fresh.send("GET", "/v1/banks/blocked-images/entries/" + entry, key="bank"), 404)


def test_prints_of_a_plug_ins_hasher(tmp_path: Path) -> None:
    data, _ = make_image(1)
    value = hash_file(AverageHasher(), data)
    with serving(tmp_path, None, "rude", "known", hashers=[AverageHasher()]) as client:
        entry = add(client, "blocked-images", "image-average", value.upper())
        encoded = base64.b64encode(data).decode()
        answer = client.screen(item("look") | {"fields": {"body": "look", "image": {"base64": encoded}}})
        assert answer.json()["verdict"] == "block", answer.text
        near = f"{int(value, 16) ^ 1:016x}"
        for asked, distance in (
            ({"hash": {"kind": "image-average", "value": near}}, 1),
            ({"image": encoded}, 0),
        ):
            found = client.send("POST", "/v1/match", key="screen", json=asked).json()
            assert [(one["entry"], one["kind"], one["distance"]) for one in found["matches"]] == [
                (entry, "image-average", distance)
            ]
        asked = {"hash": {"kind": "image-other", "value": near}}
        reported = problem(client.send("POST", "/v1/match", key="screen", json=asked), 422)
        assert reported["remedy"] == "Enabled hashers: image-average."
        asked = {"hash": {"kind": "image-average", "value": "0f"}}
        reported = problem(client.send("POST", "/v1/match", key="screen", json=asked), 422)
        assert reported["detail"] == "hash/value needs 16 hexadecimal digits."
        configured = client.send("PUT", "/v1/banks/mine", key="bank", json={"thresholds": {"image-average": 3}})
        assert configured.json()["thresholds"] == {"image-average": 3}
