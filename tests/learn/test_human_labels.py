"""Labels from reviews, second reviews, adjudications and appeals: which answer counts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from seawall import appeal, review, screen
from seawall.appealed_decision import find_facts
from seawall.cli.labels import answers_of
from seawall.cli.main import program
from seawall.console import active_bundle
from seawall.learn.human_labels import HumanLabel, LabelSource, resolve
from seawall.model import Action
from seawall.review import quality
from seawall.review.quality.sampling import FOLLOWER
from seawall.review.queries import reviews_of_item
from seawall.storage.following import follow
from support.console import Rig, opened

EVERY = {"SEAWALL_BLIND_SHARE": "1", "SEAWALL_GOLDEN_SHARE": "0"}
SAID = HumanLabel(
    item="it_1",
    content_type="comment",
    revision=1,
    policy="rudeness",
    violates=True,
    source=LabelSource.REVIEW,
    at=10,
    by="per_1",
    decision="dec_1",
    answer="rev_1",
)
SECOND = replace(SAID, source=LabelSource.SECOND_REVIEW, violates=False, at=20)
FINAL = replace(SAID, source=LabelSource.ADJUDICATION, violates=False, at=30)
APPEAL = replace(SAID, source=LabelSource.APPEAL, violates=False, at=30)


@pytest.mark.parametrize(
    ("answers", "violates"),
    [
        ([SAID], True),
        ([SAID, replace(SAID, violates=False, at=11)], False),  # decided again
        ([SAID, replace(SECOND, violates=True)], True),
        ([SAID, SECOND], None),  # they disagree, and nobody has ended it
        ([SAID, SECOND, FINAL], False),
        ([SAID, SECOND, replace(FINAL, violates=True)], True),
        ([SAID, SECOND, replace(FINAL, violates=None)], None),  # the final answer names another policy
        ([SAID, APPEAL], False),
        ([replace(SAID, at=30), APPEAL], False),  # the review that answers the appeal, in the same moment
        ([SAID, replace(APPEAL, violates=True)], True),
        ([SAID, APPEAL, replace(SECOND, violates=True, at=40)], False),  # what was asked of another before
        ([SAID, APPEAL, replace(SAID, at=50)], True),  # reopened, and decided again
    ],
)
def test_a_correction_outranks_what_it_corrects(answers: list[HumanLabel], violates: bool | None) -> None:
    for ordered in (answers, answers[::-1]):
        found = resolve(ordered)
        assert [one.violates for one in found] == ([] if violates is None else [violates])


@given(
    st.lists(st.sampled_from([SAID, SECOND, FINAL, APPEAL, replace(SAID, revision=2), replace(SAID, policy="gore")]))
)
def test_there_is_at_most_one_label_for_each_revision_and_policy(answers: list[HumanLabel]) -> None:
    found = [(one.item, one.revision, one.policy) for one in resolve(answers)]
    assert len(found) == len(set(found))
    assert set(found) <= {(one.item, one.revision, one.policy) for one in answers}


@pytest.fixture
def rig(database_url: str, tmp_path: Path) -> Iterator[Rig]:
    with opened(tmp_path, database_url=database_url, environment=EVERY) as made:
        follow(made.app.context, FOLLOWER, "tests")
        yield made


def decide(rig: Rig, item: str, role: str, answer: str) -> Any:
    case, person = review.case_id(item), rig.people[role].id
    review.take(rig.app.database, case, person)
    violates = answer == review.VIOLATES
    said = review.ReviewAnswer(
        answer=answer,
        policy="rudeness" if violates else None,
        reason="clear_violation" if violates else "not_a_violation",
        actions=(Action("remove"),) if violates else (),
    )
    return review.submit_review(
        rig.app.ledger, active_bundle.rulebook(rig.app), case, person, said, find_item=screen.status_of
    )


def labels(rig: Rig) -> list[tuple[str, bool | None, str]]:
    return [(one.policy, one.violates, one.source.value) for one in resolve(answers_of(rig.app))]  # type: ignore[arg-type]


def test_an_adjudication_changes_the_label(rig: Rig) -> None:
    screened = rig.screen("You fool", id="adjudicated")
    decide(rig, screened.item, "reviewer", review.VIOLATES)
    assert labels(rig) == [("rudeness", True, "review")]
    follow(rig.app.context, FOLLOWER, "tests")
    ledger, policies = rig.app.ledger, active_bundle.policies(rig.app)
    person = rig.people["admin"].id
    task = quality.next_task(ledger, rig.app.context.get(quality.QualitySettings), person, policies=("rudeness",))
    assert task is not None
    harmless = quality.BlindAnswer(answer="does_not_violate", reason="quoted_or_condemned")
    quality.submit_second_review(ledger, policies, task, person, harmless)
    assert labels(rig) == []
    quality.adjudicate(ledger, policies, task, rig.people["policy"].id, harmless)
    assert labels(rig) == [("rudeness", False, "adjudication")]


def test_an_overturned_appeal_changes_the_label_and_a_review_taken_back_is_none(rig: Rig) -> None:
    app = rig.app
    screened = rig.screen("You fool", id="appealed")
    first = decide(rig, screened.item, "reviewer", review.VIOLATES)
    assert labels(rig) == [("rudeness", True, "review")]
    asked = appeal.Appeal(appellant="author", text="It is a line from a song.", decision=first.id)
    made = appeal.receive_appeal(app.ledger, asked, find_facts=partial(find_facts, app), find_item=screen.status_of)
    browser, path = rig.browser("child_safety"), f"/cases/{review.case_id(screened.item)}"
    browser.post(f"{path}/take")
    given = {"answer": "does_not_violate", "reason": "not_a_violation", "message": "You are right.", "revision": "1"}
    assert browser.post(f"{path}/appeals/{made}/answer", seen=first.id, **given).status_code == 303
    assert labels(rig) == [("rudeness", False, "appeal")]
    other = rig.screen("You silly person", id="undone")
    decide(rig, other.item, "reviewer", review.VIOLATES)
    assert len(labels(rig)) == 2
    with app.database.read() as connection:
        (newest,) = reviews_of_item(connection, other.item, limit=1)
    assert rig.browser("reviewer").post(f"/reviews/{newest.id}/undo").status_code == 303
    assert labels(rig) == [("rudeness", False, "appeal")]


def test_the_command_writes_them_with_the_products_ids(sqlite_url: str, tmp_path: Path) -> None:
    with opened(tmp_path, database_url=sqlite_url, environment=EVERY) as rig:
        screened = rig.screen("You fool", id="exported")
        decide(rig, screened.item, "reviewer", review.VIOLATES)
        file = tmp_path / "labels.jsonl"
        where = ["--data-dir", str(rig.app.settings.data_dir), "--database", sqlite_url]
        result = CliRunner().invoke(program(), ["labels", "export", str(file), *where])
    assert result.exit_code == 0, result.output
    (line,) = map(json.loads, file.read_text().splitlines())
    assert (line["id"], line["policy"], line["violates"], line["source"]) == ("exported", "rudeness", True, "review")
    assert "fool" not in file.read_text()
