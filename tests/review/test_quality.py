"""Blind second reviews, adjudication and golden cases, on both databases."""

from __future__ import annotations

import hashlib
import hmac
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seawall import review
from seawall.model import ACCOUNT_TYPE, Action, ItemRef, now_ms
from seawall.review import quality
from seawall.review.quality import BlindAnswer, QualitySettings
from seawall.review.quality.events import SecondReviewAsked, SecondReviewSubmitted
from seawall.review.quality.queries import (
    answer_pairs,
    count_waiting,
    get_blind_review,
    list_disagreements,
    list_golden_cases,
    reviewer_counts,
)
from seawall.review.quality.sampling import FOLLOWER, is_drawn
from seawall.settings import Settings, SettingsError
from seawall.storage.blobs import Blobs
from seawall.storage.component import ServiceContext
from seawall.storage.following import follow
from seawall.storage.jobs import Jobs

ALL = QualitySettings(blind_share=1, golden_share=0)
GOLDEN = QualitySettings(blind_share=0, golden_share=1)
POLICIES = frozenset({"rudeness", "gore"})
VIOLATES = BlindAnswer(answer=review.VIOLATES, policy="rudeness", reason="clear_violation")
DOES_NOT = BlindAnswer(answer=review.DOES_NOT_VIOLATE, reason="not_a_violation", note="It was a quotation.")


