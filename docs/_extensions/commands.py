"""Directive ``command-options``: the options of a command, from the parser of the command line."""

import argparse
import re
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

#: Group of options that is described once for all commands.
FORMAT = "format of the table"


def parsers() -> dict[str, argparse.ArgumentParser]:
    """Return the parser of each command by its name."""
    from aeanomaly.cli.parser import build_parser

    groups = (action for action in build_parser()._actions if isinstance(action, argparse._SubParsersAction))
    return {name: parser for group in groups for name, parser in group.choices.items()}


def actions(name: str) -> list[argparse.Action]:
    """Return arguments: those of a command alone, "common" for those of all commands, or "format"."""
    found = parsers()
    common = set.intersection(*({tuple(a.option_strings) for a in p._actions} for p in found.values()))
    chosen: dict[tuple[str, ...], argparse.Action] = {}
    for parser in [found[name]] if name in found else found.values():
        for group in parser._action_groups:
            for action in group._group_actions:
                key = tuple(action.option_strings) or (action.dest,)
                kind = "common" if key in common else "format" if group.title == FORMAT else "own"
                if kind == (name if name in ("common", "format") else "own"):
                    chosen.setdefault(key, action)
    return list(chosen.values())


def describe(action: argparse.Action) -> tuple[str, str]:
    """Return an argument with its value, as it is typed, and its help text."""
    value = action.metavar or action.dest.upper()
    value = {0: "", "?": f" [{value}]", "+": f" {value} ..."}.get(action.nargs, f" {value}")  # type: ignore[arg-type]
    text = re.sub(r"'([^']+)'", r"``\1``", (action.help or "").replace("%%", "%").replace("*", r"\*"))
    if action.choices and not action.metavar:
        text += "; one of " + ", ".join(f"``{choice}``" for choice in action.choices)
    if not action.option_strings:
        return value.strip(), text
    return ", ".join(f"{option}{value}" for option in action.option_strings), text


class CommandOptions(SphinxDirective):
    """List of the options of a command, or of ``common`` or ``format`` options."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        name = self.arguments[0]
        lines = [f".. program:: aeanomaly {name}" if name in parsers() else ".. program:: aeanomaly", ""]
        for action in actions(name):
            typed, text = describe(action)
            lines += [f".. option:: {typed}", "", f"   {text}", ""]
        return self.parse_text_to_nodes("\n".join(lines))


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.add_directive("command-options", CommandOptions)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
