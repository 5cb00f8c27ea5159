"""An image's score from screening to the page: what is held, and at which frame. Scores are made up."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as PilImage

import seawall.shipped
from seawall import access, console
from seawall.detectors.sexual_image import SexualImageNetwork, detector
from seawall.model import Decision, Image, Item, Verdict
from seawall.screen import load_decision
from support.app import own_app
from support.console import PASSWORD, Rig, gore_detector


def animation() -> bytes:
    """A GIF of two frames of noise."""
    frames = [
        PilImage.fromarray(np.random.default_rng(seed).integers(0, 255, (64, 64, 3), dtype=np.uint8)).quantize(64)
        for seed in range(2)
    ]
    out = io.BytesIO()
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:], duration=500)
    return out.getvalue()


class MadeUp(SexualImageNetwork):
    """Scores images in the order in which they come."""

    def __init__(self, file: Path) -> None:
        self._scores = [0.03, 0.93]

    def score(self, raster: bytes) -> float:
        return self._scores.pop(0)


@contextmanager
def opened(folder: Path) -> Iterator[Rig]:
    """A house with the shipped policy on sexual images, and a reviewer."""
    shipped, policies, types = Path(seawall.shipped.__file__).parent, folder / "policies", folder / "types"
    policies.mkdir()
    shutil.copy(shipped / "policies" / "sexual-images.yaml", policies)
    shutil.copytree(shipped / "content_types", types)
    playlist = (types / "playlist.yaml").read_text("utf-8")
    (types / "playlist.yaml").write_text(playlist.replace("budget: 300ms", "budget: 1m"), "utf-8")  # nothing is warm
    with own_app(folder, policies_dir=policies, content_types_dir=types) as app:
        rig = Rig(app, console.build(app), gore_detector())
        access.create_person(app.ledger, "reviewer@example.org", "Reviewer", PASSWORD, [access.PersonRole.REVIEWER])
        yield rig


def screened(rig: Rig) -> tuple[str, Decision]:
    fields: dict[str, Any] = {"title": "Late", "cover": Image(animation()), "track_count": 3}
    item = Item(content_type="playlist", id="p1", fields=fields, actor="dj", language="en")
    made = rig.app.screener.screen(item, deadline_ms=60_000)
    return made.item, load_decision(rig.app.database, made.decision)


def test_a_frame_with_a_high_score_holds_the_item_and_the_page_names_the_frame(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(detector, "packaged", lambda: tmp_path)
    monkeypatch.setattr(detector, "SexualImageNetwork", MadeUp)
    with opened(tmp_path) as rig:
        item, made = screened(rig)
        assert made.verdict is Verdict.HOLD
        assert {reason.policy for reason in made.reasons} == {"sexual-images"}
        assert "remove" not in {action.kind for action in made.actions}
        page = rig.browser("reviewer").get(f"/items/{item}").text
    assert "sexual_image" in page
    assert "uncalibrated score" in page
    assert 'title="cover&gt;frame.0"' in page


def test_a_broken_network_holds_what_nobody_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detector, "packaged", lambda: tmp_path / "absent.onnx")
    with opened(tmp_path) as rig:
        item, made = screened(rig)
        page = rig.browser("reviewer").get(f"/items/{item}").text
    assert made.degraded
    assert "sexual-image" in page


def test_without_the_package_the_decision_says_that_the_image_was_not_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(detector, "packaged", lambda: None)
    with opened(tmp_path) as rig:
        item, made = screened(rig)
        page = rig.browser("reviewer").get(f"/items/{item}").text
    assert not made.reasons
    assert "sexual_image_unchecked" in page