@dataclass
class QualityDesk:
    """A desk whose reviews are followed."""

    desk: Any
    context: ServiceContext

    def follow(self) -> None:
        """Draw from the reviews that were made meanwhile."""
        follow(self.context, FOLLOWER, "tests")

    def decided(self, person: str = "per_1", **answer: Any) -> tuple[str, ItemRef]:
        """A case that somebody decided."""
        case, item, _ = self.desk.case()
        review.take(self.desk.database, case, person)
        self.desk.submit(case, person, **answer)
        return case, item

    def asked(self, **answer: Any) -> tuple[str, ItemRef]:
        """A task that waits for a second answer."""
        before = self.waiting()
        _, item = self.decided(**answer)
        self.follow()
        (task,) = self.waiting() - before
        return task, item

    def waiting(self) -> set[str]:
        """The tasks that were asked for so far."""
        events = self.desk.ledger.events(limit=10_000)
        return {event.body.task for event in events if isinstance(event.body, SecondReviewAsked)}

    def next(self, person: str, settings: QualitySettings = ALL, **more: Any) -> str | None:
        """What the person is given before their next case."""
        return quality.next_task(self.desk.ledger, settings, person, **{"policies": POLICIES, **more})

    def answer(self, task: str, person: str, answer: BlindAnswer = VIOLATES) -> None:
        """Take and answer the task."""
        quality.take_task(self.desk.database, task, person)
        quality.submit_second_review(self.desk.ledger, POLICIES, task, person, answer)

    def read(self, query: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        """What a query gives."""
        with self.desk.database.read() as connection:
            return query(connection, *arguments, **named)

    def mark(self, case: str, item: ItemRef, by: str = "per_policy", **right: Any) -> str:
        """Mark a case as golden."""
        given = {"answer": review.VIOLATES, "policy": "rudeness", **right}
        return quality.mark_golden(self.desk.ledger, POLICIES, case, item, by, **given)


@pytest.fixture
def house(desk: Any, tmp_path: Any) -> QualityDesk:
    return quality_desk(desk, tmp_path)


def quality_desk(desk: Any, tmp_path: Any, queues: review.Queues | None = None) -> QualityDesk:
    """A desk whose queues have these settings."""
    context = ServiceContext(
        settings=Settings(data_dir=tmp_path, database_url="unused"),
        database=desk.database,
        ledger=desk.ledger,
        vault=desk.vault,
        jobs=Jobs(desk.database),
        blobs=Blobs.local(tmp_path / "blobs"),
        services=[ALL, queues or review.Queues()],
    )
    made = QualityDesk(desk, context)
    made.follow()
    return made


# -- which reviews are drawn ------------------------------------------------------------------------------------------


def keyed(key: bytes) -> Callable[[bytes], str]:
    return lambda data: hmac.new(key, data, hashlib.sha256).hexdigest()


def test_the_share_that_is_drawn_is_the_share_that_was_asked_for_and_depends_on_the_key() -> None:
    reviews = [f"rev_{number:032x}" for number in range(20_000)]
    drawn = [{one for one in reviews if is_drawn(keyed(key), one, 0.05)} for key in (b"one", b"one", b"other")]
    assert drawn[0] == drawn[1]
    assert 900 < len(drawn[0]) < 1_100
    assert len(drawn[0] & drawn[2]) < 120


def test_a_queue_may_have_a_share_of_its_own(desk: Any, tmp_path: Any) -> None:
    quiet = review.QueueSettings(name="rudeness", blind_share=0.0)
    house = quality_desk(desk, tmp_path, review.Queues(by_name={"rudeness": quiet}))
    house.decided()
    house.follow()
    assert house.waiting() == set()


@given(st.text(), st.floats(0, 1), st.floats(0, 1))
def test_a_larger_share_draws_whatever_a_smaller_one_draws(name: str, one: float, other: float) -> None:
    small, large = sorted((one, other))
    digest = keyed(b"key")
    assert is_drawn(digest, name, large) or not is_drawn(digest, name, small)
    assert is_drawn(digest, name, 1)
    assert not is_drawn(digest, name, 0)


@pytest.mark.parametrize("share", [-0.1, 1.5, float("nan")])
def test_a_share_that_is_none_is_refused_with_its_name(share: float) -> None:
    with pytest.raises(SettingsError, match=r"SEAWALL_BLIND_SHARE: expected a share from 0 to 1"):
        QualitySettings(blind_share=share)


def test_what_was_decided_before_is_not_asked_again(desk: Any, tmp_path: Any, house: QualityDesk) -> None:
    fresh = QualityDesk(desk, house.context)
    desk.ledger.commit(lambda tx: tx.execute(_forget_cursor()))
    fresh.decided()
    fresh.follow()  # the first step only finds the end of the ledger
    assert fresh.waiting() == set()
    fresh.decided()
    fresh.follow()
    assert len(fresh.waiting()) == 1


def _forget_cursor() -> Any:
    from seawall.storage.tables import follower_state

    return follower_state.delete()


# -- second reviews ---------------------------------------------------------------------------------------------------


def test_another_person_judges_the_revision_that_was_judged(house: QualityDesk) -> None:
    case, item, _ = house.desk.case()
    review.take(house.desk.database, case, "per_1")
    house.desk.submit(case, "per_1")
    house.desk.edit(item, None)  # before the follower came to it
    house.follow()
    assert house.next("per_1") is None  # not who decided it
    task = house.next("per_2")
    assert task is not None
    assert house.next("per_2") == task  # theirs already
    assert house.next("per_3") is None  # never two holders
    row = house.read(get_blind_review, task)
    assert (row.case, row.item, row.revision, row.queue) == (case, item.ref, 1, "rudeness")
    with pytest.raises(review.NoSuchCase):
        quality.take_task(house.desk.database, task, "per_1")


def test_nothing_is_enforced_by_a_second_answer(house: QualityDesk) -> None:
    task, item = house.asked()
    before = house.desk.row(review.case_id(item.ref))
    head = house.desk.ledger.head()
    house.answer(task, "per_2", DOES_NOT)
    assert house.desk.row(review.case_id(item.ref)) == before
    assert [event.kind for event in house.desk.ledger.events(head)] == ["quality.second_review_submitted"]
    assert house.desk.vault.open(item.ref, f"second-review/{task}") == b"It was a quotation."
    row = house.read(get_blind_review, task)
    assert (row.first_answer, row.first_policy, row.first_reviewer) == ("violates", "rudeness", "per_1")
    assert (row.state, row.answer, row.policy, row.reviewer) == ("answered", "does_not_violate", None, "per_2")
    assert house.desk.ledger.rebuild().equal


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (BlindAnswer(answer="", reason=""), "Choose an answer"),
        (BlindAnswer(answer=review.VIOLATES, reason="clear_violation"), "Choose the policy"),
        (BlindAnswer(answer=review.VIOLATES, policy="none", reason="clear_violation"), "Choose the policy"),
        (BlindAnswer(answer=review.VIOLATES, policy="rudeness", reason=""), "Choose a reason"),
        (BlindAnswer(answer=review.DOES_NOT_VIOLATE, reason="clear_violation"), "does not go with this answer"),
        (BlindAnswer(answer=review.DOES_NOT_VIOLATE, policy="rudeness", reason="not_a_violation"), "takes no policy"),
        (BlindAnswer(answer=review.KEEPS_MEASURE, reason="person_at_risk", note="x" * 5_000), "at most 4000"),
    ],
)
def test_an_answer_that_lacks_or_contradicts_something_writes_nothing(
    house: QualityDesk, wrong: BlindAnswer, says: str
) -> None:
    task, _ = house.asked()
    head = house.desk.ledger.head()
    with pytest.raises(review.BadAnswer, match=says):
        house.answer(task, "per_2", wrong)
    assert house.desk.ledger.head() == head


