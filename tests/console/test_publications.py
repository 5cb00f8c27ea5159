"""Publications in the console: who changed what, any two compared, and the way back with one click."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from httpx import Response
from selectolax.lexbor import LexborHTMLParser

from seawall.policy import PolicySource
from seawall.publish import BundleChanges, compare, describe, today
from support.app import own_app
from support.console import GORE, RUDENESS, Browser, Rig, opened
from support.policies import CALIBRATION, TEXT_MODEL, build, policy, rule, signal

STRICTER = RUDENESS.replace("do: [hold, review", "do: [remove, review").replace("at_fpr(0.01)", "0.7")


@pytest.fixture
def rig(tmp_path: Path, sqlite_url: str) -> Iterator[Rig]:
    with opened(tmp_path, database_url=sqlite_url) as made:
        yield made


def publish(rig: Rig, *texts: str, by: str = "cli:ada") -> str:
    """Publish these policies instead; the hash of their bundle."""
    policies = tuple(PolicySource(path=f"{number}.yaml", text=text) for number, text in enumerate(texts))
    return rig.app.publish(replace(rig.app.sources(), policies=policies), by=by).hash


def names(rig: Rig) -> list[str]:
    return [policy.name for policy in rig.app.bundle.policies]


def test_the_history_says_who_changed_what(rig: Rig) -> None:
    first = rig.app.bundle.hash
    second = publish(rig, STRICTER)
    browser = rig.browser("reviewer")
    page = browser.get("/publications").text
    assert "cli:ada" in page
    assert "Graphic violence" in page
    assert "It acts no more." in page
    assert (
        "<code>when</code>: <code>rudeness &gt;= at_fpr(0.01)</code> becomes <code>rudeness &gt;= 0.7</code>." in page
    )
    assert "New actions: <code>remove</code>" in page
    assert "Roll back to" not in page, "a reviewer publishes nothing"
    rows = browser.get("/publications.json").json()["publications"]
    assert [row["hash"] for row in rows] == [second, first]
    assert (rows[0]["changes"]["policies_dropped"], rows[0]["changes"]["rules_changed"]) == (1, 1)
    assert "0 added, 1 changed, 1 dropped" in page


def test_any_two_bundles_are_compared(rig: Rig) -> None:
    first, second = rig.app.bundle.hash, publish(rig, STRICTER)
    browser = rig.browser("policy")
    page = browser.get(f"/publications/compare?before={second[:12]}&after={first}").text
    assert "No more: <code>remove</code>" in page
    assert browser.get("/publications/compare").status_code == 200
    changes = browser.get(f"/publications/compare.json?before={first}&after={second}").json()
    assert changes["numbers"]["policies_dropped"] == 1
    assert changes["changes"]["dropped"] == [{"name": "gore", "what": "policy", "content_types": []}]
    assert browser.get("/publications/compare?before=beef").status_code == 404
    assert browser.get("/publications/%25").status_code == 404


def test_one_click_goes_back(rig: Rig) -> None:
    first, second = rig.app.bundle.hash, publish(rig, STRICTER)
    browser = rig.browser("policy")
    page = browser.get("/publications").text
    assert f"Roll back to {first[:12]}" in page
    preview = browser.get(f"/publications/{first}").text
    assert "Graphic violence" in preview
    assert "Put it in force again" in preview
    assert browser.post(f"/publications/{first}", in_force=second).status_code == 303
    assert rig.app.bundle.hash == first
    rows = browser.get("/publications.json").json()["publications"]
    assert (rows[0]["kind"], rows[0]["by"]) == ("rollback", rig.people["policy"].id)
    assert rows[0]["changes"]["policies_added"] == 1
    again = browser.post(f"/publications/{first}", in_force=second)  # the second click of a double one
    assert (again.status_code, again.headers["location"]) == (303, "/publications")
    assert len(browser.get("/publications.json").json()["publications"]) == len(rows)


def test_who_looked_at_something_else_does_not_roll_back(rig: Rig) -> None:
    first, second = rig.app.bundle.hash, publish(rig, STRICTER)
    browser = rig.browser("policy")
    browser.get("/publications")
    third = publish(rig, GORE)
    refused = browser.post(f"/publications/{first}", in_force=second)
    assert refused.status_code == 422
    assert "Somebody published meanwhile" in refused.text
    assert rig.app.bundle.hash == third


def test_a_bundle_that_cannot_be_built_any_more_is_refused_with_the_remedy(tmp_path: Path, sqlite_url: str) -> None:
    with opened(tmp_path, database_url=sqlite_url) as rig:
        first = rig.app.bundle.hash
        publish(rig, GORE)
        (rig.app.settings.data_dir / "blobs" / first[:2] / first).unlink()
        refused = rig.browser("policy").get(f"/publications/{first}")
        assert refused.status_code == 422
        assert "Restore the blobs from a backup. The bundle in force stays." in refused.text
        assert names(rig) == ["gore"]
        assert "cannot be read by this version" in rig.browser("policy").get("/publications").text


def test_a_folder_that_differs_is_said_and_published_with_a_click(rig: Rig) -> None:
    folder = rig.app.settings.policies_dir
    assert folder is not None
    in_force = publish(rig, RUDENESS.replace("hold}", "allow}"), GORE, by="cli:ada")
    (folder / "gore.yaml").unlink()
    (folder / "rudeness.yaml").write_text(STRICTER.replace("hold}", "allow}"))
    assert rig.app.publish_at_start(by="serve").outcome == "differs"
    browser: Browser = rig.browser("policy")
    assert "differ from those in force, which stay" in browser.get("/").text
    assert "differ from those in force, which stay" not in rig.browser("reviewer").get("/").text
    page = browser.get("/publications/folder").text
    assert "Drop what the folder lacks" in page
    refused = browser.post("/publications/folder", in_force=in_force)
    assert refused.status_code == 422
    assert "the policy gore" in refused.text
    assert names(rig) == ["gore", "rudeness"]
    assert browser.post("/publications/folder", in_force=in_force, drop="yes").status_code == 303
    assert names(rig) == ["rudeness"]
    assert "differ from those in force, which stay" not in browser.get("/").text
    newest = browser.get("/publications.json").json()["publications"][0]
    assert (newest["by"], newest["screened"]) == (rig.people["policy"].id, False)


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [("b.yml", "policy: b", "b.yml would not be read"), ("b.yaml", b"\xff", "byte 0 is not valid UTF-8")],
)
def test_a_start_whose_folder_cannot_be_read_goes_on_with_what_is_in_force(
    rig: Rig, name: str, text: str | bytes, says: str
) -> None:
    folder = rig.app.settings.policies_dir
    assert folder is not None
    before = names(rig)
    (folder / name).write_bytes(text.encode() if isinstance(text, str) else text)
    start = rig.app.publish_at_start(by="serve")
    assert start.outcome == "fails"
    assert says in start.message()
    assert "'seawall policy publish' publishes it" in start.message()
    assert names(rig) == before


def test_before_anything_is_published_the_page_teaches(tmp_path: Path, sqlite_url: str) -> None:
    with own_app(tmp_path, database_url=sqlite_url, publish=False) as app:
        from seawall import access, console
        from support.console import PASSWORD

        access.create_person(app.ledger, "policy@example.org", "P", PASSWORD, ["policy"])
        browser = Browser(console.build(app), app.settings.public_url)
        browser.sign_in("policy@example.org", PASSWORD)
        assert (
            "<code>seawall policy publish</code> puts the policies of a folder in force"
            in browser.get("/publications").text
        )
        assert browser.get("/publications/compare").status_code == 404
        assert browser.get("/publications/folder").status_code == 404


def test_what_is_not_permitted_any_more_or_again_is_named(rig: Rig) -> None:
    before = rig.app.bundle.hash
    law = """\
