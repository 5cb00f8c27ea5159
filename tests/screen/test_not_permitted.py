"""Where the law does not permit a detector it does not run, and what it would have said is unknown for that reason."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.app import App
from seawall.backtest.past_rows import StoredRows
from seawall.backtest.run import run_backtest
from seawall.batch.screening import ColumnMapping, screen_file
from seawall.content import load_content_type
from seawall.detect.cascade import ScoreRange, with_dependent
from seawall.model import (
    DecisionMade,
    DetectorResult,
    ExtractedParts,
    ExtractorSpec,
    Image,
    Item,
    Modality,
    NotPermitted,
    Part,
    Prohibition,
    Signal,
    UnknownReason,
    Verdict,
    new_id,
    now_ms,
)
from seawall.model.stored_items import PastItems
from seawall.policy import Bundle, PolicyErrors, PolicySource, build_bundle, load_bundle
from seawall.publish import NewEntry, Sources, add_entries, compare, describe, draft_of, summary
from seawall.screen import ScreenResponse, load_decision, report_not_permitted, try_item
from seawall.screen.investigation import InvestigationFilters, ask, investigate
from support.app import CONTENT_TYPES, POLICIES, own_app
from support.detectors import Moody, Words

LETTER = CONTENT_TYPES["letter"].replace("surface: public", "surface: private\njurisdiction: actor.country")
LETTER = LETTER.replace("    created_at: timestamp", "    created_at: timestamp\n    country: text")
EPRIVACY = """\
not_permitted:
  private-letters:
    ground: Directive 2002/58/EC, Art. 5(1)
    detectors: [insults]
    surfaces: [private]
    jurisdictions: [EU]
    from: 2026-04-04