def test_who_lost_or_never_had_the_lease_does_not_answer(house: QualityDesk) -> None:
    task, _ = house.asked()
    with pytest.raises(review.CaseTaken, match="expired"):
        quality.submit_second_review(house.desk.ledger, POLICIES, task, "per_2", VIOLATES)
    quality.take_task(house.desk.database, task, "per_2", ms=0)
    with pytest.raises(review.CaseTaken, match="expired"):
        quality.submit_second_review(house.desk.ledger, POLICIES, task, "per_2", VIOLATES)
    quality.take_task(house.desk.database, task, "per_3")
    for person in ("per_2", "per_4"):
        with pytest.raises(review.CaseTaken, match="Another reviewer"):
            quality.submit_second_review(house.desk.ledger, POLICIES, task, person, VIOLATES)
    house.answer(task, "per_3")
    with pytest.raises(review.CaseMoved, match="answered already"):
        quality.submit_second_review(house.desk.ledger, POLICIES, task, "per_3", VIOLATES)
    with pytest.raises(review.CaseMoved, match="answered already"):
        quality.take_task(house.desk.database, task, "per_4")
    with pytest.raises(review.NoSuchCase):
        quality.submit_second_review(house.desk.ledger, POLICIES, "blind_none", "per_3", VIOLATES)


def test_tasks_are_offered_at_the_rate_of_the_shares_and_always_when_no_case_waits(house: QualityDesk) -> None:
    task, _ = house.asked()
    rate = QualitySettings(blind_share=0.05, golden_share=0.02)
    assert house.next("per_2", rate, draw=lambda: 0.13) is None
    assert house.next("per_2", rate, draw=lambda: 0.11) == task
    quality.release_task(house.desk.database, task, "per_2")
    assert house.next("per_2", rate, draw=lambda: 0.01) == task  # no golden case: a second review in its place
    quality.release_task(house.desk.database, task, "per_2")
    assert house.next("per_2", QualitySettings(blind_share=0, golden_share=0), idle=True) == task


def test_a_task_is_offered_in_its_queue_and_type_and_a_skipped_one_to_others(house: QualityDesk) -> None:
    task, _ = house.asked()
    assert house.next("per_2", queue="gore") is None
    assert house.next("per_2", content_type="message") is None
    assert house.next("per_2", queue="rudeness", content_type="comment") == task
    quality.skip_task(house.desk.database, task, "per_2")
    assert house.next("per_2") is None
    assert house.next("per_3") == task


