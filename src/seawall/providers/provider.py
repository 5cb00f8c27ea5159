"""Description of a service in a YAML file: what it reads, its request, and how its response is mapped to signals.

    provider: acme-hate
    reads: [text]
    request:
      url: https://api.acme.example/v1/score
      headers: {authorization: "Bearer ${ACME_KEY}"}
      json: {text: "{text}"}
    signals:
      acme_hate: {at: $.hate, scale: [0, 100], harm: hate}

``docs/providers.md`` explains every key.
"""

from __future__ import annotations

import hashlib
import ipaddress
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from seawall.configfile import ConfigError, ConfigStruct, Name, Section, Size, Text, Texts, expand
from seawall.detect.cascade import ScoreRange
from seawall.model.content import MEDIA_MODALITIES, Modality
from seawall.model.signals import Cost, DetectorSpec
from seawall.providers.limits import CallLimits, LimitsFile
from seawall.providers.paths import ResponsePath
from seawall.providers.response_mapping import RefusalMapping, Requirement, SignalMapping, read_paths, read_requirements
from seawall.providers.sigv4 import Credentials
from seawall.providers.templates import Template

_MEDIA: Final = MEDIA_MODALITIES
_TEXT_PLACES: Final = frozenset({"text"})
_MEDIA_PLACES: Final = frozenset({"base64", "data_url", "file"})
_PLACES: Final = (*sorted(_TEXT_PLACES | _MEDIA_PLACES), "language", "media_type")
_TEMPLATES: Final = ("headers", "query", "json", "form", "multipart", "part")  # in these, empty values are sent


class ScoreRangeFile(ConfigStruct, frozen=True):
    """One entry of ``ask_when``."""

    signal: Text
    low: Annotated[float, Meta(ge=0)] = msgspec.field(default=0.0, name="from")
    high: Annotated[float, Meta(ge=0)] = msgspec.field(default=math.inf, name="to")


class SignFile(ConfigStruct, frozen=True):
    """The mapping ``request.sign``."""

    aws: Text
    region: Text
    access_key: Text
    secret_key: Text
    session_token: Text | None = None


class RequestFile(ConfigStruct, frozen=True):
    """The mapping ``request``."""

    url: Text
    method: Literal["POST", "GET", "PUT"] = "POST"
    headers: dict[str, Any] = msgspec.field(default_factory=dict)
    query: dict[str, Any] = msgspec.field(default_factory=dict)
    json: Any = None
    form: dict[str, Any] | None = None
    multipart: dict[str, Any] | None = None
    part: Any = "{text}"
    sign: SignFile | None = None


class ResponseFile(ConfigStruct, frozen=True):
    """The mapping ``response``; ``require`` and ``refusals`` are read one by one."""

    require: dict[str, Any] = msgspec.field(default_factory=dict)
    results: Texts | None = None
    refusals: Any = None


class ProviderFile(ConfigStruct, frozen=True):
    """A whole description; ``signals`` are read one by one."""

    provider: Name
    reads: Modality | list[Modality]
    request: RequestFile
    signals: dict[str, Any]
    title: Text = ""
    documentation: Text = ""
    version: Text = "1"
    languages: Texts = Texts()
    cost: Literal["cpu", "slow"] = "slow"
    batch: Annotated[int, Meta(ge=1, le=128)] = 1
    longest: Annotated[int, Meta(ge=20, le=1_000_000_000)] = 10_000
    pieces: Annotated[int, Meta(ge=1, le=100)] = 8
    largest: Size = Size(4_000_000)
    allow_http: bool = False
    proxy: Text | None = None
    response: ResponseFile = ResponseFile()
    limits: LimitsFile = LimitsFile()
    ask_when: ScoreRangeFile | list[ScoreRangeFile] = msgspec.field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestForm:
    """Compiled form of a request. Templates and headers may hold secrets, so ``repr`` does not show them."""

    method: str
    url: str = field(repr=False)
    headers: Template = field(repr=False)
    query: Template = field(repr=False)
    kind: str  # json | form | multipart | none
    body: Template = field(repr=False)
    part: Template | None = field(repr=False)  # one part of a batch
    credentials: Credentials | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """A compiled description. Made by ``read_provider``."""

    spec: DetectorSpec
    request: RequestForm
    readings: tuple[SignalMapping, ...]
    requirements: tuple[Requirement, ...]
    refusals: tuple[RefusalMapping, ...]
    results: ResponsePath | None  # list with one result per part
    batch: int
    longest: int  # characters of text per request
    pieces: int  # maximum pieces of a longer text
    largest: int  # bytes
    limits: CallLimits
    cache: int
    proxy: str | None = field(repr=False)
    score_ranges: tuple[ScoreRange, ...]


