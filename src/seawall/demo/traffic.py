"""Real data sets as the platform's traffic, for users who have them. The texts are as cruel as the data sets are.

``posts_from(folder, seed, now_ms)`` searches ``folder`` for the sets it knows and mixes them with the written scenes,
so that every content type occurs. Rows are read, never copied.
"""

from __future__ import annotations

import csv
import gzip
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seawall.demo.posts import DemoPost, posts
from seawall.demo.users import DemoUsers

_WRITTEN_SHARE = 0.3
_MOST_CHARACTERS = 4_000  # a comment's limit


class NoData(Exception):
    """The folder contains none of the known data sets; the text lists them."""


@dataclass(frozen=True, slots=True)
class DataSet:
    """A data set as traffic: its file, how to read its texts, and which posts they become."""

    name: str
    file: str
    texts: Callable[[Path], Iterator[str]]
    fields: Callable[[str, random.Random], tuple[str, dict[str, Any]]]
    weight: float


def find_data(folder: Path) -> list[DataSet]:
    """The data sets under ``folder`` that can be replayed. Raises NoData when there are none."""
    found = [each for each in DATA_SETS if (folder / each.name / each.file).is_file()]
    if not found:
        names = ", ".join(f"{each.name}/{each.file}" for each in DATA_SETS)
        raise NoData(f"{folder} contains none of the data sets that the demo can replay ({names})")
    return found


def posts_from(folder: Path, seed: int, now_ms: int) -> Iterator[DemoPost]:
    """Endless posts made of the data sets under ``folder``, deterministic for a seed. Raises NoData."""
    sets = [(each, list(each.texts(folder / each.name / each.file))) for each in find_data(folder)]
    return _mixed(sets, seed, now_ms)


def _mixed(sets: list[tuple[DataSet, list[str]]], seed: int, now_ms: int) -> Iterator[DemoPost]:
    rng = random.Random(seed)  # noqa: S311 - a play, not a secret
    crowd = DemoUsers(rng, now_ms)
    written = posts(seed, now_ms)
    orders = [_endless(texts, rng) for _, texts in sets]
    weights = [each.weight for each, _ in sets]
    count = 0
    while True:
        if rng.random() < _WRITTEN_SHARE:
            yield next(written)
            continue
        count += 1
        which = rng.choices(range(len(sets)), weights)[0]
        data_set = sets[which][0]
        content_type, fields = data_set.fields(next(orders[which]), rng)
        person = crowd.somebody(None)
        yield DemoPost(
            content_type=content_type,
            id=f"{data_set.name}-{seed}-{count}",
            actor=person.id,
            actor_attributes=person.attributes(),
            fields=fields,
            scene=data_set.name,
        )


def _endless(texts: list[str], rng: random.Random) -> Iterator[str]:
    while True:
        rng.shuffle(texts)
        yield from texts


def _column(name: str) -> Callable[[Path], Iterator[str]]:
    def texts(path: Path) -> Iterator[str]:
        with path.open(encoding="utf-8", newline="") as file:
            yield from (text for row in csv.DictReader(file) if (text := row[name].strip()))

    return texts


def _sms(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8") as file:
        yield from (text for line in file if (text := line.partition("\t")[2].strip()))


def _prompts(path: Path) -> Iterator[str]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        yield from (text for line in file if (text := json.loads(line)["prompt"].strip()))


def _full_texts(path: Path) -> Iterator[str]:
    yield from (row["full_text"] for row in json.loads(path.read_text(encoding="utf-8")))


def _comment(text: str, rng: random.Random) -> tuple[str, dict[str, Any]]:
    return "comment", {"body": text[:_MOST_CHARACTERS], "about": f"podcast_episode-{rng.randrange(400)}"}


def _message(text: str, rng: random.Random) -> tuple[str, dict[str, Any]]:
    conversation = f"conversation-{rng.randrange(2000)}"
    return "message", {
        "body": text[:_MOST_CHARACTERS],
        "conversation": conversation,
        "first_contact": rng.random() < 0.4,
    }


def _notes(text: str, rng: random.Random) -> tuple[str, dict[str, Any]]:
    show = f"show-{rng.randrange(60)}"
    title = text.splitlines()[0][:80]
    return "podcast_episode", {"title": title, "show": show, "notes": text[:20_000], "explicit": rng.random() < 0.5}


def _profile(text: str, rng: random.Random) -> tuple[str, dict[str, Any]]:
    return "profile", {"display_name": f"listener {rng.randrange(10_000)}", "bio": text[:1_000]}


DATA_SETS: tuple[DataSet, ...] = (
    DataSet("davidson", "labeled_data.csv", _column("tweet"), _comment, 4),
    DataSet("hatecheck", "test_suite_cases.csv", _column("test_case"), _comment, 1),
    DataSet("sms_spam", "sms.tsv", _sms, _message, 2),
    DataSet("openai_moderation", "samples-dev.jsonl.gz", _prompts, _notes, 1),
    DataSet("presidio_synth_pii", "synth_dataset_v2.json", _full_texts, _profile, 1),
)
