"""Publishing so that nobody is surprised: what would change, what is refused, a start's own publication, rollback."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Final

import structlog

from seawall.policy import (
    Bundle,
    BundleUnreadable,
    ExampleResult,
    PolicyErrors,
    PolicySource,
    run_examples,
)
from seawall.publish.bundles import BundleInForce, PublishedMeanwhile
from seawall.publish.change_words import say_dropped, summary
from seawall.publish.changes import BundleChanges, compare
from seawall.publish.queries import latest_publication, published_before
from seawall.publish.sources import SourceError, Sources
from seawall.storage import Database

_log = structlog.get_logger(__name__)

_BUILD = Callable[[Sources], Bundle]
_MOST_NAMED: Final = 20


class PublishRefused(Exception):
    """Nothing was published; the message says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedBundle:
    """A bundle that could be published, and what that would change.

    ``in_force``: the hash of the bundle whose place it would take. ``changes`` is None if that one cannot be read.
    """

    bundle: Bundle
    source: str
    in_force: str | None
    changes: BundleChanges | None
    examples: int
    failed: tuple[ExampleResult, ...]
    screened: bool | None = None  # whether the real detectors were asked about them: see BundlePublished

    def refuse(self, drop: Collection[str] = (), *, drop_all: bool = False) -> None:
        """Raises PublishRefused when an example fails, or when something is dropped that is not named in ``drop``."""
        if self.failed:
            raise PublishRefused(
                f"{len(self.failed)} of {self.examples} examples fail; run 'seawall policy test' to see them. "
                "Nothing was published."
            )
        if self.changes is None:
            if not drop_all:
                raise PublishRefused(
                    f"The bundle in force, {(self.in_force or '')[:12]}, cannot be read here, so what would be dropped "
                    "is not known. Nothing was published. To publish all the same, give --drop-all."
                )
            return
        dropped = {one.name: one for one in self.changes.dropped}
        if strange := [name for name in drop if name not in dropped]:
            known = f"what is dropped: {', '.join(dropped)}" if dropped else "nothing is dropped"
            raise PublishRefused(f"--drop {strange[0]}: that is not dropped; {known}. Nothing was published.")
        untold = [] if drop_all else [one for name, one in dropped.items() if name not in drop]
        if untold:
            options = " ".join(f"--drop {one.name}" for one in untold[:3]) + (" …" if len(untold) > 3 else "")
            names = "\n".join(f"  {say_dropped(one)}" for one in untold[:_MOST_NAMED])
            more = f"\n  and {len(untold) - _MOST_NAMED} more" if len(untold) > _MOST_NAMED else ""
            raise PublishRefused(
                f"This would drop {len(untold)} of what is in force:\n{names}{more}\n"
                "Nothing was published. Put them into your folder too ('seawall policy export FOLDER' writes the "
                f"policies in force), or say that they shall go: {options}, or --drop-all."
            )


def compare_with_force(bundles: BundleInForce, bundle: Bundle, source: str = "") -> ComparedBundle:
    """What publishing the bundle would change. Changes nothing."""
    in_force, before = bundles.in_force()
    results = run_examples(bundle)
    return ComparedBundle(
        bundle=bundle,
        source=source,
        in_force=in_force,
        changes=None if in_force is not None and before is None else compare(before, bundle, today()),
        examples=len(results),
        failed=tuple(result for result in results if not result.passed),
    )


def publish_compared(bundles: BundleInForce, compared: ComparedBundle, by: str, kind: str = "publish") -> Bundle:
    """Put a compared bundle in force. Raises PublishedMeanwhile, then nothing has changed."""
    return bundles.publish(
        compared.bundle,
        by,
        kind=kind,
        source=compared.source,
        instead_of=compared.in_force,
        screened=compared.screened,
    )


def sources_of(bundle: Bundle) -> Sources:
    """The texts that a bundle was built from, to build it again with the detectors that are installed now."""
    return Sources(
        policies=tuple(PolicySource(path=policy.source.path, text=policy.source.text) for policy in bundle.policies),
        content_types=tuple(bundle.content_types.values()),
        not_permitted=bundle.not_permitted_source,
    )


def today() -> date:
    """The day, in UTC, by which rules expire."""
    return datetime.now(UTC).date()


# -- rollback --------------------------------------------------------------------------------------------------------


def bundle_before(bundles: BundleInForce, database: Database) -> str:
    """What a rollback without a hash goes back to: what the bundle in force replaced. Raises PublishRefused."""
    newest, _ = bundles.in_force()
    with database.read() as connection:
        found = None if newest is None else published_before(connection, newest)
    if found is None:
        raise PublishRefused(
            "Nothing was in force before the bundle that is in force now. 'seawall policy history' lists all bundles; "
            "give the hash of the one to go back to."
        )
    return found


def compare_rollback(bundles: BundleInForce, build: _BUILD, bundle_hash: str) -> ComparedBundle:
    """What going back to an earlier bundle changes; it is built again, with the detectors that are installed now.

    So its thresholds are those of these detectors' versions, and its hash is another one if they are. Raises
    PublishRefused if it cannot be built here: then the one in force stays.
    """
    short = bundle_hash[:12]
    try:
        earlier = bundles.load(bundle_hash)
    except BundleUnreadable as error:
        raise PublishRefused(f"{error} The bundle in force stays.") from error
    try:
        built = build(sources_of(earlier))
    except PolicyErrors as error:
        raise PublishRefused(_not_built(short, earlier, bundles, error)) from error
    return compare_with_force(bundles, built, source=f"bundle {short}")


