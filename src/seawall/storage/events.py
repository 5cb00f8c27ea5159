"""Registry of the kinds of events: declared by components, checked once, passed explicitly."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeAlias, TypeVar

import msgspec

from seawall.model import EventBody, UnknownEvent
from seawall.storage.codec import encode_body
from seawall.storage.errors import StorageError

Upcast: TypeAlias = Callable[[dict[str, Any]], dict[str, Any]]
"""Converts a body of one version, as plain JSON, to the next version."""

_KIND: Final = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")


Body = TypeVar("Body", bound=EventBody)


@dataclass(frozen=True, slots=True)
class EventSpec(Generic[Body]):
    """One kind of event: its name, the type of its body, and the version that new events are written in.

    ``upcast`` has one function for each older version, from that version to the next.
    """

    kind: str
    body: type[Body]
    version: int = 1
    upcast: Mapping[int, Upcast] = field(default_factory=dict)
    read: Callable[[bytes], Body] = field(init=False, repr=False, compare=False)  # a body of the current version

    def __post_init__(self) -> None:
        if not _KIND.fullmatch(self.kind):
            raise ValueError(f"{self.kind!r} is not a kind of event: write component.what_happened, in lower case")
        if sorted(self.upcast) != list(range(1, self.version)):
            raise ValueError(
                f"event {self.kind} has version {self.version}: give upcast a function for each version below it, "
                f"and no other (it has {sorted(self.upcast)})"
            )
        object.__setattr__(self, "read", msgspec.json.Decoder(self.body).decode)

    def decode(self, version: int, data: bytes) -> Body:
        """A stored body of any version, converted to the current one.

        Raises StorageError for a version that newer code wrote, msgspec.MsgspecError for bytes that do not fit.
        """
        if version == self.version:
            return self.read(data)
        if version > self.version:
            raise StorageError(
                f"The ledger holds a {self.kind} event of version {version}; this code knows versions up to "
                f"{self.version}. Newer code wrote it: upgrade Seawall."
            )
        document = msgspec.json.decode(data)
        for older in range(version, self.version):
            document = self.upcast[older](document)
        return self.read(msgspec.json.encode(document))


class Events:
    """The kinds of events that the installed components declare. Raises ValueError when two share a name or type."""

    def __init__(self, specs: Iterable[EventSpec[Any]]) -> None:
        specs = tuple(specs)
        if twice := [kind for kind, times in Counter(spec.kind for spec in specs).items() if times > 1]:
            raise ValueError(f"two components declare an event with the kind {twice[0]}")
        if same := [body for body, times in Counter(spec.body for spec in specs).items() if times > 1]:
            raise ValueError(f"two kinds of events have the body {same[0].__qualname__}")
        self._specs = {spec.kind: spec for spec in specs}
        self._of = {spec.body: spec for spec in specs}

    @property
    def kinds(self) -> tuple[str, ...]:
        """The names of all kinds, sorted."""
        return tuple(sorted(self._specs))

    def kind_of(self, body: type[EventBody]) -> str:
        """The kind of a body's type. Raises KeyError."""
        return self._spec(body).kind

    def _spec(self, body: type[EventBody]) -> EventSpec[Any]:
        spec = self._of.get(body)
        if spec is None:
            raise KeyError(f"{body.__qualname__} is not an event: declare it in a component with an EventSpec")
        return spec

    def encode(self, body: EventBody) -> tuple[str, int, bytes, EventBody]:
        """Kind, version and canonical bytes of a body, and the body that these bytes say.

        Raises KeyError, msgspec.MsgspecError.
        """
        spec = self._of.get(type(body)) or self._spec(type(body))
        data = encode_body(body)
        return spec.kind, spec.version, data, spec.read(data)

    def decode(self, kind: str, version: int, data: bytes) -> EventBody:
        """The stored body, converted to the current version; ``UnknownEvent`` for an undeclared kind.

        Raises StorageError, msgspec.MsgspecError: see ``EventSpec.decode``.
        """
        spec = self._specs.get(kind)
        if spec is None:
            return UnknownEvent(version=version, data=data)
        body: EventBody = spec.decode(version, data)
        return body
