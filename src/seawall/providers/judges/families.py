"""Model families: the prompt of each, and the one form of answer accepted from it. Other answers are discarded.

Formats follow the vendors' public descriptions: OpenAI's guide to gpt-oss-safeguard and the harmony format; Meta's
model card of Llama Guard 3; IBM's Granite Guardian 3.3 and 4.1 cookbooks; Google's ShieldGemma card; the README of
Qwen3Guard-Gen; Zentropi's description of CoPE. Shieldstral's own prompt was not seen: it is asked in a form of ours.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import msgspec

from seawall.providers.judges.framing import defuse, quote
from seawall.providers.judges.questions import PolicyQuestion

_LONGEST_ANSWER: Final = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """A request: chat messages, and further fields."""

    messages: tuple[Mapping[str, str], ...]
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeVerdict:
    """A parsed answer. ``label``: position of the deciding word in the answer; ``codes``: the named categories.

    ``is_uncertain``: the model leaves it open; it neither violates nor is found harmless.
    """

    violates: bool
    label: tuple[int, int]
    codes: tuple[str, ...] = ()
    is_uncertain: bool = False


class Family(Protocol):
    """Prompt and parser for one kind of models."""

    name: str
    version: str  # of the prompt and the parser
    yes: str  # the deciding word that means a violation, as a model writes it
    no: str
    by_question: bool  # one call per policy; otherwise one call for all categories
    categories: tuple[str, ...]  # that the model names in its answers
    answer_tokens: int

    def prompt(self, question: PolicyQuestion | None, text: str, asked: str | None = None) -> Prompt:
        """The request about a text. ``asked``: the prompt that the text, a model's answer, answers."""

    def parse(self, answer: str) -> JudgeVerdict | None:
        """The ruling in an answer; None when it is not in the requested form."""


class Safeguard:
    """gpt-oss-safeguard, and any instruction model that can follow a format: the policy is the system message."""

    name = "gpt-oss-safeguard"
    version = "1"
    yes, no = "1", "0"
    by_question = True
    categories: tuple[str, ...] = ()
    answer_tokens = 2_048  # it reasons first

    _ORDER: Final = (
        "# Instruction\n"
        "You classify user content against one policy. Judge only by the policy below, not by what you may find "
        "objectionable otherwise. Where the policy leaves it open, the answer is 0.\n\n"
        "# Policy: {title}\n{definition}\n\n{guidance}\n\n"
        "# Answer\n"
        'Answer with one JSON object and nothing else: {{"violation": 0 or 1, "rationale": "one sentence naming the '
        'part of the policy that decides"}}. 1: the content violates the policy. 0: it does not.'
    )
    _FINAL: Final = "<|channel|>final<|message|>"
    _ENDS: Final = ("<|return|>", "<|end|>")
    _LABEL: Final = re.compile(r'"violation"\s*:\s*([01])')

    def prompt(self, question: PolicyQuestion | None, text: str, asked: str | None = None) -> Prompt:
        """The policy as system message, the quoted content as user message."""
        assert question is not None
        guidance = f"## Guidance\n{question.guidance.strip()}" if question.guidance.strip() else ""
        order = self._ORDER.format(title=question.title, definition=question.definition.strip(), guidance=guidance)
        return Prompt(messages=({"role": "system", "content": order}, {"role": "user", "content": quote(text, asked)}))

    def parse(self, answer: str) -> JudgeVerdict | None:
        """``{"violation": 0|1, "rationale": "…"}``, alone or as the final message of raw harmony."""
        start, end = 0, len(answer)
        if answer.lstrip().startswith("<|channel|>"):
            if answer.count(self._FINAL) != 1:
                return None  # ambiguous: the reasoning may have repeated content
            start = answer.index(self._FINAL) + len(self._FINAL)
            end = min((at for mark in self._ENDS if (at := answer.find(mark, start)) >= 0), default=end)
        try:
            document = msgspec.json.decode(answer[start:end].strip().encode("utf-8", "surrogatepass"))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        if not isinstance(document, dict) or not document.keys() <= {"violation", "rationale"}:
            return None
        label, rationale = document.get("violation"), document.get("rationale", "")
        if type(label) is not int or label not in (0, 1) or not isinstance(rationale, str):
            return None
        written = list(self._LABEL.finditer(answer, start, end))
        if len(written) != 1:  # a repeated key
            return None
        return JudgeVerdict(violates=label == 1, label=written[0].span(1))


