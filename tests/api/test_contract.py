"""The OpenAPI document is kept: Schemathesis makes requests from it, good and bad, and checks every answer."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from support.api import Client, serving

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import schemathesis
    from schemathesis.specs.openapi.checks import positive_data_acceptance


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with serving(tmp_path_factory.mktemp("contract")) as client:
        client.screen("you fool")
        yield client


@pytest.fixture(scope="module")
def document(served: Client) -> Any:
    return schemathesis.openapi.from_asgi("/v1/openapi.json", served.asgi)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/screen"),
        ("POST", "/v1/items"),
        ("POST", "/v1/try"),
        ("POST", "/v1/investigations"),
        ("GET", "/v1/decisions/{decision}"),
        ("GET", "/v1/decisions/{decision}/explanation"),
        ("GET", "/v1/items/{content_type}/{item_id}"),
        ("POST", "/v1/reports"),
        ("GET", "/v1/cases"),
        ("GET", "/v1/banks"),
        ("GET", "/v1/banks/{bank}/entries"),
        ("POST", "/v1/banks/{bank}/entries"),
        ("DELETE", "/v1/banks/{bank}/entries/{entry}"),
        ("PUT", "/v1/banks/{bank}"),
        ("GET", "/v1/banks/{bank}/entries/{entry}"),
        ("POST", "/v1/banks/{bank}/entries/{entry}/suspend"),
        ("POST", "/v1/banks/{bank}/entries/{entry}/restore"),
        ("POST", "/v1/match"),
        ("POST", "/v1/moderations"),
        ("POST", "/v1alpha1/comments:analyze"),
    ],
)
@pytest.mark.parametrize("mode", ["positive", "negative"])
def test_the_document_is_kept(document: Any, served: Client, method: str, path: str, mode: str, full: bool) -> None:
    operation = document[path][method]
    # What the document cannot say: content types, banks and harms are data.
    excluded = [positive_data_acceptance] if method in ("POST", "PUT") else []
    made = operation.as_strategy(generation_mode=schemathesis.GenerationMode(mode))
    asked = 0

    @settings(
        max_examples=250 if full else 25,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=made)
    def keep(case: Any) -> None:
        nonlocal asked
        case.call_and_validate(headers={"Authorization": f"Bearer {served.keys['admin']}"}, excluded_checks=excluded)
        asked += 1

    keep()
    assert asked  # what the document forbids or allows was sent at least once
