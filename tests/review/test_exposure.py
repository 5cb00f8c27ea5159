"""Exposure: what is counted, when a break is due, and what a file of well-being may say."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall import access, review
from seawall.model import HARMS, ItemRef, now_ms
from seawall.model.events import ContentViewed
from seawall.review import exposure
from seawall.settings import Settings, SettingsError
from seawall.storage import Database, Ledger, Vault, open_database
from seawall.storage.component import STORAGE, ledger_of

MINUTE = 60_000
HOUR = 60 * MINUTE
POLICY = exposure.Wellbeing(
    shift_ms=8 * HOUR, budget=100, budgets={"child_safety": 10, "hate": 8}, stretch_ms=90 * MINUTE, break_ms=15 * MINUTE
)
NOW = 1_800_000_000_000


def sight(minutes_ago: float, harm: str | None = "hate", intensity: float = 1.0) -> exposure.Sight:
    return exposure.Sight(at=NOW - round(minutes_ago * MINUTE), harm=harm, intensity=intensity)


# -- counting ---------------------------------------------------------------------------------------------------------


def test_intensity_is_severity_times_modality() -> None:
    assert exposure.intensity("child_safety", ("image",)) == 5.0
    assert exposure.intensity("child_safety", ("text",)) == pytest.approx(1.5)
    assert exposure.intensity("harassment", ("audio",)) == pytest.approx(1.8)
    assert exposure.intensity("spam", ("text", "text", "image", "video")) == pytest.approx(2.3)  # texts count once
    assert exposure.intensity(None, ("image",)) == exposure.UNKNOWN_SEVERITY  # nobody judged it: not nothing
    assert exposure.intensity("child_safety", ()) == 0.0


def test_the_gravest_harm_counts() -> None:
    assert exposure.gravest_harm(["spam", None, "self_harm", "child_safety"]) == "child_safety"
    assert exposure.gravest_harm([None]) is None


# -- budgets and breaks -----------------------------------------------------------------------------------------------


def test_over_a_harms_budget_other_harms_go_on() -> None:
    found = exposure.standing([sight(5, "child_safety", 5.0), sight(4, "child_safety", 5.0)], POLICY, NOW)
    assert found.over == {"child_safety"}
    assert (found.allows("child_safety"), found.allows("hate"), found.allows(None)) == (False, True, True)
    assert not found.on_break


def test_over_the_whole_budget_there_is_a_break_until_a_quarter_is_free() -> None:
    seen = [sight(400, None, 20.0), sight(300, None, 20.0), sight(100, None, 70.0)]
    found = exposure.standing(seen, POLICY, NOW)
    assert (found.on_break, found.why, found.until) == (True, "budget", seen[1].at + POLICY.shift_ms)
    assert exposure.standing(seen, POLICY, seen[0].at + POLICY.shift_ms).on_break  # below the budget, but barely
    assert not exposure.standing(seen, replace(POLICY, budget=None), NOW).on_break


def test_a_long_stretch_ends_in_a_break_and_a_break_ends_a_stretch() -> None:
    working = [sight(ago) for ago in range(92, 1, -10)]
    found = exposure.standing(working, replace(POLICY, budgets={}), NOW)
    assert (found.on_break, found.why, found.until) == (True, "stretch", working[-1].at + POLICY.break_ms)
    rested = [sight(95), sight(80), sight(60), sight(44), sight(10)]
    found = exposure.standing(rested, replace(POLICY, budgets={}), NOW)
    assert (found.on_break, found.stretch_ms) == (False, 10 * MINUTE)


def test_a_long_look_is_no_break() -> None:
    looked = exposure.Sight(at=NOW - 1 * MINUTE, harm="hate", intensity=0.0, seconds=50 * 60)
    found = exposure.standing([sight(92), sight(80), sight(66), sight(52), looked], POLICY, NOW)
    assert (found.on_break, found.why) == (True, "stretch")


@given(
    st.lists(st.tuples(st.integers(0, 700), st.sampled_from([None, "hate", "child_safety"]), st.floats(0, 30))),
    st.integers(5, 200),
)
def test_every_break_ends_when_it_says(seen: list[tuple[int, str | None, float]], budget: int) -> None:
    sights = sorted((sight(*one) for one in seen), key=lambda one: one.at)
    policy = replace(POLICY, budget=budget)
    found = exposure.standing(sights, policy, NOW)
    if found.until is None:
        assert found.total < budget + 1e-6
        return
    assert NOW < found.until <= NOW + policy.shift_ms
    assert exposure.standing(sights, policy, found.until - 1).on_break
    assert not exposure.standing(sights, policy, found.until).on_break


# -- in the ledger ----------------------------------------------------------------------------------------------------


@pytest.fixture
def ledger(database_url: str, tmp_path: Path) -> Iterator[tuple[Database, Ledger]]:
    database = open_database(database_url)
    vault = Vault.open_in(database, tmp_path)
    ledger = ledger_of(database, vault, (STORAGE, access.COMPONENT, exposure.COMPONENT))
    ledger.build()
    yield database, ledger
    ledger.close()
    database.close()


ITEM = ItemRef("comment", "it_1", 1)


def view(ledger: Ledger, person: str, harm: str, *shown: str) -> None:
    viewed = ContentViewed(person=person, item=ITEM, page="case", harm=harm, shown=shown)
    append(ledger, viewed)


def append(ledger: Ledger, body: ContentViewed) -> None:
    ledger.commit(lambda tx: tx.append(body))


def unveil(person: str, part: str = "image", modality: str = "image") -> exposure.ContentUnveiled:
    return exposure.ContentUnveiled(person=person, item=ITEM, part=part, modality=modality, harm="child_safety")


def test_views_and_lifted_veils_count_for_the_person_who_saw(ledger: tuple[Database, Ledger]) -> None:
    database, book = ledger
    view(book, "per_1", "child_safety", "text")
    view(book, "per_2", "spam", "text")
    exposure.record_unveiled(database, book, unveil("per_1"))
    exposure.record_unveiled(database, book, unveil("per_1"))  # the same page again: the same sight
    exposure.record_watched(book, unveil("per_1"), 12.0)
    found = exposure.standing_of(database, POLICY, "per_1", now_ms())
    assert found.by_harm == {"child_safety": pytest.approx(6.5)}
    assert exposure.allowed(database, replace(POLICY, budgets={"child_safety": 6}), "per_1", "hate", now_ms())
    policy = replace(POLICY, budgets={"child_safety": 6})
    assert not exposure.allowed(database, policy, "per_1", "child_safety", now_ms())
    assert exposure.allowed(database, policy, "per_2", "child_safety", now_ms())


def test_a_rebuild_counts_the_same(ledger: tuple[Database, Ledger]) -> None:
    database, book = ledger
    view(book, "per_1", "hate", "text", "image")
    exposure.record_unveiled(database, book, unveil("per_1"))
    before = exposure.standing_of(database, POLICY, "per_1", now_ms() + 1)
    book.rebuild()
    assert exposure.standing_of(database, POLICY, "per_1", now_ms() + 1).by_harm == before.by_harm


def test_an_ended_break_counts_anew_and_is_on_the_record(ledger: tuple[Database, Ledger]) -> None:
    database, book = ledger
    policy = replace(POLICY, budget=1)
    for person in ("per_1", "per_2"):
        view(book, person, "hate", "image")
    assert exposure.count_on_break(database, policy, now_ms()) == 2
    with pytest.raises(exposure.BadBreak, match="Choose why"):
        exposure.end_break(book, "per_1", "because", by="per_9")
    with pytest.raises(exposure.BadBreak, match="your own break"):
        exposure.end_break(book, "per_1", "asked_for_it", by="per_1")
    exposure.end_break(book, "per_1", "somebody_in_danger", by="per_9")
    assert not exposure.standing_of(database, policy, "per_1", now_ms()).on_break
    assert exposure.standing_of(database, policy, "per_2", now_ms()).on_break
    ended = exposure.BreakEnded(person="per_1", by="per_9", reason="somebody_in_danger")
    assert book.events(limit=100)[-1].body == ended


def test_seconds_out_of_bounds_are_refused(ledger: tuple[Database, Ledger]) -> None:
    for seconds in (-1.0, float("nan"), 3_601.0):
        with pytest.raises(ValueError, match="seconds"):
            exposure.record_watched(ledger[1], unveil("per_1"), seconds)


# -- whether a control helps ------------------------------------------------------------------------------------------


def test_a_control_is_compared_only_with_enough_people(ledger: tuple[Database, Ledger]) -> None:
    database, book = ledger
    for person in range(exposure.LEAST_PEOPLE):
        for medium in range(12):
            item = ItemRef("comment", f"it_{medium}", 1)
            for name, controls in ((f"per_{person}", ("blur",)), (f"per_{person + 50}", ())):
                if not controls and person == 0:
                    continue  # one fewer without a blur
                viewed = ContentViewed(
                    person=name, item=item, page="case", harm="hate", veiled=("image",), controls=controls
                )
                append(book, viewed)
            if medium % 3 == 0:
                lifted = exposure.ContentUnveiled(
                    person=f"per_{person}", item=item, part="image", modality="image", harm="hate", controls=("blur",)
                )
                exposure.record_unveiled(database, book, lifted)
                exposure.record_watched(book, lifted, 3.0 * (person + 1))
    with database.read() as connection:
        groups = {(one.control, one.on): one for one in exposure.compare(connection, 0)}
    blurred, plain = groups["blur", True], groups["blur", False]
    assert (blurred.people, blurred.media) == (5, 60)
    assert blurred.lifted is not None
    assert blurred.lifted.value == pytest.approx(1 / 3)
    assert blurred.seconds is not None
    assert blurred.seconds.value == pytest.approx(3.0)
    assert blurred.seconds.lower < 3.0 < blurred.seconds.upper
    assert (plain.people, plain.enough, plain.lifted, plain.seconds) == (4, False, None, None)


# -- the file ---------------------------------------------------------------------------------------------------------


def test_the_shipped_file_veils_what_is_grave() -> None:
    shipped = exposure.shipped_wellbeing()
    assert set(shipped.veils) >= {"child_safety", "intimate_images", "terrorism", "self_harm", "violence", "threat"}
    assert shipped.text_first <= set(shipped.veils) <= set(HARMS)
    assert shipped.floor({"spam"}).blur == 0
    assert shipped.floor(set()).blur > 0  # nothing is known of it
    assert shipped.floor({"spam", None}).blur > 0  # nor is all of this
    assert not shipped.veils_text(set())
    assert shipped.floor({"spam", "child_safety"}) == shipped.veils["child_safety"]


def test_what_a_file_leaves_out_is_as_shipped() -> None:
    shipped = exposure.shipped_wellbeing()
    own = exposure.read_wellbeing("stretch: 60m\nbudget: none\nveils:\n  hate: {blur: light}\n")
    assert (own.stretch_ms, own.budget) == (60 * MINUTE, None)
    assert own.veils == {**shipped.veils, "hate": exposure.VeilFloor(blur=1)}
    assert (own.budgets, own.text_first) == (shipped.budgets, shipped.text_first)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("strech: 60m", "wellbeing.yaml:1:1: a well-being file has no key 'strech'"),
        ("shift: 8h\nbudgets: {child_safty: 5}", "wellbeing.yaml:2:11: 'budgets' has no key 'child_safty'"),
        ("break: 9h", "expected: a duration from 1m to 4h"),
        ("budget: lots", "wellbeing.yaml:1:9: budget must be a whole number"),
        ("budgets: {hate: -3}", "the budget of 'hate' must be a whole number"),
        ("veils:\n  hate: {blur: heavy}", "expected: one of none, light, medium, strong"),
        ("veils:\n  hate: {grey: true}", "wellbeing.yaml:2:10: the veil of 'hate' has no key 'grey'"),
        ("veils:\n  hate: {mute: perhaps}", "'mute' must be true or false"),
        ("text_first: [gore]", "wellbeing.yaml:1:14: unknown harm 'gore'"),
        ("shift: 1h\nstretch: 2h", "'stretch' is longer than 'shift'"),
        ("budgets: &x {}", "wellbeing.yaml:1"),
        ("- shift", "the file contains no mapping"),
    ],
)
def test_a_wrong_file_is_refused_by_name_and_line(text: str, said: str) -> None:
    with pytest.raises(SettingsError) as refused:
        exposure.read_wellbeing(text)
    assert said in str(refused.value)


def test_the_file_is_found_by_its_setting_or_in_the_data_folder(tmp_path: Path) -> None:
    from seawall.review.exposure.wellbeing import ExposureSettings, load_wellbeing

    assert load_wellbeing(ExposureSettings(), tmp_path) == exposure.shipped_wellbeing()
    (tmp_path / "wellbeing.yaml").write_text("break: 20m")
    assert load_wellbeing(ExposureSettings(), tmp_path).break_ms == 20 * MINUTE
    own = tmp_path / "own.yaml"
    own.write_text("break: 30m")
    section = Settings.from_env({"SEAWALL_WELLBEING": str(own)}).section(ExposureSettings)
    assert load_wellbeing(section, tmp_path).break_ms == 30 * MINUTE
    with pytest.raises(SettingsError, match="SEAWALL_WELLBEING: there is no file"):
        Settings.from_env({"SEAWALL_WELLBEING": "/none.yaml"}).section(ExposureSettings)
    (tmp_path / "wellbeing.yaml").write_bytes(b"\xff")
    with pytest.raises(SettingsError, match="not UTF-8"):
        load_wellbeing(ExposureSettings(), tmp_path)


# -- what is offered --------------------------------------------------------------------------------------------------


def test_cases_of_excluded_harms_are_not_offered_but_a_held_one_is(desk: Any) -> None:
    case, _, _ = desk.case()
    database = desk.database
    assert review.next_case(database, "per_1", excluded={"harassment"}) is None
    with database.read() as connection:
        assert review.is_waiting(connection, "per_1", now_ms(), queue=None, content_type=None)
        assert review.case_held_by(connection, "per_1", now_ms()) is None
    assert review.next_case(database, "per_1", excluded={"spam"}).case == case  # type: ignore[union-attr]
    assert review.next_case(database, "per_1", excluded={"harassment"}).case == case  # type: ignore[union-attr]
    with database.read() as connection:
        assert review.case_held_by(connection, "per_1", now_ms()) == case
