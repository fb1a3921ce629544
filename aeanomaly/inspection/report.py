"""A report on the rows of a table: one page of HTML that needs nothing else."""

import os
from pathlib import Path
from typing import Any

from aeanomaly.inspection._access import Seen, check_number
from aeanomaly.inspection._findings import find
from aeanomaly.inspection._page import page_of
from aeanomaly.persistence import FileKind, check_target, read_start, write_atomically


def _is_report(path: Path) -> bool:
    return b'<meta name="generator" content="aeanomaly ' in read_start(path, 4096)


#: The kind of file that `report` writes.
REPORT = FileKind("a report of aeanomaly", (".html", ".htm"), _is_report)


def report(
    detector: Any,
    X: Any,
    path: str | os.PathLike[str] | None = None,
    *,
    n_rows: int = 100,
    title: str | None = None,
    overwrite: bool = False,
) -> str:
    """Score rows, and write a page on what is flagged, why, and how far the columns are from those of training.

    The page is one file of HTML. It loads nothing, so it can be mailed, archived and opened without a network; its
    rows can be filtered and sorted in a browser, and it prints. Whatever the table holds is shown as text.

    Parameters
    ----------
    detector : fitted detector, or a pipeline or search that ends in one
    X : array-like or DataFrame of shape (n_samples, n_features)
        Rows as for `score_samples`; a DataFrame's index names them.
    path : path-like, optional
        Where to write the page; the name must end in ``.html``. An older report is replaced in one step.
    n_rows : int, default=100
        Rows that are shown one by one, the lowest scores first.
    title : str, optional
        What the page is called.
    overwrite : bool, default=False
        Allow any name, and replace a file of another kind.

    Returns
    -------
    page : str
        The HTML. The same rows give the same page.

    Raises
    ------
    TypeError
        If there is no detector of this package at the end.
    ValueError
        For a table that the detector cannot score or one without rows, and if `n_rows` is not an integer of at least
        1. If the name does not end in ``.html``, or a file of another kind is there, unless `overwrite`; and if the
        path is not a regular file.
    OSError
        If the page cannot be written; what was there is intact.

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
    """
    check_number("report", "n_rows", n_rows)
    if path is not None:
        check_target(path, REPORT, overwrite=overwrite)
    page = page_of(find(Seen.by("report", detector, X), int(n_rows)), title or "Anomaly report")
    if path is not None:
        write_atomically(path, page.encode("utf-8"))
    return page
