"""Declaration of the learning component: it trains models by command."""

from __future__ import annotations

from seawall.storage.component import Component

COMPONENT = Component(name="learn", cli="seawall.cli.train")
