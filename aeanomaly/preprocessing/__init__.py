"""Encoding of tables (frames or arrays) as float32 matrices with a column schema, and decoding."""

from aeanomaly.preprocessing.cells import cell_texts, infer_cell_type, numbers_or_missing, times
from aeanomaly.preprocessing.columns import (
    Categorical,
    Column,
    Datetime,
    GroupedCategorical,
    Ignored,
    Logarithmic,
    Numeric,
    Ordinal,
    are_numeric,
    column_from_json,
    label_index,
)
from aeanomaly.preprocessing.conversion import as_pandas, collect
from aeanomaly.preprocessing.encoder import EncoderOptions, TableEncoder, fit_schema
from aeanomaly.preprocessing.feature_statistics import FeatureStatistics, KnownStatistics
from aeanomaly.preprocessing.filling import like_frame
from aeanomaly.preprocessing.group_labels import describe_groups, group_labels
from aeanomaly.preprocessing.inference import COLUMN_TYPES, DEFAULT_KIND, InferenceOptions
from aeanomaly.preprocessing.schema import Schema
from aeanomaly.preprocessing.statistics import Statistics
from aeanomaly.preprocessing.tables import (
    cells_as_given,
    check_finite,
    check_table,
    labels_of,
    order_of_time,
    rows_of,
)

__all__ = [
    "COLUMN_TYPES",
    "DEFAULT_KIND",
    "Categorical",
    "Column",
    "Datetime",
    "EncoderOptions",
    "FeatureStatistics",
    "GroupedCategorical",
    "Ignored",
    "InferenceOptions",
    "KnownStatistics",
    "Logarithmic",
    "Numeric",
    "Ordinal",
    "Schema",
    "Statistics",
    "TableEncoder",
    "are_numeric",
    "as_pandas",
    "cell_texts",
    "cells_as_given",
    "check_finite",
    "check_table",
    "collect",
    "column_from_json",
    "describe_groups",
    "fit_schema",
    "group_labels",
    "infer_cell_type",
    "label_index",
    "labels_of",
    "like_frame",
    "numbers_or_missing",
    "order_of_time",
    "rows_of",
    "times",
]
