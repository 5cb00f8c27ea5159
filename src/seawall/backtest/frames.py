"""Feature rows of a Parquet file, decided and counted as columns: no object is made for a row that changes nothing.

The counts are those of ``FileRows`` and ``count_rows``, which read the same file row by row, and read here what columns
cannot: a page with columns of unexpected types, content types whose rules calculate with whole numbers, rows for which
rules were snoozed. One row of each combination of rules, and one in a thousand, is decided by the row engine as well.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeAlias, overload

import polars as pl

from seawall.backtest.columnar import BY_ROWS, EXACT, ColumnarProgram, absent_column
from seawall.backtest.counts import BacktestCounts, Side
from seawall.backtest.past_rows import NOT_MEASURED, PastRow, features_read
from seawall.backtest.rows_file import NOT_IN_FILE, FileRows, RowsFileError, absences
from seawall.backtest.run import Engine, add_rows, as_read, changed_rules
from seawall.model import FeatureRow
from seawall.policy import Feature
from seawall.policy.tree import ValueType

_PAGE: Final = 100_000  # rows in memory
_FEW: Final = 1_000  # of them as objects
_EVERY: Final = 1_000
_REMEMBERED: Final = 100_000  # combinations of rules and labels
_Pair: TypeAlias = tuple[tuple[int, ...], tuple[int, ...]]
"""The masks of a row under both bundles."""
_NONE: Final[frozenset[str]] = frozenset()
_ROW: Final = "\0row"  # a row's number from 1; no feature has such a name
_TEXTS: Final = pl.List(pl.String)
_BESIDE: Final[Mapping[str, tuple[Any, ...]]] = {
    "content_type": (pl.String,),
    "item": (pl.String,),
    "decision": (pl.String,),
    "actor": (pl.String,),
    "language": (pl.String,),
    "label": (pl.Boolean,),
    "snoozed": (_TEXTS, pl.List(pl.Null)),
    "unknown": (_TEXTS, pl.List(pl.Null)),
    "unknown_because": (_TEXTS, pl.List(pl.Null)),
    "revision": (pl.Int64, pl.Int32, pl.UInt32),
}
_UNPRINTABLE: Final = r"[\p{C}\p{Zl}\p{Zp}]|[\p{Zs}--[ ]]"


def count_columns(engines: tuple[Engine, Engine], path: Path, part: tuple[int, int]) -> BacktestCounts:
    """The counts of some rows of a file, from the first number (from 0) up to the second.

    ``engines``: of the bundle in force and of the draft; they remember what they decided of other parts. Raises
    EnginesDisagree, RowsFileError.
    """
    counter = _Counter(engines, path)
    start, stop = part
    for first in range(start, stop, _PAGE):
        counter.add(_frame(path, first, min(_PAGE, stop - first)))
    return counter.finished()


def _frame(path: Path, first: int, count: int) -> pl.DataFrame:
    try:
        frame = pl.scan_parquet(path).slice(first, count).collect()
    except pl.exceptions.PolarsError as error:
        raise RowsFileError(f"{path} is not a Parquet file that can be read: {error}") from None
    return frame.with_row_index(_ROW, first + 1)


class _Counter:
    """Counts pages of a file under two bundles."""

    def __init__(self, engines: tuple[Engine, Engine], path: Path) -> None:
        self._engines = engines
        self._bundles = (engines[0].bundle, engines[1].bundle)
        self._changed = changed_rules(*self._bundles)
        self._rows = FileRows(path, self._bundles)
        self._counts = BacktestCounts()
        self._alike: Counter[tuple[tuple[Side, Side], bool | None]] = Counter()
        self._checked = self._checks()

    def _checks(self) -> int:
        return sum(engine.checked for engine in self._engines)

    def finished(self) -> BacktestCounts:
        self._count_alike()
        self._counts.checked += self._checks() - self._checked
        return self._counts

    def add(self, frame: pl.DataFrame) -> None:
        by_rows = _needs_rows(frame)
        aside = frame.filter(by_rows) if isinstance(by_rows, pl.Expr) else frame if by_rows else frame.clear()
        self._add_rows(aside)
        if by_rows is True:
            return
        rest = frame.filter(~by_rows) if isinstance(by_rows, pl.Expr) else frame
        for (name,), group in rest.group_by("content_type", maintain_order=True):
            silent = None if name is None else self._silent_if_in_columns(str(name), group)
            if silent is None:
                self._add_rows(group)
            else:
                self._add_group(str(name), group, silent)

    def _add_rows(self, frame: pl.DataFrame) -> None:
        """Row by row."""
        if frame.is_empty():
            return
        pages = (
            [self._rows.row(values.pop(_ROW), values) for values in few.iter_rows(named=True)]
            for few in frame.iter_slices(_FEW)
        )
        add_rows(self._counts, self._engines, pages)

    def _silent_if_in_columns(self, name: str, frame: pl.DataFrame) -> dict[str, pl.Series] | None:
        """Which features rows name as unknown (see ``_silent``); None: the rows must be read one by one."""
        if any(name not in bundle.content_types for bundle in self._bundles):
            return None
        programs = [engine.columnar(name) for engine in self._engines]
        if any(each.computes or not each.program.rules for each in programs):
            return None
        features = features_read(self._bundles, name)
        if not all(_has_type(frame, feature) for feature in features.values()) or not _finite(frame, features):
            return None
        silent = _silent(frame, features)
        return None if any(_contradict(frame, *each, silent) for each in absences(features)) else silent

    def _add_group(self, name: str, frame: pl.DataFrame, silent: Mapping[str, pl.Series]) -> None:
        features = features_read(self._bundles, name)
        rough = dict(_rough(frame, features, silent))
        self._count_missing(name, frame, features, silent, rough)
        keys = []
        for engine in self._engines:
            columnar = engine.columnar(name)
            columns = _columns(frame, columnar, silent, rough)
            read = _LazyRows(self._rows, frame, columnar)
            keys.append(columnar.masks(columns, read))
        table, words = _table(frame, keys)
        for place in range(0, frame.height, _EVERY):
            self._decide_one(name, frame, place, [table.select(names).row(place) for names in words])
        found: dict[_Pair, tuple[Side, Side]] = {}
        combinations = table.group_by([*words[0], *words[1]], maintain_order=True).agg(pl.col("place").first())
        for *values, place in combinations.iter_rows():
            pair = _pair(values, words)
            found[pair] = self._sides(name, frame, pair, place)
        differ = [before.differs_from(after) for before, after in found.values()]
        changed = table.join(combinations.filter(differ), on=[*words[0], *words[1]], maintain_order="left")
        surface = str(self._bundles[1].content_types[name].surface)
        told = zip(
            _changed_rows(name, frame[changed["place"]]), changed.select(*words[0], *words[1]).rows(), strict=True
        )
        for past, masks_of_both in told:
            self._counts.add_changed(past, surface, *found[_pair(masks_of_both, words)])
        for *values, label, count in table.group_by([*words[0], *words[1], "label"]).len().iter_rows():
            sides = found[_pair(values, words)]
            self._alike[sides, label] += count
        if len(self._alike) > _REMEMBERED:
            self._count_alike()

    def _count_alike(self) -> None:
        for ((before, after), label), count in self._alike.items():
            self._counts.add_alike(count, label, before, after, self._changed)
        self._alike.clear()

    def _sides(self, name: str, frame: pl.DataFrame, pair: _Pair, place: int) -> tuple[Side, Side]:
        """What both bundles make of rows with these rules, of which one is at the place."""
        before, after = (each.known(name, _NONE, (), key) for each, key in zip(self._engines, pair, strict=True))
        if before is not None and after is not None:
            return before, after
        return self._decide_one(name, frame, place, pair)

    def _decide_one(
        self, name: str, frame: pl.DataFrame, place: int, keys: Sequence[tuple[int, ...]]
    ) -> tuple[Side, Side]:
        """Decide a row by the row engine under both bundles. Raises EnginesDisagree."""
        past = _past_row(self._rows, frame, place)
        before, after = (
            engine.decide_one(past, as_read(past, engine.columnar(name)), _NONE, key)
            for engine, key in zip(self._engines, keys, strict=True)
        )
        return before, after

    def _count_missing(
        self,
        name: str,
        frame: pl.DataFrame,
        features: Mapping[str, Feature],
        silent: Mapping[str, pl.Series],
        rough: Mapping[str, pl.Series],
    ) -> None:
        """Why features are unknown, where the file says it, as ``FileRows`` finds it."""
        counted: dict[tuple[str, str], int] = {}
        for feature in features:
            if feature not in frame.columns:
                listed = int(silent[feature].sum()) if feature in silent else 0
                counted[feature, NOT_IN_FILE] = frame.height - listed
        for column, reason, count in _reasons(frame, features):
            counted[column, reason] = counted.get((column, reason), 0) + count
        lowest = self._bundles[1].program(name).thresholds
        for feature, measured in rough.items():
            below = lowest.get(str(features[feature].argument))
            count = int((measured > below).sum()) if below is not None else 0
            counted[feature, NOT_MEASURED] = counted.get((feature, NOT_MEASURED), 0) + count
        self._counts.missing.update({key: count for key, count in counted.items() if count})


class _LazyRows(Sequence[FeatureRow]):
    """Rows of a frame as the row engine reads them, made when they are asked for."""

    def __init__(self, rows: FileRows, frame: pl.DataFrame, columnar: ColumnarProgram) -> None:
        self._rows, self._frame, self._columnar = rows, frame, columnar

    def __len__(self) -> int:
        return self._frame.height

    @overload
    def __getitem__(self, place: int) -> FeatureRow: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[FeatureRow]: ...
    def __getitem__(self, place: int | slice) -> FeatureRow | Sequence[FeatureRow]:
        if isinstance(place, slice):
            return [self[index] for index in range(*place.indices(len(self)))]
        return as_read(_past_row(self._rows, self._frame, place), self._columnar)


def _table(frame: pl.DataFrame, keys: Sequence[pl.DataFrame]) -> tuple[pl.DataFrame, tuple[list[str], list[str]]]:
    """Each row's place and label, with the masks of both bundles, and the names of these."""
    words = [[f"{number} {word}" for word in masks.columns] for number, masks in enumerate(keys)]
    named = [masks.rename(dict(zip(masks.columns, each, strict=True))) for masks, each in zip(keys, words, strict=True)]
    beside = pl.DataFrame([_labels(frame)]).with_row_index("place")
    return pl.concat([beside, *named], how="horizontal"), (words[0], words[1])


