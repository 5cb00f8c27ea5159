"""The examples of policies in both columns: as logic, and as screened by the real detectors and banks today."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import Final

from cachetools import LRUCache

from seawall.detect import Runner
from seawall.model import now_ms
from seawall.policy import (
    Bundle,
    Context,
    ExampleResult,
    Program,
    ScreenedExample,
    ScreenedState,
    run_examples,
    run_screened,
)
from seawall.policy.example_runs import no_history
from seawall.policy.examples import CheckedExample
from seawall.screen.creator_overlays import OverlaysOn
from seawall.screen.trying import ItemTrials, ask, last_evaluation_of

_MOST_COLUMNS: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class ExampleReport:
    """Both columns, in the order of the examples."""

    logic: tuple[ExampleResult, ...]
    screened: tuple[ScreenedExample, ...]

    @property
    def failed(self) -> list[ExampleResult | ScreenedExample]:
        """What must not be published: failing logic, and failing screenings that are not declared as wanted."""
        logic = [one for one in self.logic if not one.passed]
        return [*logic, *(one for one in self.screened if one.state is ScreenedState.FAILED)]

    @property
    def counts(self) -> Counter[ScreenedState]:
        """How many examples fare how with the real detectors."""
        return Counter(one.state for one in self.screened)


@dataclass(frozen=True, slots=True)
class ScreenedColumn:
    """The second column of one policy, and when it was run, in milliseconds since 1970."""

    at: int
    examples: tuple[ScreenedExample, ...]


class ScreenedColumns:
    """The last screened column of each policy, for this bundle and these versions of the detectors. Thread-safe.

    Kept in memory by each process: it can be run again, and what banks hold changes without a version.
    """

    def __init__(self, runner: Runner, trials: ItemTrials) -> None:
        self._runner = runner
        self._trials = trials
        self._columns: LRUCache[tuple[object, ...], ScreenedColumn] = LRUCache(_MOST_COLUMNS)
        self._running: dict[tuple[object, ...], Future[ScreenedColumn]] = {}
        self._lock = threading.Lock()

    def last(self, bundle: Bundle, policy: str) -> ScreenedColumn | None:
        """The column that was run last, if it still is about this bundle and these detectors."""
        with self._lock:
            return self._columns.get(self._key(bundle, policy))

    def run(self, by: str, bundle: Bundle, policy: str) -> ScreenedColumn:
        """Screen the examples of a policy for ``by``; it counts as one try. Raises TooManyTries."""
        return self.start(by, bundle, policy).result()

    def start(self, by: str, bundle: Bundle, policy: str) -> Future[ScreenedColumn]:
        """Begin to, unless the same runs already. Raises TooManyTries; the result raises what screening raises."""
        key = self._key(bundle, policy)
        with self._lock:
            if (running := self._running.get(key)) is not None:
                return running
            started = self._trials.submit(by, partial(self._screen, key, bundle, policy))
            self._running[key] = started
        started.add_done_callback(lambda _: self._ended(key))
        return started

    def _screen(self, key: tuple[object, ...], bundle: Bundle, policy: str) -> ScreenedColumn:
        column = ScreenedColumn(now_ms(), tuple(screen_examples(bundle, self._runner, [policy])))
        with self._lock:
            self._columns[key] = column
        return column

    def _ended(self, key: tuple[object, ...]) -> None:
        with self._lock:
            del self._running[key]

    def _key(self, bundle: Bundle, policy: str) -> tuple[object, ...]:
        return (bundle.hash, policy, tuple((spec.name, spec.version) for spec in self._runner.specs))


def run_both_columns(bundle: Bundle, runner: Runner, policies: Iterable[str] | None = None) -> ExampleReport:
    """Run the examples of all policies, or of the named ones, in both columns. Nothing is recorded."""
    names = None if policies is None else tuple(policies)
    return ExampleReport(
        logic=tuple(run_examples(bundle, names)), screened=tuple(screen_examples(bundle, runner, names))
    )


def screen_examples(bundle: Bundle, runner: Runner, policies: Iterable[str] | None = None) -> list[ScreenedExample]:
    """The second column alone: every example's item is screened by the detectors that its policy reads."""

    def measure(checked: CheckedExample, program: Program) -> Context:
        evaluation = last_evaluation_of(runner, checked.item, bundle, OverlaysOn(bundle.creators_overlays, ()))
        found = ask(runner, [evaluation], program.detectors).wait()
        return Context(
            item=checked.item,
            parts=found.parts or evaluation.parts,
            signals=found.signals,
            unknown=found.unknown,
            now_ms=now_ms(),
            counters=no_history(program),  # as in the first column
            creator_words=0,
        )

    return run_screened(bundle, measure, policies)
