"""Values of a JSON response by JSONPath (RFC 9535), without features whose run time could explode.

>>> document = {"output": [{"class": "spam", "score": 0.1}, {"class": "hate", "score": 0.7}]}
>>> ResponsePath.read("$.output[?@.class=='hate'].score").find(document)
[0.7]
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final, Protocol

_MOST: Final = 10_000  # maximum values per path
_NAME: Final = re.compile(r"'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"|\.([^\W\d]\w*)")
_QUOTED: Final = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"")
_MEASURES: Final = frozenset(
    {"score", "value", "severity", "prob", "Confidence"}
)  # generic names that do not describe the value


class _Match(Protocol):
    @property
    def value(self) -> Any: ...


class _Query(Protocol):
    def finditer(self, data: Any) -> Iterable[_Match]: ...


@dataclass(frozen=True, slots=True)
class ResponsePath:
    """A compiled path. ``text`` is as written."""

    text: str
    _query: _Query = field(repr=False, compare=False)

    @classmethod
    def read(cls, text: str) -> ResponsePath:
        """Compile a path. Raises ValueError with an example of a path."""
        if _QUOTED.sub("", text).count("..") > 1:
            raise ValueError(f"{text!r} has more than one '..': write the names in between")
        return cls(text, _compiled(text))

    @property
    def tail(self) -> str:
        """The last name in it that is not generic, shown as evidence."""
        names = [single or double or short for single, double, short in _NAME.findall(self.text)]
        return next((name for name in reversed(names) if name not in _MEASURES), "")

    def find(self, document: object) -> list[Any]:
        """Values at the path, ten thousand at most; none if nothing matches or nesting exceeds 100."""
        if not isinstance(document, dict | list):  # the library would parse a text as JSON
            return [document] if self.text == "$" else []
        try:
            return [match.value for match in islice(self._query.finditer(document), _MOST)]
        except RecursionError:
            return []


@functools.cache
def _compiled(text: str) -> _Query:
    from jsonpath import JSONPathEnvironment  # imported here: slow to load
    from jsonpath.exceptions import JSONPathError

    class Environment(JSONPathEnvironment):
        def setup_function_extensions(self) -> None:
            super().setup_function_extensions()
            for name in ("match", "search"):  # regular expressions, because they backtrack
                del self.function_extensions[name]

    try:
        return Environment(strict=True).compile(text)
    except JSONPathError as error:
        said = str(error).splitlines()[0]
        raise ValueError(
            f"{text!r} is not a JSONPath: {said}; write $.key[0].name or $.list[?@.class=='hate'].score"
        ) from error