def read_provider(section: Section, environment: Mapping[str, str] | None = None) -> Provider:
    """Compile a description, with secrets from the environment. Raises ConfigError."""
    file = section.convert(ProviderFile, raw=_TEMPLATES)
    reads = file.reads if isinstance(file.reads, list) else [file.reads]
    response = section.section("response")
    results = read_paths(response, "results", file.response.results)[0] if file.response.results else None
    if file.batch > 1 and results is None:
        response.fail("results", "a batch needs the path of the list with one result per part")
    signals = section.section("signals")
    readings = tuple(SignalMapping.read(each, signals.section(each)) for each in signals.values)
    if not readings or not reads:
        missing, remedy = ("reads", f"any of: {', '.join(Modality)}") if readings else ("signals", "name: {at: $.path}")
        section.fail(missing, f"this is missing: write {remedy}")
    return Provider(
        spec=DetectorSpec(
            name=file.provider,
            version=f"{file.version}-{_fingerprint(section)}",
            signals=tuple(reading.spec for reading in readings),
            modalities=frozenset(reads),
            languages=frozenset(file.languages) or None,
            cost=Cost(file.cost),
        ),
        request=_request(section, file, reads, environment),
        readings=readings,
        requirements=read_requirements(response.section("require")),
        refusals=tuple(RefusalMapping.read(each) for each in response.sections("refusals")),
        results=results,
        batch=file.batch,
        longest=file.longest,
        pieces=file.pieces,
        largest=int(file.largest),
        limits=CallLimits().but(file.limits),
        cache=file.limits.cache,
        proxy=expand(file.proxy, section.at("proxy"), environment) if file.proxy else None,
        score_ranges=read_score_ranges(section, file.ask_when),
    )


def read_score_ranges(section: Section, listed: ScoreRangeFile | list[ScoreRangeFile]) -> tuple[ScoreRange, ...]:
    """Score ranges in ``ask_when``: one or a list, of which any suffices. Raises ConfigError."""
    score_ranges = listed if isinstance(listed, list) else [listed]
    for score_range in score_ranges:
        if score_range.low > score_range.high:
            section.fail("ask_when.from", f"{score_range.low:g} is above 'to' ({score_range.high:g})")
    return tuple(
        ScoreRange(signal=score_range.signal, low=score_range.low, high=score_range.high)
        for score_range in score_ranges
    )


def _request(
    section: Section, file: ProviderFile, reads: Sequence[Modality], environment: Mapping[str, str] | None
) -> RequestForm:
    request, asked = section.section("request"), file.request
    bodies = {"json": asked.json, "form": asked.form, "multipart": asked.multipart}
    given = [kind for kind, body in bodies.items() if body is not None]
    if len(given) > 1:
        request.fail(given[1], f"the request already has a body ({given[0]}): keep one")
    kind = given[0] if given else "none"
    places = _PLACES if file.batch == 1 else ("parts",)

    def template(key: str, raw: object, known: Sequence[str]) -> Template:
        return Template.read(raw, request.at(key), known, environment)

    form = RequestForm(
        method=asked.method,
        url=base_url(asked.url, request.at("url"), allow_http=file.allow_http, environment=environment),
        headers=template("headers", asked.headers, ()),
        query=template("query", asked.query, places),
        kind=kind,
        body=template(kind, bodies[kind], places) if given else Template.read({}, "", ()),
        part=template("part", asked.part, _PLACES) if file.batch > 1 else None,
        credentials=_credentials(request, asked.sign, environment),
    )
    _check_places(request, form, reads)
    return form


def _check_places(request: Section, form: RequestForm, reads: Sequence[Modality]) -> None:
    """Refuse a request without a placeholder for the content."""
    used = form.query.names | form.body.names | (form.part.names if form.part is not None else frozenset())
    if form.part is not None and "parts" not in form.body.names:
        request.fail("json", 'a batch needs "{parts}" where the list of parts goes')
    if any(each not in _MEDIA for each in reads) and not used & _TEXT_PLACES:
        request.fail("json", 'the request has no place for the text: write "{text}"')
    if any(each in _MEDIA for each in reads) and not used & _MEDIA_PLACES:
        request.fail("json", 'the request has no place for the bytes: write "{base64}", "{data_url}" or "{file}"')
    if "file" in used and form.kind != "multipart":
        request.fail(form.kind, '"{file}" needs a multipart body')


def base_url(text: str, place: str, *, allow_http: bool, environment: Mapping[str, str] | None) -> str:
    """A checked URL: https, or plain http to this host or if allowed. Raises ConfigError."""
    url = expand(text, place, environment)
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        host = None
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not host or not url.isprintable() or " " in url:
        raise ConfigError(f"{place}: write https://host/path")
    if parts.username or parts.password:
        raise ConfigError(f"{place}: put keys into headers, not into the URL")
    if parts.scheme == "http" and not allow_http and not _is_here(host):
        raise ConfigError(f"{place}: plain http exposes content and keys: write https, or allow_http: true")
    return url


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _credentials(request: Section, file: SignFile | None, environment: Mapping[str, str] | None) -> Credentials | None:
    if file is None:
        return None

    def text(key: str, value: str) -> str:
        return expand(value, request.at(f"sign.{key}"), environment)

    return Credentials(
        service=text("aws", file.aws),
        region=text("region", file.region),
        access_key=text("access_key", file.access_key),
        secret_key=text("secret_key", file.secret_key),
        session_token=(text("session_token", file.session_token) or None) if file.session_token else None,
    )


def _fingerprint(section: Section) -> str:
    """Eight hex digits of everything that affects the answers, so a changed template is a new version. Excludes
    secrets."""
    keys = ("reads", "request", "response", "signals", "longest", "pieces", "ask_when")
    meaning = {key: section.values.get(key) for key in keys}
    return hashlib.sha256(msgspec.json.encode(meaning, order="sorted")).hexdigest()[:8]
