"""Checks of the files that a command writes."""

import os
import sys
from collections.abc import Iterable
from pathlib import Path

from aeanomaly.cli.errors import CommandError
from aeanomaly.persistence import FileKind, check_target


def check_output(target: str | Path, kind: FileKind, inputs: Iterable[str | Path | None], *, force: bool) -> None:
    """Reject an output that would replace a file of another kind or an input, before the command starts."""
    if str(target) == "-":
        raise CommandError(
            f"{kind.name} cannot be written to standard output; give a file name that ends with {kind.suffixes[0]}"
        )
    if not force and any(_are_same(target, source) for source in inputs):
        raise CommandError(
            f"{target} is an input of this command and would be replaced; choose another name or pass --force"
        )
    check_target(target, kind, overwrite=force, remedy="pass --force")


def _are_same(target: str | Path, source: str | Path | None) -> bool:
    try:
        if str(source) == "-":
            return os.path.samestat(os.fstat(sys.stdin.fileno()), Path(target).stat())
        return source is not None and Path(target).samefile(source)
    except (OSError, ValueError):  # one of them does not exist
        return False
