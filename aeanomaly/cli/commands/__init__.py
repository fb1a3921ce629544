"""The commands, one module each: `add_parser` adds its options, and ``run_...`` runs it."""

from aeanomaly.cli.commands import demo, export, fit, info, report, score, threshold

#: Modules of the commands, in the order of the help text.
COMMANDS = (fit, score, threshold, report, export, info, demo)
