"""The worst rows of a page, one by one."""

from aeanomaly.inspection._findings import Findings, Reason, Row
from aeanomaly.inspection._pieces import cell, choice, column_name, line, measure, value_text
from aeanomaly.inspection._text import isolated, number, percent

#: Letters of a sentence, and of what rows are called.
_SENTENCE, _ROW_NAME = 400, 24


def rows_of(findings: Findings) -> str:
    rows, n_rows = findings.rows, len(findings.scores)
    heads = (
        (isolated(findings.row_name, _ROW_NAME), "number", "none"),
        ("Score", "number", "ascending"),
        ("Decision", "number", "none"),
        ("Flagged", "number", "none"),
        ("Why", "text", "none"),
    )
    head = "".join(
        f'<th scope="col" role="columnheader" data-sort="{kind}" aria-sort="{order}">{words}</th>'
        for words, kind, order in heads
    )
    caption = (
        f"{len(rows):,} of {n_rows:,} rows, those with the lowest scores. Decision is the score less the threshold: "
        "below 0, a row is flagged. As large in training: the share of training rows with at least such an error in "
        "the column."
    )
    lines = "\n".join(_row(findings, row) for row in rows)
    return (
        f"{_controls(findings)}\n"
        f'<table id="worst" role="table"><caption>{caption}</caption><thead role="rowgroup"><tr role="row">{head}</tr>'
        f'</thead>\n<tbody role="rowgroup">\n{lines}\n</tbody></table>'
    )


def _controls(findings: Findings) -> str:
    """What the script works with; hidden where there is none."""
    tops = sorted({row.reasons[0].column for row in findings.rows if row.reasons})
    options = "".join(f'<option value="{j}">{choice(findings, j)}</option>' for j in tops)
    return (
        '<div id="controls" role="search" aria-label="Filter the rows" hidden>'
        '<label>Find <input type="search" id="find" autocomplete="off" spellcheck="false"></label>'
        '<label>Largest part <select id="top"><option value="">any column</option>'
        f"{options}</select></label>"
        '<label><input type="checkbox" id="only"> only flagged</label>'
        '<button type="button" id="open">Open all</button>'
        '<p role="status" id="count"></p></div>'
    )


def _row(findings: Findings, row: Row) -> str:
    flagged = row.decision < 0
    top = row.reasons[0].column if row.reasons else ""
    label = ", ".join(map(str, row.label)) if isinstance(row.label, tuple) else row.label
    word = '<span class="flag">flagged</span>' if flagged else '<span class="quiet">no</span>'
    return (
        f'<tr role="row" data-flagged="{int(flagged)}" data-top="{top}">'
        f'<th scope="row" role="rowheader" data-value="{row.place}">{isolated(label)}</th>'
        f'<td role="cell" data-label="score" data-value="{row.score!r}">{number(row.score)}</td>'
        f'<td role="cell" data-label="decision" data-value="{row.decision!r}">{number(row.decision)}</td>'
        f'<td role="cell" data-value="{int(not flagged)}">{word}</td>'
        f'<td role="cell" class="why"><p>{isolated(row.sentence, _SENTENCE, "ltr")}</p>'
        f"{_reasons(findings, row.reasons)}</td></tr>"
    )


def _reasons(findings: Findings, reasons: list[Reason]) -> str:
    if not reasons:
        return ""
    heads = ("Column", "Observed", "Expected", "Part of the error", "As large in training")
    head = "".join(f'<th scope="col" role="columnheader">{words}</th>' for words in heads)
    lines = "".join(
        line(
            column_name(findings, reason.column),
            cell("observed", _observed(reason)),
            cell("expected", value_text(reason.expected, "another level")),
            measure("part", reason.share, f"{percent(reason.share)} ({number(reason.contribution)})"),
            cell("as large in training", percent(reason.tail_probability)),
        )
        for reason in reasons
    )
    return (
        '<details><summary>Parts of the error</summary><table class="columns" role="table"><thead role="rowgroup">'
        f'<tr role="row">{head}</tr></thead><tbody role="rowgroup">{lines}</tbody></table></details>'
    )


def _observed(reason: Reason) -> str:
    if reason.expected is None:
        return "\u2013"
    return value_text(reason.observed, "missing") + (" (not in training)" if reason.is_new else "")
