"""Reads where a file says that it comes from: its C2PA manifest, and the source type that its XMP declares.

Nothing is fetched: no manifest that lies elsewhere, no trust list, no revocation. A manifest that holds shows that the
file is as it was signed, and not that its signer is who the certificate says.
"""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from xml.parsers import expat

import msgspec
from PIL import Image

from seawall.media.decoders.operation import Answer, DecodeRefused, Operation
from seawall.media.signatures import carries_manifest, media_type

try:
    import c2pa
except ImportError:  # the extra ``provenance``: XMP is read without it
    c2pa = None

_SETTINGS: Final = {"verify": {"remote_manifest_fetch": False, "ocsp_fetch": False, "verify_trust": False}}
_MOST_PACKETS: Final = 16
_MOST_PACKET_BYTES: Final = 1 << 20
_MOST_ELEMENTS: Final = 20_000
_MOST_NODES: Final = 200_000  # of a manifest store
_MOST_VALUES: Final = 20
_LONGEST_NAME: Final = 200
_PACKET_START: Final = re.compile(rb"<x:xmpmeta\b|<rdf:RDF\b")
_PACKET_END: Final = re.compile(rb"</x:xmpmeta\s*>")
_SOURCE_TYPE: Final = re.compile(r"(?:https?://[\w./-]{1,100}/digitalsourcetype/)?([A-Za-z]{1,60})/?")
_CODE: Final = re.compile(r"[A-Za-z][\w.]{1,79}", re.ASCII)


def load() -> dict[str, Operation]:
    """The operation, tried once, so that nothing is loaded later."""
    provenance(b"<x:xmpmeta/>", {})
    if c2pa is not None:
        plain = io.BytesIO()
        Image.new("RGB", (8, 8)).save(plain, "JPEG")
        with contextlib.suppress(_NoManifest):
            _manifest_store(plain.getvalue(), "image/jpeg")
    return {"provenance": provenance}


def provenance(data: bytes, _: Any) -> Answer:
    """What ``ProvenanceRecord`` says of the file. Raises ``DecodeRefused``: ``not_installed``, ``unknown_format``."""
    packets = _Packets()
    for packet in _packets(data):
        packets.read(packet)
    found: dict[str, object] = {"manifest": "none"}
    if carries_manifest(data):
        found = _manifest(data)
    if found["manifest"] == "none" and packets.references:
        inside = any(each.startswith("self#") for each in packets.references)
        found["manifest"] = "gone" if inside else "elsewhere"
    return {**found, "described": packets.source_types}, ()


def _packets(data: bytes) -> Iterator[bytes]:
    """XMP packets, wherever they are: programs find them so in formats that they do not know."""
    at = 0
    for _ in range(_MOST_PACKETS):
        start = _PACKET_START.search(data, at)
        if start is None:
            return
        at = start.start() + _MOST_PACKET_BYTES
        end = _PACKET_END.search(data, start.end(), at)
        at = at if end is None else end.end()
        yield data[start.start() : at]


def _manifest(data: bytes) -> dict[str, object]:
    """What the manifest in the file says, and whether it holds."""
    if c2pa is None:
        raise DecodeRefused("not_installed")
    kind = media_type(data)
    if kind is None:
        raise DecodeRefused("unknown_format")
    try:
        return _said(msgspec.json.decode(_manifest_store(data, kind)))
    except _NoManifest:
        return {"manifest": "none"}
    except c2pa.C2paError.NotSupported:
        raise DecodeRefused("unknown_format") from None
    except (c2pa.C2paError, msgspec.DecodeError, RecursionError):
        return {"manifest": "broken", "codes": ["manifest_unreadable"]}


class _NoManifest(Exception):
    """The words of a manifest stand in the file, and there is none."""


def _manifest_store(data: bytes, kind: str) -> str:
    """The manifest store as c2pa writes it. Raises ``_NoManifest``, ``C2paError``."""
    with c2pa.Context(c2pa.Settings.from_dict(_SETTINGS)) as context:
        try:
            with c2pa.Reader(kind, io.BytesIO(data), context=context) as reader:
                return str(reader.json())
        except c2pa.C2paError.ManifestNotFound:
            raise _NoManifest from None


