"""Bundles: what is in force. Immutable, addressed by the hash of their canonical bytes, rebuilt from those alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Final
from unicodedata import normalize

from seawall.content.content_types import check_content_type
from seawall.content.extraction import STANDARD, extractors_of
from seawall.model import ContentType, DetectorSpec, Prohibition
from seawall.policy.checked_policies import CheckedPolicies, check_policies, compile_programs, read_policies
from seawall.policy.documents import Overlay, Policy, PolicySource
from seawall.policy.examples import CheckedExample
from seawall.policy.pattern_limits import check_sizes
from seawall.policy.policyfile import find_duplicates
from seawall.policy.program import Program
from seawall.policy.prohibitions import FILE as PROHIBITIONS_FILE
from seawall.policy.prohibitions import ProhibitionFile, check_prohibitions, load_prohibitions
from seawall.policy.rules import CheckedRule
from seawall.policy.syntax import look_alikes
from seawall.yamlfile.source import PolicyErrors, Problem, nearest, problem_at

FORMAT: Final = 1
"""Number of the encoding. It rises only when the bytes of an older release would be read wrongly without it."""
_PROGRAMS: Final = 128  # kept compiled: one for each content type and combination of creators' overlays in use
_NONE: Final[frozenset[str]] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """Policies, content types, detector versions and bank names that decide together. Equal by hash."""

    policies: tuple[Policy, ...] = field(compare=False)
    content_types: Mapping[str, ContentType] = field(compare=False)
    detectors: tuple[DetectorSpec, ...] = field(compare=False)
    banks: tuple[str, ...] = field(compare=False)
    thresholds: tuple[ResolvedThreshold, ...] = field(compare=False)
    examples: tuple[CheckedExample, ...] = field(default=(), compare=False)
    not_permitted: tuple[Prohibition, ...] = field(default=(), compare=False)
    not_permitted_source: PolicySource | None = field(default=None, compare=False)
    hash: str = ""
    _canonical: bytes = field(default=b"", repr=False, compare=False)
    _checked: CheckedPolicies | None = field(default=None, repr=False, compare=False)
    _programs: dict[tuple[str, frozenset[str]], Program] = field(default_factory=dict, repr=False, compare=False)

    def canonical(self) -> bytes:
        """The bytes that ``hash`` is the SHA-256 of, and that ``load_bundle`` reads."""
        return self._canonical

    def program(self, content_type: str, overlays: Iterable[str] = ()) -> Program:
        """The compiled rules of a content type. Raises KeyError.

        ``overlays``: those that the creator has on, in whose place an item stands. Rules of other creators' overlays
        are not there at all: nothing is asked, counted or undetermined for them. Names without policies add nothing.
        """
        on = self.overlays_on(content_type, overlays)
        program = self._programs.get((content_type, on))
        if program is None:
            rules = [each for each in self._rules[content_type] if each.policy.creators_overlay in (None, *on)]
            program = Program(self.content_types[content_type], rules, self.detectors)
            if len(self._programs) >= _PROGRAMS:
                self._forget_programs()
            self._programs[content_type, on] = program
        return program

    def overlays_on(self, content_type: str, overlays: Iterable[str]) -> frozenset[str]:
        """Of creators' overlays, those that have rules for a content type."""
        return self._overlays.get(content_type, _NONE).intersection(overlays) if overlays else _NONE

    @property
    def creators_overlays(self) -> tuple[str, ...]:
        """The names of the overlays that creators may switch on."""
        return tuple(sorted({each.creators_overlay for each in self.policies if each.creators_overlay is not None}))

    @property
    def programs(self) -> Iterable[Program]:
        """The compiled rules of every content type, with those of every creators' overlay."""
        return [self.program(name, self.creators_overlays) for name in self.content_types]

    @property
    def programs_of_everybody(self) -> dict[str, Program]:
        """The same without creators' overlays, by content type."""
        return {name: self._programs[name, _NONE] for name in self.content_types}

    @cached_property
    def _rules(self) -> Mapping[str, Sequence[CheckedRule]]:
        return {} if self._checked is None else self._checked.rules

    @cached_property
    def _overlays(self) -> dict[str, frozenset[str]]:
        found = {name: {each.policy.creators_overlay for each in rules} for name, rules in self._rules.items()}
        return {name: frozenset(each for each in overlays if each is not None) for name, overlays in found.items()}

    def _forget_programs(self) -> None:
        """Keep the programs without creators' overlays, which most items need."""
        for key in [key for key in tuple(self._programs) if key[1]]:
            self._programs.pop(key, None)

    def policy(self, name: str) -> Policy | None:
        """The policy of that name, or None."""
        return self._by_name.get(name)

    @cached_property
    def _by_name(self) -> dict[str, Policy]:
        return {policy.name: policy for policy in self.policies}


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedThreshold:
    """What a rule asked for ("at_fpr(0.001)") and the number it runs with.

    ``language``: for items in this language; empty: for all others. ``reached``: the bound that the detector's
    calibration split shows of what was asked; None: a release before 0.3 resolved it.
    """

    policy: str
    rule: str
    signal: str
    asked: str
    value: float
    detector: str
    version: str
    language: str = ""
    reached: float | None = field(default=None, compare=False)


