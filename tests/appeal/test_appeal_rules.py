"""The rules of appeals and of misuse, exhaustively: states, who may appeal, warnings, accuracy, settings."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.appeal import (
    AppealRefused,
    AppealSettings,
    AppealState,
    AppealTrigger,
    AppellantRole,
    DecidedReport,
    DecisionFacts,
    MisuseTerms,
    Refusal,
    decided_reports,
    may_mute,
    outcome_of,
    reporter_accuracy,
    role_of,
)
from seawall.appeal.appeal_state import TRANSITIONS, appeal_after
from seawall.appeal.misuse import DAY_MS, should_warn
from seawall.appeal.queries import ReportRow
from seawall.appeal.settings import check_settings
from seawall.model import ACTIONS, Action, ItemRef
from seawall.review.queries import ReviewRow
from seawall.settings import SettingsError
from support.enforcement import make_decision

ANSWERED = {AppealState.UPHELD, AppealState.OVERTURNED, AppealState.PARTLY, AppealState.WITHDRAWN}
TERMS = MisuseTerms()


@pytest.mark.parametrize("state", AppealState)
@pytest.mark.parametrize("trigger", AppealTrigger)
def test_every_state_meets_every_trigger(state: AppealState, trigger: AppealTrigger) -> None:
    target = TRANSITIONS.get((state, trigger))
    if target is None:
        with pytest.raises(ValueError, match="cannot be"):
            appeal_after(state, trigger)
    else:
        assert appeal_after(state, trigger) is target


def test_only_an_answer_ends_an_appeal_and_nothing_opens_it_again() -> None:
    for (before, trigger), after in TRANSITIONS.items():
        if before is AppealState.OPEN and after is not before:
            assert after.value == trigger.value
            assert after in ANSWERED
        if before in ANSWERED:
            assert after is before
    assert {before for before, trigger in TRANSITIONS if trigger is AppealTrigger.OUT_OF_COURT} == ANSWERED


def facts(*actions: Action, **more: Any) -> DecisionFacts:
    decision = make_decision(ItemRef("comment", "it_1", 1), *actions, actor="en_author")
    known = {
        "appellant": "en_author",
        "in_force": True,
        "reported": False,
        "refused_report": None,
        "deciders": (),
        "head": None,
        "window_days": 183,
        **more,
    }
    return DecisionFacts(decision=decision, **known)


@pytest.mark.parametrize("kind", [kind for kind in ACTIONS.values() if kind.inverse is not None], ids=lambda k: k.name)
def test_whatever_restricts_somebody_can_be_appealed_by_its_author(kind: Any) -> None:
    asked = facts(Action(kind.name))
    now = asked.decision.at + 1
    if kind.adverse:
        assert role_of(asked, now) is AppellantRole.AUTHOR
    else:
        with pytest.raises(AppealRefused):
            role_of(asked, now)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (facts(), Refusal.NOT_ADVERSE),
        (facts(Action("remove"), in_force=False), Refusal.NOT_ADVERSE),
        (facts(Action("remove"), appellant="en_other"), Refusal.NOT_CONCERNED),
        (facts(Action("remove"), appellant=""), Refusal.NOT_CONCERNED),
        (facts(Action("remove"), appellant="en_other", reported=True), Refusal.NOT_ADVERSE),
        (facts(appellant="en_other", reported=True), Refusal.NOT_ADVERSE),
    ],
)
def test_who_may_not_appeal(given: DecisionFacts, reason: Refusal) -> None:
    with pytest.raises(AppealRefused) as refused:
        role_of(given, given.decision.at)
    assert refused.value.reason is reason


def test_a_refused_report_can_be_appealed_within_the_window_only() -> None:
    asked = facts(appellant="en_other", reported=True, refused_report="rep_1")
    at = asked.decision.at
    assert role_of(asked, at + 183 * DAY_MS) is AppellantRole.REPORTER
    with pytest.raises(AppealRefused) as refused:
        role_of(asked, at + 183 * DAY_MS + 1)
    assert refused.value.reason is Refusal.WINDOW_OVER
    assert role_of(replace(asked, window_days=184), at + 183 * DAY_MS + 1) is AppellantRole.REPORTER


REPORTS = st.lists(st.builds(DecidedReport, at=st.integers(0, 90 * DAY_MS), upheld=st.booleans()), max_size=20)


@given(REPORTS, st.none() | st.integers(0, 90 * DAY_MS))
def test_nobody_is_muted_without_a_warning_and_misuse_after_it(
    reports: list[DecidedReport], warned_at: int | None
) -> None:
    now = 90 * DAY_MS
    if may_mute(reports, warned_at, now, TERMS):
        assert warned_at is not None
        assert sum(not one.upheld and one.at > warned_at for one in reports) >= TERMS.refused
    if should_warn(reports, warned_at, now, TERMS):
        recent = [one for one in reports if one.at >= now - 30 * DAY_MS]
        refused = sum(not one.upheld for one in recent)
        assert refused >= 3
        assert 2 * refused >= len(recent)


def test_three_refused_in_thirty_days_warn_unless_most_are_right() -> None:
    now = 100 * DAY_MS
    wrong = [DecidedReport(at=now - days * DAY_MS, upheld=False) for days in (1, 15, 30)]
    right = [DecidedReport(at=now - DAY_MS, upheld=True)] * 4
    assert should_warn(wrong, None, now, TERMS)
    assert not should_warn(wrong[:2], None, now, TERMS)
    assert not should_warn([*wrong[:2], DecidedReport(at=now - 31 * DAY_MS, upheld=False)], None, now, TERMS)
    assert not should_warn([*wrong, *right], None, now, TERMS)  # who is mostly right is no nuisance
    assert not should_warn(wrong, now - DAY_MS, now, TERMS)
    assert should_warn(wrong, now - 31 * DAY_MS, now, TERMS)


def test_accuracy_says_nothing_below_five() -> None:
    four = [DecidedReport(at=1, upheld=True)] * 4
    assert reporter_accuracy(four).share is None
    five = reporter_accuracy([*four, DecidedReport(at=1, upheld=False)])
    assert five.share is not None
    assert (five.upheld, five.decided, five.share.value) == (4, 5, 0.8)
    assert (round(five.share.lower, 3), round(five.share.upper, 3)) == (0.376, 0.964)  # Wilson 1927


def report(seq: int, item: str = "it_1") -> ReportRow:
    return ReportRow(
        id=f"rep_{seq}", seq=seq, at=seq, item=item, content_type="comment", reporter="en_9", kind="user", policy=None
    )


def answered(seq: int, answer: str) -> ReviewRow:
    return ReviewRow(
        id=f"rev_{seq}",
        seq=seq,
        at=seq,
        case="case_1",
        reviewer="per_1",
        decision=f"dec_{seq}",
        policy=None,
        answer=answer,
        reason="",
    )


def test_a_report_has_the_outcome_of_the_first_answer_after_it() -> None:
    answers = [answered(2, "violates"), answered(4, "cannot_tell"), answered(6, "does_not_violate")]
    first, second, third = (outcome_of(report(seq), answers, {}) for seq in (1, 3, 7))
    assert first is not None
    assert second is not None
    assert (first.upheld, first.decision, second.upheld, second.decision) == (True, "dec_2", False, "dec_6")
    assert third is None
    same = decided_reports([report(3), report(5)], {"it_1": answers}, {})
    assert len(same) == 1  # three reports of one thing are one


@pytest.mark.parametrize(
    ("wrong", "names"),
    [
        ({"appeal_window_days": 182}, "SEAWALL_APPEAL_WINDOW_DAYS.*183"),
        ({"misuse_refused_reports": 0}, "SEAWALL_MISUSE_REFUSED_REPORTS"),
        ({"misuse_mute_days": 0}, "SEAWALL_MISUSE_MUTE_DAYS"),
        ({"misuse_share": 1.5}, "SEAWALL_MISUSE_SHARE"),
    ],
)
def test_settings_that_the_law_or_sense_forbids(wrong: dict[str, Any], names: str) -> None:
    with pytest.raises(SettingsError, match=names):
        check_settings(AppealSettings(**wrong))


def test_the_window_is_never_shorter_than_the_law() -> None:
    assert AppealSettings().window_days(None) == 183
    assert AppealSettings().window_days(30) == 183
    assert AppealSettings().window_days(365) == 365
