"""AWS Signature Version 4 against vectors of AWS's own ``aws-sig-v4-test-suite`` (public documentation)."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from seawall.providers.sigv4 import Credentials, sign

NOW = datetime(2015, 8, 30, 12, 36, 0, tzinfo=UTC)
CREDENTIALS = Credentials(
    access_key="AKIDEXAMPLE",
    secret_key="wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    region="us-east-1",
    service="service",
)
HOST = "https://example.amazonaws.com"


@pytest.mark.parametrize(
    ("method", "path", "headers", "body", "names", "signature"),
    [
        ("GET", "/", {}, b"", "host;x-amz-date", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        ("POST", "/", {}, b"", "host;x-amz-date", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
        (
            "GET",
            "/?Param2=value2&Param1=value1",
            {},
            b"",
            "host;x-amz-date",
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        ),
        (
            "POST",
            "/",
            {"Content-Type": "application/x-www-form-urlencoded"},
            b"Param1=value1",
            "content-type;host;x-amz-date",
            "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
        ),
        (
            "GET",
            "/",
            {"My-Header1": " value1", "My-Header2": ' "a   b   c"'},
            b"",
            "host;my-header1;my-header2;x-amz-date",
            "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
        ),
        (
            "GET",
            "/\u1234",
            {},
            b"",
            "host;x-amz-date",
            "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85",
        ),
        (
            "GET",
            "/?\u1234=bar",
            {},
            b"",
            "host;x-amz-date",
            "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04",
        ),
    ],
    ids=["get-vanilla", "post-vanilla", "query-order", "form", "header-trim", "get-utf8", "query-utf8"],
)
def test_vectors(method: str, path: str, headers: dict[str, str], body: bytes, names: str, signature: str) -> None:
    signed = sign(method, HOST + path, headers, body, CREDENTIALS, NOW)
    assert signed["x-amz-date"] == "20150830T123600Z"
    assert signed["authorization"] == (
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
        f"SignedHeaders={names}, Signature={signature}"
    )


def test_a_session_token_is_signed() -> None:
    credentials = Credentials(
        access_key="AKIDEXAMPLE", secret_key="secret", region="eu-west-1", service="rekognition", session_token="token"
    )
    signed = sign("POST", HOST, {}, b"{}", credentials, NOW)
    assert signed["x-amz-security-token"] == "token"
    assert "x-amz-security-token" in signed["authorization"]
    assert "secret" not in repr(credentials)
    assert "token'" not in repr(credentials)
