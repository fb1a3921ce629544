"""``aeanomaly demo``: fit and score a real table with the commands `fit` and `score`."""

import argparse
import shlex
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.datasets import load_breast_cancer

from aeanomaly.cli.errors import CommandError
from aeanomaly.persistence import write_atomically


def run(options: argparse.Namespace) -> None:
    """Write a table as CSV, fit on benign rows, score the other rows and print those with the lowest scores."""
    from aeanomaly.cli import main  # avoids a circular import

    folder = options.folder
    folder.mkdir(parents=True, exist_ok=True)
    is_new = _write_tables(folder)
    for name in ("model.aea", "scored.csv") if is_new else ():
        if (folder / name).exists():
            raise CommandError(
                f"{folder / name} exists and was not written by the demo; choose another folder with --folder"
            )
    if options.json:
        _run_for_json(folder)
        return
    print("The data set is Breast Cancer Wisconsin from scikit-learn: 569 rows with 30 measurements of cell nuclei.")
    print("A detector is fitted to half of the benign rows, and scores the other half and all malignant rows.\n")
    model, scored = f"{folder}/model.aea", f"{folder}/scored.csv"
    for command in (
        ["fit", f"{folder}/train.csv", "-o", model],
        ["score", model, f"{folder}/test.csv", "-o", scored, "--label", "malignant", "--top", "10"],
    ):
        print("$", shlex.join(["aeanomaly", *command]))
        sys.stdout.flush()
        if main(command) != 0:
            raise CommandError("the demo stops, because the command above failed")
        print()
    print(f"The scored table is {scored}. Run `aeanomaly info {model}` for a description of the model.")


def _run_for_json(folder: Path) -> None:
    """Run both commands, and print the summary of the second one as JSON."""
    from aeanomaly.cli import main

    model = f"{folder}/model.aea"
    main(["fit", f"{folder}/train.csv", "-o", model, "--quiet"])
    scored = ["-o", f"{folder}/scored.csv", "--label", "malignant", "--top", "10", "--quiet", "--json"]
    main(["score", model, f"{folder}/test.csv", *scored])


def _write_tables(folder: Path) -> bool:
    """Write the two tables, and tell whether they were not there before."""
    bunch = load_breast_cancer(as_frame=True)
    table = bunch.data.assign(malignant=(bunch.target == 0).astype(int))
    benign = np.random.default_rng(0).permutation(np.flatnonzero(table.malignant == 0))
    train = np.sort(benign[: len(benign) // 2])
    parts = {"train.csv": table.iloc[train].drop(columns="malignant"), "test.csv": table.drop(index=train)}
    were_there = [_write(folder / name, part) for name, part in parts.items()]
    return not all(were_there)


def _write(path: Path, table: pd.DataFrame) -> bool:
    """Write a table, and tell whether it was there already; a file of other content is refused."""
    data = table.to_csv(index=False, lineterminator="\n").encode()
    if path.exists():
        if path.read_bytes() == data:
            return True
        raise CommandError(f"{path} exists and was not written by the demo; choose another folder with --folder")
    write_atomically(path, data)
    return False
