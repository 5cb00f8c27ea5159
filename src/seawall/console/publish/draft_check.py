"""What is said of a policy file in the editor: mistakes, warnings, how its examples do, what others changed meanwhile.

The file is built alone, which takes milliseconds; with all others it is built when its author asks what it changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from seawall.access import Permission
from seawall.app import BANKS
from seawall.console.languages import gettext as _
from seawall.console.publish.text_differences import ComparedLine, text_differences
from seawall.console.request import PageRequest
from seawall.policy import (
    Bundle,
    BundleUnreadable,
    ExampleResult,
    PolicyErrors,
    PolicySource,
    PolicyWarning,
    Problem,
    analyse,
    run_examples,
)
from seawall.publish import Sources, list_banks


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenText:
    """A policy file in the editor. ``name``: of the policy that is edited, empty for a new one; ``base``: the bundle
    in force when its author began."""

    name: str
    text: str
    base: str

    @property
    def source(self) -> PolicySource:
        """The file as the policy language reads it."""
        return PolicySource(path=f"{self.name or 'new'}.yaml", text=self.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class MovedText:
    """The policy was changed by somebody else since its author began. ``lines`` None: too long to compare;
    ``gone``: it is not in force any more."""

    gone: bool
    lines: Sequence[ComparedLine] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftCheck:
    """What is said of the file. ``bundle``: the file built alone; None: it has mistakes.

    ``differs``: from what is in force; ``is_new``: no policy is edited."""

    problems: Sequence[Problem] = ()
    warnings: Sequence[PolicyWarning] = ()
    results: Sequence[ExampleResult] = ()
    notes: Sequence[str] = field(default=())
    moved: MovedText | None = None
    bundle: Bundle | None = None
    policy: str = ""
    differs: bool = True
    is_new: bool = False


def check_draft(request: PageRequest, written: WrittenText) -> DraftCheck:
    """Check the file alone, against the content types, detectors and banks in force."""
    in_force = request.app.bundle
    current = in_force.policy(written.name)
    differs = current is None or _plain(current.source.text) != written.text
    is_new, moved = current is None, moved_text(request, written)
    try:
        sources = Sources(policies=(written.source,), content_types=tuple(in_force.content_types.values()))
        bundle = request.app.build(sources)
    except PolicyErrors as error:
        return DraftCheck(problems=error.problems, moved=moved, differs=differs, is_new=is_new)
    (policy,) = bundle.policies
    taken = in_force.policy(policy.name)
    if not written.name and taken is not None:
        problem = Problem(
            message=_("a policy with the name %(name)s is in force already") % {"name": policy.name},
            path=written.source.path,
            remedy=_("choose another name, or edit that one on its own page"),
        )
        same = _plain(taken.source.text) == written.text
        return DraftCheck(problems=(problem,), is_new=True, policy=policy.name, differs=not same)
    notes = []
    if written.name and policy.name != written.name:
        text = _("The file names the policy %(new)s: it is added, and %(old)s stays in force as it is.")
        notes.append(text % {"new": policy.name, "old": written.name})
    return DraftCheck(
        warnings=analyse(bundle, datetime.now(UTC).date(), _entries(request), [policy.name]),
        results=run_examples(bundle, [policy.name]),
        notes=notes,
        moved=moved,
        bundle=bundle,
        policy=policy.name,
        differs=differs,
        is_new=is_new,
    )


def moved_text(request: PageRequest, written: WrittenText) -> MovedText | None:
    """What somebody else changed in the policy since its author began; None: nothing."""
    in_force = request.app.bundle
    if not written.name or written.base == in_force.hash:
        return None
    try:
        before = request.app.bundles.texts(written.base).get(written.name, "")
    except BundleUnreadable:
        before = ""
    policy = in_force.policy(written.name)
    now = policy.source.text if policy is not None else ""
    if _plain(before) == _plain(now):
        return None
    return MovedText(gone=policy is None, lines=text_differences(before, now))


def _plain(text: str) -> str:
    """A file's text as a form sends it."""
    return text.replace("\r\n", "\n")


def _entries(request: PageRequest) -> dict[str, int] | None:
    """Entries by bank, for those who may see banks."""
    if not request.may(Permission.SEE_BANKS):
        return None
    return {bank.name: bank.active for bank in list_banks(request.app.database, BANKS)}
