"""Options of ``aeanomaly score``."""

import argparse
from pathlib import Path

from aeanomaly.cli.arguments import (
    add_force,
    add_id,
    add_reading,
    new_command,
    number_of_reasons,
    positive_integer,
    share,
)

#: Default number of columns that --explain adds.
_REASONS = 3


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to a command line."""
    command = new_command(
        commands,
        "score",
        "Score the rows of a table: higher scores are more normal.",
        "aeanomaly score model.aea today.csv -o scored.csv --top 5 --explain",
        "aeanomaly score model.aea today.csv --flagged-only -o alerts.csv",
        "cat today.csv | aeanomaly score model.aea - > scored.csv",
    )
    command.add_argument("model", type=Path, help="model file")
    command.add_argument(
        "tables", nargs="+", metavar="TABLE", help="rows to score: files, folders or patterns; - for standard input"
    )
    command.add_argument(
        "-o",
        "--output",
        metavar="TABLE",
        help="file for the scored rows, .csv, .csv.gz, .tsv or .parquet; text keeps the separator of the table; "
        "default: standard output, but no table with --top or --json",
    )
    add_force(command)
    command.add_argument("--prefix", default="", help="prefix of the new columns score, decision and anomaly")
    command.add_argument(
        "--fdr",
        type=share,
        metavar="SHARE",
        help="flag rows at this false discovery rate, the expected share of normal rows among the flagged rows; adds "
        "the column p_value",
    )
    command.add_argument(
        "--explain",
        nargs="?",
        const=_REASONS,
        type=number_of_reasons,
        metavar="N",
        help="add an explanation, and the N columns that contribute most to the error (reason_1 to reason_N) with "
        f"their cells (value_1 to value_N) and shares (share_1 to share_N); default: {_REASONS}; without N, put this "
        "option after the table",
    )
    command.add_argument("--flagged-only", action="store_true", help="write only the flagged rows, lowest scores first")
    command.add_argument("--top", type=positive_integer, metavar="N", help="print the N rows with the lowest scores")
    add_id(command, "column that names the rows of --top, in place of their numbers")
    command.add_argument("--label", metavar="COLUMN", help="label column, used to report AUROC and average precision")
    add_reading(command)
    command.add_argument(
        "--json", action="store_true", help="print a summary as JSON, with the flagged rows or those of --top"
    )
