"""What the calibration split shows of a text model as served: the tables behind ``at_precision`` and ``at_recall``.

    python -m seawall.learn.calibration --data DATA            # writes into the package
    python -m seawall.learn.calibration --data DATA my-model

``seawall train`` writes them too. The model is read, not changed; its version stays. The split holds whole clusters of
near-duplicates that neither tier was fitted to, and no test text.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from seawall.detectors.text.model import TextModel, shipped
from seawall.detectors.text.model.calibration import save_tables
from seawall.learn.augment import NAME as SENTENCES
from seawall.learn.corpus import RECIPE, TrainingCorpus, gather
from seawall.learn.labels import head_labels
from seawall.measure import calibration_table
from seawall.model import CalibrationTable


def write_calibration(folder: Path, corpus: TrainingCorpus) -> dict[str, CalibrationTable]:
    """Score the calibration split with the model in ``folder``, write its tables beside it, and return them."""
    model = TextModel(folder)
    examples = [corpus.examples[row] for row in np.flatnonzero(corpus.calibration).tolist()]
    probabilities = model.probabilities([example.text for example in examples])
    tables = {}
    for column, head in enumerate(model.artefact.heads):
        label, _, _ = head_labels(examples, head.name)
        held = ~np.isnan(label)
        tables[head.name] = calibration_table(label[held] >= 0.5, probabilities[held, column])
    save_tables(folder, tables, model.artefact.version)
    return tables


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the tables of an existing model. Raises ``FileNotFoundError`` for a missing data set."""
    parser = argparse.ArgumentParser(prog="python -m seawall.learn.calibration", description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=shipped(), help="the model's folder")
    parser.add_argument("--data", type=Path, default=os.environ.get("SEAWALL_DATA"), help="folder of data sets")
    options = parser.parse_args(arguments)
    if options.data is None:
        parser.error("name the folder of data sets: --data, or SEAWALL_DATA")
    card = TextModel(options.folder).artefact.card
    excluded = card["excluded"]
    recipe = [(name, split) for name, split in RECIPE if name not in excluded]
    corpus = gather(options.data, recipe, int(card["recipe"]["seed"]), print, with_sentences=SENTENCES not in excluded)
    for name, table in write_calibration(options.folder, corpus).items():
        best = max(point.recall_lower for point in table.points)
        print(f"{name}: {table.positives:,} harmful and {table.negatives:,} harmless texts, {len(table.points)} rows, "
              f"recall up to {best:.3f}")  # fmt: skip
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
