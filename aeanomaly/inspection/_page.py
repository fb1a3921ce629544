"""Findings as a page of HTML."""

import base64
import hashlib
from collections import Counter
from functools import cache
from importlib import resources
from typing import Any

import numpy as np

from aeanomaly._version import __version__
from aeanomaly.inspection._findings import Findings
from aeanomaly.inspection._pieces import cell, column_name, left_out, line, measure, table_of
from aeanomaly.inspection._rows import rows_of
from aeanomaly.inspection._svg import histogram
from aeanomaly.inspection._text import escaped, is_missing, isolated, number, percent

_FOOT = f"Made by aeanomaly {__version__}. A higher score is a more normal row; the error is minus the score."
#: Columns in a table of columns, letters of a title, at most.
_COLUMNS, _TITLE = 50, 200


def page_of(findings: Findings, title: str) -> str:
    """The whole page."""
    style, script = _part("page.css"), _part("page.js")
    policy = (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    sections = [
        ("summary", "Summary", _summary(findings)),
        ("scores", "Scores", _scores(findings)),
        ("blame", "Columns to blame", _blame(findings)),
        ("rows", "Rows", rows_of(findings)),
        ("drift", "Drift of columns", _drift(findings)),
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
<p>{_lead(findings)}</p>
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
    """The page's own style or script, which a browser sees as it is hashed."""
    return (resources.files("aeanomaly.inspection") / name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _lead(findings: Findings) -> str:
    n_rows, n_flagged = len(findings.scores), int(findings.flagged.sum())
    return (
        f"<strong>{n_flagged:,}</strong> of {n_rows:,} {'row' if n_rows == 1 else 'rows'} "
        f"({percent(n_flagged / n_rows)}) {'is' if n_flagged == 1 else 'are'} flagged as anomalous."
    )


def _summary(findings: Findings) -> str:
    detector, scores = findings.detector, findings.scores
    kinds = Counter(findings.drift["kind"])
    trained = float((detector.training_scores_ < detector.offset_).mean())
    defaults = type(detector)().get_params(deep=False)
    parameters = detector.get_params(deep=False)
    changed = {name: value for name, value in parameters.items() if repr(value) != repr(defaults.get(name))}
    facts = [
        ("Rows", f"{len(scores):,}"),
        ("Flagged", f"{int(findings.flagged.sum()):,} ({percent(findings.flagged.mean())})"),
        ("Threshold", f"rows that score below {number(detector.offset_)} are flagged"),
        ("Trained on", f"{detector.n_samples_seen_:,} rows, of which {percent(trained)} score below the threshold"),
        ("Columns", f"{len(findings.drift):,}: " + ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())),
        ("Detector", f"<code>{isolated(f'{type(detector).__name__}({_assigned(changed)})', 500)}</code>"),
    ]
    everything = "".join(
        _item(escaped(name), f"<code>{isolated(repr(v), 200)}</code>") for name, v in parameters.items()
    )
    return (
        f"<dl>{''.join(_item(*fact) for fact in facts)}</dl>\n"
        f"<details><summary>All parameters</summary><dl>{everything}</dl></details>"
    )


def _item(term: str, description: str) -> str:
    return f"<div><dt>{term}</dt><dd>{description}</dd></div>"


def _assigned(values: dict[str, Any]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in values.items())


def _scores(findings: Findings) -> str:
    detector = findings.detector
    picture = histogram(-findings.scores, -detector.training_scores_, -float(detector.offset_))
    return (
        f"<figure>{picture}<figcaption>Share of the rows by their error: "
        '<span class="key normal-key">normal</span>, <span class="key flagged-key">flagged</span>, '
        '<span class="key trained-key">training rows</span>. The scale is chosen so that the tail can be seen.'
        "</figcaption></figure>"
    )


def _blame(findings: Findings) -> str:
    if not findings.flagged.any():
        return "<p>No row is flagged.</p>"
    tops, means = findings.blame["top"].to_numpy(), findings.blame["mean"].to_numpy()
    order = [j for j in np.lexsort([-means, -tops]).tolist() if means[j] > 0][:_COLUMNS]
    lines = [
        line(
            column_name(findings, j),
            measure("largest part", tops[j], percent(tops[j])),
            measure("mean share", means[j], percent(means[j])),
        )
        for j in order
    ]
    heads = ("Column", "Largest part of the error in", "Mean share of the error")
    caption = "Of flagged rows: how often a column adds most to the error, and what it adds on average."
    return table_of(caption, heads, lines) + left_out(len(order), len(tops), "add nothing, or less")


def _drift(findings: Findings) -> str:
    drift, n_rows = findings.drift, len(findings.scores)
    chance = min(1.0, 1.4 * float(np.sqrt(1 / n_rows + 1 / 2000)))
    order = np.argsort(-drift["drift"].fillna(-1).to_numpy(), kind="stable").tolist()[:_COLUMNS]
    lines = []
    for j in order:
        found = drift.iloc[j]
        lines.append(
            line(
                column_name(findings, j),
                cell("kind", escaped(found["kind"])),
                measure("drift", found["drift"], "\u2013" if is_missing(found["drift"]) else f"{found['drift']:.2f}"),
                cell("outside", percent(found["outside"])),
                cell("missing", f"{percent(found['missing'])} ({percent(found['missing_in_training'])})"),
            )
        )
    heads = ("Column", "Kind", "Drift", "Outside the range", "Missing (in training)")
    caption = (
        "Drift from 0, distributed as in training, to 1, nothing in common. Values of up to about "
        f"{chance:.2f} come by chance with so many rows. Outside the range: values beyond those of training, or levels "
        "that it did not know."
    )
    return table_of(caption, heads, lines) + left_out(len(order), len(drift), "drift less")
