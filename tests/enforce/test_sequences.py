"""Whatever decisions come: what is in force, and what a receiver believes, are the last one's actions."""

from __future__ import annotations

import json
import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from seawall.enforce import CannotReplay, DeliveryClient, add_endpoint, deliver, replay
from seawall.enforce.diff import canonical_parameters
from seawall.model import ACTIONS, Action, ActionSubject, DecisionSource
from support.enforcement import DEMOTE, HOLD, LIMIT, REMOVE, REVIEW, STRIKE, TAG, WARN, Rig, open_rig
from support.receivers import Receiver, receiving, status

CHOICES = (REMOVE, HOLD, DEMOTE, WARN, STRIKE, LIMIT, REVIEW, TAG)
STRONGER = (Action("strike", {"weight": 5.0}), Action("limit", {"for": 7 * 86_400.0}))
actions = st.lists(st.sampled_from(CHOICES + STRONGER), max_size=4, unique_by=lambda action: action.kind)
Effect = tuple[str, str, str]  # subject, kind, parameters


class Platform:
    """A receiver as a product team would write it in a hurry: no order, no memory but the ids it has seen."""

    def __init__(self, receiver: Receiver) -> None:
        self.receiver = receiver
        self.seen: set[str] = set()
        self.effects: set[Effect] = set()
        self.in_force: dict[str, set[str]] = {}

    def read(self) -> None:
        for request in self.receiver.requests:
            if request.headers["webhook-id"] in self.seen:
                continue
            self.obey(request.message)
            self.seen.add(request.headers["webhook-id"])
        self.receiver.requests.clear()

    def obey(self, message: dict[str, Any]) -> None:
        data = message["data"]
        self.in_force[data["subject"]["id"]] = set(data["in_force"])
        parameters = json.dumps(data["action"]["parameters"], separators=(",", ":"))
        effect = (data["subject"]["id"], data["action"]["kind"], parameters)
        if message["type"] == "enforcement.applied":
            self.effects.add(effect)
        else:
            self.effects.discard(effect)


class Sequences(RuleBasedStateMachine):
    """One item; decisions, failing and working deliveries, and replays in any order."""

    template: ClassVar[str]

    @initialize()
    def open(self) -> None:
        self.stack = ExitStack()
        folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        path = shutil.copy(self.template.removeprefix("sqlite:///"), folder)
        self.rig: Rig = self.stack.enter_context(open_rig(f"sqlite:///{path}", folder))
        self.receiver = self.stack.enter_context(receiving())
        self.platform = Platform(self.receiver)
        self.item, self.actor = self.rig.item()
        self.last: tuple[Action, ...] = ()
        add_endpoint(self.rig.ledger, self.rig.vault, url=self.receiver.url, allow_private=True)

    def teardown(self) -> None:
        if not hasattr(self, "stack"):
            return
        try:
            while self.rig.jobs_left():
                self.work()
            self.platform.read()
            assert self.platform.effects == {self.named(effect) for effect in self.wanted(sent=True)}
            kinds = {kind for kinds in self.platform.in_force.values() for kind in kinds}
            assert kinds == {kind for _, kind, _ in self.wanted(sent=True)}
            assert self.rig.ledger.rebuild().equal
        finally:
            self.stack.close()

    @rule(chosen=actions, source=st.sampled_from(DecisionSource))
    def decide(self, chosen: list[Action], source: DecisionSource) -> None:
        previous = list(self.rig.decisions)[-1:]
        self.rig.decide(
            self.item,
            *chosen,
            actor=self.actor,
            is_new=not previous,
            source=source,
            supersedes=previous[0] if previous else None,
        )
        self.last = tuple(chosen)

    @rule(codes=st.lists(st.sampled_from([500, 204]), max_size=5), reverse=st.booleans())
    def work(self, codes: list[int] | None = None, reverse: bool = False) -> None:
        self.receiver.script[:] = [status(code) for code in codes or []]
        self.rig.let_time_pass()
        for job in sorted(self.rig.due(), key=lambda job: job.key, reverse=reverse):
            deliver(self.client(), job)
        self.receiver.script.clear()
        self.platform.read()

    @precondition(lambda self: self.rig.deliveries())
    @rule(data=st.data())
    def send_again(self, data: st.DataObject) -> None:
        delivery = data.draw(st.sampled_from([row["id"] for row in self.rig.deliveries()]))
        try:
            replay(self.rig.ledger, delivery, person="per_1")
        except CannotReplay:
            return
        self.platform.seen.discard(delivery)  # a receiver that forgot: the replay must not do harm

    @invariant()
    def what_is_in_force_is_what_was_decided_last(self) -> None:
        assert self.rig.active(self.item) == self.wanted(sent=False)

    def wanted(self, *, sent: bool) -> set[Effect]:
        effects = set()
        for action in self.last:
            subject = ACTIONS[action.kind].subject
            if action.kind == "review" or (sent and subject is ActionSubject.INTERNAL):
                continue
            ref = self.item.ref if subject is ActionSubject.ITEM else self.actor
            effects.add((ref, action.kind, canonical_parameters(action)))
        return effects

    def named(self, effect: Effect) -> Effect:
        ref, kind, parameters = effect
        return (self.rig.vault.platform_id(ref), kind, parameters)

    def client(self) -> DeliveryClient:
        return DeliveryClient(
            database=self.rig.database,
            ledger=self.rig.ledger,
            vault=self.rig.vault,
            load_decision=self.rig.load_decision,
            allow_private=True,
        )


@pytest.mark.timeout(300)
def test_sequences_of_decisions(sqlite_url: str, full: bool) -> None:
    machine = type("Machine", (Sequences,), {"template": sqlite_url})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=400 if full else 25,
            stateful_step_count=15,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
        ),
    )