def _said(store: Any) -> dict[str, object]:
    manifests = store.get("manifests", {})
    active = manifests.get(store.get("active_manifest")) or {}
    others = [each for label, each in manifests.items() if label != store.get("active_manifest")]
    signature = active.get("signature_info") or {}
    generators = active.get("claim_generator_info") or [{}]
    results = store.get("validation_results") or {}
    codes = _failures(results)
    holds = store.get("validation_state") in ("Valid", "Trusted")
    return {
        "manifest": "valid" if holds else "broken",
        "codes": [] if holds else codes or ["unspecified"],
        "declared": _source_types([active.get("assertions")]),
        "ingredients": _source_types([each.get("assertions") for each in others]),
        "signer": _name(signature.get("issuer") or signature.get("common_name")),
        "generator": _name(generators[0].get("name") or active.get("claim_generator")),
    }


def _failures(results: Mapping[str, Any]) -> list[str]:
    """Codes of what does not hold, of the file and of what it was made from. That nobody vouches for the signer is
    known of every file here."""
    found = [*(results.get("activeManifest") or {}).get("failure", ())]
    for delta in results.get("ingredientDeltas") or ():
        found += (delta.get("validationDeltas") or {}).get("failure", ())
    codes = dict.fromkeys(str(each.get("code")) for each in found)
    return [code for code in codes if _CODE.fullmatch(code) and code != "signingCredential.untrusted"][:_MOST_VALUES]


def _source_types(trees: Sequence[Any]) -> list[str]:
    found: dict[str, None] = {}
    for value in _values(trees):
        if (match := _SOURCE_TYPE.fullmatch(value)) is not None:
            found[match[1]] = None
    return list(found)[:_MOST_VALUES]


def _values(trees: Sequence[Any]) -> Iterator[str]:
    """The source types anywhere in the assertions: of actions, and of IPTC or schema.org metadata."""
    waiting, seen = list(trees), 0
    while waiting and seen < _MOST_NODES:
        seen += 1
        node = waiting.pop()
        if isinstance(node, list):
            waiting += node
        elif isinstance(node, dict):
            for key, value in node.items():
                if key.rpartition(":")[2].lower() == "digitalsourcetype" and isinstance(value, str):
                    yield value
                elif isinstance(value, dict | list):
                    waiting.append(value)


def _name(value: object) -> str:
    return "".join(each if each.isprintable() else " " for each in str(value or ""))[:_LONGEST_NAME].strip()


class _Refused(Exception):
    """Entities, or too many elements."""


class _Packets:
    """What the XMP packets of a file say: digital source types, and references to a manifest."""

    def __init__(self) -> None:
        self.source_types: list[str] = []
        self.references: list[str] = []
        self._elements = 0
        self._said: list[str] = []
        self._open: list[str] = []

    def read(self, packet: bytes) -> None:
        """Read one packet; what stands before damage counts."""
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._said.append
        parser.EntityDeclHandler = self._entity
        self._open.clear()
        try:
            parser.Parse(packet, True)
        except (expat.ExpatError, _Refused):
            return

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._elements += 1 + len(attributes)
        if self._elements > _MOST_ELEMENTS:
            raise _Refused
        self._said.clear()
        self._open.append(name)
        for key, value in attributes.items():
            self._take(name if key.endswith("rdf-syntax-ns# resource") else key, value)

    def _end(self, _: str) -> None:
        said = "".join(self._said)
        self._said.clear()
        name = next((each for each in reversed(self._open) if "rdf-syntax-ns#" not in each), "")
        self._open.pop()
        self._take(name, said)

    def _take(self, key: str, value: str) -> None:
        value = value.strip()
        space, _, name = key.rpartition(" ")
        if name.lower() == "digitalsourcetype" and len(self.source_types) < _MOST_VALUES:
            match = _SOURCE_TYPE.fullmatch(value)
            if match is not None and match[1] not in self.source_types:
                self.source_types.append(match[1])
        elif name == "provenance" and space.startswith("http://purl.org/dc/terms") and value:
            self.references.append(value[:_LONGEST_NAME])

    def _entity(self, *_: object) -> None:
        raise _Refused
