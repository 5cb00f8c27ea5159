"""What files say about their origin: read in the real processes, and never more than can be said."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

if importlib.util.find_spec("c2pa") is None:
    pytest.skip("needs the extra: provenance", allow_module_level=True)

from media.provenance_files import SIGNER, SOURCE_TYPES, plain, signed, xmp
from media.samples import make_audio, make_video
from seawall.detectors.provenance import ProvenanceDetector
from seawall.media import Media, MediaLimits, ProcessLimits, ProvenanceRecord, default_extractors
from seawall.media.decoders import provenance as decoder
from seawall.media.decoders.operation import DecodeRefused
from seawall.model import ExtractedParts, Modality, Part, Unknown, UnknownReason

AI = "trainedAlgorithmicMedia"


@pytest.fixture(scope="module")
def detector(media: Media) -> ProvenanceDetector:
    return ProvenanceDetector(media)


def signals(detector: ProvenanceDetector, data: bytes) -> dict[str, tuple[float, str | None]]:
    [answer] = detector.detect([Part(path="cover", modality=Modality.IMAGE, field="cover", data=data)])
    assert not isinstance(answer, Unknown), answer
    return {each.name: (each.value, each.evidence) for each in answer}  # type: ignore[union-attr]


def declared(source_type: str) -> bytes:
    return xmp(f"<Iptc4xmpExt:DigitalSourceType>{SOURCE_TYPES}{source_type}</Iptc4xmpExt:DigitalSourceType>")


def test_a_manifest_that_holds(detector: ProvenanceDetector, media: Media) -> None:
    data = signed()
    assert signals(detector, data) == {
        "ai_declared": (1.0, f"c2pa:{AI}"),
        "provenance_valid": (1.0, "signer_not_checked"),
    }
    record = media.provenance(data)
    assert isinstance(record, ProvenanceRecord)
    assert (record.signer, record.generator) == (SIGNER, "seawall-test")
    assert signals(detector, signed(source_type="digitalCapture")) == {"provenance_valid": (1.0, "signer_not_checked")}


def test_sound_and_film_have_manifests_too(media: Media) -> None:
    for kind, data in (
        ("audio/mpeg", make_audio("mp3", "libmp3lame")),
        ("video/mp4", make_video([(1, 0.5)], sound=None)),
    ):
        record = media.provenance(signed(data, kind=kind))
        assert isinstance(record, ProvenanceRecord), kind
        assert (record.manifest, record.declared) == ("valid", (AI,)), kind


def test_a_manifest_about_other_bytes_does_not_hold(detector: ProvenanceDetector) -> None:
    data = bytearray(signed())
    data[-200] ^= 1  # a pixel
    assert signals(detector, bytes(data)) == {
        "ai_declared": (1.0, f"c2pa-broken:{AI}"),
        "provenance_broken": (1.0, "assertion.dataHash.mismatch"),
    }


def test_a_declaration_that_was_rewritten_does_not_hold(detector: ProvenanceDetector) -> None:
    data = signed(source_type="compositeSynthetic").replace(b"compositeSynthetic", b"digitalCaptureABCD")
    assert signals(detector, data) == {"provenance_broken": (1.0, "assertion.hashedURI.mismatch")}


def test_a_cut_file_has_a_manifest_that_cannot_be_read(detector: ProvenanceDetector) -> None:
    data = signed()
    cut = data[: data.index(b"c2pa.claim")]
    assert signals(detector, cut) == {"provenance_broken": (1.0, "manifest_unreadable")}


def test_what_it_was_made_from(detector: ProvenanceDetector) -> None:
    data = signed(source_type="digitalCapture", ingredients=[signed()])
    assert signals(detector, data)["ai_declared"] == (0.5, f"ingredient:{AI}")


@pytest.mark.parametrize(
    ("source_type", "value"),
    [
        (AI, 1.0),
        ("compositeWithTrainedAlgorithmicMedia", 0.5),
        ("algorithmicMedia", None),
        ("digitalCapture", None),
        ("<b>", None),
    ],
)
def test_source_types_in_xmp(detector: ProvenanceDetector, source_type: str, value: float | None) -> None:
    found = signals(detector, plain(declared(source_type)))
    assert found == ({} if value is None else {"ai_declared": (value, f"xmp:{source_type}")})  # and nothing is stripped


def test_a_reference_without_its_manifest_is_stripped(detector: ProvenanceDetector, media: Media) -> None:
    inside = xmp("<dcterms:provenance>self#jumbf=/c2pa/urn:uuid:1</dcterms:provenance>")
    assert signals(detector, plain(inside)) == {"provenance_stripped": (1.0, "reference_without_manifest")}
    elsewhere = plain(xmp("<dcterms:provenance>https://example.com/manifest.c2pa</dcterms:provenance>"))
    assert signals(detector, elsewhere) == {}
    assert media.provenance(elsewhere) == ProvenanceRecord("elsewhere")  # nobody went there


def test_a_file_that_says_nothing_costs_no_process() -> None:
    media = Media()
    assert media.provenance(plain()) == ProvenanceRecord("none")
    assert media.pids == ()
    media.close()


def test_words_of_a_manifest_are_none(media: Media) -> None:
    assert media.provenance(plain(xmp("<a>jumb c2pa</a>"))) == ProvenanceRecord("none")


def test_a_hundred_megabytes_after_the_image(detector: ProvenanceDetector) -> None:
    found = signals(detector, signed() + b"\0" * (100 << 20))
    assert found["provenance_broken"] == (1.0, "assertion.dataHash.mismatch")


def test_a_manifest_of_a_thousand_levels(detector: ProvenanceDetector) -> None:
    deep: dict[str, object] = {"digitalSourceType": SOURCE_TYPES + AI}
    for _ in range(100):
        deep = {"a": deep}
    found = signals(detector, signed(source_type="digitalCapture", assertions=[{"label": "org.test", "data": deep}]))
    assert found["ai_declared"] == (1.0, f"c2pa:{AI}")

    # the library does not write a thousand: these are nested by hand
    data = signed(assertions=[{"label": "org.test", "data": {"a": "x" * 1_000}}])
    bomb = data.replace(b"x" * 1_000, b"\x81" * 1_000)
    assert signals(detector, bomb)["provenance_broken"][0] == 1.0


def test_entities_and_many_packets_end(detector: ProvenanceDetector) -> None:
    entities = b'<!DOCTYPE x [<!ENTITY a "b">]>' + declared(AI)
    assert signals(detector, plain(entities))["ai_declared"][0] == 1.0  # the packet begins after them
    inside = declared(AI).replace(b"<rdf:RDF", b"<!DOCTYPE x><rdf:RDF")
    assert signals(detector, plain(inside)) == {}
    assert signals(detector, b"<x:xmpmeta " * 2_000_000 + declared(AI)) == {}


def test_limits_are_kept_and_named() -> None:
    limits = ProcessLimits(max_bytes=1_000, seconds=20)
    detector = ProvenanceDetector(Media(MediaLimits(provenance=limits)))
    [answer] = detector.detect([Part(path="cover", modality=Modality.IMAGE, field="cover", data=signed())])
    detector.close()
    assert isinstance(answer, Unknown)
    assert (answer.reason, answer.detail) == (UnknownReason.UNREADABLE, "too_many_bytes")


def test_who_signed_is_shown_with_the_metadata(media: Media) -> None:
    [extractor] = [each for each in default_extractors(media) if each.spec.name == "metadata"]
    data = signed(generator="I will kill you tonight")
    [found] = extractor.extract([Part(path="cover", modality=Modality.IMAGE, field="cover", data=data)])
    assert isinstance(found, ExtractedParts)
    texts = {part.path: part.text for part in found.parts}
    assert texts["cover>metadata.signer"] == SIGNER
    assert texts["cover>metadata.generator"] == "I will kill you tonight"


def test_without_the_extra_a_manifest_is_unknown_and_xmp_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoder, "c2pa", None)
    with pytest.raises(DecodeRefused, match="not_installed"):
        decoder.provenance(signed(), {})
    answer, _ = decoder.provenance(plain(declared(AI)), {})
    assert answer == {"manifest": "none", "described": [AI]}


def test_the_documented_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = (Path(__file__).parents[2] / "docs" / "provenance.md").read_text("utf-8")
    [code] = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    (tmp_path / "cover.jpg").write_bytes(signed())
    monkeypatch.chdir(tmp_path)
    exec(code, {})
    assert capsys.readouterr().out == f"valid ('{AI}',) {SIGNER}\n"
    for spec in ProvenanceDetector.spec.signals:
        assert f"| `{spec.name}` |" in page
