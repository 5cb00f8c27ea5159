"""A service as a YAML file describes it: what it reads, what it is sent, how its answer is understood.

    provider: acme-hate
    reads: [text]
    request:
      url: https://api.acme.example/v1/score
      headers: {authorization: "Bearer ${ACME_KEY}"}
      json: {text: "{text}"}
    signals:
      acme_hate: {at: /hate, scale: [0, 100], harm: hate}

``docs/providers.md`` explains every key.
"""

from __future__ import annotations

import hashlib
import ipaddress
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from seawall.detect.bands import Band
from seawall.model.content import MEDIA_MODALITIES, Modality
from seawall.model.signals import Cost, DetectorSpec
from seawall.providers.calls import CallLimits
from seawall.providers.config import Section, expand
from seawall.providers.paths import ResponsePath
from seawall.providers.response_mapping import RefusalMapping, Requirement, SignalMapping, read_paths, read_requirements
from seawall.providers.sigv4 import Credentials
from seawall.providers.templates import Template

_KEYS: Final = (
    "provider", "title", "documentation", "version", "reads", "languages", "cost", "batch", "longest", "pieces",
    "largest", "allow_http", "proxy", "request", "response", "signals", "limits", "ask_when",
)  # fmt: skip
_MEDIA: Final = MEDIA_MODALITIES
_TEXT_PLACES: Final = frozenset({"text"})
_MEDIA_PLACES: Final = frozenset({"base64", "data_url", "file"})
_PLACES: Final = (*sorted(_TEXT_PLACES | _MEDIA_PLACES), "language", "media_type")


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestForm:
    """How a request is made. Templates and headers may hold secrets: ``repr`` does not show them."""

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
    results: ResponsePath | None  # a list with one result for each part
    batch: int
    longest: int  # characters of a text in one request
    pieces: int  # into which a longer one may be cut
    largest: int  # bytes
    limits: CallLimits
    cache: int
    proxy: str | None = field(repr=False)
    bands: tuple[Band, ...]


def read_provider(section: Section, environment: Mapping[str, str] | None = None) -> Provider:
    """Compile a description, its secrets taken from the environment. Raises ConfigError."""
    section.only(*_KEYS)
    name = section.name("provider")
    reads = tuple(Modality(_one_of(section, "reads", each, tuple(Modality))) for each in section.texts("reads"))
    if not reads:
        section.fail("reads", f"this is missing; any of: {', '.join(Modality)}")
    batch = section.whole("batch", 1, least=1, most=128)
    response = section.section("response")
    response.only("require", "results", "refusals")
    results = read_paths(response, "results")[0] if "results" in response else None
    if batch > 1 and results is None:
        response.fail("results", "a batch needs the path of the list that holds a result for each part")
    listed = section.section("signals")
    readings = tuple(SignalMapping.read(each, listed.section(each)) for each in listed)
    if not readings:
        section.fail("signals", "this is missing: write name: {at: /path}")
    languages = section.texts("languages")
    return Provider(
        spec=DetectorSpec(
            name=name,
            version=f"{section.text('version', '1')}-{_fingerprint(section)}",
            signals=tuple(reading.spec for reading in readings),
            modalities=frozenset(reads),
            languages=frozenset(languages) or None,
            cost=Cost(section.choice("cost", ("cpu", "slow"), "slow")),
        ),
        request=_request(section, reads, batch, environment),
        readings=readings,
        requirements=read_requirements(response.section("require")),
        refusals=tuple(RefusalMapping.read(each) for each in response.sections("refusals")),
        results=results,
        batch=batch,
        longest=section.whole("longest", 10_000, least=20),
        pieces=section.whole("pieces", 8, least=1, most=100),
        largest=section.size("largest", 4_000_000) or 4_000_000,
        limits=CallLimits.read(section.section("limits")),
        cache=section.section("limits").whole("cache", 10_000, most=10_000_000),
        proxy=expand(section.text("proxy"), section.at("proxy"), environment) if "proxy" in section else None,
        bands=read_bands(section),
    )


