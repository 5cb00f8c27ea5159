"""A service to ask, detectors that ask it, parts to ask about."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from providers.service import Service
from seawall.model import Modality, Part
from seawall.providers import HttpDetector, read_provider, read_yaml


@pytest.fixture
def service() -> Iterator[Service]:
    """A fresh server."""
    one = Service()
    yield one
    one.close()


MakeDetector = Callable[..., HttpDetector]


@pytest.fixture
def detector(service: Service) -> Iterator[MakeDetector]:
    """Makes a detector from YAML in which ``SERVICE`` stands for the server's address; closes it afterwards."""
    made: list[HttpDetector] = []

    def make(text: str, environment: dict[str, str] | None = None, **options: Any) -> HttpDetector:
        section = read_yaml(text.replace("SERVICE", service.url), "test.yaml")
        one = HttpDetector(read_provider(section, environment or {}), **options)
        made.append(one)
        return one

    yield make
    for one in made:
        one.close()


@pytest.fixture
def text() -> Callable[..., Part]:
    """Makes a text part."""

    def make(content: str | None, path: str = "body", language: str | None = None) -> Part:
        return Part(path=path, modality=Modality.TEXT, field="body", text=content, language=language)

    return make


@pytest.fixture
def image() -> Callable[..., Part]:
    """Makes an image part."""

    def make(data: bytes | None = b"\x89PNG\r\n\x1a\n image", path: str = "cover") -> Part:
        return Part(path=path, modality=Modality.IMAGE, field="cover", data=data)

    return make
