"""Bundles: addressed by content, rebuilt from their bytes alone."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest

from seawall.model import UNKNOWN, Verdict
from seawall.policy import BundleUnreadable, PolicyErrors, PolicySource, build_bundle, load_bundle, replay
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
    again = load_bundle(bundle.canonical(), bundle.hash)
    assert again == bundle
    assert again.canonical() == bundle.canonical()
    assert again.thresholds == bundle.thresholds
    assert again.policies[0].source.text == TEXT
    look = comment({"body": "xx"})
    look.signals += [found("hate", 0.95), found("bank:slogans", 1, detector="bank-matcher")]
    row = bundle.program("comment").row(look.context())
    assert again.program("comment").row(look.context()) == row
    assert again.program("comment").decide(row) == bundle.program("comment").decide(row)


def stored(document: object) -> tuple[bytes, str]:
    """Bytes as a release with another idea of the fields would have published them, and their hash."""
    data = json.dumps(document).encode()
    return data, sha256(data).hexdigest()


def test_what_is_no_bundle_is_refused() -> None:
    bundle = build(TEXT)
    for damaged in (bundle.canonical()[:-1], bundle.canonical() + b" ", bundle.canonical().replace(b"0.93", b"0.33")):
        with pytest.raises(BundleUnreadable, match=f"{bundle.hash[:12]} cannot be read: its bytes were changed"):
            load_bundle(damaged, bundle.hash)
    for other in (b"", b"{}", b"\xff", b"[1]", b'{"format": 1}', b'{"format": "1"}'):
        with pytest.raises(BundleUnreadable, match="no policy bundle"):
            load_bundle(other, sha256(other).hexdigest())


def test_a_bundle_from_before_a_field_was_added_is_read_with_the_fields_default() -> None:
    bundle = build(TEXT)
    document = json.loads(bundle.canonical())
    for content_type in document["content_types"]:
        for spec in content_type["fields"]:
            del spec["untranscribed"], spec["extract"]
    for detector in document["detectors"]:
        for signal in detector["signals"]:
            del signal["description"]
    older = load_bundle(*stored(document))
    assert older.canonical() == stored(document)[0] != bundle.canonical()
    assert older.hash == stored(document)[1] != bundle.hash
    assert older.content_types == bundle.content_types
    look = comment({"body": "xx"})
    look.signals += [found("hate", 0.95), found("bank:slogans", 1, detector="bank-matcher")]
    row = bundle.program("comment").row(look.context())
    assert replay(older, "comment", row) == replay(bundle, "comment", row)


def test_a_bundle_of_a_newer_release_is_refused_rather_than_read_in_part() -> None:
    def document() -> dict[str, Any]:
        found: dict[str, Any] = json.loads(build(TEXT).canonical())
        return found

    newer_format = document() | {"format": 2, "whatever": 1}
    with pytest.raises(BundleUnreadable, match=r"format 2, and this version .* formats up to 1\. Upgrade Seawall"):
        load_bundle(*stored(newer_format))
    one, other, third = document(), document(), document()
    one["content_types"][0]["fields"][1]["colour"] = "red"
    other["rollout"] = {"certain": 0.5}
    third["detectors"][0]["signals"][0]["new"] = None
    for changed, place in ((one, r"content_types\[0\]\.fields\[1\]\.colour"), (other, "rollout"), (third, r"\.new")):
        with pytest.raises(BundleUnreadable, match=rf"set [^,]*{place}, which this one does not know\. Upgrade"):
            load_bundle(*stored(changed))


def test_a_threshold_that_would_resolve_otherwise_today_is_noticed() -> None:
    document = json.loads(build(TEXT).canonical())
    document["thresholds"][0]["value"] = 0.33
    with pytest.raises(BundleUnreadable, match=r"resolves other thresholds \(test/certain: at_fpr\(0\.001\)\)"):
        load_bundle(*stored(document))


def test_policies_that_cannot_be_compiled_any_more_say_why() -> None:
    document = json.loads(build(TEXT).canonical())
    document["policies"]["test"] = document["policies"]["test"].replace("hate >=", "hatred >=")
    with pytest.raises(BundleUnreadable, match=r"cannot compile its policies(.|\n)*hatred"):
        load_bundle(*stored(document))


def test_checks_that_came_after_publication_do_not_make_a_bundle_unreadable() -> None:
    """As if no release before had asked for an appeal route."""
    gap = [replace(content_types()[0], appeal=None), *content_types()[1:]]
    with pytest.raises(PolicyErrors, match="appeal"):
        build_bundle([PolicySource("a", TEXT)], gap, DETECTORS, BANKS)
    document = json.loads(build(TEXT).canonical())
    changed = next(each for each in document["content_types"] if each["name"] == gap[0].name)
    changed["appeal"] = None
    assert load_bundle(*stored(document)).content_types[gap[0].name].appeal is None


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
