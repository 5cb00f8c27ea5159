"""The policy language: read policies and content types, check them, compile them, decide, replay and explain.

    >>> from seawall.content import load_content_type, parts_of, validate_item
    >>> from seawall.policy import PolicySource, build_bundle
    >>> bundle = build_bundle([PolicySource("spam.yaml", text)], [load_content_type(…)], detectors, banks)
    >>> program = bundle.program("comment")
    >>> item = validate_item(bundle.content_types["comment"], {"id": "1", "fields": {"body": "…"}, "actor": …})
    >>> row = program.row(Context(item, parts_of(item, program.content_type), signals, unknown, now_ms()))
    >>> program.decide(row).verdict
    <Verdict.ALLOW: 'allow'>

Everything is a value: a bundle is immutable, equal by hash, read again from its stored bytes by ``load_bundle``.
A file that cannot be used raises PolicyErrors, whose text is what a compiler would print. No I/O, no clock.
"""

from seawall.policy.actions import combine, verdict_of
from seawall.policy.analysis import PolicyWarning, analyse
from seawall.policy.bundle import Bundle, BundleUnreadable, ResolvedThreshold, build_bundle, load_bundle, policy_texts
from seawall.policy.documents import Example, Policy, PolicySource, Rule, Statement
from seawall.policy.example_runs import ExampleResult, ScreenedExample, ScreenedState, run_examples, run_screened
from seawall.policy.explain import (
    Change,
    Explanation,
    FeatureRead,
    RowIncomplete,
    RuleExplanation,
    explain,
    replay,
    show_action,
)
from seawall.policy.features import Context, Row
from seawall.policy.policyfile import load_policy
from seawall.policy.program import Outcome, Program
from seawall.policy.published import NothingPublished, PublishedBundles
from seawall.policy.row_query import RowQuery, compile_query, draft_policy, parse_query
from seawall.policy.tree import Feature
from seawall.yamlfile.source import PolicyErrors, Problem

__all__ = [
    "Bundle",
    "BundleUnreadable",
    "Change",
    "Context",
    "Example",
    "ExampleResult",
    "Explanation",
    "Feature",
    "FeatureRead",
    "NothingPublished",
    "Outcome",
    "Policy",
    "PolicyErrors",
    "PolicySource",
    "PolicyWarning",
    "Problem",
    "Program",
    "PublishedBundles",
    "ResolvedThreshold",
    "Row",
    "RowIncomplete",
    "RowQuery",
    "Rule",
    "RuleExplanation",
    "ScreenedExample",
    "ScreenedState",
    "Statement",
    "analyse",
    "build_bundle",
    "combine",
    "compile_query",
    "draft_policy",
    "explain",
    "load_bundle",
    "load_policy",
    "parse_query",
    "policy_texts",
    "replay",
    "run_examples",
    "run_screened",
    "show_action",
    "verdict_of",
]
