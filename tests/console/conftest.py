"""A house for the console's tests, opened once for each module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from console.houses import House, opened


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """An opened app with test policies, people of every role, and a few screened comments."""
    with opened(tmp_path_factory.mktemp("console")) as made:
        yield made