"""
CATCH = POLICIES["rude"].replace(
    "rules:\n",
    "rules:\n  - id: unread\n    when: not_permitted(rudeness)\n    do: [demote]\n",
)


class Counted(Words):
    """Counts the parts that it was asked about."""

    asked = 0

    def detect(self, parts: Sequence[Part]) -> Sequence[DetectorResult]:
        self.asked += len(parts)
        return super().detect(parts)


class House:
    """An app with a private letter, and how often its detectors were asked."""

    def __init__(self, app: App, insults: Counted, gore: Moody) -> None:
        self.app, self.insults, self.gore = app, insults, gore

    def screen(self, body: str, id: str, country: str | None = None, kind: str = "letter", **more: Any) -> Any:
        attributes = {} if country is None else {"country": country}
        item = Item(content_type=kind, id=id, actor=f"a-{id}", fields={"body": body}, actor_attributes=attributes)
        answer: ScreenResponse = self.app.screener.screen(item, **more)
        return answer, load_decision(self.app.database, answer.decision)


@contextmanager
def house(
    folder: Path, law: str = EPRIVACY, database_url: str | None = None, letter: str = LETTER, **policies: str
) -> Iterator[House]:
    types = {"note": CONTENT_TYPES["note"], "letter": letter, **{n: CONTENT_TYPES[n] for n in ("poster", "hurried")}}
    chosen = policies or {"rude": POLICIES["rude"]}
    published = Sources(
        policies=tuple(PolicySource(path=f"{name}.yaml", text=text) for name, text in chosen.items()),
        content_types=tuple(load_content_type(text, f"{name}.yaml") for name, text in types.items()),
        not_permitted=PolicySource(path="not-permitted.yaml", text=law),
    )
    insults, gore = Counted("insults", "rudeness", {"fool": 0.95, "silly": 0.6}, harm="harassment"), Moody()
    with own_app(folder, published, (insults, gore), database_url=database_url) as app:
        try:
            yield House(app, insults, gore)
        finally:
            gore.go_on.set()


def test_the_detector_does_not_run_and_its_signals_are_unknown_for_that_reason(
    tmp_path: Path, database_url: str
) -> None:
    with house(tmp_path, database_url=database_url) as made:
        answer, decision = made.screen("you fool", "eu", "DE")
        assert made.insults.asked == 0
        assert answer.verdict is Verdict.ALLOW
        assert not answer.degraded
        assert not answer.provisional
        assert decision.not_permitted == (
            NotPermitted(
                prohibition="private-letters", detectors=("insults",), surface="private", jurisdictions=("DE",)
            ),
        )
        assert decision.unknown == ()
        assert decision.unknown_features == ("rudeness",)
        assert decision.undetermined == ("rude/certain", "rude/likely")
        assert decision.rescreen_due is None
        _, explanation = made.app.explain(answer.decision)
        assert explanation is not None
        assert explanation.reproduced
        assert "not permitted: insults did not run (private in DE; private-letters: Directive 2002/58/EC" in (
            explanation.render()
        )
        assert "rudeness = unknown (not permitted: insults (private-letters))" in explanation.render()


def test_elsewhere_it_runs(tmp_path: Path) -> None:
    with house(tmp_path) as made:
        for number, (country, kind) in enumerate([("US", "letter"), ("CH", "letter"), (None, "note")]):
            answer, decision = made.screen("you fool", f"n-{number}", country, kind)
            assert answer.verdict is Verdict.BLOCK, (country, kind)
            assert decision.not_permitted == ()
        assert made.insults.asked == 3


@pytest.mark.parametrize("country", [None, "", "Germany", "xx", "de", "EU", " fr "])
def test_an_unknown_jurisdiction_is_taken_for_the_stricter(tmp_path: Path, country: str | None) -> None:
    with house(tmp_path) as made:
        made.screen("you fool", "n-1", country)
        assert made.insults.asked == 0


@pytest.mark.parametrize(
    ("dates", "runs"),
    [
        ("from: 2020-01-01\n    until: 2020-12-31", True),
        ("from: 2020-01-01\n    until: 2999-12-31", False),
        ("from: 2999-01-01", True),
        ("until: 2999-01-01", False),
    ],
)
def test_the_dates_are_read_when_the_item_is_screened(tmp_path: Path, dates: str, runs: bool) -> None:
    with house(tmp_path, EPRIVACY.replace("from: 2026-04-04", dates)) as made:
        answer, _ = made.screen("you fool", "n-1", "DE")
        assert (made.insults.asked == 1) is runs
        assert answer.verdict is (Verdict.BLOCK if runs else Verdict.ALLOW)


def test_a_rule_can_say_what_happens_then(tmp_path: Path) -> None:
    with house(tmp_path, rude=CATCH) as made:
        answer, decision = made.screen("hello", "n-1", "DE")
        assert [action.kind for action in answer.actions] == ["demote"]
        assert not decision.degraded
        answer, _ = made.screen("hello", "n-2", "US")
        assert answer.actions == ()


def test_what_another_detector_leaves_unknown_still_holds_and_is_asked_again(tmp_path: Path) -> None:
    both = POLICIES["gore"].replace("when: gory >= 0.6", "when: gory >= 0.6 or rudeness >= 0.5")
    with house(tmp_path, gore=both) as made:
        answer, decision = made.screen("stuck", "n-1", "DE", deadline_ms=30)
        assert answer.verdict is Verdict.HOLD
        assert decision.rescreen_due is not None
        assert {each.reason for each in decision.unknown} == {UnknownReason.DEADLINE}
        made.gore.go_on.set()


def test_a_rule_that_waits_for_another_answer_as_well_is_not_given_up(tmp_path: Path) -> None:
    guarded = POLICIES["gore"].replace("when: gory >= 0.6", "when: not known(rudeness) and gory >= 0.6")
    with house(tmp_path, gore=guarded) as made:
        answer, decision = made.screen("stuck", "n-1", "DE", deadline_ms=30)
        assert answer.verdict is Verdict.HOLD
        assert decision.degraded
        made.gore.go_on.set()


def test_rules_do_not_look_into_texts_either_where_nothing_may(tmp_path: Path) -> None:
    words = POLICIES["rude"].replace("when: rudeness >= 0.5", 'when: contains(item.body, "fool")')
    with house(tmp_path, EPRIVACY.replace("[insults]", "all"), rude=words) as made:
        answer, decision = made.screen("you fool", "n-1", "DE")
        assert answer.verdict is Verdict.ALLOW
        assert "rule_texts" in decision.not_permitted[0].detectors
        assert 'contains(item.body, "fool")' in decision.unknown_features
        answer, _ = made.screen("you fool", "n-2", "US")
        assert answer.verdict is Verdict.BLOCK


@pytest.mark.parametrize("named", ["kinds: [harassment]", "kinds: [text]", "detectors: all"])
def test_kinds_of_detection_name_detectors_by_what_they_read_and_look_for(tmp_path: Path, named: str) -> None:
    with house(tmp_path, EPRIVACY.replace("detectors: [insults]", named)) as made:
        made.screen("you fool", "n-1", "DE")
        assert made.insults.asked == 0
    other = EPRIVACY.replace("detectors: [insults]", "detectors: all\n    except: [insults]")
    with house(tmp_path / "other", other) as made:
        made.screen("you fool", "n-1", "DE")
        assert made.insults.asked == 1


def test_trying_an_item_asks_no_more_than_screening_it_would(tmp_path: Path) -> None:
    with house(tmp_path) as made:
        item = Item(content_type="letter", id="t", fields={"body": "you fool"}, actor_attributes={"country": "FR"})
        trial = try_item(made.app.runner, item, made.app.bundle)
        assert made.insults.asked == 0
        assert [each.reason for each in trial.unknown] == [UnknownReason.NOT_PERMITTED]
        assert trial.in_force.named("undetermined") == ("rude/certain", "rude/likely")
        abroad = replace(item, actor_attributes={"country": "US"})
        assert try_item(made.app.runner, abroad, made.app.bundle).in_force.verdict is Verdict.BLOCK


def test_screening_a_file_asks_only_where_it_is_permitted(tmp_path: Path) -> None:
    with house(tmp_path, letter=LETTER.replace("actor.country", "item.mood")) as made:
        rows = tmp_path / "rows.jsonl"
        rows.write_text('{"body": "you fool", "mood": "DE"}\n{"body": "you fool", "mood": "US"}\n')
        mapping = ColumnMapping(content_type="letter", fields={"body": "body", "mood": "mood"})
        screen_file(rows, tmp_path / "out.jsonl", mapping, made.app.bundle, made.app.runner)
        verdicts = [json.loads(line)["verdict"] for line in (tmp_path / "out.jsonl").read_text().splitlines()]
        assert verdicts == ["allow", "block"]
        assert made.insults.asked == 1


def test_a_detector_that_another_ones_score_asks_does_not_run_either() -> None:
    specs = [Words(name, name, {}).spec for name in ("cheap", "dear", "dearest", "other")]
    ranges = {"dear": (ScoreRange(signal="cheap"),), "dearest": (ScoreRange(signal="dear"),)}
    assert with_dependent({"cheap"}, specs, ranges) == {"cheap": "cheap", "dear": "cheap", "dearest": "cheap"}
    assert with_dependent({"other"}, specs, ranges) == {"other": "other"}


# -- extractors --------------------------------------------------------------------------------------------------------


class Labels:
    """Reads a word in every image, and counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.spec = ExtractorSpec(
            name="labels",
            version="1",
            modalities=frozenset({Modality.IMAGE}),
            gives=frozenset({Modality.TEXT}),
            makes="label",
        )

    def extract(self, parts: Sequence[Part]) -> Sequence[ExtractedParts]:
        self.asked += len(parts)
        return [
            ExtractedParts(
                parts=(
                    Part(
                        path=f"{part.path}>label.0",
                        modality=Modality.TEXT,
                        field=part.field,
                        text="fool",
                        parent=part.path,
                    ),
                )
            )
            for part in parts
        ]