not_permitted:
  quiet-comments:
    ground: Directive 2002/58/EC, Art. 5(1)
    detectors: [insults]
    surfaces: [public]
    jurisdictions: [EU]
"""
    source = PolicySource(path="not-permitted.yaml", text=law)
    after = rig.app.publish(replace(rig.app.sources(), not_permitted=source), by="cli:ada").hash
    browser = rig.browser("policy")
    added = text_of(browser.get(f"/publications/compare?before={before}&after={after}"))
    assert "added prohibition quiet-comments" in added
    assert "Prohibitions 1 0 0" in added
    assert "Something may run that might not before." not in added
    dropped = text_of(browser.get(f"/publications/compare?before={after}&after={before}"))
    assert "dropped prohibition quiet-comments Something may run that might not before." in dropped


def test_a_threshold_says_its_language_and_what_it_means(rig: Rig) -> None:
    stricter = [replace(point, threshold=point.threshold * 0.9) for point in CALIBRATION.points]
    german = replace(CALIBRATION, language="de", points=tuple(stricter))
    detector = replace(TEXT_MODEL, signals=(signal("hate", table=True, calibration=(CALIBRATION, german)),))
    hashes = [
        rig.app.bundles.publish(build(policy(rule(f"hate >= at_recall({recall})")), [detector]), "tests").hash
        for recall in ("0.6", "0.4")
    ]
    page = rig.browser("policy").get(f"/publications/compare?before={hashes[0]}&after={hashes[1]}")
    moved = [" ".join(one.text().split()) for one in LexborHTMLParser(page.text).css("[data-threshold]")]
    described = [line for line in describe(rig_changes(rig, *hashes)).splitlines() if "threshold of" in line]
    assert len(moved) == len(described) > 1
    for said, told in zip(moved, described, strict=True):
        assert ("items in the language de" in said) == ("'de'" in told)
        assert "Its meaning changes: at_recall(0.6) becomes at_recall(0.4)" in said


def rig_changes(rig: Rig, before: str, after: str) -> BundleChanges:
    return compare(rig.app.bundles.load(before), rig.app.bundles.load(after), today())


def text_of(answer: Response) -> str:
    body = LexborHTMLParser(answer.text).body
    assert body is not None
    return " ".join(body.text(separator=" ").split())
