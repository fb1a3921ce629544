"""Tables that commands read: their cells as they are in the file, and rows with types for a detector."""

import argparse
import io
import itertools
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from aeanomaly._counts import counted
from aeanomaly.cli.errors import CommandError, suggestion, with_options
from aeanomaly.cli.notes import note, working
from aeanomaly.detectors import BaseDetector
from aeanomaly.preprocessing import Categorical, GroupedCategorical, InferenceOptions, Ordinal
from aeanomaly.reading import (
    MISSING,
    ReadOptions,
    TableFormat,
    TypedTable,
    convert,
    find_files,
    is_number,
    list_some,
    name_columns,
    read_raw_parts,
    read_raw_table,
)
from aeanomaly.streaming import as_source

#: Minimum size in bytes of files that are read in parts.
LARGE = 64 << 20
#: Maximum number of columns in a message.
_MAX_NAMES = 10
_PARTED = (".parquet", ".pq", ".arrow", ".feather", ".ipc")
#: Column types of categories, for `ReadOptions`.
_Types = Mapping[Any, Any]


class InputTable:
    """Table of a command.

    Parameters
    ----------
    sources : sequence of str
        Files, folders or patterns, or only - for standard input.
    options : argparse.Namespace
        Options of the command, with those of `add_reading`.
    detector : BaseDetector, optional
        Fitted detector, whose training table has the format to expect.
    """

    def __init__(self, sources: Sequence[str], options: argparse.Namespace, detector: BaseDetector | None = None):
        self.source = sources[0] if len(sources) == 1 else f"{sources[0]} and {len(sources) - 1} more"
        self._is_standard_input = list(sources) == ["-"]
        self._files = [] if self._is_standard_input else [file for path in sources for file in find_files(path)]
        self.options = read_options(options)
        self._known: TableFormat | None = None if detector is None else detector.state_.table_format
        #: Column that named the rows of the training table.
        self.id_column = None if self._known is None else self._known.id_column
        self._format: TableFormat | None = None
        self._cells: pd.DataFrame | None = None
        self._said: set[str] = set()

    @property
    def name(self) -> str:
        """Name of the table for a reader."""
        return "standard input" if self._is_standard_input else self.source

    @property
    def is_large(self) -> bool:
        """True if the table is read in parts."""
        return sum(file.path.stat().st_size for file in self._files) >= LARGE

    @property
    def paths(self) -> list[Path]:
        """Files of the table."""
        return [file.path for file in self._files]

    @property
    def table_format(self) -> TableFormat:
        """Format of the file; only after cells were read."""
        assert self._format is not None
        return self._format

    @property
    def decimal(self) -> str:
        """Decimal mark of the file; only after cells were read."""
        return self.table_format.decimal if self.table_format.kind == "text" else "."

    @property
    def known(self) -> TableFormat:
        """Format of the file and of its columns; only after rows were converted."""
        assert self._known is not None
        return self._known

    def cells(self) -> pd.DataFrame:
        """Return all cells as they are in the file."""
        if self._cells is None:
            source = io.BytesIO(sys.stdin.buffer.read()) if self._is_standard_input else self._files
            with working(f"reading {self.source}"):
                raw = read_raw_table(source, self.options, self._known)
            self._format, self._cells = raw.format, raw.frame
            self._say(raw.remarks)
        return self._cells

    def parts(self) -> Iterator[pd.DataFrame]:
        """Yield the cells in frames with a consecutive index; a small table is one frame."""
        if not self.is_large:
            yield self.cells()
            return
        first = 0
        for frame in self._large_parts():
            yield frame.set_axis(range(first, first + len(frame)))
            first += len(frame)

    def _large_parts(self) -> Iterator[pd.DataFrame]:
        for file in self._files:
            if file.path.name.lower().endswith(_PARTED):
                self._format = TableFormat("parquet")
                yield from (part.rows.assign(**file.partition) for part in as_source(file.path).parts())
                continue
            for raw in read_raw_parts(file.path, self.options, self._known):
                self._format = raw.format
                self._say(raw.remarks)
                yield raw.frame.assign(**file.partition)

    def typed(self, cells: pd.DataFrame, column_types: _Types) -> TypedTable:
        """Convert cells to types; those of the first frame determine the formats of the columns."""
        options = replace(self.options, column_types=column_types)
        table = convert(cells, self.table_format, options, self._known)
        self._known = table.format if self._known is None else self._known.completed(table.format)
        return table

    def rows_for_fit(self, cells: pd.DataFrame, detector: BaseDetector) -> pd.DataFrame:
        """Convert the columns of a training table; cells that do not fit their column become missing."""
        table = self.typed(cells, declared_types(detector))
        self._say(table.remarks)
        return table.frame

    def cells_for(self, detector: BaseDetector, cells: pd.DataFrame, label: str | None = None) -> pd.DataFrame:
        """Select the columns of a fitted detector; without names, all columns except `label`."""
        names = getattr(detector, "feature_names_in_", None)
        if names is None:
            columns = [name for name in cells.columns if name != label]
            if len(columns) != detector.n_features_in_:
                raise CommandError(
                    f"{self.source}: the model was fitted on {detector.n_features_in_} columns without names, "
                    f"but the table has {len(columns)}; keep only the columns of the model, in the same order"
                )
            return cells[columns]
        return select_columns(cells, list(names), self.source)

    def rows_for(self, detector: BaseDetector, cells: pd.DataFrame, label: str | None = None) -> pd.DataFrame:
        """Convert the columns of `cells_for` to the types of a fitted detector."""
        cells = self.cells_for(detector, cells, label)
        types = dict(zip(cells.columns, map(_type_of, detector.state_.model.columns), strict=True))
        self._check_categories(cells, types)
        table = self.typed(cells, types)
        if table.misfits and detector.missing == "error":
            self._refuse_misfits(cells, table, detector)
        self._say([*table.remarks, *_unread_rows(table, cells)])
        has_names = hasattr(detector, "feature_names_in_")
        rows = table.frame if has_names else table.frame.set_axis(range(cells.shape[1]), axis=1)
        check_missing(rows, detector)
        return rows

    def _check_categories(self, cells: pd.DataFrame, types: _Types) -> None:
        """Reject numbers in a column that held words in training."""
        for name, levels in types.items():
            if not isinstance(levels, list) or any(is_number(str(level)) for level in levels):
                continue
            texts = map(str, dict.fromkeys(cells[name].dropna()))
            there = [text for text in texts if text.strip() not in MISSING]
            if there and all(map(is_number, there)):
                raise CommandError(
                    f"{self.source}: column {name!r} contains numbers ({there[0]}), but it contained text "
                    f"({levels[0]!r}) in training; correct the column or fit the model again"
                )

    def _refuse_misfits(self, cells: pd.DataFrame, table: TypedTable, detector: BaseDetector) -> None:
        scored = _are_scored(table.frame, detector)
        for name, is_scored in zip(table.frame.columns, scored, strict=True):
            if is_scored and name in table.misfits:
                row = table.misfits[name][0]
                kind = {"number": "a number", "time": "a time", "duration": "a duration"}
                raise CommandError(
                    f"{self.source}: {str(cells[name].iloc[row])!r} in row {cells.index[row] + 1} of column {name!r} "
                    f"is not {kind.get(table.format.columns[name].kind, 'a boolean')}; correct it, or fit with "
                    "--missing model to score such cells as missing values"
                )

    def describe(self, n_rows: int, n_columns: int) -> str:
        """Return how the table was read."""
        rows = f"{counted(n_rows, 'row')} x {counted(n_columns, 'column')}"
        return f"{self.name} read as: {self.table_format.describe()}, {rows}"

    def _say(self, remarks: Sequence[str]) -> None:
        for remark in itertools.filterfalse(self._said.__contains__, remarks):
            self._said.add(remark)
            note(f"note: {self.source}: {with_options(remark)}")


