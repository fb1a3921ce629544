"""The report as an HTML page."""

import base64
import hashlib
from collections import Counter
from collections.abc import Iterable
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

import numpy as np

from aeanomaly._version import __version__
from aeanomaly.inspection._report_data import ReportData
from aeanomaly.inspection._svg import histogram
from aeanomaly.inspection._templates import render
from aeanomaly.inspection._text import cut_names, label_text, visible

#: Maximum number of columns in a table of columns, and of the columns above the rows.
_COLUMNS, _TOP_COLUMNS = 50, 20
#: Maximum number of characters of the name of a column, of the label of a row, and of the name of the index.
_NAME, _LABEL, _INDEX = 60, 80, 40
_KL = "kl (code)"


class Name(NamedTuple):
    """A name, and its short form."""

    full: str
    short: str


def page_of(data: ReportData, title: str) -> str:
    """Return the whole page."""
    style, script = _part("page.css"), _part("page.js")
    return render(
        "page",
        title=title,
        version=__version__,
        style=style,
        style_hash=_digest(style),
        script=script,
        script_hash=_digest(script),
        columns=_column_names(data),
        max_columns=_COLUMNS,
        **_summary(data),
        histogram=histogram(-data.scores, -data.detector.training_scores_, -float(data.detector.offset_)),
        **_top_columns(data),
        **_rows(data),
        **_drift(data),
    )


@cache
def _part(name: str) -> str:
    """Read the style or the script of the page; the hash in the content security policy is computed from this text."""
    return (resources.files("aeanomaly.inspection") / name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _names(texts: Iterable[Any], most: int) -> list[Name]:
    """Return names with short forms that differ, if possible."""
    full = [visible(label_text(text)) for text in texts]
    return [Name(*pair) for pair in zip(full, cut_names(full, most), strict=True)]


def _column_names(data: ReportData) -> list[Name]:
    """Return the names of the columns, with that of the divergence of the code last, if there is such a term."""
    n_columns = data.detector.n_features_in_
    return _names([*data.names[:n_columns], *[_KL for _ in data.names[n_columns:]]], _NAME)


def _summary(data: ReportData) -> dict[str, Any]:
    detector = data.detector
    parameters = detector.get_params(deep=False)
    defaults = type(detector)().get_params(deep=False)
    changed = [f"{name}={value!r}" for name, value in parameters.items() if repr(value) != repr(defaults.get(name))]
    columns = zip(_column_names(data), detector.state_.model.columns, strict=False)
    return {
        "n_rows": len(data.scores),
        "n_flagged": int(data.flagged.sum()),
        "threshold": detector.threshold_info_,
        "has_groups": detector.state_.calibration.groups is not None,
        "n_trained": detector.n_samples_seen_,
        "trained_flagged": float((detector.training_scores_ < detector.offset_).mean()),
        "kinds": Counter(data.drift["kind"]).most_common(),
        "left_out": [(name, getattr(c, "reason", "times")) for name, c in columns if not c.is_scored],
        "detector": f"{type(detector).__name__}({', '.join(changed)})",
        "parameters": [(name, repr(value)) for name, value in parameters.items()],
    }


def _top_columns(data: ReportData) -> dict[str, Any]:
    """Return the share of flagged rows in which a column is the largest, and its mean share, in descending order."""
    tops, means = data.top_columns["top"].to_numpy(), data.top_columns["mean"].to_numpy()
    order = [j for j in np.lexsort([-means, -tops]).tolist() if means[j] > 0]
    return {"top_columns": [(j, float(tops[j]), float(means[j])) for j in order], "max_top": _TOP_COLUMNS}


def _rows(data: ReportData) -> dict[str, Any]:
    labels = _names([row.label for row in data.rows], _LABEL)
    return {
        "row_name": _names([data.row_name], _INDEX)[0],
        "rows": list(zip(data.rows, labels, strict=True)),
        "tops": sorted({row.reasons[0].column for row in data.rows if row.reasons}),
    }


def _drift(data: ReportData) -> dict[str, Any]:
    """Return the columns in descending order of their drift, and the drift that is exceeded by chance alone."""
    order = np.argsort(-data.drift["drift"].fillna(-1).to_numpy(), kind="stable").tolist()
    found = list(data.drift.itertuples(index=False))
    chance = min(1.0, 1.4 * float(np.sqrt(1 / len(data.scores) + 1 / 2000)))
    return {"drift": [(j, found[j]) for j in order], "drift_by_chance": chance}
