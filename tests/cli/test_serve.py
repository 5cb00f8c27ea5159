"""``seawall serve`` beside policies whose detector is no longer there: refused with the remedy, which works."""

from __future__ import annotations

import subprocess
from pathlib import Path

from support.app import POLICIES, own_app, sources
from support.detectors import Words
from support.processes import SEAWALL, cli, environment


def test_policies_in_force_that_read_a_detector_that_is_gone(tmp_path: Path) -> None:
    """As an installation that configured the provider ``perspective``, which ships no more."""
    policy = POLICIES["gore"].replace("gory", "perspective_toxicity").replace("policy: gore", "policy: old")
    detector = Words("perspective", "perspective_toxicity", {"fool": 0.95})
    with own_app(tmp_path, sources(old=policy), detectors=(detector,)):
        pass
    env = environment(tmp_path / "data", None)
    done = subprocess.run([*SEAWALL, "serve", "--port", "0"], env=env, capture_output=True, text=True, timeout=250)
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert "read signals of perspective, which is not among the detectors" in done.stderr
    cli(env, "policy", "export", str(tmp_path / "exported"))
    exported = [file.read_text("utf-8") for file in (tmp_path / "exported").rglob("*.yaml")]
    assert any("perspective_toxicity" in text for text in exported)
