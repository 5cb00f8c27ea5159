"""``POST /v1alpha1/comments:analyze`` and ``:suggestscore`` in the shapes of Google's Perspective API.

For clients of that service, which ends on 31 December 2026: docs/migrate-from-perspective.md says what differs. Scores
come from Seawall's own detectors; what they did not measure is an error, as there, and never a low score. Nothing is
stored, whatever ``doNotStore`` says.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Final, Literal

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
from seawall.api.perspective_discovery import discovery_document
from seawall.api.plain import Endpoint, PlainOperation, PlainRoute
from seawall.api.requests import decode, read_body
from seawall.app import App
from seawall.content.html_text import read_html
from seawall.model import DetectorSpec, SignalKind, UnknownReason
from seawall.screen.compatible_names import PERSPECTIVE, attribute, why_no_score
from seawall.screen.text_scores import AskedText, NoScore, Score, Scores, languages_read, readers, score_texts
from seawall.storage import StorageError
from seawall.yamlfile.source import nearest

PARAMETERS: Final = frozenset({"key", "alt", "prettyPrint", "quotaUser", "$.xgafv"})
"""Of the query: what Google's clients send that changes nothing here."""
UNDETERMINED: Final = "und"  # BCP 47

_MOST_SPANS: Final = 40  # of a comment; longer ones get longer spans
_MOST_LANGUAGES: Final = 5
_MOST_ATTRIBUTES: Final = 50
_SENTENCE: Final = re.compile(r"[^.!?。！？।؟\n]*[.!?。！？।؟\n]*")
_LANGUAGE: Final = re.compile(r"([A-Za-z]{2,3})(?:-[A-Za-z0-9]{1,8})*")
_ERROR: Final = "type.googleapis.com/google.commentanalyzer.v1alpha1.Error"
_STATUS: Final = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    413: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
}

ScoreType = Literal["SCORE_TYPE_UNSPECIFIED", "PROBABILITY", "STD_DEV_SCORE", "PERCENTILE", "RAW"]
TextType = Literal["TEXT_TYPE_UNSPECIFIED", "PLAIN_TEXT", "HTML"]