@pytest.mark.parametrize(
    ("named", "reads", "verdict"),
    [
        ("[labels]", 0, Verdict.ALLOW),  # not permitted itself: what it would give is unknown
        ("[insults]", 0, Verdict.ALLOW),  # permitted, and nothing permitted reads what it gives
        ("[moody]", 1, Verdict.BLOCK),  # another detector is withheld: it runs
    ],
)
def test_an_extractor_does_not_run_where_nothing_permitted_needs_it(
    tmp_path: Path, named: str, reads: int, verdict: Verdict
) -> None:
    pictured = LETTER.replace("role: media", "role: media, extract: [labels]")
    labels, insults, gore = Labels(), Counted("insults", "rudeness", {"fool": 0.95}), Moody()
    published = Sources(
        policies=(PolicySource(path="rude.yaml", text=POLICIES["rude"]),),
        content_types=tuple(
            load_content_type(text, f"{name}.yaml") for name, text in {**CONTENT_TYPES, "letter": pictured}.items()
        ),
        not_permitted=PolicySource(
            path="not-permitted.yaml", text=EPRIVACY.replace("[insults]", named.replace("moody", gore.spec.name))
        ),
    )
    with own_app(tmp_path, published, (insults, gore), (labels,)) as app:
        item = Item(
            content_type="letter",
            id="n-1",
            actor="a",
            fields={"body": "hello", "image": Image(b"no image")},
            actor_attributes={"country": "DE"},
        )
        answer = app.screener.screen(item)
        decision = load_decision(app.database, answer.decision)
        assert labels.asked == reads
        assert answer.verdict is verdict
        assert not decision.degraded
        if not reads:
            assert "labels" in decision.not_permitted[0].detectors
            assert decision.unknown_features == ("rudeness",)
        gore.go_on.set()


