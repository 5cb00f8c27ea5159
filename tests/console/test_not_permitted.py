"""What was not permitted, on the pages of an item and of a decision."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from seawall.policy import PolicySource
from support.console import Rig, opened

LAW = """\
not_permitted:
  quiet-comments:
    ground: Directive 2002/58/EC, Art. 5(1)
    detectors: [insults]
    surfaces: [public]
    jurisdictions: [EU]
    from: 2026-04-04
"""


@pytest.fixture
def rig(tmp_path: Path, sqlite_url: str) -> Iterator[Rig]:
    with opened(tmp_path, database_url=sqlite_url) as made:
        law = PolicySource(path="not-permitted.yaml", text=LAW)
        made.app.publish(replace(made.app.sources(), not_permitted=law), by="tests")
        yield made


def test_the_page_says_what_did_not_run_where_and_by_which_law(rig: Rig) -> None:
    answer = rig.screen("You fool", id="c-2")
    for page in (f"/decisions/{answer.decision}", f"/items/{answer.item}"):
        text = " ".join(rig.browser("policy").get(page).text.split())
        assert "<code>insults</code> did not run, because the law does not permit it here: public, an unknown" in text
        assert "quiet-comments: Directive 2002/58/EC, Art. 5(1) (2026-04-04 – )" in text
    found = rig.browser("policy").get(f"/decisions/{answer.decision}.json").json()
    assert "quiet-comments" in str(found)
