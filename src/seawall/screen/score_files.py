"""Files of texts with the scores that another service gave them: CSV, or JSON Lines with its answers as they came.

A row has a text, scores in columns named like Perspective's attributes or OpenAI's categories, and perhaps a language
and labels. In JSON Lines the scores may also stand in ``attributeScores`` and ``category_scores``.

    for row in read_scored_texts(Path("old.csv")): row.line, row.text, row.scores
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from seawall.screen.compatible_names import OPENAI, PERSPECTIVE

_YES: Final = {"1": True, "1.0": True, "true": True, "yes": True}
_NO: Final = {"0": False, "0.0": False, "false": False, "no": False}
_LABEL: Final = "label"
_LONGEST_FIELD: Final = 10_000_000  # characters


class ScoreFileError(Exception):
    """A file that cannot be compared; the text names the file, the line and the column."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredText:
    """One row. ``scores``: by attribute or category, 0 to 1; ``labels``: whether it is harmful, by the same names.

    ``line`` is where the row ends in the file, from 1.
    """

    line: int
    text: str
    language: str | None
    scores: Mapping[str, float]
    labels: Mapping[str, bool]


def read_scored_texts(path: Path, text_column: str = "text") -> Iterator[ScoredText]:
    """The rows of a file that ends in .csv, .jsonl or .ndjson. Raises ScoreFileError.

    A label is 0 or 1, in ``label`` for every score of the row or in ``TOXICITY_label`` for one. Empty cells are not
    there.
    """
    reading = {".csv": _csv_rows, ".jsonl": _json_rows, ".ndjson": _json_rows}.get(path.suffix.lower())
    if reading is None:
        raise ScoreFileError(f"{path}: the file must end in .csv or .jsonl")
    found = False
    for line, values in reading(path, text_column):
        found = True
        yield _row(f"{path}:{line}", line, values, text_column)
    if not found:
        raise ScoreFileError(f"{path}: the file has no rows")


def known_name(column: str) -> str | None:
    """The attribute or category that a column is named for, also in the spelling of a client's attributes."""
    return _NAMES.get(_plain(column))


def _plain(name: str) -> str:
    return name.strip().lower().replace("/", "_").replace("-", "_")


_NAMES: Final = {_plain(name): name for name in (*PERSPECTIVE, *OPENAI)}


def _csv_rows(path: Path, text_column: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    csv.field_size_limit(_LONGEST_FIELD)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file, strict=True)
            _check_columns(path, rows.fieldnames or (), text_column)
            for values in rows:
                if None in values:
                    raise ScoreFileError(
                        f"{path}:{rows.line_num}: more cells than the {len(rows.fieldnames or ())} columns"
                    )
                if None in values.values():
                    raise ScoreFileError(f"{path}:{rows.line_num}: fewer cells than columns")
                yield rows.line_num, values
    except csv.Error as error:
        raise ScoreFileError(f"{path}:{rows.line_num}: not CSV: {error}") from error
    except UnicodeDecodeError as error:
        raise ScoreFileError(f"{path}: not UTF-8 (byte {error.start}): save the file as UTF-8") from error


def _check_columns(path: Path, columns: Any, text_column: str) -> None:
    shown = ", ".join(columns) or "none"
    twice = [name for name in columns if list(columns).count(name) > 1]
    if twice:
        raise ScoreFileError(f"{path}:1: two columns are named {twice[0]!r}")
    if text_column not in columns:
        raise ScoreFileError(f"{path}:1: no column {text_column!r}: name it with --text; columns: {shown}")
    if not any(known_name(name) for name in columns):
        raise ScoreFileError(
            f"{path}:1: no column is named like an attribute or a category: {_known()}; columns: {shown}"
        )


def _known() -> str:
    return ", ".join(name for name, each in {**PERSPECTIVE, **OPENAI}.items() if each.signal is not None)


def _json_rows(path: Path, text_column: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    with path.open("rb") as file:
        for line, raw in enumerate(file, 1):
            if not raw.strip():
                continue
            try:
                values = json.loads(raw.strip())
            except (ValueError, RecursionError) as error:
                raise ScoreFileError(f"{path}:{line}: not JSON: {error}") from error
            if not isinstance(values, dict):
                raise ScoreFileError(f"{path}:{line}: write one object a line")
            yield line, _flat(f"{path}:{line}", values)


def _flat(place: str, values: Mapping[str, Any]) -> Mapping[str, Any]:
    """The members, with the scores of an answer beside them."""
    found = dict(values)
    for member, score_of in (("attributeScores", _summary), ("category_scores", lambda score: score)):
        inside = found.pop(member, None) or {}
        if not isinstance(inside, dict):
            raise ScoreFileError(f"{place}: {member} must be an object")
        found |= {name: score_of(score) for name, score in inside.items()}
    return found


def _summary(score: Any) -> Any:
    """The value of Perspective's summary; None where there is none."""
    whole = score.get("summaryScore") if isinstance(score, dict) else score
    return whole.get("value") if isinstance(whole, dict) else whole


def _row(place: str, line: int, values: Mapping[str, Any], text_column: str) -> ScoredText:
    text = values.get(text_column)
    if not isinstance(text, str):
        raise ScoreFileError(f"{place}: no text in {text_column!r}: name its column with --text")
    scores: dict[str, float] = {}
    labels: dict[str, bool] = {}
    for column, value in values.items():
        if value is None or (isinstance(value, str) and not value.strip()):
            continue
        if (name := known_name(column)) is not None:
            scores[name] = _score(f"{place}: {column}", value)
        elif column.endswith(f"_{_LABEL}") and (name := known_name(column.removesuffix(f"_{_LABEL}"))) is not None:
            labels[name] = _label(f"{place}: {column}", value)
    if (value := values.get(_LABEL)) is not None and str(value).strip():
        label = _label(f"{place}: {_LABEL}", value)
        labels = dict.fromkeys(scores, label) | labels
    language = values.get("language")
    declared = language.strip().lower().split("-")[0] if isinstance(language, str) else ""
    return ScoredText(line=line, text=text, language=declared or None, scores=scores, labels=labels)


def _score(place: str, value: Any) -> float:
    try:
        number = float(value) if not isinstance(value, bool) else math.nan
    except (TypeError, ValueError):
        number = math.nan
    if not 0 <= number <= 1:
        raise ScoreFileError(f"{place}: {str(value)[:40]!r} is no score from 0 to 1")
    return number


def _label(place: str, value: Any) -> bool:
    found = (_YES | _NO).get(str(value).strip().lower())
    if found is None:
        raise ScoreFileError(f"{place}: {str(value)[:40]!r} is no label: write 1 (harmful) or 0")
    return found
