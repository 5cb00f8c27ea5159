"""Long texts: the beginning and what is around the evidence at once, the whole on demand without leaving the form."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from seawall import review
from seawall.console.text import windows
from seawall.model import Signal, Span, SpanUnit
from support.console import Rig, open_page

LONG = "quiet words " * 200 + "then silly and " + "calm words " * 100


def found(start: int, end: int) -> Signal:
    span = Span(start=start, end=end, unit=SpanUnit.CHARACTERS)
    return Signal(name="rude", value=0.9, part="body", span=span, detector="d", version="1")


@given(st.text(max_size=5_000), st.lists(st.tuples(st.integers(0, 5_000), st.integers(0, 5_000)), max_size=20))
def test_nothing_is_lost_or_shown_twice(text: str, spans: list[tuple[int, int]]) -> None:
    shown = windows(text, [found(start, end) for start, end in spans])
    at = 0
    for run in shown:
        assert text.startswith(run.text, at)
        at += len(run.text) + run.skipped
    assert at == len(text)


def test_what_is_around_the_evidence_is_shown_at_once(rig: Rig) -> None:
    made = rig.screen(LONG, id="long-1")
    browser = rig.browser("reviewer")
    page = browser.get(f"/cases/{review.case_id(made.item)}").text
    assert "then <mark" in page
    assert "characters …" in page
    assert LONG not in page
    assert LONG.strip()[-200:] in browser.get(f"/items/{made.item}/1/content?decision={made.decision}").text
    other = rig.screen("Thank you", id="long-other")
    assert browser.get(f"/items/{made.item}/1/content?decision={other.decision}").status_code == 404
    assert browser.get(f"/items/{made.item}/2/content").status_code == 404


def test_the_whole_text_comes_without_leaving_the_form(chromium: object, url: str, rig: Rig) -> None:
    made = rig.screen(LONG, id="long-2")
    page, complaints = open_page(chromium, url, "reviewer")
    page.goto(f"{url}/cases/{review.case_id(made.item)}")
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-lease]")
    page.keyboard.press("v")
    page.fill("#note", "half a thought")
    assert page.locator("#field-body .gap").count() > 0
    page.click("text=Show all")
    page.wait_for_function("() => document.querySelectorAll('#field-body .gap').length === 0")
    assert page.input_value("#note") == "half a thought"
    assert page.is_checked("input[value=violates]")
    assert page.inner_text("#field-body .text mark") == "silly"
    assert page.inner_text("#field-body .text").strip() == LONG.strip()
    assert complaints == []
