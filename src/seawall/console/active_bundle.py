"""Queries of pages about the bundle in force."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from seawall.access import Person, Roles, list_people
from seawall.app import App
from seawall.model import HARMS, ContentType
from seawall.policy import Policy
from seawall.publish import NothingPublished
from seawall.review import REVIEW_RULE, Queues, Rulebook
from seawall.screen import EDITED_RULE, FAIL_MODE_POLICY, FAIL_MODE_RULES, NEAR_DUPLICATE_RULE


def policies(app: App) -> Mapping[str, Policy]:
    """Policies in force by name."""
    return {policy.name: policy for policy in app.bundle.policies}


def creators_overlays(app: App) -> tuple[str, ...]:
    """The overlays that creators may switch on; none before the first publication."""
    try:
        return app.bundle.creators_overlays
    except NothingPublished:
        return ()


def severities(app: App) -> Mapping[str, int]:
    """The severity of the harm of each policy in force, by the policy's name."""
    return {name: HARMS[policy.harm].severity for name, policy in policies(app).items()}


def policy_names(app: App) -> frozenset[str]:
    """Names of the policies in force; none before the first publication."""
    try:
        return frozenset(policies(app))
    except NothingPublished:
        return frozenset()


def rules_of(policies: Iterable[Policy]) -> list[tuple[str, str]]:
    """(policy, rule) pairs of these policies that a decision may name: their rules, and ``review`` for reviews."""
    return [(policy.name, rule) for policy in policies for rule in (*(rule.id for rule in policy.rules), REVIEW_RULE)]


def rules_of_decisions(app: App) -> list[tuple[str, str]]:
    """(policy, rule) pairs that a decision may name now: rules, reviews, and fail modes."""
    try:
        found = app.bundle.policies
    except NothingPublished:
        return []
    return rules_of(found) + [(FAIL_MODE_POLICY, rule) for rule in (*FAIL_MODE_RULES, EDITED_RULE, NEAR_DUPLICATE_RULE)]


def content_types(app: App) -> Mapping[str, ContentType]:
    """Content types in force by name."""
    return app.bundle.content_types


def rulebook(app: App) -> Rulebook:
    """The content types and harms that a review may refer to."""
    return Rulebook(
        content_types=content_types(app),
        harms={name: policy.harm for name, policy in policies(app).items()},
        queues=queues(app),
    )


def queues(app: App) -> Queues:
    """The queues and routes in use."""
    return app.context.get(Queues)


def signal_kinds(app: App) -> Mapping[tuple[str, str], str]:
    """(detector, signal) → kind of its value: probability (calibrated), score, count, distance."""
    return {
        (detector.name, signal.name): str(signal.kind)
        for detector in app.bundle.detectors
        for signal in detector.signals
    }


def names_of_people(app: App, viewer: Person) -> Mapping[str, str]:
    """Names of people by their ids. Somebody in a team is told the names of its people only."""
    return {person.id: person.name for person in people_seen_by(app, viewer)}


def people_seen_by(app: App, viewer: Person) -> list[Person]:
    """All people; for somebody in a team those of the team only, whose names, figures and views they see."""
    people = list_people(app.database, app.context.get(Roles))
    return [one for one in people if not viewer.team or one.team == viewer.team]