class BundleUnreadable(ValueError):
    """Stored bytes that this version of Seawall cannot decide by; the message says why, and what to do."""

    def __init__(self, bundle_hash: str, why: str) -> None:
        super().__init__(f"The policy bundle {bundle_hash[:12]} cannot be read: {why}.")


def build_bundle(
    policies: Iterable[PolicySource | Policy],
    content_types: Iterable[ContentType],
    detectors: Iterable[DetectorSpec],
    banks: Iterable[str],
    not_permitted: PolicySource | None = None,
    pause: Callable[[], None] = lambda: None,
) -> Bundle:
    """Check everything against everything and compile it. Raises PolicyErrors with all problems found.

    ``not_permitted``: the file of that name, which says where which detectors may not run.
    ``pause``: called between pieces of work of a few milliseconds; a server lets requests go first there.

    The result does not depend on the order of the arguments.
    """
    problems: list[Problem] = []
    loaded = read_policies(policies, problems, pause=pause)
    types = {each.name: each for each in sorted(content_types, key=lambda each: each.name)}
    offered = tuple(sorted(detectors, key=lambda each: (each.name, each.version)))
    names = tuple(sorted(set(banks)))
    problems += find_duplicates(loaded)
    problems += _unknown_types(loaded, types)
    problems += _beyond_overlays(loaded, types)
    problems += _look_alikes(loaded)
    problems += _detector_problems(offered, types)
    prohibitions = _prohibitions(not_permitted, offered, problems)
    for content_type in types.values():
        problems += check_content_type(content_type)
    too_large, refused = check_sizes(loaded)
    problems += refused
    small = [policy for policy in loaded if policy.name not in too_large]
    checked = check_policies(small, types, offered, names, pause=pause)
    for each in checked.policies:
        problems += (*each.problems, *each.example_problems)
    if problems:
        raise PolicyErrors(_distinct(problems))
    thresholds = _thresholds(checked.rules)
    canonical = _encode(loaded, types, offered, names, thresholds, prohibitions)
    programs = compile_programs(checked, programs={}, pause=pause)
    return _assemble(checked, thresholds, canonical, prohibitions, programs)


def load_bundle(
    stored: bytes, stored_hash: str, former: Bundle | None = None, pause: Callable[[], None] = lambda: None
) -> Bundle:
    """The bundle of which ``stored`` are the published bytes. Raises BundleUnreadable.

    The bytes are checked by their hash and not written again: a field that they lack, because a newer release added
    it, gets its default; one that only a newer release knows is refused, since leaving it out may change decisions.
    The release that published a bundle checked it; checks that were added later do not make it unreadable.

    ``former``: another bundle, from which what is the same in both is taken instead of made again. ``pause`` as in
    ``build_bundle``.
    """
    if (actual := _digest(stored)) != stored_hash:
        why = f"its bytes were changed: their SHA-256 is {actual[:12]}. Restore the blobs from a backup"
        raise BundleUnreadable(stored_hash, why)
    document = _decode(stored, stored_hash)
    pause()
    problems: list[Problem] = []
    before = None if former is None else former._checked
    sources = [PolicySource(path=f"{name}.yaml", text=text) for name, text in document.policies.items()]
    loaded = read_policies(sources, problems, published=True, former=before, pause=pause)
    types = {each.name: each for each in document.content_types}
    checked = check_policies(
        loaded, types, document.detectors, document.banks, published=True, former=before, pause=pause
    )
    for each in checked.policies:
        problems += each.problems
    text = document.not_permitted
    prohibitions = _prohibitions(PolicySource(path=PROHIBITIONS_FILE, text=text) if text else None, None, problems)
    if problems:
        why = "this version of Seawall cannot compile its policies. Tell its authors, with these errors"
        raise BundleUnreadable(stored_hash, f"{why}:\n{PolicyErrors(_distinct(problems))}")
    thresholds = _thresholds(checked.rules)
    if thresholds != document.thresholds:
        changed = set(thresholds) ^ set(document.thresholds)
        places = ", ".join(sorted({f"{each.policy}/{each.rule}: {each.asked}" for each in changed}))
        raise BundleUnreadable(
            stored_hash, f"this version of Seawall resolves other thresholds ({places}). Tell its authors"
        )
    made = {} if former is None else former.programs_of_everybody
    programs = compile_programs(checked, former=before, programs=made, pause=pause)
    return _assemble(checked, thresholds, stored, prohibitions, programs)