def read_bands(section: Section) -> tuple[Band, ...]:
    """From ``ask_when``: one band or a list of them, of which any suffices. Raises ConfigError."""
    bands = []
    for each in section.sections("ask_when"):
        each.only("signal", "from", "to")
        low, high = each.number("from", 0.0), each.number("to", math.inf)
        if low > high:
            each.fail("from", f"{low:g} is above 'to' ({high:g})")
        bands.append(Band(signal=each.text("signal"), low=low, high=high))
    return tuple(bands)


def _request(
    section: Section, reads: Sequence[Modality], batch: int, environment: Mapping[str, str] | None
) -> RequestForm:
    request = section.section("request")
    request.only("url", "method", "headers", "query", "json", "form", "multipart", "part", "sign")
    bodies = [kind for kind in ("json", "form", "multipart") if kind in request]
    if len(bodies) > 1:
        request.fail(bodies[1], f"there is a body already ({bodies[0]}): keep one")
    kind = bodies[0] if bodies else "none"
    places = _PLACES if batch == 1 else ("parts",)

    def template(key: str, known: Sequence[str]) -> Template:
        return Template.read(request.raw(key) or {}, request.at(key), known, environment)

    part = None
    if batch > 1:
        part = Template.read(request.raw("part", "{text}"), request.at("part"), _PLACES, environment)
    form = RequestForm(
        method=request.choice("method", ("POST", "GET", "PUT"), "POST"),
        url=base_url(section, request, environment),
        headers=template("headers", ()),
        query=template("query", places),
        kind=kind,
        body=template(kind, places) if bodies else Template.read({}, "", ()),
        part=part,
        credentials=_credentials(request, environment),
    )
    _check_places(request, form, reads)
    return form


def _check_places(request: Section, form: RequestForm, reads: Sequence[Modality]) -> None:
    """Refuse a request that would not carry the content."""
    used = form.query.names | form.body.names | (form.part.names if form.part is not None else frozenset())
    if form.part is not None and "parts" not in form.body.names:
        request.fail("json", 'a batch needs "{parts}" where the list of parts goes')
    if any(each not in _MEDIA for each in reads) and not used & _TEXT_PLACES:
        request.fail("json", 'nothing says where the text goes: write "{text}"')
    if any(each in _MEDIA for each in reads) and not used & _MEDIA_PLACES:
        request.fail("json", 'nothing says where the bytes go: write "{base64}", "{data_url}" or "{file}"')
    if "file" in used and form.kind != "multipart":
        request.fail(form.kind, '"{file}" needs a multipart body')


def base_url(section: Section, request: Section, environment: Mapping[str, str] | None) -> str:
    """The checked address at ``request.url``: https, or plain http where that shows nothing. Raises ConfigError."""
    url: str = expand(request.text("url"), request.at("url"), environment)
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        host = None
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not host or not url.isprintable() or " " in url:
        request.fail("url", "write https://host/path")
    if parts.username or parts.password:
        request.fail("url", "keys belong into headers, not into the address")
    if parts.scheme == "http" and not section.flag("allow_http", False) and not _is_here(host):
        request.fail("url", "http shows content and keys to the network: write https, or allow_http: true")
    return url


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _credentials(request: Section, environment: Mapping[str, str] | None) -> Credentials | None:
    if "sign" not in request:
        return None
    section = request.section("sign")
    section.only("aws", "region", "access_key", "secret_key", "session_token")

    def text(key: str) -> str:
        return expand(section.text(key), section.at(key), environment)

    return Credentials(
        service=text("aws"),
        region=text("region"),
        access_key=text("access_key"),
        secret_key=text("secret_key"),
        session_token=(text("session_token") or None) if "session_token" in section else None,
    )


def _fingerprint(section: Section) -> str:
    """Eight hex digits of all that shapes the answers: a changed template is another version. Secrets are not in it."""
    meaning: dict[str, Any] = {
        key: section.raw(key) for key in ("reads", "request", "response", "signals", "longest", "pieces", "ask_when")
    }
    return hashlib.sha256(msgspec.json.encode(meaning, order="sorted")).hexdigest()[:8]


def _one_of(section: Section, key: str, value: str, known: Sequence[str]) -> str:
    if value not in known:
        section.fail(key, f"{value!r} is none of: {', '.join(known)}")
    return value
