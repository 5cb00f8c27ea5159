"""Over TLS the connection goes to the checked address, and the certificate must be that of the name."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from seawall.net.client import PostLimits, Sent, post
from seawall.net.tls import tls_context

NAME = "hooks.example"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for ``hooks.example`` that signs itself, and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "receiver.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(private + made.public_bytes(Encoding.PEM))
    return path


@pytest.fixture
def port(certificate: Path) -> Iterator[int]:
    """A TLS receiver that answers every connection with 204."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    stopping = threading.Event()

    def serve() -> None:
        while True:
            connection, _ = listener.accept()
            with connection:
                if stopping.is_set():
                    return
                try:
                    with context.wrap_socket(connection, server_side=True) as secure:
                        received = b""
                        while not received.endswith(b"\r\n\r\n{}"):  # head and body may come apart
                            received += secure.recv(65_536) or b"\r\n\r\n{}"
                        secure.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
                except OSError:
                    continue  # the sender did not like the certificate

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        number = int(listener.getsockname()[1])
        yield number
        stopping.set()
        socket.create_connection(("127.0.0.1", number)).close()
        thread.join()


def send(name: str, port: int) -> Sent:
    def resolver(host: str, port: int, **_: Any) -> list[tuple[Any, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    return post(
        f"https://{name}:{port}/",
        headers={},
        body=b"{}",
        allow_private=True,
        limits=PostLimits(connect=5, total=5, body=0.2),
        getaddrinfo=resolver,
    )


def test_the_certificate_is_checked_for_the_name(certificate: Path, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    tls_context.cache_clear()
    assert send(NAME, port) == Sent(status=204)
    assert send("other.example", port) == Sent(detail="tls")
    assert send("127.0.0.1", port) == Sent(detail="tls")
    monkeypatch.delenv("SSL_CERT_FILE")
    tls_context.cache_clear()
    assert send(NAME, port) == Sent(detail="tls")  # nobody vouches for it
