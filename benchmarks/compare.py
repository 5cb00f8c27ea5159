"""One benchmark, of this tree and of an earlier commit, in turn: old, new, old, new, …; every figure with its ratio.

    ./run bench compare HEAD~1 http
    ./run bench compare main~10 rules --rounds 5 -- --quick

The earlier commit is checked out into a temporary folder and runs its own benchmark with the packages installed here.
Arguments after ``--`` go to the benchmark. A machine's speed drifts: compare medians, and believe a difference only
beyond the spread (min to max).
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
_ROW = re.compile(r"(?P<label>.{20,60}?)\s+(?P<cpu>\d+\.\d+)s\s+(?P<wall>\d+\.\d+)s")


def main() -> None:
    """Print a table: figure, old, new (median, min to max), new / old."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("revision", help="the commit to compare with")
    parser.add_argument("benchmark", help="a name that ./run bench lists")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each")
    ours, for_benchmark = _split(sys.argv[1:])
    options = parser.parse_args(ours)
    with tempfile.TemporaryDirectory() as folder:
        old = Path(folder) / "old"
        _git("worktree", "add", "--quiet", "--detach", str(old), options.revision)
        try:
            runs: dict[str, list[dict[str, float]]] = {"old": [], "new": []}
            for number in range(options.rounds):
                for name, tree in (("old", old), ("new", ROOT)):
                    print(f"round {number + 1}, {name}", file=sys.stderr, flush=True)
                    runs[name].append(_run(tree, options.benchmark, for_benchmark))
        finally:
            _git("worktree", "remove", "--force", str(old))
    _print(
        runs, f"{options.benchmark}: {options.revision} (old) and this tree (new), {options.rounds} runs each, in turn"
    )


def _split(arguments: list[str]) -> tuple[list[str], list[str]]:
    """What stands before and after ``--``: argparse gives what follows it to no positional that came before."""
    at = arguments.index("--") if "--" in arguments else len(arguments)
    return arguments[:at], arguments[at + 1 :]


def _git(*arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=ROOT, check=True)


def _run(tree: Path, benchmark: str, arguments: list[str]) -> dict[str, float]:
    """The figures of one run, by dotted name."""
    environment = {**os.environ, "PYTHONPATH": f"{tree / 'src'}{os.pathsep}{tree}"}
    command = [sys.executable, "-m", f"benchmarks.{benchmark}", *arguments]
    done = subprocess.run(command, cwd=tree, env=environment, stdout=subprocess.PIPE, text=True)
    lines = done.stdout.splitlines()
    documents = [line for line in lines if line.startswith("{")]
    figures = dict(_numbers(json.loads(documents[-1]))) if documents else dict(_rows(lines))
    if not figures:
        sys.exit(f"{benchmark} in {tree} printed no figures (exit status {done.returncode}):\n{done.stdout[-2000:]}")
    return figures


def _rows(lines: list[str]) -> Iterator[tuple[str, float]]:
    """Seconds in the rows of a benchmark that prints a table only. A row is known by its number: labels may change."""
    rows = [found for line in lines if (found := _ROW.match(line))]
    for number, row in enumerate(rows, 1):
        yield f"row {number}, cpu s", float(row["cpu"])
        yield f"row {number}, wall s", float(row["wall"])


def _numbers(value: Any, name: str = "") -> Iterator[tuple[str, float]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _numbers(inner, f"{name}.{key}" if name else str(key))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield name, float(value)


def _print(runs: dict[str, list[dict[str, float]]], title: str) -> None:
    print(title)
    print(f"{'':44}{'old':>38}{'new':>38}{'new/old':>9}")
    for name in runs["new"][0]:
        old, new = ([run[name] for run in runs[side] if name in run] for side in ("old", "new"))
        if not old or len(set(old + new)) == 1:  # a setting, not a measurement, or new
            continue
        ratio = statistics.median(new) / statistics.median(old) if statistics.median(old) else float("nan")
        print(f"{name[-43:]:44}{_span(old):>38}{_span(new):>38}{ratio:>9.2f}")


def _span(values: list[float]) -> str:
    return f"{statistics.median(values):,.4g} ({min(values):,.4g} to {max(values):,.4g})"


if __name__ == "__main__":
    main()