def _pair(values: Sequence[int], words: tuple[Sequence[str], Sequence[str]]) -> _Pair:
    first = len(words[0])
    return tuple(values[:first]), tuple(values[first : first + len(words[1])])


def _past_row(rows: FileRows, frame: pl.DataFrame, place: int) -> PastRow:
    values = frame.row(place, named=True)
    return rows.row(values.pop(_ROW), values)


# -- what columns can hold ---------------------------------------------------------------------------------------------


def _needs_rows(frame: pl.DataFrame) -> bool | pl.Expr:
    """Which rows must be read one by one: True: all, False: none."""
    if "content_type" not in frame.columns:
        return True
    for name, types in _BESIDE.items():
        if name in frame.columns and frame.schema[name] not in (*types, pl.Null):
            return True
    told = [name for name in ("item", "decision", "language", "item.language") if name in _texts_of(frame)]
    if any(frame[name].str.contains(_UNPRINTABLE).any() for name in told):
        return True
    if "unknown_because" in frame.columns and not _reasons_fit(frame):
        return True
    if "snoozed" not in frame.columns or frame.schema["snoozed"] == pl.Null:
        return False
    return pl.col("snoozed").list.len().fill_null(0) > 0


def _labels(frame: pl.DataFrame) -> pl.Series:
    if "label" not in frame.columns:
        return _all(None, frame.height, pl.Boolean).alias("label")
    return frame["label"].cast(pl.Boolean)


