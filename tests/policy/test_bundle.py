"""Bundles: addressed by content, rebuilt from their bytes alone."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from hashlib import sha256

import pytest

from seawall.model import UNKNOWN, Verdict
from seawall.policy import PolicyErrors, PolicySource, build_bundle, load_bundle, replay
from support.policies import BANKS, DETECTORS, HEAD, TEXT_MODEL, build, comment, content_types, found, policy, rule

TEXT = policy(
    rule("hate >= at_fpr(0.001)", '[remove, review(queue="hate", priority=hate)]', "certain"),
    rule('bank("slogans") >= 1 and matches(text, "x+")', "[hold]", "slogan", "shadow"),
)
OTHER = policy(rule("spam > 0.5"), head=HEAD.replace("policy: test", "policy: another"))


def test_the_hash_is_that_of_the_bytes_and_blind_to_order() -> None:
    sources = [PolicySource("/home/me/test.yaml", TEXT), PolicySource("b.yaml", OTHER)]
    one = build_bundle(sources, content_types(), DETECTORS, BANKS)
    two = build_bundle(sources[::-1], content_types()[::-1], DETECTORS[::-1], [*BANKS, *BANKS])
    assert one.hash == two.hash == sha256(one.canonical()).hexdigest()
    assert one == two
    assert b"/home/me" not in one.canonical()


def test_any_ingredient_changes_the_hash() -> None:
    base = build(TEXT).hash
    newer = [replace(TEXT_MODEL, version="2"), *DETECTORS[1:]]
    changed = [
        build(TEXT.replace("0.001", "0.01")).hash,
        build(TEXT, newer).hash,
        build_bundle([PolicySource("a", TEXT)], content_types(), DETECTORS, [*BANKS, "more"]).hash,
        build_bundle([PolicySource("a", TEXT)], content_types()[:1], DETECTORS, BANKS).hash,
    ]
    assert len({base, *changed}) == 5


def test_the_bytes_alone_rebuild_it() -> None:
    bundle = build(TEXT)
    again = load_bundle(bundle.canonical())
    assert again == bundle
    assert again.canonical() == bundle.canonical()
    assert again.thresholds == bundle.thresholds
    assert again.policies[0].source.text == TEXT
    look = comment({"body": "xx"})
    look.signals += [found("hate", 0.95), found("bank:slogans", 1, detector="bank-matcher")]
    row = bundle.program("comment").row(look.context())
    assert again.program("comment").row(look.context()) == row
    assert again.program("comment").decide(row) == bundle.program("comment").decide(row)


def test_what_is_no_bundle_is_refused() -> None:
    bundle = build(TEXT)
    for damaged in (b"", b"{}", b"\xff", bundle.canonical()[:-1], bundle.canonical() + b" "):
        with pytest.raises(ValueError, match="no policy bundle"):
            load_bundle(damaged)
    document = json.loads(bundle.canonical())
    document["format"] = 2
    with pytest.raises(ValueError, match="format 2; this version of Seawall reads format 1"):
        load_bundle(json.dumps(document).encode())


def test_a_threshold_changed_by_hand_is_noticed() -> None:
    canonical = build(TEXT).canonical()
    forged = canonical.replace(b'"value":0.93', b'"value":0.33')
    assert forged != canonical
    with pytest.raises(ValueError, match="no policy bundle in canonical form"):
        load_bundle(forged)


def test_a_rate_resolves_to_the_smallest_threshold_that_reaches_it() -> None:
    (threshold,) = build(TEXT).thresholds
    assert (threshold.policy, threshold.rule, threshold.signal, threshold.asked) == (
        "test",
        "certain",
        "hate",
        "at_fpr(0.001)",
    )
    assert (threshold.value, threshold.detector, threshold.version) == (0.93, "text-model", "1")
    assert build(TEXT.replace("at_fpr(0.001)", "at_fpr(0.05)")).thresholds[0].value == 0.8
    program = build(TEXT).program("comment")
    for value, verdict in ((0.93, Verdict.BLOCK), (0.9299, Verdict.ALLOW)):
        look = comment()
        look.signals.append(found("hate", value))
        assert program.decide(program.row(look.context())).verdict is verdict


def test_a_bank_nobody_looks_into_and_a_stage_that_asks_nobody() -> None:
    with pytest.raises(PolicyErrors, match="no detector matches against bank 'slogans'"):
        build_bundle([PolicySource("a", TEXT)], content_types(), [TEXT_MODEL], BANKS)
    comment_type = content_types()[0]
    stage = replace(comment_type.stages[0], detectors=("text-modl",))
    broken = replace(comment_type, stages=(stage,))
    with pytest.raises(PolicyErrors, match="stage pre_publish asks detector 'text-modl', which is not installed"):
        build_bundle([PolicySource("a", policy(rule("hate > 0.5")))], [broken], DETECTORS, BANKS)


def test_a_stored_row_replays_after_its_round_through_json() -> None:
    bundle = build(TEXT)
    program = bundle.program("comment")
    look = comment({"body": "no"})
    look.signals.append(found("hate", 0.95))
    row = program.row(look.context())
    stored = json.loads(json.dumps({name: value for name, value in row.items() if value is not UNKNOWN}))
    assert replay(bundle, "comment", stored) == program.decide(row)


def test_the_package_is_light() -> None:
    script = (
        "import sys, seawall.policy\n"
        "heavy = set('numpy sqlalchemy fastapi pydantic polars sklearn starlette re2 yaml msgspec'.split())\n"
        "print(sorted(heavy & {name.partition('.')[0] for name in sys.modules}))\n"
        "others = {n.split('.')[1] for n in sys.modules if n.startswith('seawall.')}\n"
        "print(sorted(others - {'policy', 'content', 'yamlfile', 'model'}))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n[]\n"
