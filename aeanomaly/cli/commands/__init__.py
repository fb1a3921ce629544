"""The options of the commands, one module each; these modules import neither numpy nor torch, so that help is fast."""

from aeanomaly.cli.commands import completion, demo, drift, export, fit, info, report, score, threshold

#: Modules of the commands, in the order of the help text.
COMMANDS = (fit, score, threshold, report, drift, export, info, demo, completion)
