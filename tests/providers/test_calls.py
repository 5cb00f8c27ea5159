"""Calling a service that is slow, overloaded, broken or hostile: every outcome is an answer or *unknown*, in time."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.service import Said, Seen, Service
from seawall.detect import Runner
from seawall.model import DetectorResult, Part, Unknown, UnknownReason
from seawall.providers import Budget, Caller, CallLimits, HttpDetector
from seawall.providers.cache import ResponseCache
from seawall.providers.chunking import cut

MakeDetector = Callable[..., HttpDetector]
MakePart = Callable[..., Part]

OPENS_AFTER = 5  # failures in a row

FILE = """
provider: acme
reads: [text]
request:
  url: SERVICE/score
  json: {text: "{text}"}
signals:
  acme_hate: {at: $.hate, harm: hate}
limits: {timeout: 5s, retries: 2, backoff: 0s, %s}
"""


def _detail(answers: Sequence[DetectorResult]) -> tuple[UnknownReason, str]:
    [answer] = answers
    assert isinstance(answer, Unknown), answer
    return answer.reason, answer.detail


def _values(answers: Sequence[DetectorResult]) -> list[float]:
    assert all(isinstance(answer, tuple) for answer in answers), answers
    return [signal.value for answer in answers for signal in answer]  # type: ignore[union-attr]


def test_an_answer_becomes_signals(service: Service, detector: MakeDetector, text: MakePart) -> None:
    service.say({"hate": 0.75})
    one = detector(FILE % "cache: 0")
    [answer] = one.detect([text("hello", "title")])
    assert isinstance(answer, tuple)
    [signal] = answer
    assert (signal.name, signal.value, signal.part) == ("acme_hate", 0.75, "title")
    assert (signal.detector, signal.version) == (one.spec.name, one.spec.version)
    assert service.seen[0].json == {"text": "hello"}


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_passing_failure_is_tried_again(
    service: Service, detector: MakeDetector, text: MakePart, status: int
) -> None:
    service.say(Said(b"busy", status), Said(b"busy", status), {"hate": 0.5})
    assert _values(detector(FILE % "cache: 0").detect([text("hello")])) == [0.5]
    assert len(service.seen) == 3


@pytest.mark.parametrize(
    ("status", "reason"), [(429, UnknownReason.OVERLOADED), (500, UnknownReason.ERROR), (503, UnknownReason.ERROR)]
)
def test_a_lasting_failure_is_unknown(
    service: Service, detector: MakeDetector, text: MakePart, status: int, reason: UnknownReason
) -> None:
    service.say(Said(b"busy", status))
    assert _detail(detector(FILE % "cache: 0").detect([text("hello")])) == (reason, f"http {status}")
    assert len(service.seen) == 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
def test_a_refusal_is_not_tried_again(service: Service, detector: MakeDetector, text: MakePart, status: int) -> None:
    service.say({"hate": 0.9, "error": "no"}, status=status)
    assert _detail(detector(FILE % "cache: 0").detect([text("hello")])) == (UnknownReason.ERROR, f"http {status}")
    assert len(service.seen) == 1


def test_redirects_are_not_followed(service: Service, detector: MakeDetector, text: MakePart) -> None:
    service.say(Said({"hate": 0.9}, 307, {"location": f"{service.url}/elsewhere"}))
    reason, detail = _detail(detector(FILE % "cache: 0").detect([text("hello")]))
    assert reason is UnknownReason.ERROR
    assert "redirects are not followed" in detail
    assert [seen.path for seen in service.seen] == ["/score"]


@pytest.mark.parametrize(
    ("said", "detail"),
    [
        (Said(b"<html>sorry</html>"), "answer is not JSON"),
        (Said(b""), "answer is not JSON"),
        (Said(b'{"hate": 0.5'), "answer is not JSON"),
        (Said(b"[" * 100_000), "answer is not JSON"),
        (Said(b'{"hate": 0.5, "filler": "' + b"x" * 3_000 + b'"}'), "answer too large"),
        (Said(gzip.compress(b'{"hate": 0.5}'), headers={"content-encoding": "gzip"}), "compressed answer"),
        (Said({"hat": 0.5}), "acme_hate: nothing at $.hate"),
        (Said({"hate": None}), "acme_hate: no number at $.hate"),
        (Said({"hate": True}), "acme_hate: no number at $.hate"),
        (Said({"hate": [0.5]}), "acme_hate: no number at $.hate"),
        (Said({"hate": "0.5"}), "acme_hate: a word that is not listed at $.hate"),
        (Said({"hate": 1.5}), "acme_hate: a number outside 0 to 1 at $.hate"),
        (Said({"hate": -0.1}), "acme_hate: a number outside 0 to 1 at $.hate"),
        (Said(b'{"hate": 1e999}'), "answer is not JSON"),
        (Said(b'{"hate": NaN}'), "answer is not JSON"),
    ],
)
def test_an_answer_of_another_shape_is_unknown(
    service: Service, detector: MakeDetector, text: MakePart, said: Said, detail: str
) -> None:
    service.say(said)
    one = detector(FILE % "cache: 0, answer_bytes: 2kB")
    if said.body == b"[" * 100_000:
        one = detector(FILE % "cache: 0, answer_bytes: 1MB")
    reason, reported = _detail(one.detect([text("hello")]))
    assert reason is UnknownReason.ERROR
    assert reported == detail or (detail == "answer is not JSON" and reported.startswith("acme_hate"))


def test_a_silent_service_is_unknown_in_time(service: Service, detector: MakeDetector, text: MakePart) -> None:
    service.say(Said(hang=True))
    one = detector(FILE.replace("timeout: 5s, retries: 2", "timeout: 50ms, retries: 1") % "cache: 0")
    assert _detail(one.detect([text("hello")])) == (UnknownReason.DEADLINE, "timeout")


def test_the_whole_batch_has_one_deadline(service: Service, detector: MakeDetector, text: MakePart) -> None:
    service.say(Said(hang=True))
    one = detector(FILE % "cache: 0, total: 100ms, parallel: 1")
    answers = one.detect([text(f"text {number}") for number in range(5)])
    assert all(isinstance(answer, Unknown) and answer.reason is UnknownReason.DEADLINE for answer in answers)


def test_a_service_that_nobody_runs_is_unknown(detector: MakeDetector, text: MakePart, service: Service) -> None:
    file = FILE.replace("SERVICE", "http://127.0.0.1:9")
    assert _detail(detector(file % "cache: 0").detect([text("hello")])) == (UnknownReason.ERROR, "connect")


def test_tls_is_verified(detector: MakeDetector, text: MakePart, service: Service) -> None:
    service.say({"hate": 0.5})
    file = FILE.replace("SERVICE", service.url.replace("http:", "https:"))  # the server speaks no TLS at all
    reason, detail = _detail(detector(file % "cache: 0").detect([text("hello")]))
    assert (reason, detail) == (UnknownReason.ERROR, "tls")


def test_after_failures_the_service_is_left_alone(service: Service, detector: MakeDetector, text: MakePart) -> None:
    service.say(Said(b"", 500))
    one = detector(FILE.replace("retries: 2", "retries: 0") % "cache: 0, parallel: 1")
    answers = one.detect([text(f"text {number}") for number in range(OPENS_AFTER + 3)])
    details = [answer.detail for answer in answers if isinstance(answer, Unknown)]
    assert details == ["http 500"] * OPENS_AFTER + ["resting after failures"] * 3
    assert len(service.seen) == OPENS_AFTER
    assert one.state().resting


def test_a_spent_budget_is_unknown(service: Service, detector: MakeDetector, text: MakePart) -> None:
    service.say({"hate": 0.5})
    one = detector(FILE % "cache: 0, cost_per_call: 0.5, cost_per_day: 1, parallel: 1")
    answers = one.detect([text(f"text {number}") for number in range(3)])
    assert [isinstance(answer, tuple) for answer in answers] == [True, True, False]
    assert _detail(answers[2:]) == (UnknownReason.OVERLOADED, "budget")
    assert (one.state().spent.calls, one.state().spent.cost, one.state().spent.refused) == (2, 1.0, 1)


def test_the_same_content_is_paid_for_once(service: Service, detector: MakeDetector, text: MakePart) -> None:
    service.say({"hate": 0.5})
    one = detector(FILE % "cache: 10")
    answers = one.detect([text("same", "title"), text("same", "body"), text("other")])
    assert [signal.part for answer in answers for signal in answer] == ["title", "body", "body"]  # type: ignore[union-attr]
    one.detect([text("same", "comment")])
    assert sorted(seen.json["text"] for seen in service.seen) == ["other", "same"]


def test_what_is_unknown_is_asked_again(service: Service, detector: MakeDetector, text: MakePart) -> None:
    service.say(Said({}, 400), {"hate": 0.5})
    one = detector(FILE % "cache: 10")
    assert isinstance(one.detect([text("same")])[0], Unknown)
    assert _values(one.detect([text("same")])) == [0.5]


def test_nothing_is_sent_about_nothing(service: Service, detector: MakeDetector, text: MakePart) -> None:
    one = detector(FILE.replace("request:", "longest: 20\npieces: 1\nrequest:") % "cache: 0")
    assert one.detect([text(""), text(None), text(" \n")]) == [(), (), ()]
    assert _detail(one.detect([text("x" * 21)])) == (UnknownReason.ERROR, "longer than 1 × 20 characters")
    assert service.seen == []


def test_a_long_text_is_asked_about_in_pieces_and_the_gravest_counts(
    service: Service, detector: MakeDetector, text: MakePart
) -> None:
    service.answer = lambda seen: Said({"hate": 0.9} if "vermin" in seen.json["text"] else {"hate": 0.1})
    one = detector(FILE.replace("request:", "longest: 40\npieces: 4\nrequest:") % "cache: 0")
    long = "a quiet word and another one and again they are vermin and so it ends, quietly"
    assert _values(one.detect([text("short"), text(long), text("other")])) == [0.1, 0.9, 0.1]
    assert all(len(seen.json["text"]) <= 40 for seen in service.seen)
    assert isinstance(one.detect([text(long * 5)])[0], Unknown)
    service.answer = lambda seen: Said({}, 400) if "vermin" in seen.json["text"] else Said({"hate": 0.1})
    assert isinstance(one.detect([text(long)])[0], Unknown)


@given(st.text(alphabet="ab \n", max_size=400), st.integers(20, 60))
def test_pieces_leave_nothing_out(content: str, longest: int) -> None:
    pieces = cut(content, longest)
    assert all(len(piece) <= longest for piece in pieces)
    at = 0
    for piece in pieces:  # each begins within, or right after, what has been read
        found = content.rfind(piece, 0, at + len(piece)) if piece else at
        assert 0 <= found <= at
        at = found + len(piece)
    assert at == len(content)


def test_several_threads_may_ask(service: Service, detector: MakeDetector, text: MakePart) -> None:
    service.answer = lambda seen: Said({"hate": len(seen.json["text"]) / 100})
    one = detector(FILE % "cache: 0")
    found: dict[int, list[float]] = {}

    def ask(number: int) -> None:
        found[number] = _values(one.detect([text("x" * number)]))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {number: [number / 100] for number in range(1, 9)}


def test_a_closed_detector_says_so(service: Service, detector: MakeDetector, text: MakePart) -> None:
    service.say({"hate": 0.5})
    one = detector(FILE % "cache: 0")
    one.detect([text("hello")])
    one.close()
    one.close()
    with pytest.raises(RuntimeError, match="closed"):
        one.detect([text("hello")])


def test_closing_ends_a_call_in_flight(service: Service, detector: MakeDetector, text: MakePart) -> None:
    asked = threading.Event()

    def silent(_: Seen) -> Said:
        asked.set()
        return Said(hang=True)

    service.answer = silent
    one = detector(FILE.replace("timeout: 5s", "timeout: 25s") % "cache: 0, total: 25s")
    reported: list[object] = []

    def ask() -> None:
        with Runner([one]) as runner:
            reported.append(runner.run_batch([[text("hello")]], {"acme"})[0].unknown)

    thread = threading.Thread(target=ask)
    thread.start()
    assert asked.wait(10)
    one.close()
    thread.join(10)
    assert not thread.is_alive()
    assert len(reported) == 1  # and it is unknown, not an exception


def test_a_caller_that_was_never_used_closes() -> None:
    Caller("unused", CallLimits()).close()
    assert not any("unused" in thread.name for thread in threading.enumerate())


def test_a_wait_longer_than_the_deadline_is_not_waited_for(
    service: Service, detector: MakeDetector, text: MakePart
) -> None:
    service.say(Said(b"", 429, {"retry-after": "3600"}), {"hate": 0.5})
    assert _detail(detector(FILE % "cache: 0").detect([text("hello")])) == (UnknownReason.OVERLOADED, "http 429")
    assert len(service.seen) == 1


@given(st.lists(st.floats(0, 30), max_size=60), st.integers(1, 5))
def test_never_more_calls_in_any_minute_than_allowed(gaps: list[float], per_minute: int) -> None:
    now = [1_000_000.0]
    budget = Budget(per_minute=per_minute, clock=lambda: now[0])
    made = []
    for gap in gaps:
        now[0] += gap
        if budget.take():
            made.append(now[0])
    for at in made:
        assert sum(at - 60 < other <= at for other in made) <= per_minute


def test_a_budget_begins_anew_each_day() -> None:
    now = [86_400.0 * 100 + 10]
    budget = Budget(cost_per_call=0.4, cost_per_day=1.0, clock=lambda: now[0])
    assert [budget.take() for _ in range(3)] == [True, True, False]
    now[0] += 86_400
    assert budget.take()
    assert budget.spent().calls == 1


@given(st.integers(0, 5), st.lists(st.tuples(st.integers(0, 8), st.integers(0, 100)), max_size=50))
def test_a_cache_holds_the_last_ones_used(size: int, puts: list[tuple[int, int]]) -> None:
    cache: ResponseCache[int] = ResponseCache(size)
    model: dict[bytes, int] = {}
    for key, value in puts:
        cache.put(bytes([key]), value)
        model.pop(bytes([key]), None)
        model[bytes([key])] = value
        while len(model) > size:
            del model[next(iter(model))]
    assert len(cache) == len(model)
    assert all(cache.get(key) == value for key, value in model.items())