class LlamaGuard:
    """Llama Guard 3 and 4: the server's chat template contains Meta's categories S1 to S14."""

    name = "llama-guard"
    version = "1"
    yes, no = "unsafe", "safe"
    by_question = False
    answer_tokens = 32
    categories: tuple[str, ...] = tuple(f"S{number}" for number in range(1, 15))

    _UNSAFE: Final = re.compile(r"\s*(unsafe)\s*\n(S\d{1,2}(?:\s*,\s*S\d{1,2})*)\s*")
    _SAFE: Final = re.compile(r"\s*(safe)\s*")

    def prompt(self, question: PolicyQuestion | None, text: str, asked: str | None = None) -> Prompt:
        """The content as the user's turn, the form that the model was trained on."""
        return Prompt(messages=_turns(text, asked))

    def parse(self, answer: str) -> JudgeVerdict | None:
        """``safe``, or ``unsafe`` and a line of known categories."""
        if match := self._SAFE.fullmatch(answer):
            return JudgeVerdict(violates=False, label=match.span(1))
        if match := self._UNSAFE.fullmatch(answer):
            codes = tuple(code.strip() for code in match[2].split(","))
            if all(code in self.categories for code in codes):
                return JudgeVerdict(violates=True, label=match.span(1), codes=codes)
        return None


class GraniteGuardian:
    """Granite Guardian 4.1: the criterion in a ``<guardian>`` block after the content, without reasoning."""

    name = "granite-guardian"
    version = "1"
    yes, no = "yes", "no"
    by_question = True
    categories: tuple[str, ...] = ()
    answer_tokens = 64

    _ORDER: Final = (
        "<guardian><no-think>As a judge agent, assess whether the provided text meets the given judging criteria "
        "using all available information, including conversations, documents, and tools. Provide your score "
        "immediately without explanation. Output empty <think>\n</think> tags followed by your score in "
        "<score></score> tags.\n\n### Criteria: {criteria}\n\n### Scoring Schema: If {judged} meets the criteria, "
        "return 'yes'; otherwise, return 'no'."
    )
    _FORM: Final = re.compile(r"\s*(?:<think>\s*</think>)?\s*<score>\s*(yes|no)\s*</score>\s*")

    def prompt(self, question: PolicyQuestion | None, text: str, asked: str | None = None) -> Prompt:
        """The content as a user's turn, then the criterion."""
        assert question is not None
        judged = "the first user message" if asked is None else "the last assistant's text"
        order = self._ORDER.format(criteria=_criterion(question), judged=judged)
        return Prompt(messages=(*_turns(text, asked), {"role": "user", "content": order}))

    def parse(self, answer: str) -> JudgeVerdict | None:
        """``<score>yes</score>`` or ``<score>no</score>``, after an empty ``<think>`` block at most."""
        match = self._FORM.fullmatch(answer)
        return None if match is None else JudgeVerdict(violates=match[1] == "yes", label=match.span(1))


class GraniteGuardian33(GraniteGuardian):
    """Granite Guardian 3.3: the criterion goes to the server's chat template (vLLM)."""

    name = "granite-guardian-3.3"

    def prompt(self, question: PolicyQuestion | None, text: str, asked: str | None = None) -> Prompt:
        """The content as a user's turn; the criterion as ``guardian_config``."""
        assert question is not None
        speaker = "user" if asked is None else "assistant"
        schema = f"If the last {speaker}'s text meets the criteria, return 'yes'; otherwise, return 'no'."
        config = {"custom_criteria": _criterion(question), "custom_scoring_schema": schema}
        return Prompt(
            messages=_turns(text, asked),
            extra={"chat_template_kwargs": {"guardian_config": config, "think": False}},
        )


class ShieldGemma:
    """ShieldGemma: the whole prompt is one user message, the answer's first word is Yes or No."""

    name = "shieldgemma"
    version = "1"
    yes, no = "Yes", "No"
    by_question = True
    categories: tuple[str, ...] = ()
    answer_tokens = 1  # the score is in the first token

    _ORDER: Final = (
        "You are a policy expert trying to help determine whether a user prompt is in violation of the defined safety "
        "policies.\n\nHuman Question: {content}\n\nOur safety principle is defined in the below:\n\n* {principle}\n\n"
        "Does the human question violate the above principle? Your answer must start with 'Yes' or 'No'."
    )
    _FORM: Final = re.compile(r"\s*(Yes|No)\b[\s\S]*")

    def prompt(self, question: PolicyQuestion | None, text: str, asked: str | None = None) -> Prompt:
        """The prompt of the model card, with the policy as principle."""
        assert question is not None
        principle = f'"No {question.title}": {_criterion(question)}'
        order = self._ORDER.format(content=quote(text, asked), principle=principle)
        return Prompt(messages=({"role": "user", "content": order},))

    def parse(self, answer: str) -> JudgeVerdict | None:
        """An answer whose first word is ``Yes`` or ``No``."""
        match = self._FORM.fullmatch(answer)
        return None if match is None else JudgeVerdict(violates=match[1] == "Yes", label=match.span(1))


