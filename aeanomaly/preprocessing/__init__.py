"""A table (DataFrame or array) -> float32 matrix and column schema, and back. No torch."""

from aeanomaly.preprocessing.encoder import TableEncoder, encode_table
from aeanomaly.preprocessing.schema import Schema
from aeanomaly.preprocessing.tables import check_table

__all__ = ["Schema", "TableEncoder", "check_table", "encode_table"]
