"""The circuit breaker, against a model of it."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from seawall.net.breaker import Breaker


def test_it_rests_longer_each_time_and_lets_one_request_try() -> None:
    now = [0.0]
    breaker = Breaker(opens_after=5, first_rest_s=10, longest_rest_s=300, clock=lambda: now[0])
    for _ in range(5):
        assert breaker.wait_s("acme") == 0
        breaker.failed("acme")
    assert breaker.wait_s("acme") == 10
    rest = 10.0
    for _ in range(10):
        now[0] += rest
        assert breaker.wait_s("acme") == 0  # the trial request
        assert breaker.wait_s("acme") == 30
        breaker.failed("acme")
        rest = min(2 * rest, 300)
        assert breaker.wait_s("acme") == rest
        assert breaker.is_open("acme")
    now[0] += rest
    assert breaker.wait_s("acme") == 0
    breaker.succeeded("acme")
    assert breaker.wait_s("acme") == 0
    assert not breaker.is_open("acme")


def test_a_trial_without_an_outcome_is_followed_by_another() -> None:
    now = [0.0]
    breaker = Breaker(opens_after=1, first_rest_s=10, longest_rest_s=300, clock=lambda: now[0])
    breaker.failed("acme")
    now[0] += 10
    assert breaker.wait_s("acme") == 0
    now[0] += 30
    assert breaker.wait_s("acme") == 0


class _Keys(RuleBasedStateMachine):
    """Keys do not know of each other, and a key has at most one request in the air while its circuit is half-open."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.breaker = Breaker(opens_after=2, first_rest_s=5, longest_rest_s=20, clock=lambda: self.now)
        self.failures = {"a": 0, "b": 0}
        self.allowed: dict[str, list[float]] = {"a": [], "b": []}

    @rule(key=st.sampled_from("ab"))
    def ask(self, key: str) -> None:
        wait = self.breaker.wait_s(key)
        if self.failures[key] < 2:
            assert wait == 0
            return
        assert 0 <= wait <= 30
        if wait == 0:
            assert not [at for at in self.allowed[key] if self.now - at < 5], "two trials at once"
            self.allowed[key].append(self.now)

    @rule(key=st.sampled_from("ab"))
    def succeed(self, key: str) -> None:
        self.breaker.succeeded(key)
        self.failures[key], self.allowed[key] = 0, []
        assert not self.breaker.is_open(key)

    @rule(key=st.sampled_from("ab"))
    def fail(self, key: str) -> None:
        self.breaker.failed(key)
        self.failures[key] += 1
        self.allowed[key] = [] if self.failures[key] < 2 else self.allowed[key]
        assert self.breaker.is_open(key) == (self.failures[key] >= 2)

    @rule(seconds=st.floats(0, 40))
    def pass_time(self, seconds: float) -> None:
        self.now += seconds


def test_any_sequence() -> None:
    run_state_machine_as_test(_Keys, settings=settings(max_examples=60, deadline=None))
