"""Two-person approval: a publication is a proposal that somebody else approves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from seawall import access
from seawall.model import now_ms
from seawall.policy import PolicySource
from seawall.publish import PublishedMeanwhile, PublishRefused, approve, find_proposal, newest_proposals
from seawall.publish.proposals import EXPIRES_AFTER_MS, BundleProposal
from support.console import GORE, PASSWORD, RUDENESS, Rig, opened

CLEAN = RUDENESS.replace("hold}", "allow}")


@pytest.fixture
def rig(tmp_path: Path, sqlite_url: str) -> Iterator[Rig]:
    """Policies that a person published, where a second person approves."""
    with opened(tmp_path, database_url=sqlite_url, environment={"SEAWALL_PUBLISH_APPROVAL": "yes"}) as made:
        access.create_person(made.app.ledger, "second@example.org", "Second Person", PASSWORD, ["policy"])
        yield made


def proposed(rig: Rig, *texts: str, by: str = "policy") -> BundleProposal:
    policies = tuple(PolicySource(path=f"{number}.yaml", text=text) for number, text in enumerate(texts))
    compared = rig.app.compare(replace(rig.app.sources(), policies=policies))
    name = rig.app.put_in_force(compared, by=rig.people[by].id)
    assert name is not None
    with rig.app.database.read() as connection:
        found = find_proposal(connection, name)
    assert found is not None
    return found


def names(rig: Rig) -> list[str]:
    return [policy.name for policy in rig.app.bundle.policies]


def test_another_person_approves_and_the_author_does_not(rig: Rig) -> None:
    proposal = proposed(rig, CLEAN)
    assert names(rig) == ["gore", "rudeness"]
    author, second = rig.browser("policy"), rig.browser()
    assert second.sign_in("second@example.org", PASSWORD).status_code == 303
    page = author.get(f"/proposals/{proposal.id}").text
    assert "You proposed it" in page
    assert "Approve and publish" not in page
    refused = author.post(f"/proposals/{proposal.id}/approve")
    assert refused.status_code == 422
    assert "another person does" in refused.text
    page = second.get(f"/proposals/{proposal.id}").text
    assert "Graphic violence" in page
    assert "2 of 2 examples pass." in page
    assert "hold" in second.get("/publications").text
    assert second.post(f"/proposals/{proposal.id}/approve").status_code == 303
    assert names(rig) == ["rudeness"]
    newest = second.get("/publications.json").json()["publications"][0]
    assert newest["by"] == rig.people["policy"].id
    assert newest["approved_by"] not in (None, newest["by"])
    (listed,) = second.get("/proposals.json").json()["proposals"]
    assert listed["state"] == "approved"
    assert 'Approved by <span translate="no">Second Person</span>.' in second.get("/publications").text
    assert second.post(f"/proposals/{proposal.id}/approve").status_code == 422
    rig.app.ledger.rebuild()


def test_a_rollback_is_a_proposal_too(rig: Rig) -> None:
    first = rig.app.bundle.hash
    second = rig.app.publish(replace(rig.app.sources(), policies=(PolicySource("g.yaml", GORE),)), by="x").hash
    browser = rig.browser("policy")
    browser.get("/publications")
    answer = browser.post(f"/publications/{first}", in_force=second)
    assert answer.headers["location"].startswith("/proposals/pro_")
    assert names(rig) == ["gore"]
    with rig.app.database.read() as connection:
        (waiting,) = newest_proposals(connection, limit=9)
    assert waiting.kind == "rollback"
    approve(rig.app.bundles, waiting, rig.people["admin"].id)
    assert rig.app.bundle.hash == first


def test_proposals_end(rig: Rig) -> None:
    declined = proposed(rig, CLEAN)
    assert proposed(rig, CLEAN).id == declined.id  # it waits already
    withdrawn, outdated = (proposed(rig, CLEAN.replace("0.9", number)) for number in ("0.91", "0.92"))
    admin, author = rig.browser("admin"), rig.browser("policy")
    for browser in (admin, author):
        browser.get("/publications")
    assert admin.post(f"/proposals/{declined.id}/decline").status_code == 303
    assert author.post(f"/proposals/{withdrawn.id}/decline").status_code == 303
    assert "declined already" in author.post(f"/proposals/{declined.id}/decline").text
    rig.app.publish(replace(rig.app.sources(), policies=(PolicySource("g.yaml", GORE),)), by="x")
    states = {one["proposal"]["id"]: one["state"] for one in admin.get("/proposals.json").json()["proposals"]}
    assert states == {declined.id: "declined", withdrawn.id: "withdrawn", outdated.id: "outdated"}
    assert "This proposal is outdated" in admin.post(f"/proposals/{outdated.id}/approve").text
    assert names(rig) == ["gore"]
    expiring = proposed(rig, CLEAN)
    assert abs(expiring.expires - now_ms() - EXPIRES_AFTER_MS) < 600_000
    with pytest.raises(PublishRefused, match="This proposal is expired"):
        approve(rig.app.bundles, replace(expiring, expires=now_ms()), rig.people["admin"].id)


def test_a_proposal_that_another_bundle_made_outdated_stays_so(rig: Rig) -> None:
    proposal, first = proposed(rig, CLEAN), rig.app.bundle
    rig.app.publish(replace(rig.app.sources(), policies=(PolicySource("g.yaml", GORE),)), by="x")
    rig.app.bundles.publish(first, "x", kind="rollback")  # what it was compared with is in force again
    admin = rig.browser("admin")
    admin.get("/publications")
    (listed,) = admin.get("/proposals.json").json()["proposals"]
    assert listed["state"] == "outdated"
    assert "This proposal is outdated" in admin.post(f"/proposals/{proposal.id}/approve").text
    assert rig.app.bundle.hash == first.hash
    again = proposed(rig, CLEAN)  # the same publication, proposed anew
    assert again.id != proposal.id
    assert again.state(now_ms()) == "open"


def test_nothing_is_proposed_that_was_compared_with_a_former_bundle(rig: Rig) -> None:
    policies = (PolicySource("r.yaml", CLEAN),)
    compared = rig.app.compare(replace(rig.app.sources(), policies=policies))
    rig.app.publish(replace(rig.app.sources(), policies=(PolicySource("g.yaml", GORE),)), by="x")
    with pytest.raises(PublishedMeanwhile):
        rig.app.put_in_force(compared, by=rig.people["policy"].id)
    with rig.app.database.read() as connection:
        assert newest_proposals(connection, limit=9) == []


def test_a_start_publishes_nothing_where_a_second_person_approves(rig: Rig) -> None:
    rig.app.bundles.publish(rig.app.build(), "serve", kind="start", source=rig.app.sources().origin)
    folder = rig.app.settings.policies_dir
    assert folder is not None
    (folder / "rudeness.yaml").write_text(CLEAN.replace("do: [demote]", "do: [hold]"))
    start = rig.app.publish_at_start(by="serve")
    assert start.outcome == "differs"
    assert "second person" in start.message()