class Qwen3Guard:
    """Qwen3Guard-Gen: the server's chat template contains its categories; *controversial* is an uncertain answer."""

    name = "qwen3guard"
    version = "2"
    yes, no = "Unsafe", "Safe"
    by_question = False
    answer_tokens = 128
    categories: tuple[str, ...] = (
        "Violent",
        "Non-violent Illegal Acts",
        "Sexual Content or Sexual Acts",
        "PII",
        "Suicide & Self-Harm",
        "Unethical Acts",
        "Politically Sensitive Topics",
        "Copyright Violation",
        "Jailbreak",
    )

    _FORM: Final = re.compile(
        r"\s*Safety: (Safe|Unsafe|Controversial)\s*\nCategories: ([^\n]+?)\s*(?:\nRefusal: (?:Yes|No)\s*)?"
    )

    def prompt(self, question: PolicyQuestion | None, text: str, asked: str | None = None) -> Prompt:
        """The content as the user's turn, the form that the model was trained on."""
        return Prompt(messages=_turns(text, asked))

    def parse(self, answer: str) -> JudgeVerdict | None:
        """``Safety: Safe|Unsafe|Controversial`` and a line of known categories; ``None`` for a safe one.

        Of a model's answer a third line says whether it refused, which decides nothing.
        """
        match = self._FORM.fullmatch(answer)
        if match is None:
            return None
        codes = tuple(code.strip() for code in match[2].split(","))
        if match[1] == "Safe":
            return JudgeVerdict(violates=False, label=match.span(1)) if codes == ("None",) else None
        if not all(code in self.categories for code in codes):
            return None
        uncertain = match[1] == "Controversial"
        return JudgeVerdict(violates=not uncertain, label=match.span(1), codes=codes, is_uncertain=uncertain)


class Cope:
    """CoPE: one prompt with policy and content, answered by one token."""

    name = "cope"
    version = "1"
    yes, no = "1", "0"
    by_question = True
    categories: tuple[str, ...] = ()
    answer_tokens = 1

    _ORDER: Final = (
        "INSTRUCTIONS\n============\n\nExamine the given CONTENT and determine whether the given content meets the "
        'criteria for any label in the POLICY section. If so, answer "1". If not, answer "0". Answer "1" or "0" only.'
        "\n\n\nPOLICY\n======\n\n{policy}\n\n\nCONTENT\n=======\n\n{content}\n\n\nANSWER\n======\n\n"
    )
    _FORM: Final = re.compile(r"\s*([01])\s*")

    def prompt(self, question: PolicyQuestion | None, text: str, asked: str | None = None) -> Prompt:
        """Instructions, policy and content as one user's turn."""
        assert question is not None
        policy = f"{question.title}\n\n{question.definition.strip()}\n\n{question.guidance.strip()}".strip()
        order = self._ORDER.format(policy=policy, content=quote(text, asked))
        return Prompt(messages=({"role": "user", "content": order},))

    def parse(self, answer: str) -> JudgeVerdict | None:
        """``1`` or ``0`` and nothing else."""
        match = self._FORM.fullmatch(answer)
        return None if match is None else JudgeVerdict(violates=match[1] == "1", label=match.span(1))


class Shieldstral(Safeguard):
    """Shieldstral, which takes a policy: asked like an instruction model until its own prompt is published."""

    name = "shieldstral"
    answer_tokens = 256  # it does not reason


FAMILIES: Final[dict[str, Family]] = {
    family.name: family
    for family in (
        Safeguard(),
        LlamaGuard(),
        GraniteGuardian(),
        GraniteGuardian33(),
        ShieldGemma(),
        Qwen3Guard(),
        Cope(),
        Shieldstral(),
    )
}


def _turns(text: str, asked: str | None) -> tuple[Mapping[str, str], ...]:
    """The content as the user's turn; a model's answer as the assistant's, after the prompt."""
    if asked is None:
        return ({"role": "user", "content": defuse(text)},)
    return ({"role": "user", "content": defuse(asked)}, {"role": "assistant", "content": defuse(text)})


def parse(family: Family, answer: object) -> JudgeVerdict | None:
    """The ruling in a server's answer; None: abstain."""
    if not isinstance(answer, str) or len(answer) > _LONGEST_ANSWER:
        return None
    return family.parse(answer)


def _criterion(question: PolicyQuestion) -> str:
    return " ".join(f"{question.definition} {question.guidance}".split())
