"""Languages and skills of reviewers: what is offered and assigned to whom, on both databases."""

from __future__ import annotations

import random
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall import review, screen
from seawall.model import Action
from seawall.model.case_scope import EVERY_CASE, CaseScope
from seawall.model.stored_items import ItemLanguages
from seawall.review import quality
from seawall.review.quality.queries import get_blind_review
from seawall.review.routing import ROUTER
from seawall.screen.queries import item_languages
from seawall.screen.services import StoredItemLanguages
from seawall.settings import Settings
from seawall.storage import Blobs, Jobs
from seawall.storage.component import ServiceContext
from seawall.storage.following import follow

QUEUES = review.read_queues(
    """\
queues:
  rudeness: {}
  law: {skills: [legal]}
  french: {languages: [fr, pt-BR]}
""",
    "queues.yaml",
)


def able(languages: Sequence[str] | None = None, skills: Sequence[str] | None = None) -> review.Abilities:
    return review.abilities_of(QUEUES, languages, skills, item_languages=item_languages())


def run_router(desk: Any, folder: Path) -> None:
    """Give the cases their languages, as a worker does."""
    context = ServiceContext(
        settings=Settings(data_dir=folder, database_url="unused"),
        database=desk.database,
        ledger=desk.ledger,
        vault=desk.vault,
        jobs=Jobs(desk.database),
        blobs=Blobs.local(folder / "blobs"),
        services=[review.Queues(), StoredItemLanguages(desk.database)],
    )
    assert context.get(ItemLanguages)
    while follow(context, ROUTER, "tests"):
        pass


def offered(desk: Any, person: str, abilities: review.Abilities) -> set[str]:
    """All cases that the person is given, one after the other."""
    found = set()
    while (held := review.next_case(desk.database, person, abilities=abilities)) is not None:
        found.add(held.case)
        review.release(desk.database, held.case, person)
        review.skip_case(desk.ledger, held.case, person)
    return found


@pytest.mark.parametrize("known", [False, True])
def test_a_person_is_given_their_languages_and_the_unknown_one(desk: Any, tmp_path: Path, known: bool) -> None:
    """Before the worker has put the language on the case, and afterwards."""
    if known:
        run_router(desk, tmp_path)
    german, turkish, unknown = (desk.case(language=code)[0] for code in ("de", "tr", None))
    if known:
        run_router(desk, tmp_path)
        assert [desk.row(case).language for case in (german, turkish, unknown)] == ["de", "tr", None]
    assert offered(desk, "per_1", able(["de"])) == {german, unknown}
    assert offered(desk, "per_2", able(["en", "tr"])) == {turkish, unknown}
    assert offered(desk, "per_3", able()) == {german, turkish, unknown}
    with desk.database.read() as connection:
        where = {"queue": None, "content_type": None}
        assert review.is_waiting(connection, "per_4", 0, **where, abilities=able(["tr"]))
    review.take(desk.database, turkish, "per_1")  # a role decides that
    found = review.next_case(desk.database, "per_1", abilities=able(["de"]))
    assert found is not None
    assert found.case == turkish  # what one holds comes first
    assert desk.ledger.rebuild().equal


def test_the_language_of_an_edit_counts_and_the_ledger_rebuilds_it(desk: Any, tmp_path: Path) -> None:
    run_router(desk, tmp_path)
    case, item, made = desk.case(language="de")
    run_router(desk, tmp_path)
    later = desk.edit(item, made.actor, language="tr")
    assert review.next_case(desk.database, "per_1", abilities=able(["de"])) is None  # at once
    desk.decide(later, made.actor, Action("hold"))
    run_router(desk, tmp_path)
    assert desk.row(case).language == "tr"
    assert offered(desk, "per_2", able(["tr"])) == {case}
    desk.decide(desk.edit(later, made.actor), made.actor, Action("hold"))
    run_router(desk, tmp_path)
    assert desk.row(case).language is None
    assert desk.ledger.rebuild().equal