# -- the file ----------------------------------------------------------------------------------------------------------

REFUSED = {
    "detectors: [insults]": (
        "detectors: [insult]",
        "not-permitted.yaml:4:17: unknown detector 'insult'\n    4 |     detectors: [insult]\n"
        "      |                 ^^^^^^",
        "nearest: insults",
    ),
    "surfaces: [private]": ("surfaces: [privat]", "unknown surface 'privat'", "nearest: private"),
    "jurisdictions: [EU]": ("jurisdictions: [UK]", "unknown jurisdiction 'UK'", "nearest: GB"),
    "from: 2026-04-04": ("from: 4 April", "'from' must be a day", "expected: a day such as 2026-04-04"),
    "ground: Directive 2002/58/EC, Art. 5(1)": ("grounds: none", "has no key 'grounds'", "add 'ground: …'"),
    "    detectors: [insults]\n": ("", "names nothing that is not permitted", "kinds: [grooming, audio]"),
    "    jurisdictions: [EU]": ("    until: 2026-01-01", "ends before it begins", "a day from 2026-04-04 on"),
}


@pytest.mark.parametrize("right", REFUSED)
def test_a_mistake_in_the_file_is_refused_at_its_place(right: str) -> None:
    wrong, *expected = REFUSED[right]
    message = refusal(EPRIVACY.replace(right, wrong))
    for each in expected:
        assert each in message


def refusal(law: str) -> str:
    with pytest.raises(PolicyErrors) as refused:
        built(law)
    return str(refused.value)


def built(law: str | None) -> Bundle:
    return build_bundle(
        [PolicySource(path="rude.yaml", text=POLICIES["rude"])],
        [load_content_type(text, f"{name}.yaml") for name, text in CONTENT_TYPES.items()],
        [Words("insults", "rudeness", {}).spec],
        [],
        None if law is None else PolicySource(path="not-permitted.yaml", text=law),
    )


def test_the_bundle_holds_the_file_and_is_as_before_without_one() -> None:
    law = built(EPRIVACY)
    again = load_bundle(law.canonical(), law.hash)
    assert again.not_permitted == law.not_permitted
    assert again.not_permitted_source is not None
    assert again.not_permitted_source.text == EPRIVACY
    assert b"not_permitted" not in built(None).canonical()
    assert law.hash != built(None).hash


@pytest.mark.parametrize(
    ("right", "wrong", "drops"),
    [
        ("[EU]", "[DE]", True),
        ("[EU]", "[EU, GB]", False),
        ("[insults]", "all", False),
        ("from: 2026-04-04", "from: 2026-05-04", True),
        ("from: 2026-04-04", "until: 2028-04-03", True),
        ("    surfaces: [private]\n", "", False),
    ],
)
def test_publishing_shows_what_is_permitted_more_and_asks_for_it(right: str, wrong: str, drops: bool) -> None:
    changes = compare(built(EPRIVACY), built(EPRIVACY.replace(right, wrong)), date(2026, 11, 28))
    assert changes
    assert [one.name for one in changes.dropped] == (["not-permitted/private-letters"] if drops else [])
    assert "not-permitted private-letters" in describe(changes)
    assert "prohibitions: 0 added, 1 changed, 0 dropped" in summary(changes)


def test_a_file_that_lacks_it_takes_nothing_back_without_being_told() -> None:
    changes = compare(built(EPRIVACY), built(None), date(2026, 11, 28))
    assert [one.name for one in changes.dropped] == ["not-permitted/private-letters"]
    assert not compare(built(None), built(None), date(2026, 11, 28))


