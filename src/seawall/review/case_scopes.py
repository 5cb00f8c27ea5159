"""Case scopes in SQL: lists, counts and leases keep to what the roles of a person admit."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import ColumnElement, Connection, and_, false, or_, select, true

from seawall.model import HARMS
from seawall.model.case_scope import CaseScope, CaseScopes
from seawall.review.tables import case
from seawall.storage.queries import select_in_chunks


def in_scopes(scopes: CaseScopes) -> ColumnElement[bool]:
    """Whether one of the scopes admits a row of ``review_case``, as ``CaseScope.admits`` says."""
    return or_(false(), *(_admitted(scope) for scope in scopes))


def items_in_scopes(connection: Connection, items: Iterable[str], scopes: CaseScopes) -> dict[str, bool]:
    """The items that have a case, and whether a scope admits it. One that only once was of child safety has none."""
    query = select(case.c.item, in_scopes(scopes).label("admitted")).where(case.c.state != "none")
    rows = select_in_chunks(connection, query, case.c.item, sorted(set(items)))
    return {row.item: bool(row.admitted) for row in rows}


def _admitted(scope: CaseScope) -> ColumnElement[bool]:
    terms: list[ColumnElement[bool]] = [true()]
    if scope.queues is not None:
        terms.append(case.c.queue.in_(sorted(scope.queues)))
    if scope.content_types is not None:
        terms.append(case.c.content_type.in_(sorted(scope.content_types)))
    if scope.harms is not None:
        # The list of policies is JSON: none of them may be about another harm, or about none.
        terms.append(case.c.harm.in_(sorted(scope.harms)))
        terms += [
            ~case.c.policies.contains(f'"harm":"{harm}"', autoescape=True)
            for harm in sorted(HARMS.keys() - scope.harms)
        ]
        terms.append(~case.c.policies.contains('"harm":null', autoescape=True))
    if not scope.child_safety:
        terms.append(case.c.child_safety.is_(False))
    return and_(*terms)
