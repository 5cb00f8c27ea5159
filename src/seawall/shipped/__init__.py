"""YAML files included in the package: policies, content types, seed banks.

    >>> from seawall import shipped
    >>> comments = shipped.Folder("seawall.shipped.content_types", "content type")
    >>> comments.names()[:2]
    ('comment', 'message')

Texts are read, not parsed. A folder of an installed package need not be a directory on disk, hence
``importlib.resources``.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files

_SUFFIX = ".yaml"


@dataclass(frozen=True, slots=True)
class Folder:
    """The YAML files beside a package's ``__init__.py``. ``noun`` names one of them in errors."""

    package: str
    noun: str

    def names(self) -> tuple[str, ...]:
        """File names without ``.yaml``, sorted."""
        found = (entry.name for entry in files(self.package).iterdir())
        return tuple(sorted(name.removesuffix(_SUFFIX) for name in found if name.endswith(_SUFFIX)))

    def read(self, name: str) -> str:
        """The text of one file. Raises LookupError that lists the known names."""
        if name not in self.names():
            raise LookupError(f"no {self.noun} {name!r} ships with Seawall; known: {', '.join(self.names())}")
        return files(self.package).joinpath(name + _SUFFIX).read_text(encoding="utf-8")

    def sources(self) -> dict[str, str]:
        """File name → text of all of them: ``{"comment.yaml": "…", …}``."""
        return {name + _SUFFIX: self.read(name) for name in self.names()}
