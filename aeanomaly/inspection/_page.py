"""The report as an HTML page."""

import base64
import hashlib
from collections import Counter
from functools import cache
from importlib import resources
from typing import Any

import numpy as np

from aeanomaly._version import __version__
from aeanomaly.inspection._html import cell, column_name, line, measure, omitted_columns, table_of
from aeanomaly.inspection._report_data import ReportData
from aeanomaly.inspection._rows import rows_of
from aeanomaly.inspection._svg import histogram
from aeanomaly.inspection._text import escaped, is_missing, isolated, number, percent

_FOOT = f"Created with aeanomaly {__version__}. A higher score means a more normal row; the error is minus the score."
#: Maximum number of columns in a table of columns, and of characters in a title.
_COLUMNS, _TITLE = 50, 200


def page_of(data: ReportData, title: str) -> str:
    """Return the whole page."""
    style, script = _part("page.css"), _part("page.js")
    policy = (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    sections = [
        ("summary", "Summary", _summary(data)),
        ("scores", "Scores", _scores(data)),
        ("columns", "Columns with the largest contributions", _top_columns(data)),
        ("rows", "Rows", rows_of(data)),
        ("drift", "Column drift", _drift(data)),
    ]
    links = "".join(f'<li><a href="#{name}">{words}</a></li>' for name, words, _ in sections)
    body = "\n".join(
        f'<section aria-labelledby="{name}">\n<h2 id="{name}">{words}</h2>\n{content}\n</section>'
        for name, words, content in sections
    )
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<meta name="generator" content="aeanomaly {__version__}">
<title>{escaped(title, _TITLE)}</title>
<style>{style}</style>
</head>
<body>
<header>
<h1>{isolated(title, _TITLE)}</h1>
<p>{_lead(data)}</p>
<nav aria-label="Contents"><ul>{links}</ul></nav>
</header>
<main>
{body}
</main>
<footer><p>{_FOOT}</p></footer>
<script>{script}</script>
</body>
</html>
"""


@cache
def _part(name: str) -> str:
    """Read the style or the script of the page; the hash in the content security policy is computed from this text."""
    return (resources.files("aeanomaly.inspection") / name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _lead(data: ReportData) -> str:
    n_rows, n_flagged = len(data.scores), int(data.flagged.sum())
    return (
        f"<strong>{n_flagged:,}</strong> of {n_rows:,} {'row' if n_rows == 1 else 'rows'} "
        f"({percent(n_flagged / n_rows)}) {'is' if n_flagged == 1 else 'are'} flagged as anomalous."
    )


def _summary(data: ReportData) -> str:
    detector, scores = data.detector, data.scores
    kinds = Counter(data.drift["kind"])
    trained = float((detector.training_scores_ < detector.offset_).mean())
    defaults = type(detector)().get_params(deep=False)
    parameters = detector.get_params(deep=False)
    changed = {name: value for name, value in parameters.items() if repr(value) != repr(defaults.get(name))}
    facts = [
        ("Rows", f"{len(scores):,}"),
        ("Flagged", f"{int(data.flagged.sum()):,} ({percent(data.flagged.mean())})"),
        ("Threshold", f"rows with a score below {number(detector.offset_)} are flagged: {_guarantee(detector)}"),
        ("Training data", f"{detector.n_samples_seen_:,} rows, of which {percent(trained)} score below the threshold"),
        ("Columns", f"{len(data.drift):,}: " + ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())),
        *_left_out(data),
        ("Detector", f"<code>{isolated(f'{type(detector).__name__}({_assigned(changed)})', 500)}</code>"),
    ]
    everything = "".join(
        _item(escaped(name), f"<code>{isolated(repr(v), 200)}</code>") for name, v in parameters.items()
    )
    return (
        f"<dl>{''.join(_item(*fact) for fact in facts)}</dl>\n"
        f"<details><summary>All parameters</summary><dl>{everything}</dl></details>"
    )


def _guarantee(detector: Any) -> str:
    groups = detector.state_.calibration.groups
    own = "" if groups is None else "groups have offsets of their own; "
    return isolated(f"{own}the threshold {detector.threshold_info_.guarantee}", 500)


def _left_out(data: ReportData) -> list[tuple[str, str]]:
    """Return the fact that names the columns without effect on the score, if there are any."""
    columns = zip(data.names, data.detector.state_.model.columns, strict=False)
    reasons = [(name, getattr(column, "reason", "times")) for name, column in columns if not column.is_scored]
    texts = [f"{isolated(name, 100)} ({escaped(reason)})" for name, reason in reasons[:_COLUMNS]]
    more = [f"and {len(reasons) - _COLUMNS:,} more"] if len(reasons) > _COLUMNS else []
    return [("Left out of the score", ", ".join([*texts, *more]))] if texts else []


def _item(term: str, description: str) -> str:
    return f"<div><dt>{term}</dt><dd>{description}</dd></div>"


def _assigned(values: dict[str, Any]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in values.items())


def _scores(data: ReportData) -> str:
    detector = data.detector
    picture = histogram(-data.scores, -detector.training_scores_, -float(detector.offset_))
    return (
        f"<figure>{picture}<figcaption>Distribution of the errors: "
        '<span class="key normal-key">normal</span>, <span class="key flagged-key">flagged</span>, '
        '<span class="key trained-key">training rows</span>. The scale of the axis is chosen to show the tail.'
        "</figcaption></figure>"
    )


def _top_columns(data: ReportData) -> str:
    if not data.flagged.any():
        return "<p>No row is flagged.</p>"
    tops, means = data.top_columns["top"].to_numpy(), data.top_columns["mean"].to_numpy()
    order = [j for j in np.lexsort([-means, -tops]).tolist() if means[j] > 0][:_COLUMNS]
    lines = [
        line(
            column_name(data, j),
            measure("largest contribution in", tops[j], percent(tops[j])),
            measure("mean share of the error", means[j], percent(means[j])),
        )
        for j in order
    ]
    heads = ("Column", "Largest contribution in", "Mean share of the error")
    caption = (
        "Share of the flagged rows in which the column has the largest contribution, and its mean share of the error "
        "of flagged rows."
    )
    return table_of(caption, heads, lines) + omitted_columns(len(order), len(tops), "with smaller or no contributions")


def _drift(data: ReportData) -> str:
    drift, n_rows = data.drift, len(data.scores)
    chance = min(1.0, 1.4 * float(np.sqrt(1 / n_rows + 1 / 2000)))
    order = np.argsort(-drift["drift"].fillna(-1).to_numpy(), kind="stable").tolist()[:_COLUMNS]
    lines = []
    for j in order:
        found = drift.iloc[j]
        lines.append(
            line(
                column_name(data, j),
                cell("kind", escaped(found["kind"])),
                measure("drift", found["drift"], "\u2013" if is_missing(found["drift"]) else f"{found['drift']:.2f}"),
                cell("outside", percent(found["outside"])),
                cell("missing", f"{percent(found['missing'])} ({percent(found['missing_in_training'])})"),
            )
        )
    heads = ("Column", "Kind", "Drift", "Outside the range", "Missing (in training)")
    caption = (
        "Drift ranges from 0 (distribution as in the training data) to 1 (no overlap). With this number of rows, "
        f"values up to about {chance:.2f} occur by chance. Outside the range: values outside the range of the training "
        "data, and categories that it does not contain."
    )
    return table_of(caption, heads, lines) + omitted_columns(len(order), len(drift), "with less drift")
