"""Every provider file that ships, against a server that speaks the vendor's shapes.

The answers below were written by hand from the vendors' public documentation (the ``documentation`` of each file);
they were not recorded from the services, which no test calls.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import pytest

from providers.service import Said, Seen, Service
from seawall.model import Modality, Part, Unknown, UnknownReason
from seawall.providers import HttpDetector, read_provider, read_yaml
from seawall.shipped import providers

IMAGE = b"\x89PNG\r\n\x1a\n image"
KEYS = {
    name: f"key-of-{name.lower()}"
    for name in (
        "OPENAI_API_KEY", "HIVE_TEXT_KEY", "HIVE_VISUAL_KEY", "SIGHTENGINE_USER",
        "SIGHTENGINE_SECRET", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "GOOGLE_VISION_API_KEY",
        "AZURE_CONTENT_SAFETY_KEY",
    )
} | {"AWS_REGION": "eu-west-1"}  # fmt: skip


@dataclass
class Case:
    """What a vendor is asked and answers. ``check`` looks at the request; ``values`` are the signals that follow."""

    path: str
    answer: Any
    values: dict[str, float]
    check: Callable[[Seen], object]
    refusals: list[tuple[int, Any, UnknownReason]] = field(default_factory=list)


def _scores(**scores: float) -> dict[str, float]:
    names = (
        "harassment", "harassment/threatening", "sexual", "hate", "hate/threatening", "illicit", "illicit/violent",
        "self-harm/intent", "self-harm/instructions", "self-harm", "sexual/minors", "violence", "violence/graphic",
    )  # fmt: skip
    return {name: scores.get(name.replace("/", "_").replace("-", "_"), 0.0) for name in names}


def _hive(*classes: tuple[str, float], **more: Any) -> dict[str, Any]:
    listed = [{"class": name, "score": score} for name, score in classes]
    response = {"input": {"model": "m"}, "output": [{"time": 0, "classes": listed}], **more}
    return {"id": "x", "code": 200, "status": [{"status": {"code": "0", "message": "SUCCESS"}, "response": response}]}


_HIVE_TEXT = [("sexual", 0), ("hate", 3), ("violence", 0), ("bullying", 1), ("drugs", 0), ("spam", 0)]
_HIVE_VISUAL = [
    ("general_nsfw", 0.9), ("general_not_nsfw_not_suggestive", 0.1), ("very_bloody", 0.0), ("gun_in_hand", 0.2),
    ("yes_nazi", 0.0), ("yes_kkk", 0.4), ("yes_terrorist", 0.0), ("yes_self_harm", 0.0),
]  # fmt: skip


def _azure(**severities: int) -> dict[str, Any]:
    categories = ("Hate", "SelfHarm", "Sexual", "Violence")
    return {
        "blocklistsMatch": [],
        "categoriesAnalysis": [{"category": name, "severity": severities.get(name, 0)} for name in categories],
    }


def _bearer(key: str) -> Callable[[Seen], object]:
    return lambda seen: seen.headers["authorization"] == f"Bearer {KEYS[key]}"


CASES: dict[str, Case] = {
    "openai-moderation": Case(
        path="/moderations",
        answer={"id": "modr-1", "model": "omni", "results": [
            {"flagged": True, "category_scores": _scores(hate=0.2, hate_threatening=0.3, harassment=0.9)}
        ]},
        values={"openai_hate": 0.3, "openai_harassment": 0.9},
        check=lambda seen: (
            _bearer("OPENAI_API_KEY")(seen)
            and seen.json == {"model": "omni-moderation-latest", "input": ["you fool"]}
        ),
    ),
    "openai-moderation-image": Case(
        path="/moderations",
        answer={"id": "modr-1", "model": "omni", "results": [
            {"flagged": True, "category_scores": _scores(violence=0.5, violence_graphic=0.6, sexual=0.1)}
        ]},
        values={"openai_violence": 0.6, "openai_sexual": 0.1},
        check=lambda seen: (
            _bearer("OPENAI_API_KEY")(seen)
            and seen.json["input"][0]["image_url"]["url"]
            == "data:image/png;base64," + base64.b64encode(IMAGE).decode()
        ),
    ),
    "hive-text": Case(
        path="/api/v2/task/sync",
        answer=_hive(*_HIVE_TEXT, language="EN", moderated_classes=["hate"]),
        values={"hive_hate": 1.0, "hive_bullying": 1 / 3},
        check=lambda seen: (
            seen.headers["authorization"] == f"token {KEYS['HIVE_TEXT_KEY']}"
            and parse_qs(seen.body.decode()) == {"text_data": ["you fool"]}
        ),
        refusals=[
            (200, _hive(*_HIVE_TEXT, language="UNSUPPORTED"), UnknownReason.LANGUAGE),
            (200, _hive(("hate", -1), *_HIVE_TEXT[2:], ("sexual", 0), language="FI"), UnknownReason.ERROR),
            (200, {"status": [{"status": {"code": "12", "message": "FAILED"}}]}, UnknownReason.ERROR),
        ],
    ),
    "hive-visual": Case(
        path="/api/v2/task/sync",
        answer=_hive(*_HIVE_VISUAL),
        values={"hive_sexual": 0.9, "hive_weapon": 0.2, "hive_hate_symbols": 0.4},
        check=lambda seen: IMAGE in seen.body and b'name="media"; filename=' in seen.body,
    ),
    "sightengine-text": Case(
        path="/1.0/text/check.json",
        answer={"status": "success", "request": {"id": "req"}, "moderation_classes": {
            "available": ["sexual"], "sexual": 0.0, "discriminatory": 0.1, "insulting": 0.9, "violent": 0.0,
            "toxic": 0.8, "self-harm": 0.0,
        }},
        values={"sightengine_discriminatory": 0.1, "sightengine_insulting": 0.9, "sightengine_toxic": 0.8},
        check=lambda seen: (
            parse_qs(seen.body.decode())["text"] == ["you fool"]
            and parse_qs(seen.body.decode())["lang"] == ["en"]
            and parse_qs(seen.body.decode())["api_secret"] == [KEYS["SIGHTENGINE_SECRET"]]
        ),
        refusals=[(200, {"status": "failure", "error": {"type": "argument_error"}}, UnknownReason.ERROR)],
    ),
    "sightengine-image": Case(
        path="/1.0/check.json",
        answer={
            "status": "success",
            "nudity": {"sexual_activity": 0.01, "sexual_display": 0.7, "erotica": 0.2, "none": 0.1},
            "offensive": {"nazi": 0.0, "supremacist": 0.0, "confederate": 0.0, "terrorist": 0.0, "middle_finger": 0.0},
            "gore": {"prob": 0.3}, "weapon": {"classes": {"firearm": 0.0, "knife": 0.0}}, "self-harm": {"prob": 0.0},
        },
        values={"sightengine_sexual": 0.7, "sightengine_gore": 0.3},
        check=lambda seen: IMAGE in seen.body and KEYS["SIGHTENGINE_USER"].encode() in seen.body,
    ),
    "aws-rekognition": Case(
        path="/",
        answer={
            "ModerationLabels": [
                {"Name": "Violence", "ParentName": "", "Confidence": 80.0, "TaxonomyLevel": 1},
                {"Name": "Weapons", "ParentName": "Violence", "Confidence": 80.0, "TaxonomyLevel": 2},
                {"Name": "Drugs & Tobacco", "ParentName": "", "Confidence": 30.0, "TaxonomyLevel": 1},
            ],
            "ModerationModelVersion": "7.0",
            "ContentTypes": [],
        },
        values={"rekognition_violence": 0.8, "rekognition_drugs": 0.3},
        check=lambda seen: (
            seen.headers["x-amz-target"] == "RekognitionService.DetectModerationLabels"
            and "/eu-west-1/rekognition/aws4_request" in seen.headers["authorization"]
            and "content-type;host;x-amz-date;x-amz-target" in seen.headers["authorization"]
            and base64.b64decode(seen.json["Image"]["Bytes"]) == IMAGE
        ),
        refusals=[
            (400, {"__type": "InvalidImageFormatException"}, UnknownReason.UNREADABLE),
            (400, {"__type": "ThrottlingException"}, UnknownReason.OVERLOADED),
            (400, {"__type": "AccessDeniedException"}, UnknownReason.ERROR),
            (200, {"ModerationModelVersion": "7.0"}, UnknownReason.ERROR),
        ],
    ),
    "google-vision-safesearch": Case(
        path="/v1/images:annotate",
        answer={"responses": [{"safeSearchAnnotation": {
            "adult": "VERY_LIKELY", "spoof": "UNLIKELY", "medical": "POSSIBLE", "violence": "VERY_UNLIKELY",
            "racy": "LIKELY",
        }}]},
        values={"google_adult": 1.0, "google_racy": 0.75},
        check=lambda seen: (
            seen.headers["x-goog-api-key"] == KEYS["GOOGLE_VISION_API_KEY"]
            and base64.b64decode(seen.json["requests"][0]["image"]["content"]) == IMAGE
            and seen.json["requests"][0]["features"] == [{"type": "SAFE_SEARCH_DETECTION"}]
        ),
        refusals=[
            (200, {"responses": [{"error": {"code": 3, "message": "Bad image data."}}]}, UnknownReason.ERROR),
            (
                200,
                {"responses": [{"safeSearchAnnotation": {"adult": "UNKNOWN", "racy": "LIKELY", "violence": "LIKELY"}}]},
                UnknownReason.ERROR,
            ),
        ],
    ),
    "azure-content-safety-text": Case(
        path="/contentsafety/text:analyze?api-version=2024-09-01",
        answer=_azure(Hate=5, Violence=2),
        values={"azure_hate": 5 / 7, "azure_violence": 2 / 7},
        check=lambda seen: (
            seen.headers["ocp-apim-subscription-key"] == KEYS["AZURE_CONTENT_SAFETY_KEY"]
            and seen.json == {"text": "you fool", "outputType": "EightSeverityLevels"}
        ),
    ),
    "azure-content-safety-image": Case(
        path="/contentsafety/image:analyze?api-version=2024-09-01",
        answer=_azure(Sexual=6),
        values={"azure_sexual": 6 / 7},
        check=lambda seen: base64.b64decode(seen.json["image"]["content"]) == IMAGE,
        refusals=[(400, {"error": {"code": "InvalidRequestBody", "message": "…"}}, UnknownReason.UNREADABLE)],
    ),
}  # fmt: skip


def _open(name: str, service: Service) -> HttpDetector:
    text = providers.read(name).replace("https://rekognition.${AWS_REGION}.amazonaws.com", service.url)
    addresses = ("OPENAI_BASE_URL", "HIVE_URL", "SIGHTENGINE_URL", "GOOGLE_VISION_URL",
                 "AZURE_CONTENT_SAFETY_ENDPOINT")  # fmt: skip
    section = read_yaml(text, f"{name}.yaml")
    return HttpDetector(read_provider(section, KEYS | dict.fromkeys(addresses, service.url)))


def _part(detector: HttpDetector) -> Part:
    if detector.spec.modalities == {Modality.TEXT}:
        return Part(path="body", modality=Modality.TEXT, field="body", text="you fool")
    return Part(path="cover", modality=Modality.IMAGE, field="cover", data=IMAGE)


def test_every_shipped_file_has_a_case() -> None:
    assert set(CASES) == set(providers.names())


@pytest.mark.parametrize("name", CASES)
def test_the_vendors_shapes_are_spoken(service: Service, name: str) -> None:
    case = CASES[name]
    detector = _open(name, service)
    service.say(case.answer)
    try:
        [answer] = detector.detect([_part(detector)])
    finally:
        detector.close()
    [seen] = service.seen
    assert seen.path == case.path
    assert case.check(seen)
    assert isinstance(answer, tuple), answer
    assert {signal.name: signal.value for signal in answer} == pytest.approx(case.values)
    assert set(case.values) <= {signal.name for signal in detector.spec.signals}


@pytest.mark.parametrize(
    ("name", "status", "body", "reason"),
    [(name, *refusal) for name, case in CASES.items() for refusal in case.refusals],
)
def test_what_a_vendor_refuses_is_unknown(
    service: Service, name: str, status: int, body: Any, reason: UnknownReason
) -> None:
    detector = _open(name, service)
    service.say(Said(body, status))
    try:
        [answer] = detector.detect([_part(detector)])
    finally:
        detector.close()
    assert isinstance(answer, Unknown)
    assert answer.reason is reason


@pytest.mark.parametrize("name", CASES)
def test_no_good_answer_passes_with_something_missing(service: Service, name: str) -> None:
    """An empty object, as of a changed API, is never a clean bill of health."""
    detector = _open(name, service)
    try:
        for body in ({}, [], "ok", None, 0, {"results": [{}]}, {"responses": [{}]}, {"status": "success"}):
            service.say(Said(body))
            [answer] = detector.detect([_part(detector)])
            assert isinstance(answer, Unknown), json.dumps(body)
    finally:
        detector.close()