@given(st.sampled_from(["DE", "US", "US-IL", "US-CA", None]), st.sampled_from(["DE", "US", "US-IL", "US-CA", "GB"]))
def test_a_part_of_a_country_lies_in_it_and_may_be_any_while_it_is_not_told(place: str | None, law: str) -> None:
    covered = Prohibition(name="x", ground="y", detectors=("a",), jurisdictions=(law,)).covers((place,))
    unknown = place is None or (place == "US" and law.startswith("US"))
    assert covered is (unknown or place == law or (place or "").partition("-")[0] == law)


def test_the_report_counts_what_was_withheld_and_shows_that_it_never_ran(tmp_path: Path, database_url: str) -> None:
    with house(tmp_path, database_url=database_url) as made:
        for number, country in enumerate(["DE", "DE", "FR", None, "US"]):
            made.screen("you fool", f"n-{number}", country)
        report = report_not_permitted(made.app.ledger, 0, now_ms() + 1)
        assert report.decisions == 5
        assert report.never_ran
        assert [(one.detector, one.surface, one.jurisdiction, one.items, one.ran) for one in report.counts] == [
            ("insults", "private", "DE", 2, 0),
            ("insults", "private", "FR", 1, 0),
            ("insults", "private", "unknown", 1, 0),
        ]
        assert report_not_permitted(made.app.ledger, 0, now_ms() + 1, "other").counts == ()
        assert report_not_permitted(made.app.ledger, now_ms() + 1, now_ms() + 2).decisions == 0


def test_the_report_tells_when_a_detector_ran_all_the_same(tmp_path: Path) -> None:
    with house(tmp_path) as made:
        _, decision = made.screen("you fool", "n-1", "DE")
        signal = Signal(name="rudeness", value=0.9, part="body", detector="insults", version="1.0")
        wrong = replace(decision, id=new_id("dec", decision.at), signals=(signal,), supersedes=decision.id)
        made.app.ledger.commit(lambda tx: tx.append(DecisionMade(decision=wrong)))
        report = report_not_permitted(made.app.ledger, 0, now_ms() + 1)
        assert [one.ran for one in report.counts] == [1]
        assert not report.never_ran


def test_the_past_is_asked_without_taking_what_was_not_permitted_for_nothing_found(tmp_path: Path) -> None:
    """A rule that reads one field was in force nowhere, so no row holds its value."""
    condition = 'in_part("body", rudeness) < 0.7'
    with house(tmp_path) as made:
        made.screen("you fool", "eu", "DE")
        made.screen("you fool", "us", "US")
        made.screen("silly", "uk", "GB")
        asked = ask(condition, made.app.bundle, ["letter"])
        everything = InvestigationFilters(since=0, until=2**53)
        found = investigate(made.app.database, made.app.vault, asked, everything, lambda connection, items: ())
        assert (found.matched, found.not_matched, found.unknown) == (1, 1, 1)
        rude = POLICIES["rude"].replace("when: rudeness >= 0.5", f"when: {condition}")
        draft = made.app.build(draft_of(made.app.bundle, [PolicySource(path="rude.yaml", text=rude)]).sources)
        rows = StoredRows(made.app.database, made.app.vault, made.app.bundles, [made.app.bundle, draft], since=0)
        report = run_backtest(made.app.bundle, draft, rows.batches())
        assert [(one.rule, one.fired) for one in report.rules if one.rule == "rude/likely"] == [("rude/likely", 1)]


def reading(condition: str, mode: str = "shadow") -> str:
    """The policy with one more rule."""
    return POLICIES["rude"].replace(
        "rules:\n", f"rules:\n  - id: more\n    mode: {mode}\n    when: {condition}\n    do: [demote]\n"
    )


@pytest.mark.parametrize("law", [EPRIVACY.replace("[insults]", "all"), EPRIVACY.replace("[insults]", "[rule_texts]")])
def test_the_past_is_asked_without_reading_texts_that_rules_may_not_read(tmp_path: Path, law: str) -> None:
    """No rule in force read texts, so no decision says that they were withheld."""
    condition = 'contains(item.body, "fool")'
    with house(tmp_path, law) as made:
        made.screen("you fool", "eu", "DE")
        made.screen("you fool", "us", "US")
        asked = ask(condition, made.app.bundle, ["letter"])
        everything = InvestigationFilters(since=0, until=2**53)
        found = investigate(made.app.database, made.app.vault, asked, everything, lambda connection, items: ())
        assert (found.matched, found.not_matched, found.unknown) == (1, 0, 1)
        assert [(one.name, one.why.value) for one in found.missing] == [(condition, "not permitted")]
        sources = [PolicySource(path="rude.yaml", text=reading(condition))]
        draft = made.app.build(draft_of(made.app.bundle, sources).sources)
        rows = StoredRows(made.app.database, made.app.vault, made.app.bundles, [made.app.bundle, draft], since=0)
        report = run_backtest(made.app.bundle, draft, rows.batches())
        assert [one.fired for one in report.rules if one.rule == "rude/more"] == [1]


