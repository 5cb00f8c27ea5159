"""Counters: windowed numbers about accounts and what they act on, counted from the ledger.

>>> spec = CounterSpec(function=CounterFunction.COUNT, by=("actor",), activity="comment", within=600_000)
>>> engine = CounterEngine(windows_of([spec]), digest)
>>> engine.apply([Activity("comment", at, at, {"actor": "en_1"})])
>>> engine.read(spec, {"actor": "en_1"}, at)
1
"""

from seawall.counters.engine import Activity, CounterEngine, TableSpec, tables_of, windows_of

__all__ = ["Activity", "CounterEngine", "TableSpec", "tables_of", "windows_of"]