def _texts_of(frame: pl.DataFrame) -> set[str]:
    return {name for name, kind in frame.schema.items() if kind == pl.String}


def _reasons_fit(frame: pl.DataFrame) -> bool:
    """Whether there is a reason for each unknown feature, or none for any."""
    if frame.schema["unknown_because"] == pl.Null:
        return True
    reasons = pl.col("unknown_because").list.len().fill_null(0)
    names = pl.col("unknown").list.len().fill_null(0) if _lists(frame, "unknown") else pl.lit(0)
    wrong = frame.select(((reasons > 0) & (reasons != names)).any()).item()
    return not wrong


def _lists(frame: pl.DataFrame, name: str) -> bool:
    return name in frame.columns and frame.schema[name] == _TEXTS


def _has_type(frame: pl.DataFrame, feature: Feature) -> bool:
    """Whether the feature's column holds what rules expect, and its lower bound numbers."""
    kind = frame.schema.get(feature.name, pl.Null)
    if kind != pl.Null:
        if feature.kind is ValueType.BOOLEAN:
            return kind == pl.Boolean
        if feature.kind is ValueType.TEXT:
            return kind == pl.String
        if feature.kind in (ValueType.LIST, ValueType.MEDIA) or not kind.is_numeric():
            return False
    bounds = (feature.bound, f"below({feature.name})") if feature.growing else ()
    return all(name not in frame.columns or _is_number(frame.schema[name]) for name in bounds)