def _prohibitions(
    given: PolicySource | None, detectors: Sequence[DetectorSpec] | None, problems: list[Problem]
) -> ProhibitionFile | None:
    """The file; ``detectors``: those that it may name, None: they were checked when it was published."""
    if given is None:
        return None
    try:
        file = load_prohibitions(given)
    except PolicyErrors as errors:
        problems += errors.problems
        return None
    problems += check_prohibitions(file, detectors) if detectors is not None else []
    return file


def policy_texts(stored: bytes, stored_hash: str) -> Mapping[str, str]:
    """The texts of a published bundle's policies, by name, without building it: milliseconds less than ``load_bundle``.

    Raises BundleUnreadable.
    """
    import msgspec

    try:
        document = msgspec.json.decode(stored, type=_Texts)
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise BundleUnreadable(stored_hash, f"its bytes are no policy bundle ({error})") from None
    if document.format > FORMAT:
        why = f"it has format {document.format}, and this version of Seawall reads formats up to {FORMAT}"
        raise BundleUnreadable(stored_hash, why)
    return document.policies


def _assemble(
    checked: CheckedPolicies,
    thresholds: tuple[ResolvedThreshold, ...],
    canonical: bytes,
    prohibitions: ProhibitionFile | None,
    programs: Mapping[str, Program],
) -> Bundle:
    return Bundle(
        policies=tuple(each.policy for each in checked.policies),
        content_types=MappingProxyType(dict(checked.content_types)),
        detectors=checked.detectors,
        banks=checked.banks,
        thresholds=thresholds,
        hash=_digest(canonical),
        examples=tuple(example for each in checked.policies for example in each.examples),
        not_permitted=() if prohibitions is None else prohibitions.prohibitions,
        not_permitted_source=None if prohibitions is None else prohibitions.given,
        _canonical=canonical,
        _checked=checked,
        _programs={(name, _NONE): program for name, program in programs.items()},
    )


def _unknown_types(policies: Iterable[Policy], types: Mapping[str, ContentType]) -> Iterable[Problem]:
    for policy in policies:
        for name, span in policy.places.items():
            if name not in types:
                yield problem_at(
                    policy.source,
                    span,
                    f"unknown content type '{name}'",
                    expected="one of " + ", ".join(types),
                    near=nearest(name, types),
                )


def _beyond_overlays(policies: Iterable[Policy], types: Mapping[str, ContentType]) -> Iterable[Problem]:
    """Content types of other surfaces than the one that an overlay is for, and those that stand in nobody's place."""
    for policy in policies:
        for name, span in policy.places.items() if policy.overlay is not None else ():
            problem = _misfit(policy.overlay, name, types)
            if problem is not None:
                yield problem_at(policy.source, span, **problem)


def _misfit(overlay: Overlay | None, name: str, types: Mapping[str, ContentType]) -> dict[str, str] | None:
    """What is wrong when an overlay names a content type that it is not for."""
    if overlay is None or name not in types:
        return None
    if overlay.kind == "creator":
        if types[name].creator is not None:
            return None
        fitting = [each.name for each in types.values() if each.creator is not None]
        message = f"the overlay is for creators, and '{name}' does not say in whose place an item stands"
        remedy = f"declare 'creator: item.<field>' in {name}, or write a policy without 'overlay'"
    else:
        if types[name].surface == overlay.name:
            return None
        fitting = [each.name for each in types.values() if each.surface == overlay.name]
        message = f"the overlay is for the {overlay}, and '{name}' is {types[name].surface}"
        remedy = "remove it, or write a policy without 'overlay'"
    expected = "one of " + ", ".join(fitting) if fitting else "another content type"
    return {"message": message, "expected": expected, "remedy": remedy}


def _look_alikes(policies: Iterable[Policy]) -> Iterable[Problem]:
    """Names in look-alike characters. Not asked of a published bundle: an older release accepted them."""
    for policy in policies:
        for let in policy.lets:
            if (plain := normalize("NFKC", let.name)) != let.name:
                message = f"the let '{let.name}' is written in look-alike characters"
                yield problem_at(policy.source, let.span, message, expected=f"'{plain}'")
            yield from look_alikes(let.expression, let.expression.tree)
        for rule in policy.rules:
            yield from look_alikes(rule.when, rule.when.tree)
            for call in rule.do:
                yield from look_alikes(call.expression, call.node)
        for example in policy.examples:
            for given in example.given:
                yield from look_alikes(given.expression, given.expression.tree)


