"""The calibration tables beside a text model (``calibration.json``); a model of an earlier release has none."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Final

from seawall.model import CalibrationPoint, CalibrationTable

CALIBRATION: Final = "calibration.json"


def save_tables(folder: Path, tables: Mapping[str, CalibrationTable], version: str) -> None:
    """Write the tables of the heads of the weights with this version."""
    document = {"version": version, "heads": {name: asdict(table) for name, table in tables.items()}}
    (folder / CALIBRATION).write_text(json.dumps(document, separators=(",", ":")) + "\n", encoding="utf-8")


def read_tables(folder: Path, version: str) -> dict[str, CalibrationTable]:
    """By head; empty when there are none, or they are of other weights: then only ``at_fpr`` is resolved."""
    try:
        document = json.loads((folder / CALIBRATION).read_text(encoding="utf-8"))
        if document["version"] != version:
            return {}
        return {
            name: CalibrationTable(**{**table, "points": tuple(CalibrationPoint(**row) for row in table["points"])})
            for name, table in document["heads"].items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