def test_many_reviewers_at_once_never_share_a_task(house: QualityDesk) -> None:
    tasks = {house.asked()[0] for _ in range(5)}
    people = [f"per_hand_{number}" for number in range(8)]
    start, taken = threading.Barrier(len(people)), {}

    def pull(person: str) -> None:
        start.wait()
        taken[person] = house.next(person)

    threads = [threading.Thread(target=pull, args=(person,)) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = [task for task in taken.values() if task is not None]
    assert sorted(found) == sorted(tasks)
    assert sum(task is None for task in taken.values()) == 3


def test_many_answers_at_once_are_one(house: QualityDesk) -> None:
    task, _ = house.asked()
    quality.take_task(house.desk.database, task, "per_2")
    start, outcomes = threading.Barrier(4), []

    def send() -> None:
        start.wait()
        try:
            quality.submit_second_review(house.desk.ledger, POLICIES, task, "per_2", VIOLATES)
            outcomes.append("accepted")
        except review.ReviewError:
            outcomes.append("refused")

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["accepted", "refused", "refused", "refused"]
    submitted = [one for one in house.desk.ledger.events(limit=10_000) if isinstance(one.body, SecondReviewSubmitted)]
    assert len(submitted) == 1


_STEPS = st.lists(
    st.tuples(
        st.sampled_from(("next", "take", "release", "skip", "submit", "adjudicate")),
        st.sampled_from(("per_1", "per_2", "per_3", "per_4")),
        st.integers(0, 2),
    ),
    max_size=30,
)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=_STEPS)
def test_whatever_people_do_one_holds_a_task_and_never_who_decided_it(house: QualityDesk, steps: Any) -> None:
    tasks = [house.asked()[0] for _ in range(3)]  # decided by per_1
    holders: dict[str, str] = {}
    answered: dict[str, str] = {}
    queue = f"q-{tasks[0]}"  # none: those of earlier examples are not offered
    for step, person, number in steps:
        task = tasks[number]
        try:
            if step == "next":
                theirs = [one for one, who in holders.items() if who == person]
                assert house.next(person, queue=queue) in (theirs or [None])
            elif step == "take":
                quality.take_task(house.desk.database, task, person)
                assert holders.setdefault(task, person) == person
                assert task not in answered
                assert person != "per_1"
            elif step == "submit":
                quality.submit_second_review(house.desk.ledger, POLICIES, task, person, DOES_NOT)
                assert holders.pop(task) == person
                answered[task] = person
            elif step == "adjudicate":
                quality.adjudicate(house.desk.ledger, POLICIES, task, person, VIOLATES)
                assert person not in ("per_1", answered[task])
            else:
                done = {"release": quality.release_task, "skip": quality.skip_task}[step]
                done(house.desk.database, task, person)
                if holders.get(task) == person:
                    del holders[task]
        except review.ReviewError:
            continue
    for task in tasks:
        lease = house.read(quality.task_lease, task, now_ms())
        assert (lease.person if lease is not None else None) == holders.get(task)
        assert house.read(get_blind_review, task).reviewer == answered.get(task)
        if task in holders:
            quality.release_task(house.desk.database, task, holders[task])


# -- agreement and adjudication ---------------------------------------------------------------------------------------


def test_agreement_is_an_equal_answer_and_policy(house: QualityDesk) -> None:
    gore = BlindAnswer(answer=review.VIOLATES, policy="gore", reason="clear_violation")
    for answer in (VIOLATES, gore, DOES_NOT):
        house.answer(house.asked()[0], "per_2", answer)
    house.answer(
        house.asked(answer=review.DOES_NOT_VIOLATE, policy=None, actions=(), reason="quoted_or_condemned")[0],
        "per_2",
        DOES_NOT,
    )
    waiting, _ = house.asked()
    pairs = house.read(answer_pairs)
    assert [pair.first == pair.second for pair in pairs] == [True, False, False, True]
    assert [(one.answer, one.policy) for one in house.read(list_disagreements, limit=9)] == [
        ("does_not_violate", None),
        ("violates", "gore"),
    ]
    severe = {"gore": 4, "rudeness": 2}
    first = [one.policy for one in house.read(list_disagreements, limit=9, severities=severe)]
    assert first == ["gore", None]  # the older one first, because it is graver
    assert [one.policy for one in house.read(list_disagreements, limit=9, severities=severe, skip=1)] == [None]
    assert [one.policy for one in house.read(list_disagreements, limit=9, policy="gore")] == ["gore"]
    assert house.read(count_waiting) == 1
    counts = {one.person: (one.pairs, one.agreed) for one in house.read(reviewer_counts)}
    assert counts == {"per_1": (4, 2), "per_2": (4, 2)}
    assert house.read(reviewer_counts, until=now_ms() - 3_600_000) == []
    assert [one.person for one in house.read(reviewer_counts, person="per_2")] == ["per_2"]
    assert waiting in house.waiting()


