"""A table (DataFrame or array) -> float32 matrix and column schema, and back. No torch."""

from aeanomaly.preprocessing.cells import family_of, numbers_or_missing, times
from aeanomaly.preprocessing.columns import Column, Numeric, are_numeric, column_from_json
from aeanomaly.preprocessing.encoder import Surveyed, TableEncoder, encode_table
from aeanomaly.preprocessing.learning import COLUMN_TYPES
from aeanomaly.preprocessing.schema import Kind, Schema
from aeanomaly.preprocessing.statistics import Statistics
from aeanomaly.preprocessing.tables import cells_as_given, check_finite, check_table, rows_of

__all__ = [
    "COLUMN_TYPES",
    "Column",
    "Kind",
    "Numeric",
    "Schema",
    "Statistics",
    "Surveyed",
    "TableEncoder",
    "are_numeric",
    "cells_as_given",
    "check_finite",
    "check_table",
    "column_from_json",
    "encode_table",
    "family_of",
    "numbers_or_missing",
    "rows_of",
    "times",
]
