"""Files with C2PA manifests, signed here with a certificate of our own, and XMP packets."""

from __future__ import annotations

import datetime
import functools
import io
import json
from collections.abc import Sequence
from typing import Any

import c2pa
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from media.samples import encode, noise

SOURCE_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
SIGNER = "Test Signer Ltd"


@functools.cache
def _credentials() -> tuple[bytes, bytes]:
    """A certificate chain and the private key, in PEM."""
    now = datetime.datetime.now(datetime.UTC)
    root_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))

    def certificate(subject: str, public: ec.EllipticCurvePublicKey, *, ca: bool) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(_name(subject))
            .issuer_name(_name("root"))
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca, None), True)
            .add_extension(x509.KeyUsage(not ca, False, False, False, False, ca, False, False, False), True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), False)
        )

    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])
    root = certificate("root", root_key.public_key(), ca=True).sign(root_key, hashes.SHA256())
    leaf = certificate("leaf", key.public_key(), ca=False).add_extension(usage, False).sign(root_key, hashes.SHA256())
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return leaf.public_bytes(pem) + root.public_bytes(pem), private


def _name(common: str) -> x509.Name:
    names = {NameOID.ORGANIZATION_NAME: SIGNER, NameOID.COMMON_NAME: common}
    return x509.Name([x509.NameAttribute(key, value) for key, value in names.items()])


def signed(
    source: bytes | None = None,
    source_type: str = "trainedAlgorithmicMedia",
    *,
    kind: str = "image/jpeg",
    ingredients: Sequence[bytes] = (),
    assertions: Sequence[dict[str, Any]] = (),
    generator: str = "seawall-test",
) -> bytes:
    """A file with a manifest that holds."""
    chain, key = _credentials()
    made = {"action": "c2pa.created", "digitalSourceType": SOURCE_TYPES + source_type}
    manifest = {
        "claim_generator_info": [{"name": generator, "version": "1"}],
        "format": kind,
        "assertions": [{"label": "c2pa.actions", "data": {"actions": [made]}}, *assertions],
    }
    result = io.BytesIO()
    with (
        c2pa.Context(c2pa.Settings.from_dict({"builder": {"thumbnail": {"enabled": False}}})) as context,
        c2pa.Signer.from_info(c2pa.C2paSignerInfo(b"es256", chain, key, None)) as signer,
        c2pa.Builder(manifest, context=context) as builder,
    ):
        for each in ingredients:
            description = json.dumps({"title": "source", "relationship": "componentOf"})
            builder.add_ingredient(description, kind, io.BytesIO(each))
        builder.sign(signer, kind, io.BytesIO(source or plain()), result)
    return result.getvalue()


def plain(xmp: bytes = b"") -> bytes:
    """A JPEG, with an XMP packet if any."""
    return encode(noise(1), "JPEG", **({"xmp": xmp} if xmp else {}))


def xmp(inside: str) -> bytes:
    """An XMP packet with these properties."""
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" '
        f'xmlns:dcterms="http://purl.org/dc/terms/">{inside}</rdf:Description></rdf:RDF></x:xmpmeta>'
    ).encode()
