"""``POST /v1/moderations`` in the shape of OpenAI's moderation endpoint, answered by Seawall's own detectors.

Every category of the shape is in every answer, because clients need them. One that Seawall has no detector for says
so: its score is ``UNMEASURED``, its list of applied input types is empty, and ``unmeasured`` names it with the reason.
A text whose language a detector cannot read is refused, and so is the whole request: ``flagged: false`` would say that
it was looked at. Nothing is stored.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal, TypeAlias

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from seawall.access import Keys
from seawall.api.compatible import (
    DEADLINE_MS,
    MAX_CHARACTERS,
    MAX_COMPATIBLE_BODY,
    TextsInProgress,
    key_of,
    languages_to_read,
    told,
)
from seawall.api.errors import ApiProblem, unavailable
from seawall.api.in_flight import InFlight
from seawall.api.plain import Endpoint, PlainOperation, PlainRoute
from seawall.api.requests import decode, read_body
from seawall.app import App
from seawall.model import DetectorSpec, UnknownReason
from seawall.screen.compatible_names import OPENAI, CompatibleName, threshold, why_no_score
from seawall.screen.text_scores import AskedText, NoScore, Scores, languages_read, readers, score_texts
from seawall.storage import StorageError

UNMEASURED: Final = -1.0
"""The score of a category that was not measured: no score that a model gives, and below every threshold."""
MOST_INPUTS: Final = 100


class ModerationPart(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A part of one input. Pictures (``image_url``) are refused."""

    type: Literal["text", "image_url"]
    text: str | None = None
    image_url: dict[str, Any] | None = None


ModerationInput: TypeAlias = str | tuple[str | ModerationPart, ...]


class ModerationRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """``input``: a text, a list of texts, or the parts of one input. ``model`` is not looked at."""

    input: str | Annotated[tuple[str | ModerationPart, ...], msgspec.Meta(min_length=1, max_length=MOST_INPUTS)]
    model: str | None = None


class ModerationResult(msgspec.Struct, frozen=True, kw_only=True):
    """One input. ``unmeasured``: by category, why there is neither a score nor a flag."""

    flagged: bool
    categories: dict[str, bool]
    category_scores: dict[str, float]
    category_applied_input_types: dict[str, tuple[Literal["text"], ...]]
    unmeasured: dict[str, str]


class ModerationResponse(msgspec.Struct, frozen=True, kw_only=True):
    """One result for each input, in order. ``model``: the detectors that answered, with their versions."""

    id: str
    model: str
    results: tuple[ModerationResult, ...]


class ModerationFault(msgspec.Struct, frozen=True, kw_only=True):
    """OpenAI's error."""

    message: str
    type: str
    param: str | None
    code: str | None


class ModerationError(msgspec.Struct, frozen=True, kw_only=True):
    """The body of every error of this route."""

    error: ModerationFault


_REQUEST: Final = msgspec.json.Decoder(ModerationRequest)
_encode: Final = msgspec.json.Encoder().encode


def moderations_route(app: App, keys: Keys, in_progress: TextsInProgress, in_flight: InFlight) -> PlainRoute:
    """The route, for the router of the screening service."""
    operation = PlainOperation(
        summary="Flag texts, in the shape of OpenAI's moderation",
        name="createModeration",
        tag="compatible",
        request=ModerationRequest,
        response=ModerationResponse,
        answers="Measured; nothing was stored",
        refusal=ModerationError,
    )
    return PlainRoute("POST", "/v1/moderations", _endpoint(app, keys, in_progress, in_flight), operation)


def _endpoint(app: App, keys: Keys, in_progress: TextsInProgress, in_flight: InFlight) -> Endpoint:
    async def moderate(request: Request) -> Response:
        try:
            key = await key_of(request, keys)
            with in_flight.hold() as held:
                asked = decode(_REQUEST, await read_body(request, MAX_COMPATIBLE_BODY, held))
                texts = [AskedText(text, languages_to_read(text, ())[1]) for text in _texts(asked.input)]
                specs = app.runner.specs
                signals = {each.signal for each in OPENAI.values() if each.signal and readers(specs, each.signal)}
                with in_progress.hold(len(texts)):
                    account = f"key:{key.id}"
                    scores = await score_texts(app.runner, texts, signals, account=account, deadline_ms=DEADLINE_MS)
            _check_measured(scores, specs)
            results = tuple(_result(text, each, specs) for text, each in zip(texts, scores, strict=True))
            answer = ModerationResponse(id=f"modr-{secrets.token_hex(12)}", model=_model(scores), results=results)
        except (ApiProblem, StorageError) as error:
            return _refusal(error if isinstance(error, ApiProblem) else unavailable(error))
        return Response(_encode(answer), 200, None, "application/json")

    return moderate


def _texts(given: str | Sequence[str | ModerationPart]) -> list[str]:
    """The text of each input. Raises Problem 400."""
    if isinstance(given, str):
        texts = [given]
    elif all(isinstance(each, str) for each in given):
        texts = [each for each in given if isinstance(each, str)]
    else:
        texts = ["\n".join(_text(each, number) for number, each in enumerate(given))]
    for number, text in enumerate(texts):
        place = "input" if isinstance(given, str) else f"input[{number}]"
        if not text.strip():
            raise _invalid(place, "The input has no text.", "Leave out what is empty.")
        if len(text) > MAX_CHARACTERS:
            raise _invalid(
                place, f"The input has {len(text)} characters, at most {MAX_CHARACTERS}.", "Send it in pieces."
            )
    return texts