def _is_number(kind: pl.DataType) -> bool:
    return kind == pl.Null or kind.is_numeric()


def _finite(frame: pl.DataFrame, features: Mapping[str, Feature]) -> bool:
    """Whether numbers beside the features are numbers."""
    names = [name for each in features.values() if each.growing for name in (each.bound, f"below({each.name})")]
    for name in (*names, "age(actor)"):
        if name not in frame.columns or frame.schema[name] == pl.Null:
            continue
        if not _is_number(frame.schema[name]):
            return False
        if frame.schema[name].is_float() and not frame[name].is_finite().fill_null(value=True).all():
            return False
    return True


def _contradict(frame: pl.DataFrame, name: str, of: str, silent: Mapping[str, pl.Series]) -> bool:
    """Whether some row says that a value is None that it has, or the other way round."""
    if name not in frame.columns or of not in frame.columns or frame.schema[name] == pl.Null:
        return False
    wrong = frame[name] != frame[of].is_null()
    for each in (name, of):
        wrong = wrong & ~silent[each] if each in silent else wrong
    if frame.schema[of].is_float():
        wrong = wrong & ~frame[of].is_nan().fill_null(value=False)
    return bool(wrong.any())


# -- columns -----------------------------------------------------------------------------------------------------------


def _silent(frame: pl.DataFrame, features: Mapping[str, Feature]) -> dict[str, pl.Series]:
    """By feature that some row names as unknown: whether a row does."""
    if not _lists(frame, "unknown"):
        return {}
    named = _named(frame, features).unique()
    found: dict[str, pl.Series] = {}
    for (name,), group in named.group_by("unknown"):
        found[str(name)] = _all(False, frame.height, pl.Boolean).scatter(group["place"], True)
    return found


def _named(frame: pl.DataFrame, features: Mapping[str, Feature]) -> pl.DataFrame:
    named = frame.select("unknown").with_row_index("place").explode("unknown")
    return named.filter(pl.col("unknown").is_in(list(features)))


def _reasons(frame: pl.DataFrame, features: Mapping[str, Feature]) -> Iterator[tuple[str, str, int]]:
    """Features that are named as unknown, with their reasons and in how many rows."""
    if not _lists(frame, "unknown") or not _lists(frame, "unknown_because"):
        return
    told = frame.filter(pl.col("unknown_because").list.len().fill_null(0) > 0).select("unknown", "unknown_because")
    # The last reason counts where a row names a feature twice, as in a mapping.
    pairs = told.with_row_index("place").explode("unknown", "unknown_because")
    pairs = pairs.filter(pl.col("unknown").is_in(list(features))).unique(["place", "unknown"], keep="last")
    pairs = pairs.filter(pl.col("unknown_because") != "")
    yield from pairs.group_by("unknown", "unknown_because").len().iter_rows()