class _Message(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A message of the API; unset members are left out."""


class CommentText(_Message, frozen=True, kw_only=True):
    """A text; ``type`` HTML: tags are not read."""

    text: str | None = None
    type: TextType | None = None


class AttributeParameters(_Message, frozen=True, kw_only=True):
    """What is wanted of one attribute. Below ``scoreThreshold`` a score is left out of the answer."""

    scoreType: ScoreType | None = None
    scoreThreshold: float | None = None


class AttributeScore(_Message, frozen=True, kw_only=True):
    """A score. ``PROBABILITY``: calibrated; ``RAW``: a word list's, ordered and not calibrated."""

    value: float
    type: ScoreType | None = None


class SpanScore(_Message, frozen=True, kw_only=True):
    """The score of a span, in UTF-16 code units of the comment, ``end`` not included."""

    begin: int | None = None
    end: int | None = None
    score: AttributeScore | None = None


class AttributeScores(_Message, frozen=True, kw_only=True):
    """``spanScores``: one for the whole comment, or, with ``spanAnnotations``, one for each sentence."""

    spanScores: tuple[SpanScore, ...] = ()
    summaryScore: AttributeScore | None = None


class AnalyzeCommentRequest(_Message, frozen=True, kw_only=True):
    """``context``, ``sessionId`` and ``communityId`` change nothing; ``doNotStore`` is always so."""

    comment: CommentText | None = None
    requestedAttributes: dict[str, AttributeParameters | None] | None = None
    languages: tuple[str, ...] | None = None
    doNotStore: bool | None = None
    dropUnsupportedAttributes: bool | None = None
    clientToken: str | None = None
    sessionId: str | None = None
    communityId: str | None = None
    spanAnnotations: bool | None = None
    context: dict[str, Any] | None = None


class AnalyzeCommentResponse(_Message, frozen=True, kw_only=True):
    """``languages``: those that the comment was read in; ``detectedLanguages``: the one identified, or ``und``."""

    attributeScores: dict[str, AttributeScores] = {}
    languages: tuple[str, ...] = ()
    detectedLanguages: tuple[str, ...] = ()
    clientToken: str | None = None


class SuggestCommentScoreRequest(_Message, frozen=True, kw_only=True):
    """A score that the caller holds for right. Seawall keeps none: see ``suggest_endpoint``."""

    comment: CommentText | None = None
    attributeScores: dict[str, AttributeScores] | None = None
    languages: tuple[str, ...] | None = None
    clientToken: str | None = None
    sessionId: str | None = None
    communityId: str | None = None
    context: dict[str, Any] | None = None


class SuggestCommentScoreResponse(_Message, frozen=True, kw_only=True):
    """Never sent."""

    clientToken: str | None = None
    detectedLanguages: tuple[str, ...] = ()
    requestedLanguages: tuple[str, ...] = ()


class PerspectiveStatus(msgspec.Struct, frozen=True, kw_only=True):
    """Google's error: its code is the HTTP status."""

    code: int
    message: str
    status: str
    details: list[dict[str, Any]]


class PerspectiveError(msgspec.Struct, frozen=True, kw_only=True):
    """The body of every error of these routes."""

    error: PerspectiveStatus


class Refused(Exception):
    """A request that is refused: status, message and details of Google's error."""

    def __init__(self, code: int, message: str, *details: Mapping[str, Any], retry_after_s: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.details = details
        self.retry_after_s = retry_after_s


_ANALYZE: Final = msgspec.json.Decoder(AnalyzeCommentRequest)
_SUGGEST: Final = msgspec.json.Decoder(SuggestCommentScoreRequest)
_encode: Final = msgspec.json.Encoder().encode


def perspective_routes(app: App, keys: Keys, in_progress: TextsInProgress, in_flight: InFlight) -> list[PlainRoute]:
    """The routes, for the router of the screening service; and the document that Google's clients read first."""
    analyze = PlainOperation(
        summary="Score a comment, in the shape of the Perspective API",
        name="analyzeComment",
        tag="compatible",
        request=AnalyzeCommentRequest,
        response=AnalyzeCommentResponse,
        answers="Scored; nothing was stored",
        refusal=PerspectiveError,
        parameters=PARAMETERS,
    )
    suggest = PlainOperation(
        summary="Refuse a suggested score, in the shape of the Perspective API",
        name="suggestCommentScore",
        tag="compatible",
        request=SuggestCommentScoreRequest,
        response=SuggestCommentScoreResponse,
        answers="Never: the answer is 501",
        refusal=PerspectiveError,
        parameters=PARAMETERS,
    )
    return [
        PlainRoute("POST", "/v1alpha1/comments:analyze", analyze_endpoint(app, keys, in_progress, in_flight), analyze),
        PlainRoute("POST", "/v1alpha1/comments:suggestscore", suggest_endpoint(keys, in_flight), suggest),
        PlainRoute("GET", "/$discovery/rest", _discovery, None),
    ]


async def _discovery(request: Request) -> Response:
    """The discovery document, with this server's address; it needs no key, as Google's."""
    return Response(_encode(discovery_document(str(request.base_url))), 200, None, "application/json")


def analyze_endpoint(app: App, keys: Keys, in_progress: TextsInProgress, in_flight: InFlight) -> Endpoint:
    """``POST /v1alpha1/comments:analyze``."""

    async def analyze(request: Request) -> Response:
        try:
            _check_parameters(request)
            key = await key_of(request, keys)
            with in_flight.hold() as held:
                asked = decode(_ANALYZE, await read_body(request, MAX_COMPATIBLE_BODY, held))
                answer = await _analyze(app, asked, f"key:{key.id}", in_progress)
        except (ApiProblem, StorageError, Refused) as error:
            return _refusal(error)
        return Response(_encode(answer), 200, None, "application/json")

    return analyze


def suggest_endpoint(keys: Keys, in_flight: InFlight) -> Endpoint:
    """``POST /v1alpha1/comments:suggestscore``: refused with 501, once it is known to be a right request.

    A score that a program suggests for a text is no review: Seawall learns from people's decisions about items, whose
    text it may keep. An answer of 200 would say that the suggestion was kept.
    """

    async def suggest(request: Request) -> Response:
        try:
            _check_parameters(request)
            await key_of(request, keys)
            with in_flight.hold() as held:
                asked = decode(_SUGGEST, await read_body(request, MAX_COMPATIBLE_BODY, held))
            _words(asked.comment)
            if not asked.attributeScores:
                raise Refused(400, "attributeScores must not be empty.")
            raise Refused(
                501,
                "Seawall keeps no suggested scores: nothing was stored. Send the item to POST /v1/screen and report it "
                "with POST /v1/reports: what a reviewer then decides is kept as a label.",
            )
        except (ApiProblem, StorageError, Refused) as error:
            return _refusal(error)

    return suggest


# -- the answer --------------------------------------------------------------------------------------------------


async def _analyze(
    app: App, asked: AnalyzeCommentRequest, account: str, in_progress: TextsInProgress
) -> AnalyzeCommentResponse:
    comment, places = _words(asked.comment)
    declared = _declared(asked.languages or ())
    specs = app.runner.specs
    wanted = _wanted(asked, specs)
    languages, found = languages_to_read(comment, declared)
    spans = _spans(comment) if asked.spanAnnotations else []
    texts = [AskedText(text, each) for text in (comment, *(comment[a:b] for a, b in spans)) for each in languages]
    with in_progress.hold(len(texts)):
        signals = set(wanted.values())
        scores = await score_texts(app.runner, texts, signals, account=account, deadline_ms=DEADLINE_MS)
    count = len(languages)
    of_texts = [scores[first : first + count] for first in range(0, len(scores), count)]
    unread = [name for name, signal in wanted.items() if any(_is_unread(each[signal]) for each in of_texts[0])]
    if unread and not asked.dropUnsupportedAttributes:
        raise _unsupported(unread, wanted, languages, declared, specs)
    answered: dict[str, AttributeScores] = {}
    for name, signal in wanted.items():
        if name in unread:
            continue
        parameters = (asked.requestedAttributes or {}).get(name) or AttributeParameters()
        value = _joined(name, signal, of_texts[0])
        if parameters.scoreThreshold is not None and value.value < parameters.scoreThreshold:
            continue
        marked = [
            SpanScore(begin=places[a], end=places[b], score=_joined(name, signal, each))
            for (a, b), each in zip(spans, of_texts[1:], strict=True)
            if all(isinstance(one[signal], Score) for one in each)
        ]
        whole = SpanScore(begin=places[0], end=places[len(comment)], score=value)
        answered[name] = AttributeScores(spanScores=tuple(marked) if spans else (whole,), summaryScore=value)
    return AnalyzeCommentResponse(
        attributeScores=answered,
        languages=tuple(each or UNDETERMINED for each in languages),
        detectedLanguages=(found or UNDETERMINED,),
        clientToken=asked.clientToken,
    )


def _words(comment: CommentText | None) -> tuple[str, Sequence[int]]:
    """The comment's words, and by character, and its end, the place in UTF-16 units of what was sent."""
    source = (comment.text if comment is not None else None) or ""
    if len(source) > MAX_CHARACTERS:
        raise Refused(
            400,
            f"Comment text too long: {len(source)} characters, at most {MAX_CHARACTERS}. Send it in pieces.",
            {"@type": _ERROR, "errorType": "COMMENT_TOO_LONG"},
        )
    units = [0]
    for character in source:
        units.append(units[-1] + 1 + (character > "\uffff"))
    if comment is not None and comment.type == "HTML":
        found = read_html(source)
        words, places = found.text, [*(units[each] for each in found.starts), units[-1]]
    else:
        words, places = source, units
    if not words.strip():
        detail = {"@type": _ERROR, "errorType": "COMMENT_EMPTY"}
        raise Refused(400, "Comment must be non-empty.", detail)
    return words, places


def _declared(languages: Sequence[str]) -> list[str]:
    """Two-letter codes, each once."""
    if len(languages) > _MOST_LANGUAGES:
        raise Refused(400, f"languages: at most {_MOST_LANGUAGES} languages of one comment.")
    found = [_LANGUAGE.fullmatch(each) for each in languages]
    if None in found:
        wrong = languages[found.index(None)]
        raise Refused(400, f"languages: {wrong[:20]!r} is no language code: write for example 'en' or 'pt-BR'.")
    return list(dict.fromkeys(each[1].lower() for each in found if each is not None))


def _wanted(asked: AnalyzeCommentRequest, specs: Sequence[DetectorSpec]) -> dict[str, str]:
    """Attribute → signal. Raises Refused for what cannot be scored in any language."""
    names = asked.requestedAttributes or {}
    if not names:
        raise Refused(400, f"requestedAttributes must not be empty. Seawall has: {_available(specs)}.")
    if len(names) > _MOST_ATTRIBUTES:
        raise Refused(400, f"requestedAttributes: at most {_MOST_ATTRIBUTES} attributes.")
    wanted: dict[str, str] = {}
    for name, parameters in names.items():
        known = attribute(name)
        if known is None:
            near = "".join(f" Did you mean {each}?" for each in nearest(name, PERSPECTIVE, 1))
            raise Refused(400, f"Unknown requested attribute: {name[:80]}.{near} Seawall has: {_available(specs)}.")
        who = () if known.signal is None else readers(specs, known.signal)
        if known.signal is None or not who:
            if asked.dropUnsupportedAttributes:
                continue
            why = known.instead or f"no installed detector measures {known.signal!r}"
            raise Refused(400, f"Attribute {name} is not available: {why}. Seawall has: {_available(specs)}.")
        _check_type(name, parameters, _type_of(known.signal, who))
        wanted[name] = known.signal
    return wanted


def _available(specs: Sequence[DetectorSpec]) -> str:
    found = [name for name, each in PERSPECTIVE.items() if each.signal is not None and readers(specs, each.signal)]
    return ", ".join(found)


def _type_of(signal: str, who: Sequence[DetectorSpec]) -> ScoreType:
    kinds = {each.kind for spec in who for each in spec.signals if each.name == signal}
    return "PROBABILITY" if kinds == {SignalKind.PROBABILITY} else "RAW"


def _check_type(name: str, parameters: AttributeParameters | None, given: ScoreType) -> None:
    wanted = None if parameters is None else parameters.scoreType
    if wanted in (None, "SCORE_TYPE_UNSPECIFIED", "RAW", given):
        return
    why = "it is a word list's score and not calibrated" if given == "RAW" else "its scores are probabilities"
    raise Refused(400, f"Attribute {name} has no scores of the type {wanted}: {why}. Ask for {given}, or for no type.")


def _is_unread(score: Score | NoScore) -> bool:
    return isinstance(score, NoScore) and score.reason is UnknownReason.LANGUAGE


def _joined(name: str, signal: str, scores: Sequence[Scores]) -> AttributeScore:
    """The highest of the languages' scores. Raises Refused where one of them was not measured."""
    found: list[Score] = []
    for each in scores:
        score = each[signal]
        if isinstance(score, NoScore):
            message = f"Attribute {name} was not scored: a detector of {signal!r} gave no answer: "
            code = 400 if score.reason is UnknownReason.UNREADABLE else 503
            raise Refused(code, f"{message}{why_no_score(score.reason)}.", retry_after_s=1 if code == 503 else None)
        found.append(score)
    best = max(found, key=lambda each: each.value)
    kind: ScoreType = "PROBABILITY" if best.kind is SignalKind.PROBABILITY else "RAW"
    return AttributeScore(value=best.value, type=kind)


def _spans(text: str) -> list[tuple[int, int]]:
    """Sentences, without surrounding blanks; of a long text several at a time."""
    ends = [each.end() for each in _SENTENCE.finditer(text) if each.end() > each.start()]
    together = -(-len(ends) // _MOST_SPANS)
    cuts = [0, *(end for number, end in enumerate(ends, 1) if number % together == 0 or number == len(ends))]
    spans = []
    for start, end in pairwise(cuts):
        words = text[start:end]
        if words.strip():
            spans.append((start + len(words) - len(words.lstrip()), start + len(words.rstrip())))
    return spans


# -- errors ------------------------------------------------------------------------------------------------------


def _unsupported(
    names: Sequence[str],
    wanted: Mapping[str, str],
    languages: Sequence[str | None],
    declared: Sequence[str],
    specs: Sequence[DetectorSpec],
) -> Refused:
    """Google's error for attributes that do not support the comment's language: one detail for each."""
    shown = [each or UNDETERMINED for each in languages]
    member = "requestedLanguages" if list(languages) == list(declared) else "detectedLanguages"
    details = [
        {
            "@type": _ERROR,
            "errorType": "LANGUAGE_NOT_SUPPORTED_BY_ATTRIBUTE",
            "languageNotSupportedByAttributeError": {member: shown, "attribute": name},
        }
        for name in names
    ]
    read = languages_read(specs, wanted[names[0]])
    supported = ", ".join(sorted(read)) if read else "any language"
    message = f"Attribute {names[0]} does not support request languages: {', '.join(shown)}"
    return Refused(400, f"{message} (it supports: {supported})", *details)


def _check_parameters(request: Request) -> None:
    for name, value in request.query_params.multi_items():
        if name not in PARAMETERS:
            known = ", ".join(sorted(PARAMETERS))
            raise Refused(400, f"Unknown query parameter {name[:40]!r}; known: {known}.")
        if name == "alt" and value != "json":
            raise Refused(400, "The query parameter 'alt' can only be 'json'.")


def _refusal(error: Exception) -> Response:
    if isinstance(error, Refused):
        code, message, details = error.code, str(error), [dict(each) for each in error.details]
        wait = error.retry_after_s
    else:
        problem = error if isinstance(error, ApiProblem) else unavailable(error)
        code = 400 if problem.status == 422 else problem.status
        message, details, wait = told(problem, problem.pointer), _details(problem), problem.retry_after_s
    body = PerspectiveError(
        error=PerspectiveStatus(code=code, message=message, status=_STATUS.get(code, "UNKNOWN"), details=details)
    )
    headers = {"Retry-After": str(wait)} if wait else None
    return Response(_encode(body), code, headers, "application/json")


def _details(problem: ApiProblem) -> list[dict[str, Any]]:
    """By what Google's clients tell some errors apart."""
    if problem.status == 413:
        return [{"@type": _ERROR, "errorType": "COMMENT_TOO_LONG"}]
    if problem.status == 401:
        kind = "type.googleapis.com/google.rpc.ErrorInfo"
        return [{"@type": kind, "reason": "API_KEY_INVALID", "domain": "googleapis.com"}]
    return []
