"""The section of the report that lists single rows."""

from aeanomaly.inspection._html import cell, column_name, line, measure, option_text, value_text
from aeanomaly.inspection._report_data import Reason, ReportData, Row
from aeanomaly.inspection._text import isolated, number, percent

#: Maximum number of characters of an explanation, and of the name of the index.
_SENTENCE, _ROW_NAME = 400, 24


def rows_of(data: ReportData) -> str:
    rows, n_rows = data.rows, len(data.scores)
    heads = (
        (isolated(data.row_name, _ROW_NAME), "number", "none"),
        ("Score", "number", "ascending"),
        ("Decision", "number", "none"),
        ("Flagged", "number", "none"),
        ("Explanation", "text", "none"),
    )
    head = "".join(
        f'<th scope="col" role="columnheader" data-sort="{kind}" aria-sort="{order}">{words}</th>'
        for words, kind, order in heads
    )
    caption = (
        f"The {len(rows):,} rows with the lowest scores, of {n_rows:,}. Decision is the score minus the threshold; "
        "rows below 0 are flagged. Training tail: share of the training rows with an error at least as large in the "
        "column."
    )
    lines = "\n".join(_row(data, row) for row in rows)
    return (
        f"{_controls(data)}\n"
        f'<table id="worst" role="table"><caption>{caption}</caption><thead role="rowgroup"><tr role="row">{head}</tr>'
        f'</thead>\n<tbody role="rowgroup">\n{lines}\n</tbody></table>'
    )


def _controls(data: ReportData) -> str:
    """Return the controls that the script uses; they stay hidden without a script."""
    tops = sorted({row.reasons[0].column for row in data.rows if row.reasons})
    options = "".join(f'<option value="{j}">{option_text(data, j)}</option>' for j in tops)
    return (
        '<div id="controls" role="search" aria-label="Filter the rows" hidden>'
        '<label>Find <input type="search" id="find" autocomplete="off" spellcheck="false"></label>'
        '<label>Largest contribution <select id="top"><option value="">any column</option>'
        f"{options}</select></label>"
        '<label><input type="checkbox" id="only"> Flagged rows only</label>'
        '<button type="button" id="open">Expand all</button>'
        '<p role="status" id="count"></p></div>'
    )


def _row(data: ReportData, row: Row) -> str:
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
        f"{_reasons(data, row.reasons)}</td></tr>"
    )


def _reasons(data: ReportData, reasons: list[Reason]) -> str:
    if not reasons:
        return ""
    heads = ("Column", "Observed", "Expected", "Share of the error", "Training tail")
    head = "".join(f'<th scope="col" role="columnheader">{words}</th>' for words in heads)
    lines = "".join(
        line(
            column_name(data, reason.column),
            cell("observed", _observed(reason)),
            cell("expected", value_text(reason.expected, "another category")),
            measure("share of the error", reason.share, f"{percent(reason.share)} ({number(reason.contribution)})"),
            cell("training tail", percent(reason.tail_probability)),
        )
        for reason in reasons
    )
    return (
        '<details><summary>Contributions</summary><table class="columns" role="table"><thead role="rowgroup">'
        f'<tr role="row">{head}</tr></thead><tbody role="rowgroup">{lines}</tbody></table></details>'
    )


def _observed(reason: Reason) -> str:
    if reason.expected is None:
        return "\u2013"
    return value_text(reason.observed, "missing") + (" (not in the training data)" if reason.is_new else "")