def _not_built(short: str, earlier: Bundle, bundles: BundleInForce, error: PolicyErrors) -> str:
    _, current = bundles.in_force()
    installed = {detector.name for detector in (current.detectors if current is not None else ())}
    missing = sorted({detector.name for detector in earlier.detectors} - installed)
    hint = f"It was published with {', '.join(missing)}, which the bundle in force does not have. " if missing else ""
    return (
        f"The bundle {short} cannot be built here any more; the one in force stays.\n{error}\n{hint}"
        "Install the missing detectors (SEAWALL_DETECTORS, SEAWALL_PLUGINS), or change the policies and publish them."
    )


# -- starts ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class StartPublication:
    """What a process did about its folder of policies when it started.

    ``outcome``: first, newer: published; same: nothing to do; rebuilt: the same policies, for other detectors;
    differs, fails, unreadable: what is in force stays, for the reason ``why``. ``offered``: what its folder holds,
    where that differs from what is in force.
    """

    outcome: str
    source: str
    why: str = ""
    offered: Bundle | None = None
    changes: BundleChanges | None = None

    def message(self) -> str:
        """What to tell who started it; empty: nothing."""
        if not self.why:
            return ""
        head = f"The policies of the folder ({self.source}) are not in force: {self.why}"
        if self.changes is not None:
            head += f"\nPublishing them would change: {summary(self.changes)}."
        return f"{head}\n'seawall policy status' shows what differs, 'seawall policy publish' publishes it."


class StartReport:
    """What this process did about its folder when it started, for its pages. None: it published nothing by itself."""

    def __init__(self) -> None:
        self.publication: StartPublication | None = None


def publish_at_start(
    bundles: BundleInForce, database: Database, build: _BUILD, sources: Sources, by: str, *, approval: bool = False
) -> StartPublication:
    """Publish what a process was started with, unless that would take back what a person published.

    It is published when nothing is; or when a start put in force what is, from the same source, nothing would be
    dropped, and no second person has to approve (``approval``). Otherwise what is in force stays. If detectors have
    other versions than those it was built with, it is built again with them: its policies stay, and its thresholds
    keep their meaning.
    Raises PolicyErrors, PublishRefused while nothing is in force: then there is nothing to go on with.
    """
    in_force, current = bundles.in_force()
    if in_force is None:
        compared = compare_with_force(bundles, build(sources), sources.origin)
        compared.refuse()
        try:
            publish_compared(bundles, compared, by, kind="start")
            return StartPublication(outcome="first", source=sources.origin)
        except PublishedMeanwhile:
            return publish_at_start(bundles, database, build, sources, by, approval=approval)
    if current is None:
        why = (
            f"the bundle in force, {in_force[:12]}, cannot be read by this version, so they were not compared with it."
        )
        return StartPublication(outcome="unreadable", source=sources.origin, why=why)
    found = _offer(bundles, database, build, sources, by, approval)
    if found.outcome in ("differs", "fails") and _rebuild(bundles, build, by) and found.offered is not None:
        changes = compare(bundles.current, found.offered, today())
        if not changes:
            return StartPublication(outcome="rebuilt", source=sources.origin)
        return replace(found, changes=changes)
    return found


def start_without_sources(
    bundles: BundleInForce, build: _BUILD, source: str, error: PolicyErrors | SourceError, by: str
) -> StartPublication:
    """What a start does whose folders cannot be read: what is in force stays, for the detectors of this process."""
    _rebuild(bundles, build, by)
    return StartPublication(outcome="fails", source=source, why=f"they cannot be read.\n{error}")


def _offer(
    bundles: BundleInForce, database: Database, build: _BUILD, sources: Sources, by: str, approval: bool
) -> StartPublication:
    try:
        compared = compare_with_force(bundles, build(sources), sources.origin)
    except PolicyErrors as error:
        return StartPublication(outcome="fails", source=sources.origin, why=f"they cannot be built.\n{error}")
    changes = compared.changes
    if not changes:
        return StartPublication(outcome="same", source=sources.origin)
    why = _why_not(database, compared, approval)
    if why is None:
        try:
            publish_compared(bundles, compared, by, kind="start")
            return StartPublication(outcome="newer", source=sources.origin)
        except PublishedMeanwhile:
            why = "somebody published while this process started."
    return StartPublication(outcome="differs", source=sources.origin, why=why, offered=compared.bundle, changes=changes)


def _why_not(database: Database, compared: ComparedBundle, approval: bool) -> str | None:
    """Why a start must not publish this; None: it may."""
    if approval:
        return "publishing needs the approval of a second person here (SEAWALL_PUBLISH_APPROVAL)."
    with database.read() as connection:
        latest = latest_publication(connection)
    if latest is None or latest.kind != "start":
        who = f"by {latest.by}" if latest is not None else "by a person"
        return f"what is in force was published {who}, and a start does not take that back."
    if latest.source not in ("", compared.source):  # a release before 0.3 did not record its source
        return f"what is in force came from another source ({latest.source})."
    if compared.changes is None or compared.changes.dropped:
        return "they lack something that is in force."
    if compared.failed:
        return f"{len(compared.failed)} of their {compared.examples} examples fail."
    return None


def _rebuild(bundles: BundleInForce, build: _BUILD, by: str) -> bool:
    """Build what is in force with the detectors that are installed now, if they have other versions."""
    _, current = bundles.in_force()
    if current is None:
        return False
    try:
        compared = compare_with_force(bundles, build(sources_of(current)))
        if compared.changes and not compared.changes.dropped and not compared.failed:
            publish_compared(bundles, compared, by, kind="rebuild")
            return True
    except (PolicyErrors, PublishedMeanwhile) as error:
        _log.warning("what is in force was not built again with the detectors of this process", error=str(error))
    return False
