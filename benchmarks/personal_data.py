"""Precision and recall of personal data, and what is wrongly found in ids and in harmless texts.

    ./run bench personal_data

Presidio's synthetic sentences (``SEAWALL_DATA``) give precision and recall for each kind. Ids of services and devices,
20,000 of each kind, are no payment cards. Of harmless texts (``sms_spam`` ham, ``surge_toxicity`` not toxic, both under
``SEAWALL_DATA``, and forty messages with numbers written for Seawall) it counts those in which personal data, links and
spam are found; there a telephone number may be one. Prints tables, then one line of JSON.
"""

from __future__ import annotations

import csv
import json
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Final

from benchmarks.harmless import MESSAGES

from seawall.content.links import extract_links
from seawall.detectors.personal_data import find_personal_data
from seawall.detectors.text.model import TextModel

IDS: Final = 20_000
SPAM: Final = 0.9  # from here the shipped policy holds an item
KINDS: Final = {
    "EMAIL_ADDRESS": "email",
    "PHONE_NUMBER": "phone",
    "CREDIT_CARD": "payment_card",
    "IBAN_CODE": "iban",
    "US_SSN": "national_id",
    "IP_ADDRESS": "ip_address",
    "STREET_ADDRESS": "street_address",
}


def check_digit(digits: str) -> str:
    """The digits with the check digit that makes them pass Luhn."""
    total = sum(int(digit) for digit in digits[-2::-2])
    total += sum(sum(divmod(2 * int(digit), 10)) for digit in digits[-1::-2])
    return f"{digits}{-total % 10}"


def snowflake(chance: Random, epoch: int) -> int:
    """An id of a moment in the last ten years."""
    return (chance.randrange(1_480_000_000_000, 1_795_000_000_000) - epoch << 22) + chance.randrange(1 << 22)


ID_TEXTS: Final[Mapping[str, Callable[[Random], str]]] = {
    "x.com status links": lambda chance: f"look https://x.com/band/status/{snowflake(chance, 1288834974657)}",
    "Discord message ids": lambda chance: f"it is message {snowflake(chance, 1420070400000)} in the channel",
    "milliseconds": lambda chance: f"the stream started at {chance.randrange(1_500_000_000_000, 1_800_000_000_000)}",
    "IMEIs": lambda chance: f"my phone IMEI is {check_digit(f'35{chance.randrange(10**12):012}')}",
    "photo links": lambda chance: f"https://photos.example/photo?fbid={chance.randrange(10**14, 10**17)}&set=a.1",
    "any 13 to 19 digits": lambda chance: f"we saw {_digits(chance, chance.randrange(13, 20))} in the log of today",
    "any 16 digits": lambda chance: f"we saw {_digits(chance, 16)} in the log of today",
}


def _digits(chance: Random, length: int) -> str:
    return str(chance.randrange(10 ** (length - 1), 10**length))


def sentences(file: Path) -> dict[str, Counter[str]]:
    """For each kind: found, missed, wrong."""
    counts: dict[str, Counter[str]] = {kind: Counter() for kind in KINDS.values()}
    for sentence in json.loads(file.read_text("utf-8")):
        found = find_personal_data(sentence["full_text"])
        right = set()
        for span in sentence["spans"]:
            kind = KINDS.get(span["entity_type"])
            if kind is None:
                continue
            overlapping = {
                each
                for each in found
                if each.kind == kind and each.start < span["end_position"] and span["start_position"] < each.end
            }
            right |= overlapping
            counts[kind]["found" if overlapping else "missed"] += 1
        for each in found:
            counts[each.kind]["wrong"] += each not in right
    return counts


def _share(found: int, other: int) -> str:
    return f"{found / (found + other):.3f}" if found + other else "undefined"


def harmless(data: Path | None) -> Iterator[tuple[str, list[str]]]:
    """Sets of texts without harm."""
    yield "messages with numbers", list(MESSAGES)
    if data is not None and (file := data / "sms_spam" / "sms.tsv").is_file():
        rows = [line.split("\t", 1) for line in file.read_text("utf-8").splitlines()]
        yield "sms_spam, ham", [text for label, text in rows if label == "ham"]
    if data is not None and (file := data / "surge_toxicity" / "toxicity_en.csv").is_file():
        with file.open(encoding="utf-8", newline="") as stream:
            rows_of = list(csv.DictReader(stream))
        yield "surge_toxicity, not toxic", [row["text"] for row in rows_of if row["is_toxic"] == "Not Toxic"]


def found_in(texts: Sequence[str], model: TextModel) -> dict[str, int]:
    """In how many texts something is found, by what it is."""
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update({each.kind for each in find_personal_data(text)})
        counts["link"] += bool(extract_links(text))
    column = next(number for number, head in enumerate(model.artefact.heads) if head.name == "spam")
    counts["spam"] = int((model.probabilities(texts)[:, column] >= SPAM).sum())
    return dict(counts)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables and one line of JSON."""
    del arguments
    root = os.environ.get("SEAWALL_DATA")
    data = Path(root) if root else None
    figures: dict[str, object] = {}
    file = data / "presidio_synth_pii" / "synth_dataset_v2.json" if data else None
    if file is not None and file.is_file():
        print(f"{'kind':<16} {'found':>6} {'missed':>6} {'wrong':>6} {'precision':>10} {'recall':>9}")
        counts = sentences(file)
        for kind, each in counts.items():
            row = f"{kind:<16} {each['found']:>6} {each['missed']:>6} {each['wrong']:>6}"
            print(f"{row} {_share(each['found'], each['wrong']):>10} {_share(each['found'], each['missed']):>9}")
        figures["presidio"] = counts
    else:
        print("presidio_synth_pii: not found, skipped (SEAWALL_DATA)")
    print(f"\nids taken for payment cards, of {IDS:,}")
    cards: dict[str, int] = {}
    for name, write in ID_TEXTS.items():
        chance = Random(9)
        texts = (write(chance) for _ in range(IDS))
        cards[name] = sum(any(each.kind == "payment_card" for each in find_personal_data(text)) for text in texts)
        print(f"{name:<24} {cards[name]:>6} {cards[name] / IDS:>8.2%}")
    figures["cards"] = cards
    model = TextModel()
    print("\nharmless texts with a finding")
    wrong: dict[str, dict[str, int]] = {}
    for name, chosen in harmless(data):
        wrong[name] = found_in(chosen, model)
        shown = ", ".join(f"{kind} {count}" for kind, count in sorted(wrong[name].items()) if count)
        print(f"{name:<26} {len(chosen):>6}: {shown or 'none'}")
    figures["harmless"] = wrong
    print(json.dumps(figures))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
