from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from enforce.houses import House, open_house, postgres_url


@pytest.fixture(scope="session")
def fresh_postgres() -> Iterator[Callable[[], str]]:
    with postgres_url() as fresh:
        yield fresh


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One house a module and database: items are fresh in every test, receivers and jobs are cleared."""
    folder = tmp_path_factory.mktemp("house")
    if request.param == "sqlite":
        url = f"sqlite:///{folder}/seawall.db"
    else:
        url = request.getfixturevalue("fresh_postgres")()
    with open_house(url, Path(folder)) as opened:
        yield opened


@pytest.fixture(autouse=True)
def _clean(request: pytest.FixtureRequest) -> None:
    if "house" in request.fixturenames:
        request.getfixturevalue("house").forget()
