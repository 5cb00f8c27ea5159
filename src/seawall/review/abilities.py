"""The languages and skills of reviewers, and which cases are therefore not given to them.

They say what is offered and assigned. Who may see and decide a case is a matter of roles: opening a case whose language
one does not read stays possible.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, and_, exists, func, or_, select, true

from seawall.model.case_scope import EVERY_CASE, CaseScopes
from seawall.review.case_scopes import in_scopes
from seawall.review.queues import Queues, QueueSettings
from seawall.review.tables import case


@dataclass(frozen=True, slots=True, kw_only=True)
class Abilities:
    """Which cases suit one reviewer. ``languages``: codes of those that they read; None: not stated, any suits.

    ``other_queues``: those for which they lack the languages or the skills. ``item_languages``: a SELECT of ``ref`` and
    ``language`` of items. A case has its language a moment after it was opened; with it, no case is given meanwhile.
    """

    languages: frozenset[str] | None = None
    other_queues: frozenset[str] = frozenset()
    item_languages: Select[Any] | None = field(default=None, compare=False, repr=False)


ANY_CASE: Final = Abilities()
"""Of somebody who has stated neither languages nor skills."""


def abilities_of(
    queues: Queues,
    languages: Collection[str] | None,
    skills: Collection[str] | None,
    *,
    item_languages: Select[Any] | None = None,
) -> Abilities:
    """Of a person with these languages and skills; None: not stated."""
    if languages is None and skills is None:
        return ANY_CASE
    others = (
        name
        for name, one in queues.by_name.items()
        if not reads_queue(one, languages) or not has_skills_of(one, skills)
    )
    return Abilities(
        languages=None if languages is None else frozenset(languages),
        other_queues=frozenset(others),
        item_languages=item_languages,
    )


def reads_queue(queue: QueueSettings, languages: Collection[str] | None) -> bool:
    """Whether somebody with these languages takes cases of the queue. A regional code is its language's."""
    wanted = {code.lower().replace("_", "-").partition("-")[0] for code in queue.languages}
    return languages is None or not wanted or not wanted.isdisjoint(languages)


def has_skills_of(queue: QueueSettings, skills: Collection[str] | None) -> bool:
    """Whether somebody with these skills takes cases of the queue, which needs all that it names."""
    return skills is None or set(queue.skills) <= set(skills)


def suits(abilities: Abilities) -> ColumnElement[bool]:
    """Whether a row of ``review_case`` suits the person. One whose language nobody knows suits everybody."""
    return and_(in_languages(abilities), case.c.queue.not_in(sorted(abilities.other_queues)))


def in_languages(abilities: Abilities) -> ColumnElement[bool]:
    """Whether they read the language of a row of ``review_case``, or it is not known."""
    if abilities.languages is None:
        return true()
    codes = sorted(abilities.languages)
    known = or_(case.c.language.is_(None), case.c.language.in_(codes))
    if abilities.item_languages is None:
        return known
    item = abilities.item_languages.subquery()
    # Asked of the few rows that are left, so that an item whose case has no language yet is in its own all the same.
    return and_(known, ~exists().where(item.c.ref == case.c.item, item.c.language.not_in(codes)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewer:
    """A reviewer, as far as it decides which cases they are given. ``scopes``: what they may decide.

    ``present``: they are there now.
    """

    languages: Collection[str] | None
    skills: Collection[str] | None
    scopes: CaseScopes
    present: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class UntakenCases:
    """Open cases that nobody is given who is there now, because they lack ``what``: a language or skills.

    ``by_all``: nobody who is away has it either.
    """

    lacks: str  # language | skill
    what: str
    cases: int
    by_all: bool


LANGUAGE: Final = "language"
SKILL: Final = "skill"
_LATE: Final = 1_000
"""Cases without a language, of which untaken_cases asks for that of the item: those that were opened before cases had
one, or just now."""


def untaken_cases(
    connection: Connection,
    queues: Queues,
    reviewers: Sequence[Reviewer],
    item_languages: Select[Any],
    *,
    child_safety: bool,
    scopes: CaseScopes = EVERY_CASE,
) -> list[UntakenCases]:
    """Open cases that wait because nobody reads them or has the skills for their queue, most first.

    ``child_safety`` and ``scopes``: which cases are counted. Where no reviewer stated anything, nothing is read.
    """
    if all(one.languages is None and one.skills is None for one in reviewers):
        return []
    found: Counter[tuple[str, str, bool]] = Counter()
    waiting = _open_cases(connection, item_languages, child_safety, scopes)
    for (queue, language, guarded), cases in waiting.items():
        may_take = [one for one in reviewers if _admits(one.scopes, queue, guarded)]
        if (lacking := _lacking(queues.of(queue), language, may_take)) is not None:
            found[lacking] += cases
    ordered = sorted(found.items(), key=lambda one: (-one[1], one[0]))
    return [UntakenCases(lacks=lacks, what=what, by_all=by_all, cases=n) for (lacks, what, by_all), n in ordered]


def _open_cases(
    connection: Connection, item_languages: Select[Any], child_safety: bool, scopes: CaseScopes
) -> Counter[tuple[str, str | None, bool]]:
    """How many by queue, language, and whether they are of child safety: from an index, without the cases' rows."""
    shown = (False, True) if child_safety else (False,)
    counted = and_(case.c.state == "open", case.c.child_safety.in_(shown), _within(scopes))
    groups = case.c.child_safety, case.c.queue, case.c.language
    found: Counter[tuple[str, str | None, bool]] = Counter()
    for guarded, queue, language, cases in connection.execute(
        select(*groups, func.count()).where(counted).group_by(*groups)
    ):
        found[queue, language, guarded] = cases
    unknown = select(case.c.item, case.c.queue, case.c.child_safety).where(counted, case.c.language.is_(None))
    late, item = unknown.limit(_LATE).subquery(), item_languages.subquery()
    columns = late.c.child_safety, late.c.queue, item.c.language
    query = select(*columns, func.count()).join_from(late, item, item.c.ref == late.c.item).group_by(*columns)
    for guarded, queue, language, cases in connection.execute(query):
        found[queue, language, guarded] += cases
        found[queue, None, guarded] -= cases
    return +found


def _within(scopes: CaseScopes) -> ColumnElement[bool]:
    return true() if scopes == EVERY_CASE else in_scopes(scopes)


def _admits(scopes: CaseScopes, queue: str, guarded: bool) -> bool:
    """Whether one of the scopes may admit cases of the queue: harms and content types are left to the roles."""
    return any((one.queues is None or queue in one.queues) and (one.child_safety or not guarded) for one in scopes)


def _lacking(queue: QueueSettings, language: str | None, reviewers: Sequence[Reviewer]) -> tuple[str, str, bool] | None:
    """What those who are there lack for these cases; None: one of them is given them, or nobody may decide them.

    While none of them is there, it is what all of them lack: that everybody is away is no matter of languages.
    """
    there = [one for one in reviewers if one.present] or reviewers
    if not there or any(_is_given(one, queue, language) for one in there):
        return None
    by_all = not any(_is_given(one, queue, language) for one in reviewers)
    if not any(_reads(one, queue, language) for one in there):
        return LANGUAGE, language or ", ".join(queue.languages), by_all
    return SKILL, ", ".join(queue.skills), by_all


def _is_given(one: Reviewer, queue: QueueSettings, language: str | None) -> bool:
    return _reads(one, queue, language) and has_skills_of(queue, one.skills)


def _reads(one: Reviewer, queue: QueueSettings, language: str | None) -> bool:
    return reads_queue(queue, one.languages) and (
        language is None or one.languages is None or language in one.languages
    )
