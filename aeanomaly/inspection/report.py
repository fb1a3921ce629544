"""Report on the rows of a table, as a self-contained HTML page."""

import html
import os
from pathlib import Path
from typing import Any

from aeanomaly._constraints import integer
from aeanomaly.inspection._access import ScoredRows
from aeanomaly.inspection._page import page_of
from aeanomaly.inspection._report_data import collect
from aeanomaly.inspection._templates import environment
from aeanomaly.persistence import FileKind, check_target, read_start, write_atomically


def _is_report(path: Path) -> bool:
    return b'<meta name="generator" content="aeanomaly ' in read_start(path, 4096)


#: The kind of file that `report` writes.
REPORT = FileKind("a report of aeanomaly", (".html", ".htm"), _is_report)


class ReportPage(str):
    """The HTML of a report, which a notebook shows as a page.

    The notebook shows it in a sandboxed frame: the script of the page may filter and sort the rows, but it has no
    access to the notebook.
    """

    __slots__ = ()

    def _repr_html_(self) -> str:
        return (
            f'<iframe srcdoc="{html.escape(self)}" sandbox="allow-scripts" title="Anomaly report" loading="lazy" '
            'style="width: 100%; height: 40rem; border: 1px solid #999"></iframe>'
        )

    def __repr__(self) -> str:
        return f"<report: {len(self):,} characters of HTML>"


def report(
    detector: Any,
    X: Any,
    path: str | os.PathLike[str] | None = None,
    *,
    n_rows: int = 100,
    title: str | None = None,
    overwrite: bool = False,
) -> ReportPage:
    """Score rows and write an HTML page with flagged rows, explanations and column drift.

    The page is a single file that loads no other resources, so it can be mailed, archived and opened offline. Rows can
    be filtered and sorted in a browser, and the page can be printed. All text from the table is escaped.

    Parameters
    ----------
    detector : fitted detector, or a pipeline or search that ends with a detector
    X : array-like or DataFrame of shape (n_samples, n_features)
        Rows as for `score_samples`; the index of a DataFrame names them.
    path : path-like, optional
        File to write; its name must end with ``.html``. An existing report is replaced atomically.
    n_rows : int, default=100
        Number of rows to list, in ascending order of their scores.
    title : str, optional
        Title of the page, such as the name of the table and a date; "Anomaly report" by default.
    overwrite : bool, default=False
        If True, accept any file name and replace a file of another kind.

    Returns
    -------
    page : str
        HTML of the page. The same rows give the same page. A notebook shows the page; its `repr` is short.

    Raises
    ------
    TypeError
        If the estimator does not end with a detector of this package.
    ValueError
        If the detector cannot score X, X has no rows, or `n_rows` is not an integer of at least 1. Also, unless
        `overwrite`, if the name does not end with ``.html`` or a file of another kind exists; and if the path is not a
        regular file.
    OSError
        If the page cannot be written; an existing file stays unchanged.
    ImportError
        If jinja2 is not installed.

    Examples
    --------
    >>> from aeanomaly import DenoisingAutoencoder
    >>> from aeanomaly.datasets import make_payments
    >>> from aeanomaly.inspection import report
    >>> X, y = make_payments(400, random_state=0)
    >>> detector = DenoisingAutoencoder(missing="model", random_state=0).fit(X[y == 0])
    >>> page = report(detector, X, n_rows=10, title="Payments of March")
    >>> page.splitlines()[0], "<h1>Payments of March</h1>" in page.replace("<bdi>", "").replace("</bdi>", "")
    ('<!doctype html>', True)
    >>> page  # doctest: +ELLIPSIS
    <report: ... characters of HTML>
    """
    environment()  # an error before the rows are scored
    integer(1).check("report", "n_rows", n_rows)
    if path is not None:
        check_target(path, REPORT, overwrite=overwrite)
    data = collect(ScoredRows.from_estimator("report", detector, X), int(n_rows))
    page = ReportPage(page_of(data, title or "Anomaly report"))
    if path is not None:
        write_atomically(path, page.encode("utf-8"))
    return page