def _rough(
    frame: pl.DataFrame, features: Mapping[str, Feature], silent: Mapping[str, pl.Series]
) -> Iterator[tuple[str, pl.Series]]:
    """Below which number features were measured, in rows that have a value of them."""
    for name, feature in features.items():
        below = f"below({name})"
        if not feature.growing or below not in frame.columns or frame.schema[below] == pl.Null:
            continue
        if name not in frame.columns or frame.schema[name] == pl.Null:
            continue
        known = _value(frame, feature, silent).is_not_null()
        yield name, frame.select(pl.when(known).then(pl.col(below).cast(pl.Float64)).alias(below))[below]


def _value(frame: pl.DataFrame, feature: Feature, silent: Mapping[str, pl.Series]) -> pl.Series:
    """The feature's values as rules compare them; null: unknown or absent."""
    given = frame[feature.name]
    if feature.kind not in (ValueType.TEXT, ValueType.BOOLEAN):
        given = given.cast(pl.Float64).fill_nan(None)
    return given.zip_with(~silent[feature.name], _null(given)) if feature.name in silent else given


def _all(value: Any, height: int, kind: Any) -> pl.Series:
    """A column with one value throughout."""
    return pl.Series([value], dtype=kind).new_from_index(0, height)


def _null(like: pl.Series) -> pl.Series:
    return _all(None, len(like), like.dtype)


def _columns(
    frame: pl.DataFrame,
    columnar: ColumnarProgram,
    silent: Mapping[str, pl.Series],
    rough: Mapping[str, pl.Series],
) -> pl.DataFrame:
    """The columns that the rules of a program read."""
    schema, made = columnar.schema, dict[str, pl.Series]()
    odd = _all(value=False, height=frame.height, kind=pl.Boolean)
    lowest = columnar.program.thresholds
    for feature in columnar.features:
        name = feature.name
        if name not in schema:
            continue
        there = name in frame.columns and frame.schema[name] != pl.Null
        nothing = _all(None, frame.height, schema[name])
        values = _value(frame, feature, silent) if there else nothing
        if there and schema[name] == pl.Float64:
            odd = odd | _inexact(frame[name], values)
        if name in rough and (below := lowest.get(str(feature.argument))) is not None:
            values = values.zip_with(~(rough[name] > below).fill_null(value=False), nothing)
        made[name] = values.alias(name)
        if feature.optional:
            made[absent_column(name)] = _absent(frame, name, silent).alias(absent_column(name))
        if feature.growing:
            bound = frame[feature.bound].cast(pl.Float64) if feature.bound in frame.columns else nothing
            made[feature.bound] = bound.alias(feature.bound)
    made[BY_ROWS] = odd.alias(BY_ROWS)
    return pl.DataFrame(list(made.values()))


def _absent(frame: pl.DataFrame, name: str, silent: Mapping[str, pl.Series]) -> pl.Series:
    """Where an optional feature is None, and not unknown."""
    if name not in frame.columns:
        return _all(value=False, height=frame.height, kind=pl.Boolean)
    return frame[name].is_null() & ~silent[name] if name in silent else frame[name].is_null()


def _inexact(given: pl.Series, values: pl.Series) -> pl.Series:
    """Where a number is not exact in floating point, or infinite."""
    if given.dtype.is_float():
        return values.is_infinite().fill_null(value=False)
    return ((given > EXACT) | (given < -EXACT)).fill_null(value=False)


def _changed_rows(name: str, frame: pl.DataFrame) -> Iterator[PastRow]:
    """What is told of rows that are decided otherwise."""
    wanted = [each for each in (_ROW, *_BESIDE, "item.language", "age(actor)") if each in frame.columns]
    for values in frame.select(wanted).iter_rows(named=True):
        get = values.get
        yield PastRow(
            content_type=name,
            row={},
            language=get("language") or get("item.language"),
            actor=get("actor"),
            age_s=get("age(actor)"),
            label=get("label"),
            item=get("item") or str(values[_ROW]),
            revision=int(get("revision") or 0),
            decision=get("decision") or "",
        )