def test_a_third_person_gives_the_final_answer_once(house: QualityDesk) -> None:
    task, item = house.asked()
    with pytest.raises(review.CaseMoved, match="no disagreement"):
        quality.adjudicate(house.desk.ledger, POLICIES, task, "per_policy", DOES_NOT)
    house.answer(task, "per_2", DOES_NOT)
    for person in ("per_1", "per_2"):
        with pytest.raises(review.BadAnswer, match="one of the two"):
            quality.adjudicate(house.desk.ledger, POLICIES, task, person, DOES_NOT)
    before = house.desk.row(review.case_id(item.ref))
    quality.adjudicate(house.desk.ledger, POLICIES, task, "per_policy", DOES_NOT)
    assert house.desk.row(review.case_id(item.ref)) == before  # the decision in force stays
    row = house.read(get_blind_review, task)
    assert (row.state, row.final_answer, row.final_policy) == ("adjudicated", "does_not_violate", None)
    assert row.adjudicator == "per_policy"
    assert house.desk.vault.open(item.ref, f"adjudication/{task}") == b"It was a quotation."
    with pytest.raises(review.CaseMoved, match="adjudicated already"):
        quality.adjudicate(house.desk.ledger, POLICIES, task, "per_policy", VIOLATES)
    assert [one.id for one in house.read(list_disagreements, limit=9, state="adjudicated")] == [task]
    assert house.read(list_disagreements, limit=9, state="open") == []
    assert len(house.read(answer_pairs)) == 1  # the disagreement counts on
    assert house.desk.ledger.rebuild().equal


def test_like_answers_are_not_adjudicated(house: QualityDesk) -> None:
    task, _ = house.asked()
    house.answer(task, "per_2")
    with pytest.raises(review.CaseMoved, match="no disagreement"):
        quality.adjudicate(house.desk.ledger, POLICIES, task, "per_policy", DOES_NOT)


# -- golden cases -----------------------------------------------------------------------------------------------------


def test_a_golden_case_needs_an_answer_and_a_case_that_a_person_decided(house: QualityDesk) -> None:
    case, item = house.decided()
    for right in ({"answer": ""}, {"policy": None}, {"policy": "none"}, {"answer": review.DOES_NOT_VIOLATE}):
        with pytest.raises(review.BadAnswer):
            house.mark(case, item, **right)
    with pytest.raises(review.NoSuchCase):
        house.mark("case_none", item)
    with pytest.raises(review.NoSuchCase):
        house.mark(case, house.desk.item()[0])  # another item
    waiting, other, _ = house.desk.case()
    with pytest.raises(review.CaseMoved, match="Decide it first"):
        house.mark(waiting, other)
    house.desk.decide(other, None)  # a complete evaluation cleared it, so no person has judged it
    with pytest.raises(review.CaseMoved, match="Decide it first"):
        house.mark(waiting, other)
    golden = house.mark(case, item)
    with pytest.raises(review.CaseMoved, match="golden already"):
        house.mark(case, item)
    quality.retire_golden(house.desk.ledger, golden, "per_policy")
    with pytest.raises(review.BadAnswer, match="retired already"):
        quality.retire_golden(house.desk.ledger, golden, "per_policy")
    assert house.mark(case, item) != golden


def test_a_golden_case_comes_once_to_each_who_does_not_know_it(house: QualityDesk) -> None:
    case, item = house.decided("per_1")
    golden = house.mark(case, item)
    assert house.next("per_1", GOLDEN) is None  # decided it
    assert house.next("per_policy", GOLDEN) is None  # marked it
    assert house.next("per_2", GOLDEN, queue="gore") is None
    assert house.next("per_2", QualitySettings(blind_share=1, golden_share=0)) is None
    assert house.next("per_2", GOLDEN, idle=True) is None  # idle hands do not use them up
    first = house.next("per_2", GOLDEN)
    second = house.next("per_3", GOLDEN)
    assert first is not None
    assert second is not None
    assert first != second
    with pytest.raises(review.NoSuchCase):
        quality.take_task(house.desk.database, second, "per_2")
    house.answer(first, "per_2")
    house.answer(second, "per_3", DOES_NOT)
    assert house.next("per_2", GOLDEN) is None
    (row,) = house.read(list_golden_cases, limit=9)
    assert (row.id, row.answered, row.right) == (golden, 2, 1)
    counts = {one.person: (one.pairs, one.golden, one.right) for one in house.read(reviewer_counts)}
    assert counts == {"per_2": (0, 1, 1), "per_3": (0, 1, 0)}
    assert house.read(answer_pairs) == []  # they say nothing about agreement
    with pytest.raises(review.NoSuchCase):
        quality.adjudicate(house.desk.ledger, POLICIES, second, "per_policy", VIOLATES)
    assert house.desk.ledger.rebuild().equal


