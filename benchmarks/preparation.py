"""Preprocessing of mixed tables for detectors that accept only numbers."""

from typing import Any

import numpy as np
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler


def prepared() -> Any:
    """Return a pipeline that imputes missing values, one-hot encodes categories, and standardizes numbers and times."""
    seconds = FunctionTransformer(lambda X: X.apply(lambda c: c.astype("datetime64[s]").astype("int64").astype(float)))
    levels = make_pipeline(
        FunctionTransformer(lambda X: X.astype(object).where(X.notna(), np.nan)),
        SimpleImputer(strategy="most_frequent"),
        OneHotEncoder(handle_unknown="ignore", sparse_output=False),
    )
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    return make_column_transformer(
        (numbers, make_column_selector(dtype_include="number")),
        (make_pipeline(seconds, StandardScaler()), make_column_selector(dtype_include="datetime")),
        (levels, make_column_selector(dtype_include=["object", "string", "category", "bool"])),
    )
