"""Which endpoints are taken, when messages are sent again, and how they are signed."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from seawall.enforce import EndpointRefused, add_endpoint, list_endpoints
from seawall.enforce.backoff import LONGEST_MS, WAITS_MS, wait_ms
from seawall.enforce.signing import new_secret, sign
from support.enforcement import Rig


def test_a_refused_endpoint_is_not_kept(sqlite_rig: Rig) -> None:
    with pytest.raises(EndpointRefused, match="SEAWALL_ALLOW_PRIVATE_ENDPOINTS"):
        add_endpoint(sqlite_rig.ledger, sqlite_rig.vault, url="http://127.0.0.1/")
    with pytest.raises(EndpointRefused, match="fragment"):
        add_endpoint(sqlite_rig.ledger, sqlite_rig.vault, url="https://93.184.215.14/#part")
    assert list_endpoints(sqlite_rig.database) == []


@given(st.integers(1, 50), st.floats(0, 1, exclude_max=True), st.none() | st.floats(0, 1e10))
def test_waits_are_bounded(attempt: int, random: float, asked: float | None) -> None:
    wait = wait_ms(attempt, random=random, retry_after_s=asked)
    if attempt > len(WAITS_MS):
        assert wait is None
    else:
        assert wait is not None
        assert 0.8 * WAITS_MS[attempt - 1] - 1 <= wait <= 1.2 * LONGEST_MS
        assert wait >= int(min(1000 * (asked or 0), LONGEST_MS))


@given(st.binary(max_size=200))
def test_signatures_are_those_of_the_scheme(body: bytes) -> None:
    secret = new_secret()
    at = int(datetime.now(UTC).timestamp())
    ours = sign(secret, "dlv_1", at, body)
    text = body.decode("latin-1")  # the library signs text
    theirs = Webhook(secret).sign("dlv_1", datetime.fromtimestamp(at, UTC), text)
    assert sign(secret, "dlv_1", at, text.encode()) == theirs
    assert ours.startswith("v1,")


def test_a_secret_that_is_none() -> None:
    with pytest.raises(ValueError, match="whsec_"):
        sign("whsec_***", "dlv_1", 0, b"")