def _text(part: str | ModerationPart, number: int) -> str:
    place = f"input[{number}]"
    if isinstance(part, str):
        raise _invalid(place, "The list mixes texts and parts.", "Send texts alone, or parts alone: {'type': 'text'}.")
    if part.type == "image_url":
        detail = (
            "This route measures no pictures, neither addresses nor data URLs; the text beside it was not measured."
        )
        remedy = "Send the text alone, and the picture to POST /v1/screen, whose media fields take base64 and URLs."
        raise _invalid(place, detail, remedy)
    if part.text is None:
        raise _invalid(
            f"{place}.text", "A part of the type 'text' needs its text.", "Write {'type': 'text', 'text': …}."
        )
    return part.text


def _invalid(place: str, detail: str, remedy: str) -> ApiProblem:
    return ApiProblem(status=400, title="Invalid input", detail=detail, pointer=place, remedy=remedy)


def _check_measured(scores: Sequence[Scores], specs: Sequence[DetectorSpec]) -> None:
    """Raises Problem 400 for texts in a language that a detector does not read, and 503 for one that did not answer."""
    unread: dict[int, str] = {}
    for number, each in enumerate(scores):
        for signal, score in each.items():
            if not isinstance(score, NoScore):
                continue
            if score.reason is UnknownReason.LANGUAGE:
                unread.setdefault(number, f"input[{number}]: {score.detail}")
                continue
            temporary = score.reason is not UnknownReason.UNREADABLE
            raise ApiProblem(
                status=503 if temporary else 400,
                title="Not measured",
                detail=f"input[{number}]: a detector of {signal!r} gave no answer: {why_no_score(score.reason)}.",
                pointer=f"input[{number}]",
                retry_after_s=1 if temporary else None,
            )
    if unread:
        everything = [
            languages_read(specs, each.signal)
            for each in OPENAI.values()
            if each.signal and readers(specs, each.signal)
        ]
        limited = [each for each in everything if each is not None]
        common = frozenset[str]().union(*limited[:1]).intersection(*limited)
        raise ApiProblem(
            status=400,
            title="Language not supported",
            detail=f"In a language that not every category is measured in: {'; '.join(unread.values())}. "
            "Nothing was answered, because 'not flagged' would say that these texts were looked at.",
            pointer=f"input[{next(iter(unread))}]",
            remedy=f"Languages of all categories: {', '.join(sorted(common)) or 'none'}. Send the others to POST "
            "/v1/screen, which hands them to a person where a policy says so.",
        )


def _result(text: AskedText, scores: Scores, specs: Sequence[DetectorSpec]) -> ModerationResult:
    categories: dict[str, bool] = {}
    values: dict[str, float] = {}
    applied: dict[str, tuple[Literal["text"], ...]] = {}
    unmeasured: dict[str, str] = {}
    for name, category in OPENAI.items():
        score = scores.get(category.signal) if category.signal is not None else None
        if score is None or isinstance(score, NoScore):
            categories[name], values[name], applied[name] = False, UNMEASURED, ()
            unmeasured[name] = category.instead or f"no installed detector measures {category.signal!r}"
            continue
        above = [_is_above(category, each.detector, each.value, text.language, specs) for each in score.readings]
        categories[name], values[name], applied[name] = any(above), score.value, ("text",)
        if all(each is None for each in above):
            unmeasured[name] = "never flagged: its detector has no operating point for the rate; the score is measured"
    return ModerationResult(
        flagged=any(categories.values()),
        categories=categories,
        category_scores=values,
        category_applied_input_types=applied,
        unmeasured=unmeasured,
    )


def _is_above(
    category: CompatibleName, detector: str, value: float, language: str | None, specs: Sequence[DetectorSpec]
) -> bool | None:
    """Whether one detector's value is flagged; None: it has no threshold."""
    assert category.signal is not None
    assert category.at is not None
    spec = next(each for each in specs if each.name == detector)
    at = threshold(spec, category.signal, category.at, language)
    return None if at is None else value >= at


def _model(scores: Sequence[Scores]) -> str:
    found = {
        f"{reading.detector}-{reading.version.replace(' ', '-')}"
        for each in scores
        for score in each.values()
        if not isinstance(score, NoScore)
        for reading in score.readings
    }
    return "seawall:" + "+".join(sorted(found))


_TYPES: Final = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error", 503: "server_error"}
_CODES: Final = {
    "Language not supported": "language_not_supported",
    "Not measured": "not_measured",
    "No valid API key": "invalid_api_key",
    "Too many texts at once": "rate_limit_exceeded",
}


def _refusal(problem: ApiProblem) -> Response:
    status = 400 if problem.status == 422 else problem.status
    place = problem.pointer.strip("/").replace("/", ".") if problem.pointer else None
    fault = ModerationFault(
        message=told(problem),
        type=_TYPES.get(status, "invalid_request_error"),
        param=place or None,
        code=_CODES.get(problem.title),
    )
    headers = {"Retry-After": str(problem.retry_after_s)} if problem.retry_after_s else None
    return Response(_encode(ModerationError(error=fault)), status, headers, "application/json")