def test_a_reported_item_has_its_language_though_it_came_long_before(desk: Any, tmp_path: Path) -> None:
    run_router(desk, tmp_path)
    item, _ = desk.item("tr")
    desk.report(item)
    assert review.next_case(desk.database, "per_1", abilities=able(["de"])) is None
    run_router(desk, tmp_path)
    assert desk.row(review.case_id(item.ref)).language == "tr"


def test_queues_ask_for_languages_and_skills(desk: Any) -> None:
    rude, law, french = (desk.case(queue=name)[0] for name in ("rudeness", "law", "french"))
    assert offered(desk, "per_1", able(["de"])) == {rude, law}
    assert offered(desk, "per_2", able(["pt"], [])) == {rude, french}
    assert offered(desk, "per_3", able(None, ["legal", "other"])) == {rude, law, french}
    assert offered(desk, "per_4", able(None, ["other"])) == {rude, french}


def test_what_does_not_suit_is_not_assigned(desk: Any) -> None:
    turkish, law, plain = desk.case(language="tr")[0], desk.case(queue="law")[0], desk.case()[0]
    german = able(["de"], [])
    given = {"by": "per_lead", "why": "workload"}
    for case, match in ((turkish, "none of the languages"), (law, "a language or a skill")):
        with pytest.raises(review.CannotAssign, match=match):
            review.assign(desk.ledger, case, "per_1", find_item=screen.status_of, abilities=german, **given)
    assert review.assign_most_urgent(desk.ledger, "per_1", most=10, abilities=german, **given) == [plain]
    review.assign(desk.ledger, turkish, "per_2", find_item=screen.status_of, abilities=able(["tr"]), **given)
    # Assigned is assigned: who has it is asked first, whatever they state afterwards.
    found = review.next_case(desk.database, "per_2", abilities=german)
    assert found is not None
    assert found.case == turkish


def test_blind_reviews_suit_as_well(desk: Any) -> None:
    cases = {}
    for language, queue in (("tr", "rudeness"), (None, "law"), ("de", "rudeness")):
        case, item, _ = desk.case(language=language, queue=queue)
        review.take(desk.database, case, "per_first")
        desk.submit(case, "per_first")
        right = {"answer": review.VIOLATES, "policy": "rudeness"}
        quality.mark_golden(desk.ledger, ("rudeness",), case, item, "per_policy", **right)
        cases[language] = case
    given = {"policies": ("rudeness",), "draw": lambda: 0.0}
    settings = quality.QualitySettings(blind_share=0.0, golden_share=1.0)
    for person in ("per_1", "per_2"):
        task = quality.next_task(desk.ledger, settings, person, abilities=able(["de"], []), **given)
        assert task is not None
        with desk.database.read() as connection:
            found = get_blind_review(connection, task)
        assert found is not None
        assert found.case == cases["de"]
        quality.release_task(desk.database, task, person)
    assert quality.next_task(desk.ledger, settings, "per_3", abilities=able(["fr"], []), **given) is None


