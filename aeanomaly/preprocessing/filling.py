"""Reconstructed cells in the dtypes of a table, so that they can fill its missing cells."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from aeanomaly.preprocessing.columns import Column, Ignored


def like_frame(cells: pd.DataFrame, frame: pd.DataFrame, columns: Sequence[Column]) -> pd.DataFrame:
    """Convert reconstructed cells (N, F) so that ``frame.fillna`` with them fills all missing cells of a frame.

    Columns that are not scored are those of the frame, with their most frequent cell for missing ones.
    """
    filled = [
        _most_frequent(frame.iloc[:, j]) if isinstance(column, Ignored) else _like(cells.iloc[:, j], frame.iloc[:, j])
        for j, column in enumerate(columns)
    ]
    return pd.concat(filled, axis=1, keys=range(len(filled))).set_axis(frame.columns, axis=1)


def _most_frequent(given: pd.Series) -> pd.Series:
    there = given.dropna()
    return given if len(there) in (0, len(given)) else given.fillna(there.value_counts().index[0])


def _like(values: pd.Series, given: pd.Series) -> pd.Series:
    dtype = given.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return _as_categories(values, given)
    if isinstance(dtype, pd.PeriodDtype):
        return values.dt.to_period(dtype.freq)
    if isinstance(dtype, pd.IntervalDtype):
        return _most_frequent(given)
    if isinstance(dtype, pd.DatetimeTZDtype) and pd.api.types.is_datetime64_any_dtype(values.dtype):
        return values.dt.tz_convert(dtype.tz).astype(dtype)
    if isinstance(dtype, np.dtype):
        return values.astype(dtype) if dtype.kind in "mM" else values
    if pd.api.types.is_bool_dtype(dtype):
        return (values >= 0.5).astype(dtype)
    if pd.api.types.is_integer_dtype(dtype):
        limits = np.iinfo(getattr(dtype, "numpy_dtype", np.int64))
        largest = float(np.nextafter(float(limits.max), 0)) if limits.bits == 64 else float(limits.max)
        return values.round().clip(float(limits.min), largest).astype(np.int64).astype(dtype)
    return (
        values.astype(object).astype(dtype) if isinstance(values.dtype, pd.CategoricalDtype) else values.astype(dtype)
    )


def _as_categories(values: pd.Series, given: pd.Series) -> pd.Series:
    """Return categories of the given column, by their text; the most frequent one for a category that it lacks."""
    categories = {str(category): category for category in given.cat.categories}
    found = values.astype(object).map(lambda value: categories.get(str(value)))
    return _most_frequent(pd.Series(found.to_numpy(), given.index).astype(given.dtype))
