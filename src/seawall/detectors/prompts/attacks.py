"""Attacks on a language model in the text that it reads: word lists of techniques, control tokens, hidden texts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from importlib import resources
from typing import Final

import re2

from seawall.detectors.prompts.hidden_text import INVISIBLE, HiddenText, find_hidden, without_surrogates
from seawall.detectors.text.lexicon import LexiconDetector, read_lexicon, shipped_lexicon_detector
from seawall.model.content import Modality, Part, Span, SpanUnit
from seawall.model.signals import Cost, DetectorResult, DetectorSpec, Signal, SignalKind, SignalSpec

NAME: Final = "prompt-attacks"
HIDDEN: Final = "hidden_text"
TEMPLATE: Final = "chat_template"
_VERSION: Final = "1"
_REACHED: Final = 0.5  # from which words inside a hidden text count
_READABLE, _UNSEEN, _HARMFUL = 0.7, 0.9, 0.95  # scores of a hidden text: as it is, invisible, with words of a list
_MOST_HIDDEN: Final = 20  # reported

# Tokens that a model's chat template writes between turns. A person has no reason to type them.
_CONTROL: Final = re2.compile(
    r"(?i)<\|[^<>|\n]{1,60}\|>|<(?:start|end)_of_turn>|\[/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS)\]|<</?SYS>>"
    r"|</?s>|<(?:bos|eos)>|</?(?:system|system_prompt|assistant|tool_call|function_call)>"
)
# A line that begins a turn of another speaker.
_TURN: Final = re2.compile(
    r"(?im)^[ \t>*#\[{(-]{0,8}(?:system|assistant|developer|system prompt|system instruction)s?[\])}]?[ *]{0,3}:"
    r"|^#{2,4} ?(?:instruction|system|response|assistant)s?[ \t]*:?[ \t]*$"
)


class PromptAttackDetector:
    """``jailbreak_terms`` and ``prompt_injection_terms`` with their kinds, ``chat_template``, ``hidden_text``.

    All are scores. Hidden texts are undone and read by the same word lists and by the shipped ones of harms; what is
    found there lies at the place of the hidden text, and its evidence begins with the encoding
    (``base64:prompt_injection_terms/ignore-instructions``). Time is linear in the text.
    """

    def __init__(self) -> None:
        folder = resources.files("seawall.detectors.prompts") / "lexicons"
        files = sorted((file for file in folder.iterdir() if file.name.endswith(".yaml")), key=lambda file: file.name)
        self._words = LexiconDetector([read_lexicon(file.read_text("utf-8"), file.name) for file in files])
        self.spec = DetectorSpec(
            name=NAME,
            version=f"{_VERSION} {self._words.spec.version}",
            signals=(
                *self._words.spec.signals,
                SignalSpec(
                    name=TEMPLATE,
                    kind=SignalKind.SCORE,
                    harm="terms",
                    description="Control tokens of chat templates, or lines that begin the turn of another speaker",
                ),
                SignalSpec(
                    name=HIDDEN,
                    kind=SignalKind.SCORE,
                    harm="terms",
                    description="A text that is encoded or invisible in the text",
                ),
            ),
            modalities=frozenset({Modality.TEXT}),
            cost=Cost.CPU,
        )

    def detect(self, parts: Sequence[Part]) -> Sequence[DetectorResult]:
        """One answer per part."""
        answers = self._words.detect(parts)
        return [
            (*_signals(answer, self), *self._tokens(part), *self._hidden(part))
            for part, answer in zip(parts, answers, strict=True)
        ]

    def signal(self, name: str, value: float, part: Part, place: tuple[int, int], evidence: str) -> Signal:
        """One of its signals at a place of a part."""
        span = Span(unit=SpanUnit.CHARACTERS, start=place[0], end=place[1])
        version = self.spec.version
        return Signal(
            name=name, value=value, part=part.path, detector=NAME, version=version, span=span, evidence=evidence
        )

    def _tokens(self, part: Part) -> Iterator[Signal]:
        text = without_surrogates(part.text or "")
        for pattern, value, evidence in ((_CONTROL, 0.9, "control-token"), (_TURN, 0.6, "turn")):
            match = pattern.search(text)
            if match is not None:
                yield self.signal(TEMPLATE, value, part, match.span(), evidence)

    def _hidden(self, part: Part) -> Iterator[Signal]:
        text = part.text or ""
        hidden = find_hidden(text)
        reported: set[tuple[str, str]] = set()
        for each in hidden.found[:_MOST_HIDDEN]:
            words, harms = self._inside(each)
            value = _UNSEEN if INVISIBLE & set(each.how.split(">")) else _READABLE
            yield self.signal(HIDDEN, _HARMFUL if words or harms else value, part, (each.start, each.end), each.how)
            for one in words:
                evidence = f"{each.how}:{one.evidence}"
                if (one.name, evidence) not in reported:
                    reported.add((one.name, evidence))
                    yield self.signal(one.name, one.value, part, (each.start, each.end), evidence)
        if not hidden.complete or len(hidden.found) > _MOST_HIDDEN:  # more than is looked into is a sign of its own
            yield self.signal(HIDDEN, _UNSEEN, part, (0, len(text)), "more than is looked into")

    def _inside(self, hidden: HiddenText) -> tuple[list[Signal], list[Signal]]:
        """What the word lists of attacks, and those of harms, find in a hidden text."""
        part = Part(path="hidden", modality=Modality.TEXT, field="hidden", text=hidden.text)
        [words], [harms] = self._words.detect([part]), shipped_lexicon_detector().detect([part])
        return _reaching(words), _reaching(harms)


def _signals(answer: DetectorResult, detector: PromptAttackDetector) -> Iterator[Signal]:
    for each in answer if isinstance(answer, tuple) else ():
        if isinstance(each, Signal):
            yield replace(each, detector=NAME, version=detector.spec.version)


def _reaching(answer: DetectorResult) -> list[Signal]:
    found = answer if isinstance(answer, tuple) else ()
    return [each for each in found if isinstance(each, Signal) and each.value >= _REACHED]