def _detector_problems(detectors: Sequence[DetectorSpec], types: Mapping[str, ContentType]) -> Iterable[Problem]:
    names = [detector.name for detector in detectors]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield Problem(message=f"two detectors are called '{name}'", path="detectors", remedy="rename one of them")
    for content_type in types.values():
        for stage in content_type.stages:
            for name in stage.detectors or ():
                if name not in names and name not in STANDARD:
                    yield Problem(
                        message=f"stage {stage.name} asks detector '{name}', which is not installed",
                        path=f"content type {content_type.name}",
                        expected="one of " + ", ".join(names),
                        nearest=nearest(name, names),
                    )
        for spec in content_type.fields:
            for name in extractors_of(spec):
                if name not in names and name not in STANDARD:  # a standard one that is missing is unknown when asked
                    known = sorted(STANDARD.union(names))
                    yield Problem(
                        message=f"field {spec.name} extracts '{name}', which is not installed",
                        path=f"content type {content_type.name}",
                        expected="one of " + ", ".join(sorted(STANDARD)),
                        nearest=nearest(name, known),
                    )


def _distinct(problems: Iterable[Problem]) -> list[Problem]:
    """One entry for what several content types report alike."""
    return list(dict.fromkeys(problems))


def _thresholds(rules: Mapping[str, Sequence[CheckedRule]]) -> tuple[ResolvedThreshold, ...]:
    found = {
        ResolvedThreshold(
            policy=rule.policy.name,
            rule=rule.rule.id,
            signal=threshold.signal,
            asked=threshold.asked,
            value=threshold.value,
            detector=threshold.detector,
            version=threshold.version,
            language=threshold.language,
            reached=threshold.reached,
        )
        for checked in rules.values()
        for rule in checked
        for threshold in rule.thresholds
    }
    return tuple(sorted(found, key=lambda each: (each.policy, each.rule, each.signal, each.asked, each.language)))


# -- bytes -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleDocument:
    """A bundle's canonical form: sorted JSON. Policies stand by their source texts."""

    format: int
    policies: dict[str, str]
    content_types: tuple[ContentType, ...]
    detectors: tuple[DetectorSpec, ...]
    banks: tuple[str, ...]
    thresholds: tuple[ResolvedThreshold, ...]
    not_permitted: str = ""  # the text of that file; not written when there is none


@dataclass(frozen=True, slots=True, kw_only=True)
class _Texts:
    """Of a bundle's document what is read without building it."""

    format: int
    policies: dict[str, str]


def _decode(stored: bytes, stored_hash: str) -> BundleDocument:
    import msgspec

    try:
        raw = msgspec.json.decode(stored)
        number = raw.get("format") if isinstance(raw, dict) else None
        if isinstance(number, int) and number > FORMAT:
            why = f"it has format {number}, and this version of Seawall reads formats up to {FORMAT}. Upgrade Seawall"
            raise BundleUnreadable(stored_hash, why)
        document = msgspec.json.decode(stored, type=BundleDocument)
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise BundleUnreadable(stored_hash, f"its bytes are no policy bundle ({error})") from None
    unknown = ", ".join(_unknown_fields(raw, msgspec.to_builtins(document)))
    if unknown:
        why = f"a newer version of Seawall set {unknown}, which this one does not know. Upgrade Seawall"
        raise BundleUnreadable(stored_hash, why)
    return document


def _unknown_fields(raw: object, known: object, place: str = "") -> Iterator[str]:
    """Where ``raw`` has a field that is not among the fields that were read."""
    if isinstance(raw, dict) and isinstance(known, dict):
        for name, value in raw.items():
            where = f"{place}.{name}" if place else name
            if name in known:
                yield from _unknown_fields(value, known[name], where)
            else:
                yield where
    elif isinstance(raw, list) and isinstance(known, list | tuple):
        for index, (value, other) in enumerate(zip(raw, known, strict=True)):
            yield from _unknown_fields(value, other, f"{place}[{index}]")


def _digest(canonical: bytes) -> str:
    from hashlib import sha256  # loads OpenSSL

    return sha256(canonical).hexdigest()


def _encode(
    policies: Sequence[Policy],
    types: Mapping[str, ContentType],
    detectors: tuple[DetectorSpec, ...],
    banks: tuple[str, ...],
    thresholds: tuple[ResolvedThreshold, ...],
    prohibitions: ProhibitionFile | None,
) -> bytes:
    import msgspec  # only making and reading a bundle's bytes needs it

    document = BundleDocument(
        format=FORMAT,
        policies={policy.name: policy.source.text for policy in policies},
        content_types=tuple(types.values()),
        detectors=detectors,
        banks=banks,
        thresholds=thresholds,
        not_permitted="" if prohibitions is None else prohibitions.source.text,
    )
    written = {name: getattr(document, name) for name in BundleDocument.__dataclass_fields__}
    if not document.not_permitted:
        del written["not_permitted"]  # a bundle without such a file has the bytes, and the hash, that it always had
    return msgspec.json.encode(written, order="sorted")
