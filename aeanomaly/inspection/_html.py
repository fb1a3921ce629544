"""HTML elements that several sections of the report use."""

from typing import Any

from aeanomaly.fitting import format_cell
from aeanomaly.inspection._report_data import ReportData
from aeanomaly.inspection._svg import bar
from aeanomaly.inspection._text import escaped, is_missing, isolated

#: Maximum number of characters of a column name in a drop-down list.
_MAX_OPTION = 60
_KL = "kl (code)"


def omitted_columns(shown_columns: int, n_columns: int, what: str) -> str:
    rest = n_columns - shown_columns
    return f"<p>Not shown: {rest:,} {'column' if rest == 1 else 'columns'} {what}.</p>" if rest > 0 else ""


def column_name(data: ReportData, column: int) -> str:
    is_kl = column >= data.detector.n_features_in_
    return escaped(_KL) if is_kl else isolated(data.names[column])


def table_of(caption: str, heads: tuple[str, ...], lines: list[str]) -> str:
    head = "".join(f'<th scope="col" role="columnheader">{words}</th>' for words in heads)
    return (
        f'<table class="columns" role="table"><caption>{caption}</caption><thead role="rowgroup"><tr role="row">{head}'
        f'</tr></thead>\n<tbody role="rowgroup">\n{chr(10).join(lines)}\n</tbody></table>'
    )


def line(name: str, *cells: str) -> str:
    return f'<tr role="row"><th scope="row" role="rowheader">{name}</th>{"".join(cells)}</tr>'


def cell(label: str, content: str) -> str:
    return f'<td role="cell" data-label="{label}">{content}</td>'


def measure(label: str, share: float, words: str) -> str:
    return cell(label, f'<span class="measure">{bar(share)}<span>{words}</span></span>')


def value_text(value: Any, nothing: str) -> str:
    if value is None:
        return "\u2013"
    return f"<em>{nothing}</em>" if is_missing(value) else isolated(format_cell(value))


def option_text(data: ReportData, column: int) -> str:
    return escaped(_KL if column >= data.detector.n_features_in_ else data.names[column], _MAX_OPTION)
