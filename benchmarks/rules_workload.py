"""A shared, deterministic workload: one JSON event, 12 features, N rules of 4 to 6 conditions.

Every rule is a list of conditions, all of which must hold. Conditions are small tuples, so that the same rule can be
printed in several languages. 20 % of the rules carry a regular expression (switch off with ``regex=False``).
"""

from __future__ import annotations

import gc
import random
import re
import statistics
import time
from collections.abc import Callable
from typing import Any

EVENT: dict[str, Any] = {
    "event_type": "post_create",
    "user": {
        "id": "u_8812734",
        "account_age_days": 3,
        "followers": 12,
        "verified": False,
        "reputation": 0.42,
        "prior_strikes": 1,
        "country": "US",
    },
    "post": {
        "id": "p_19",
        "text": "Huge giveaway!! buy cheap followers at http://bit.ly/xyz dm me for the promo code",
        "num_links": 2,
        "num_mentions": 7,
        "lang": "en",
    },
    "scores": {"spam": 0.83, "toxicity": 0.12},
}

# feature name -> (JSON path, type)
FEATURES = {
    "EventType": ("event_type", "str"),
    "AccountAgeDays": ("user.account_age_days", "int"),
    "Followers": ("user.followers", "int"),
    "Verified": ("user.verified", "bool"),
    "Reputation": ("user.reputation", "float"),
    "PriorStrikes": ("user.prior_strikes", "int"),
    "Country": ("user.country", "str"),
    "PostText": ("post.text", "str"),
    "NumLinks": ("post.num_links", "int"),
    "NumMentions": ("post.num_mentions", "int"),
    "SpamScore": ("scores.spam", "float"),
    "ToxicityScore": ("scores.toxicity", "float"),
}

WORDS = [
    "giveaway",
    "followers",
    "bit\\.ly",
    "crypto",
    "casino",
    "promo code",
    "free nitro",
    "whatsapp",
    "onlyfans",
    "airdrop",
]

Condition = tuple[Any, ...]
Rules = list[tuple[str, list[Condition]]]


def _atom(rng: random.Random) -> Condition:
    k = rng.randrange(8)
    if k == 0:
        return ("cmp", "AccountAgeDays", rng.choice(["<", "<="]), rng.choice([1, 2, 7, 14, 30, 90]))
    if k == 1:
        return ("cmp", "Followers", rng.choice(["<", ">"]), rng.choice([5, 10, 50, 100, 1000]))
    if k == 2:
        return ("cmp", "NumLinks", rng.choice([">", ">="]), rng.choice([0, 1, 2, 3, 5]))
    if k == 3:
        return ("cmp", "NumMentions", rng.choice([">", ">="]), rng.choice([2, 5, 8, 10]))
    if k == 4:
        return ("cmp", "SpamScore", rng.choice([">", ">="]), rng.choice([0.5, 0.7, 0.8, 0.9, 0.95]))
    if k == 5:
        return ("cmp", "ToxicityScore", rng.choice([">", "<"]), rng.choice([0.1, 0.2, 0.5, 0.8]))
    if k == 6:
        return ("in", "Country", rng.sample(["US", "GB", "DE", "BR", "IN", "NG", "RU", "VN"], 3))
    strikes = ("cmp", "PriorStrikes", ">", rng.choice([0, 1, 2]))
    return ("or", strikes, ("cmp", "Reputation", "<", rng.choice([0.2, 0.3, 0.5])))


def make_rules(n: int, regex: bool = True, seed: int = 7) -> Rules:
    """N named rules, the same for the same arguments."""
    rng = random.Random(seed)
    rules = []
    for i in range(n):
        conditions: list[Condition] = [("cmp", "EventType", "==", "post_create")]
        for _ in range(rng.choice([2, 3, 3, 4])):
            conditions.append(_atom(rng))
        conditions.append(("not", "Verified"))
        if regex and i % 5 == 0:
            conditions.append(("re", "PostText", "(" + "|".join(rng.sample(WORDS, 3)) + ")"))
        rules.append((f"Rule{i:03d}", conditions))
    return rules


def literal(value: Any) -> str:
    """A constant, texts in single quotes."""
    return f"'{value}'" if isinstance(value, str) else repr(value)


def python(condition: Condition, patterns: dict[str, Any], name: Callable[[str], str] = str) -> str:
    """Python source; compiled patterns are collected into ``patterns``."""
    match condition:
        case ("cmp", feature, operator, value):
            return f"{name(feature)} {operator} {literal(value)}"
        case ("in", feature, values):
            return f"{name(feature)} in ({', '.join(map(literal, values))},)"
        case ("or", left, right):
            return f"({python(left, patterns, name)} or {python(right, patterns, name)})"
        case ("not", feature):
            return f"not {name(feature)}"
        case ("re", feature, pattern):
            search = f"_re{len(patterns)}"
            patterns[search] = re.compile(pattern).search
            return f"({search}({name(feature)}) is not None)"
    raise AssertionError(condition)


def cel(condition: Condition) -> str:
    """The Common Expression Language."""
    match condition:
        case ("cmp", feature, operator, value):
            return f"{feature} {operator} {literal(value)}"
        case ("in", feature, values):
            return f"{feature} in [{', '.join(map(literal, values))}]"
        case ("or", left, right):
            return f"({cel(left)} || {cel(right)})"
        case ("not", feature):
            return f"!{feature}"
        case ("re", feature, pattern):
            return f"{feature}.matches(r'{pattern}')"
    raise AssertionError(condition)


def flat(event: dict[str, Any]) -> dict[str, Any]:
    """The twelve features of an event."""
    found = {}
    for name, (path, _) in FEATURES.items():
        value: Any = event
        for step in path.split("."):
            value = value[step]
        found[name] = value
    return found


def expected(n: int, regex: bool = True, event: dict[str, Any] = EVENT) -> list[str]:
    """The rules that fire, by plain ``eval``."""
    features = flat(event)
    fired = []
    for name, conditions in make_rules(n, regex):
        patterns: dict[str, Any] = {}
        source = " and ".join(python(condition, patterns) for condition in conditions)
        if eval(source, patterns, features):
            fired.append(name)
    return fired


def measure(run: Callable[[], object], seconds: float = 2.0, windows: int = 9) -> tuple[float, float]:
    """Events per CPU-second of this process, best and median of the windows: other load does not count."""
    for _ in range(3):
        run()
    start = time.process_time()
    run()
    once = max(time.process_time() - start, 1e-7)
    count = max(1, int(seconds / windows / once))
    rates = []
    gc.collect()
    for _ in range(windows):
        start = time.process_time()
        for _ in range(count):
            run()
        rates.append(count / max(time.process_time() - start, 1e-9))
    return max(rates), statistics.median(rates)
