"""Patterns that are searched together find what each finds by itself."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.policy.functions import compile_pattern, compile_patterns
from support.examples import examples

ATOMS = st.sampled_from(
    ("a", "b", "é", "ß", ".", "\\.", "[ab]", "[^a]", "^", "$", "\\b", "\\w", "\\d", "(?i)A", "\n", " ")
)
PATTERNS = st.recursive(
    st.lists(ATOMS, min_size=1, max_size=4).map("".join),
    lambda inner: st.one_of(
        st.builds("({}|{})".format, inner, inner),
        st.builds("({})?b".format, inner),
        st.builds("(?:{})+".format, inner),
        st.builds("(?m){}".format, inner),
    ),
    max_leaves=4,
)
TEXTS = st.text(alphabet="abAB.é e\u0301ß1\n \U0001f600", max_size=12)


@settings(deadline=None, max_examples=examples(300))
@given(st.lists(PATTERNS, min_size=1, max_size=6), st.lists(TEXTS, min_size=1, max_size=6))
def test_together_is_as_each_by_itself(patterns: list[str], texts: list[str]) -> None:
    together = compile_patterns(patterns)
    alone = [compile_patterns([pattern]) for pattern in patterns]
    for text in texts:
        found = set(together(text))
        assert found == {number for number, search in enumerate(alone) if search(text)}
        if text.isascii():
            searched = {
                number for number, each in enumerate(patterns) if compile_pattern(each).search(text) is not None
            }
            assert found == searched, (patterns, text)