@pytest.mark.parametrize("seed", range(2))
def test_many_at_once_are_never_given_what_they_do_not_read(desk: Any, tmp_path: Path, seed: int) -> None:
    """People take, leads assign and authors edit at once; every case that somebody got was in a language of theirs."""
    run_router(desk, tmp_path)
    languages = ["de", "tr", "en", None]
    language_of = {desk.case(language=code)[0]: code for code in languages * 4}
    speak = {"per_0": ["de"], "per_1": ["tr", "en"], "per_2": ["en"], "per_3": None}
    wrong: list[tuple[str, str]] = []
    start = threading.Barrier(len(speak) + 2)

    def check(person: str, case: str) -> None:
        mine, language = speak[person], language_of[case]
        if mine is not None and language is not None and language not in mine:
            wrong.append((person, case))

    def work(person: str) -> None:
        choice = random.Random(f"{seed} {person}")
        start.wait()
        for _ in range(12):
            held = review.next_case(desk.database, person, abilities=able(speak[person]))
            if held is None:
                continue
            check(person, held.case)
            if choice.random() < 0.5:
                review.skip_case(desk.ledger, held.case, person, ms=0)
            else:
                review.release(desk.database, held.case, person)

    def lead() -> None:
        choice = random.Random(seed)
        start.wait()
        for _ in range(12):
            person = choice.choice(list(speak))
            given = {"by": "per_lead", "why": "workload", "most": 1, "abilities": able(speak[person])}
            for case in review.assign_most_urgent(desk.ledger, person, **given):
                check(person, case)

    def worker() -> None:
        start.wait()
        run_router(desk, tmp_path)

    threads = [threading.Thread(target=work, args=(person,)) for person in speak]
    threads += [threading.Thread(target=lead), threading.Thread(target=worker)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def reviewer(
    languages: Sequence[str] | None, skills: Sequence[str] | None = None, *, present: bool = True, **scope: Any
) -> review.Reviewer:
    scopes = (CaseScope(**{"child_safety": True, **scope}),)
    return review.Reviewer(languages=languages, skills=skills, scopes=scopes, present=present)


@pytest.mark.parametrize("known", [False, True])
def test_it_is_told_what_nobody_who_is_there_is_given(desk: Any, tmp_path: Path, known: bool) -> None:
    if known:
        run_router(desk, tmp_path)
    for language, queue in (
        ("tr", "rudeness"),
        ("tr", "rudeness"),
        ("de", "law"),
        (None, "french"),
        ("de", "rudeness"),
    ):
        desk.case(language=language, queue=queue)
    if known:
        run_router(desk, tmp_path)

    def told(*reviewers: review.Reviewer) -> list[tuple[str, str, int, bool]]:
        with desk.database.read() as connection:
            found = review.untaken_cases(
                connection, QUEUES, reviewers, item_languages(), child_safety=True, scopes=EVERY_CASE
            )
        return [(one.lacks, one.what, one.cases, one.by_all) for one in found]

    assert told() == []
    assert told(reviewer(None)) == []
    assert told(reviewer(["de"], []), reviewer(None)) == []
    assert told(reviewer(["de"], [])) == [
        ("language", "tr", 2, True),
        ("language", "fr, pt-BR", 1, True),
        ("skill", "legal", 1, True),
    ]
    away = reviewer(["tr", "pt"], ["legal"], present=False)
    assert told(reviewer(["de"], []), away) == [
        ("language", "tr", 2, False),
        ("language", "fr, pt-BR", 1, False),
        ("skill", "legal", 1, True),  # the one who knows the law reads no German
    ]
    assert told(away) == [("language", "de", 2, True)]  # nobody is there: what all of them lack
    # Whose role does not include a queue is not asked whether they read it.
    assert told(reviewer(["de"], ["legal"], queues=frozenset({"law"}))) == []


def test_cases_whose_language_is_not_known_are_all_counted(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seawall.review.abilities._LATE", 1)  # asked of so many items only
    for _ in range(3):
        desk.case(queue="law")
    with desk.database.read() as connection:
        given = {"child_safety": True, "scopes": EVERY_CASE}
        found = review.untaken_cases(connection, QUEUES, [reviewer(None, [])], item_languages(), **given)
    assert [(one.lacks, one.what, one.cases) for one in found] == [("skill", "legal", 3)]


codes = st.sampled_from(["de", "tr", "en"])


@given(
    st.none() | st.lists(codes, min_size=1),
    st.none() | st.lists(st.sampled_from(["legal", "teeth"])),
    st.lists(st.sampled_from(["de", "de-AT", "TR", "en_GB"]), unique=True),
    st.lists(st.sampled_from(["legal", "teeth"]), unique=True),
)
def test_a_queue_is_left_out_exactly_for_what_it_asks_for(
    languages: list[str] | None, skills: list[str] | None, asked: list[str], needed: list[str]
) -> None:
    one = review.QueueSettings(name="q", languages=tuple(asked), skills=tuple(needed))
    found = review.abilities_of(review.Queues(by_name={"q": one}), languages, skills)
    reads = languages is None or not asked or any(code[:2].lower() in languages for code in asked)
    knows = skills is None or all(word in skills for word in needed)
    assert (not found.other_queues) == (reads and knows)
    assert (found.languages is None) == (languages is None)
