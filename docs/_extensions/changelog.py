"""Conversion of ``CHANGELOG.md`` to reStructuredText when a page includes it."""

import re
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

#: Underlines of headings, by their number of marks.
_UNDERLINES = {1: "=", 2: "-", 3: "~"}


def to_restructured(markdown: str) -> str:
    """Convert headings, links, bold text and code; lists have the same form in both languages."""
    lines = []
    for line in markdown.splitlines():
        if heading := re.match(r"(#{1,3}) (.+)", line):
            title = heading[2].strip("[]")
            lines += [title, _UNDERLINES[len(heading[1])] * len(title)]
        else:
            lines.append(line)
    text = re.sub(r"(`+)([^`]+)\1", r"``\2``", "\n".join(lines))
    return re.sub(r"\[([^\]]+)\]\((https?:[^)]+)\)", r"`\1 <\2>`__", text) + "\n"


def _convert(app: Sphinx, path: Path, page: str, content: list[str]) -> None:
    if path.name == "CHANGELOG.md":
        content[0] = to_restructured(content[0])


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect the conversion to the directive ``include``."""
    app.connect("include-read", _convert)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