def _unread_rows(table: TypedTable, cells: pd.DataFrame) -> list[str]:
    """Return a remark on the rows that are scored without cells that could not be read."""
    places = sorted({place for rows in table.misfits.values() for place in rows})
    if not places:
        return []
    listed = list_some([str(cells.index[place] + 1) for place in places], _MAX_NAMES)
    rows = f"row {listed} is" if len(places) == 1 else f"rows {listed} are"
    return [f"{rows} scored with unreadable cells as missing values"]


def read_options(options: argparse.Namespace) -> ReadOptions:
    """Return the options of `add_reading`."""
    return ReadOptions(
        sep=options.sep,
        decimal=options.decimal,
        encoding=options.encoding,
        sheet=options.sheet,
        table=options.table_name,
        header=False if options.no_header else None,
        na_values=tuple(options.na),
        day_first=options.day_first,
    )


def select_columns(frame: pd.DataFrame, columns: Sequence[str], source: str) -> pd.DataFrame:
    """Select columns by name; raise a CommandError if a column is missing."""
    missing = [name for name in columns if name not in frame.columns]
    if missing:
        others = [name for name in frame.columns if name not in columns]
        raise CommandError(
            f"{source}: the table lacks {name_columns(list(map(repr, missing)))} of the model"
            f"{suggestion(missing[0], others)}; add or rename columns"
        )
    return frame[list(columns)]


def declared_types(detector: BaseDetector) -> dict[Any, Any]:
    """Return the types of columns that the parameters of a detector declare."""
    groups = InferenceOptions.from_parameters(detector).groups
    types = detector.column_types if isinstance(detector.column_types, Mapping) else {}
    return {**types, **dict.fromkeys(groups, "group")}


def _type_of(column: Any) -> Any:
    """Return the type of a column of a model, for `ReadOptions`: the list of its categories, or its kind."""
    return list(column.categories) if isinstance(column, (Categorical, GroupedCategorical, Ordinal)) else column.kind


def missing_cells(frame: pd.DataFrame, detector: BaseDetector) -> str:
    """Return the columns with missing cells and their counts, such as "columns 'a' (3), 'b' (1)"; empty without any."""
    counts = frame.loc[:, _are_scored(frame, detector)].isna().sum()
    counted = [f"{name!r} ({count})" for name, count in counts[counts > 0].items()]
    return name_columns(counted) if counted else ""


def check_missing(frame: pd.DataFrame, detector: BaseDetector) -> None:
    """Reject missing values if the detector does, with a remedy for the command line."""
    if detector.missing == "error" and (listed := missing_cells(frame, detector)):
        raise CommandError(
            f"the table has missing cells in {listed}; fit with --missing model, impute the cells, or drop the rows"
        )


def _are_scored(frame: pd.DataFrame, detector: BaseDetector) -> list[bool]:
    """Return False for columns that the model leaves out of the score; before the fit, for columns without cells."""
    if not detector.__sklearn_is_fitted__():
        return frame.notna().any().tolist()
    return [column.is_scored for column in detector.state_.model.columns]
