"""The detector that can be made to hang: it really waits, and it really looks."""

from __future__ import annotations

import threading

import pytest

from seawall.demo.hanging_detector import SIGNAL, HangingDetector, HangSwitch
from seawall.model import Modality, Part


def part(text: str) -> Part:
    return Part(path="body", modality=Modality.TEXT, field="body", text=text)


@pytest.mark.parametrize("text", ["Ask the gardener!", "snow season opens on friday", "SNOW SEASON IS HERE"])
def test_it_finds_coded_trade(text: str) -> None:
    (answer,) = HangingDetector(HangSwitch()).detect([part(text)])
    assert isinstance(answer, tuple)
    assert [(signal.name, signal.value, signal.part) for signal in answer] == [(SIGNAL, 1.0, "body")]


@pytest.mark.parametrize("text", ["", "our gardener planted tulips", "the season opens in may"])
def test_it_leaves_gardens_alone(text: str) -> None:
    assert HangingDetector(HangSwitch()).detect([part(text)]) == [()]


def test_a_stalled_detector_does_not_answer_until_it_may_go_on() -> None:
    switch = HangSwitch()
    switch.hang(20)
    answered = threading.Event()

    def ask() -> None:
        HangingDetector(switch).detect([part("hello")])
        answered.set()

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    assert switch.remaining() > 0
    assert not answered.is_set()
    switch.resume()
    assert answered.wait(10)
    thread.join()


def test_a_stall_has_an_end() -> None:
    switch = HangSwitch()
    switch.hang(10_000)
    assert switch.remaining() <= 25
    switch.resume()
    assert switch.remaining() == 0