def test_the_law_of_today_counts_when_the_past_is_asked(tmp_path: Path) -> None:
    condition = 'contains(item.body, "fool")'
    ended = EPRIVACY.replace("[insults]", "all").replace("from: 2026-04-04", "from: 2020-01-01\n    until: 2020-12-31")
    with house(tmp_path, ended) as made:
        made.screen("you fool", "eu", "DE")
        everything = InvestigationFilters(since=0, until=2**53)

        def counted() -> tuple[int, int]:
            asked = ask(condition, made.app.bundle, ["letter"])
            found = investigate(made.app.database, made.app.vault, asked, everything, lambda connection, items: ())
            return found.matched, found.unknown

        assert counted() == (1, 0)
        law = PolicySource(path="not-permitted.yaml", text=EPRIVACY.replace("[insults]", "all"))
        made.app.publish(replace(draft_of(made.app.bundle, []).sources, not_permitted=law), by="tests")
        assert counted() == (0, 1)


@pytest.mark.parametrize(
    ("named", "compared"),
    [("[banks]", {"us"}), ("[image]", {"eu", "us"}), ("[insults]", {"eu", "us"}), ("all", {"us"})],
)
def test_new_bank_entries_are_not_looked_for_where_that_is_not_permitted(
    tmp_path: Path, named: str, compared: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with house(tmp_path, EPRIVACY.replace("[insults]", named), rude=POLICIES["rude"], known=POLICIES["known"]) as made:
        refs = {}
        for id, country in (("eu", "DE"), ("us", "US")):
            answer, _ = made.screen("a slogan that nobody knows yet", id, country)
            refs[answer.item] = id
        entry = NewEntry(kind="text", value="a slogan that nobody knows yet", source="staff")
        add_entries(made.app.ledger, "blocked-texts", [entry], "tests")
        pages = made.app.context.get(PastItems).page(after="", before="~", limit=9, texts=True)
        assert {refs[past.ref.ref] for past in pages if past.parts} == compared
        assert all(past.readable for past in pages)


def test_a_country_that_is_older_than_its_content_type_allows_is_unknown(tmp_path: Path) -> None:
    fresh = "    country: {type: text, fresh_for: 1d, as_of: seen_at}\n    seen_at: timestamp"
    aging = LETTER.replace("    country: text", fresh)
    with house(tmp_path, letter=aging) as made:
        for id, age_days, asked in (("old", 2, 0), ("new", 0, 1)):
            item = Item(
                content_type="letter",
                id=id,
                actor="a",
                fields={"body": "you fool"},
                actor_attributes={"country": "US", "seen_at": now_ms() - age_days * 86_400_000},
            )
            decision = load_decision(made.app.database, made.app.screener.screen(item).decision)
            assert made.insults.asked == asked
            assert [one.jurisdictions for one in decision.not_permitted] == ([()] if not asked else [])


def test_texts_are_not_compared_with_those_of_other_accounts_either(tmp_path: Path) -> None:
    size = 'cluster_size("body", within="1d")'
    policy = reading(f"{size} >= 2", mode="live").replace("[note, letter, poster, hurried]", "[letter]")
    policy = policy.replace("{note:", "{letter:")
    with house(tmp_path, EPRIVACY.replace("[insults]", "all"), rude=policy) as made:
        for country, verdicts in (("DE", []), ("US", ["demote"])):
            for number in range(3):
                answer, decision = made.screen(
                    f"the very same text for everybody in {country}", f"{country}{number}", country
                )
                made.app.refresh()
            assert [action.kind for action in answer.actions] == verdicts
            assert not answer.degraded
            assert (size in decision.unknown_features) is (country == "DE")
            assert made.app.explain(answer.decision)[1].reproduced
