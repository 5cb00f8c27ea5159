"""Component: the declaration by which a service is added to the application.

``app.py`` lists the components of Seawall. A component names everything it adds: events, projections, followers, jobs,
schedules, permissions, settings, migrations, and the modules of its API routes, console pages and commands.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias, TypeVar, runtime_checkable

from sqlalchemy import Connection

from seawall.model import Event, EventBody, SubjectErased
from seawall.settings import Settings
from seawall.storage.blobs import Blobs
from seawall.storage.database import Database
from seawall.storage.deletions import DELETION_EVENTS
from seawall.storage.events import Events, EventSpec
from seawall.storage.jobs import Job, Jobs
from seawall.storage.ledger import Ledger
from seawall.storage.legal_holds import HOLD_EVENTS, LegalHolds
from seawall.storage.migrate import MigrationSource
from seawall.storage.projection import Projection
from seawall.storage.transaction import Transaction
from seawall.storage.vault import Vault
from seawall.storage.verification import VERIFY_JOB, verify_in_job

Service = TypeVar("Service")


@runtime_checkable
class SupportsRefresh(Protocol):
    """A service that holds a copy of data in the database."""

    def refresh(self) -> object:
        """Load changes made by other processes. Called twice a second."""


@runtime_checkable
class SupportsClose(Protocol):
    """A service that holds a process, a thread or a connection."""

    def close(self) -> None:
        """Release it. May be called twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceContext:
    """What a component's code may use: the opened storage, the settings, and the services made so far."""

    settings: Settings
    database: Database
    ledger: Ledger
    vault: Vault
    jobs: Jobs
    blobs: Blobs
    components: tuple[Component, ...] = field(default=(), repr=False)
    services: Sequence[object] = field(default=(), repr=False)

    def get(self, kind: type[Service]) -> Service:
        """The service of that type. Raises LookupError when no component has made one yet."""
        for service in self.services:
            if isinstance(service, kind):
                return service
        raise LookupError(
            f"no component has made a {kind.__qualname__}: list the component that makes it before the one that asks"
        )

    def refresh(self) -> None:
        """Call ``refresh`` of every service that has it, to load changes made by other processes."""
        for service in self.services:
            if isinstance(service, SupportsRefresh):
                service.refresh()


@dataclass(frozen=True, slots=True, kw_only=True)
class Follower:
    """A consumer of ledger events after their commit, with a cursor kept by storage.

    ``step`` gets the next events of the kinds it handles and returns a unit of work, or None. The unit is committed in
    the transaction that moves the cursor, so its effects happen once. A higher ``version`` restarts: at the first
    event, or with ``from_start=False`` at the end of the ledger.
    """

    name: str
    handles: tuple[type[EventBody], ...]
    step: Callable[[ServiceContext, Sequence[Event]], Callable[[Transaction], None] | None]
    version: int = 1
    from_start: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSpec:
    """How jobs of one kind are handled. The handler finishes its job in the transaction of its effect.

    Jobs of one ``pool`` share threads, so that other pools do not wait for them. ``max_attempts``: a job that
    failed so often is dead until a person requeues it. ``gives_way``: nobody waits for it, and there may be thousands;
    in a process that also answers requests, such jobs are few at a time and rest between each other.
    """

    kind: str
    handler: Callable[[ServiceContext, Job], None]
    pool: str
    lease_ms: int = 60_000
    max_attempts: int = 50  # about four hours
    gives_way: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """A task that every worker process repeats; ``every_s`` None: once, until it succeeds."""

    name: str
    task: Callable[[ServiceContext], None]
    every_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PermissionSpec:
    """A permission: ``component.verb``, and a sentence for the page that manages roles."""

    name: str
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasedReferences:
    """What a component forgot about an erased subject beside the vault: where bank entries come from, and entries."""

    sources: int = 0
    entries: int = 0

    def __add__(self, other: ErasedReferences) -> ErasedReferences:
        return ErasedReferences(sources=self.sources + other.sources, entries=self.entries + other.entries)


ForgetSubject: TypeAlias = Callable[[Transaction, str, str, bool], ErasedReferences]
"""Forget a subject (its ref) in the transaction that erases it: by whom, and whether somebody asked for it."""

EntryName: TypeAlias = tuple[str, str]
"""A vault entry: the ref of its subject, and its name."""