def test_a_golden_case_of_a_policy_that_is_not_active_is_not_offered(house: QualityDesk) -> None:
    case, item = house.decided("per_1")
    house.mark(case, item)
    assert house.next("per_2", GOLDEN, policies={"gore"}) is None  # nobody could give the right answer
    assert house.next("per_2", GOLDEN, policies=()) is None
    assert house.next("per_2", GOLDEN, policies={"gore", "rudeness"}) is not None


def test_a_golden_case_that_was_left_waits_for_the_same_person(house: QualityDesk) -> None:
    case, item = house.decided("per_1")
    house.mark(case, item)
    task = house.next("per_2", GOLDEN)
    assert task is not None
    quality.release_task(house.desk.database, task, "per_2")
    assert house.next("per_2", GOLDEN) == task
    assert house.next("per_4", ALL) is None


def test_a_task_whose_content_is_gone_is_withdrawn_and_its_golden_case_retired(house: QualityDesk) -> None:
    case, item = house.decided("per_1")
    house.mark(case, item)
    task = house.next("per_2", GOLDEN)
    assert task is not None
    quality.withdraw(house.desk.ledger, task, "per_2")
    assert house.next("per_2", GOLDEN) is None
    assert house.next("per_3", GOLDEN) is None
    (row,) = house.read(list_golden_cases, limit=9)
    assert row.retired_reason == "content_gone"
    with pytest.raises(review.CaseMoved):
        quality.withdraw(house.desk.ledger, task, "per_2")
    assert house.desk.ledger.rebuild().equal


def test_notes_go_with_their_author_and_none_is_kept_about_erased_content(house: QualityDesk) -> None:
    task, item = house.asked()
    author = house.desk.row(review.case_id(item.ref)).actor
    house.answer(task, "per_2", DOES_NOT)
    other, erased = house.asked()
    for ref in (author, house.desk.row(review.case_id(erased.ref)).actor):
        house.desk.ledger.commit(lambda tx, ref=ref: house.desk.vault.erase(tx, ref))
    opened = house.desk.vault.open_many([(item.ref, f"second-review/{task}")])
    assert list(opened.values()) == [None] or opened == {}
    with pytest.raises(review.CaseMoved, match="erased meanwhile"):
        house.answer(other, "per_2", DOES_NOT)
    house.answer(other, "per_2", VIOLATES)


def test_a_case_kept_with_a_measure_is_asked_as_well(house: QualityDesk) -> None:
    case, item, _ = house.desk.case(Action("warn"))
    review.take(house.desk.database, case, "per_1")
    house.desk.submit(case, "per_1", answer=review.DOES_NOT_VIOLATE, policy=None, actions=(), reason="not_a_violation")
    house.follow()
    task = house.next("per_2")
    assert task is not None
    house.answer(task, "per_2", BlindAnswer(answer=review.KEEPS_MEASURE, reason="person_at_risk"))
    (row,) = house.read(list_disagreements, limit=9)
    assert (row.item, row.first_answer, row.answer) == (item.ref, "does_not_violate", "keeps_measure")


def test_an_answer_about_an_account_is_not_asked_of_a_second_person(house: QualityDesk) -> None:
    desk = house.desk
    about = ItemRef(ACCOUNT_TYPE, desk.ledger.commit(lambda tx: tx.subject("account", "ann")), 0)
    desk.report(about)
    case = review.case_id(about.ref)
    review.take(desk.database, case, "per_1")
    desk.submit(case, actions=(Action("warn"),))
    house.follow()
    assert house.waiting() == set()
