"""Numbers that a narrow screen does not break: cells of tables that are numbers, and numbers before a sign ±."""

import re
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform

#: A cell without words: numbers, signs, marks, units of time, and "to" between two numbers.
_CELL = re.compile(r"(?=.*\d)[-+\d.,;()%/^ ±x\u00a0]*(?: to [-+\d.,() %]+| s)?")
_ERROR = re.compile(r"(?<=\d)[ \n](?=±)")


class Numbers(SphinxTransform):
    """Mark numeric cells, and keep a number and its error together."""

    default_priority = 700

    def apply(self, **_: Any) -> None:
        for text in list(self.document.findall(nodes.Text)):
            if _ERROR.search(text) and not isinstance(text.parent, (nodes.literal, nodes.literal_block)):
                text.parent.replace(text, nodes.Text(_ERROR.sub("\u00a0", text)))
        for cell in self.document.findall(nodes.entry):
            if _CELL.fullmatch(cell.astext().strip()):
                cell["classes"].append("number")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the transform."""
    app.add_transform(Numbers)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