ItemsInUse: TypeAlias = Callable[[Connection | Transaction, Sequence[str]], Iterable[str]]
"""Those of the items (their surrogates) that retention must not delete yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFiles:
    """Vault entries that refer to files in the blob store: those whose names begin with ``prefix``.

    The functions take an entry's plaintext: ``digests`` gives the files' blobs, ``read`` the files by field,
    in pieces, and ``without_keys`` the entry without the keys that the files are encrypted under.
    """

    prefix: str
    digests: Callable[[bytes], Sequence[str]]
    read: Callable[[bytes, Blobs], Iterable[tuple[str, Iterable[bytes]]]]
    without_keys: Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """One service and everything it adds. ``name`` is unique among the components of an application.

    ``api``, ``console`` and ``cli`` are import paths of modules, loaded only by the process that serves them.
    """

    name: str
    events: tuple[EventSpec[Any], ...] = ()
    projections: tuple[Projection, ...] = ()
    followers: tuple[Follower, ...] = ()
    jobs: tuple[JobSpec, ...] = ()
    schedules: tuple[Schedule, ...] = ()
    permissions: tuple[PermissionSpec, ...] = ()
    settings: type[Any] | None = None  # a section of the settings: a frozen dataclass with defaults
    migrations: str | None = None  # import path of the package that holds its migrations
    services: Callable[[ServiceContext], tuple[object, ...]] | None = None
    api: str | None = None  # module with ``router(app, keys) -> APIRouter``
    console: str | None = None  # module with ``PAGES``, ``MENU`` and a folder ``templates`` beside it
    cli: str | None = None  # module with ``command``: a Typer application
    files: StoredFiles | None = None  # its vault entries that refer to files
    blobs: Callable[[Connection], Iterable[str]] | None = None  # digests of its blobs that no vault entry refers to
    reseal: Callable[[Connection, Callable[[str, bytes], bytes]], None] | None = None  # its secrets, at a key change
    items_in_use: ItemsInUse | None = None  # of these: too early to delete
    confidential: tuple[str, ...] = ()  # beginnings of names of entries that only their writer may be given
    entries_by: Callable[[Connection, str], Iterable[EntryName]] | None = None  # entries that a subject wrote, anywhere
    forget: ForgetSubject | None = None  # what it says about a subject outside the vault


def _verify_ledger(context: ServiceContext, job: Job) -> None:
    verify_in_job(context.database, context.ledger, job)


STORAGE = Component(
    name="storage",
    migrations="seawall.storage.migrations",
    projections=(LegalHolds(),),
    api="seawall.api.storage",
    console="seawall.console.storage",
    cli="seawall.cli.storage",
    events=(
        EventSpec("subject.erased", SubjectErased),
        *DELETION_EVENTS,
        *HOLD_EVENTS,
    ),
    jobs=(JobSpec(kind=VERIFY_JOB, handler=_verify_ledger, pool="verification", max_attempts=5),),
    permissions=(
        PermissionSpec(name="storage.view_ledger", description="See the events of the ledger."),
        PermissionSpec(name="storage.verify_ledger", description="Verify the ledger: read all of it."),
        PermissionSpec(name="storage.manage_subjects", description="Export and erase data of a subject; legal holds."),
    ),
)
"""Storage's own component."""


def check_components(components: Iterable[Component]) -> None:
    """Raises ValueError when two declare the same name, or a permission does not begin with its component's."""
    components = tuple(components)
    for component in components:
        for permission in component.permissions:
            if permission.name.partition(".")[0] != component.name:
                raise ValueError(f"the component {component.name} declares the permission {permission.name!r}")
    _check_unique("the job", (spec.kind for component in components for spec in component.jobs))
    _check_unique("the follower", (one.name for component in components for one in component.followers))
    _check_unique("the schedule", (one.name for component in components for one in component.schedules))
    _check_unique("the permission", (one.name for component in components for one in component.permissions))
    if twice := _twice(component.name for component in components):
        raise ValueError(f"two components are named {twice!r}")


def _check_unique(what: str, names: Iterable[str]) -> None:
    if twice := _twice(names):
        raise ValueError(f"two components declare {what} {twice}")


def _twice(names: Iterable[str]) -> str | None:
    return next((name for name, times in Counter(names).items() if times > 1), None)


def ledger_of(database: Database, vault: Vault, components: Iterable[Component]) -> Ledger:
    """The ledger of the events and projections that components declare. Raises ValueError when two collide."""
    components = tuple(components)
    return Ledger(
        database,
        vault,
        Events(spec for component in components for spec in component.events),
        tuple(projection for component in components for projection in component.projections),
    )


def migration_sources(components: Iterable[Component]) -> tuple[MigrationSource, ...]:
    """The packages of the components' migrations."""
    return tuple(MigrationSource(one.name, one.migrations) for one in components if one.migrations is not None)
