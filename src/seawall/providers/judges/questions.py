"""The question to a judge: a policy in words."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyQuestion:
    """Does content violate this policy? ``definition`` and ``guidance`` are the policy's prose."""

    policy: str
    title: str
    definition: str
    guidance: str = ""

    @property
    def version(self) -> str:
        """Eight hex digits of the text's digest: an edited policy is another question."""
        words = "\x00".join((self.policy, self.title, self.definition, self.guidance))
        return hashlib.sha256(words.encode("utf-8", "surrogatepass")).hexdigest()[:8]


FindQuestion: TypeAlias = Callable[[str], PolicyQuestion | None]
"""Returns the question of an active policy, or None for an unknown one."""


class PolicyQuestions:
    """Questions in memory, replaced all at once."""

    def __init__(self, questions: Mapping[str, PolicyQuestion] | None = None) -> None:
        self._current: Mapping[str, PolicyQuestion] = dict(questions or {})

    def replace(self, questions: Mapping[str, PolicyQuestion]) -> None:
        """Use these from now on; running calls finish with the old ones."""
        self._current = dict(questions)  # one assignment: readers see all or none

    def __call__(self, policy: str) -> PolicyQuestion | None:
        """The question about a policy, or None."""
        return self._current.get(policy)
