"""``aeanomaly demo``: the main job on real data, through the command line itself."""

import argparse
import shlex
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.datasets import load_breast_cancer

from aeanomaly.cli.errors import CommandError
from aeanomaly.persistence import write_atomically


def run_demo(options: argparse.Namespace) -> None:
    """Write a real table as CSV, fit on benign rows alone, score the others, show the worst."""
    from aeanomaly.cli import main  # the demo is a user of the command line, which knows it as a command

    folder = options.folder
    folder.mkdir(parents=True, exist_ok=True)
    _write_tables(folder)
    print("Breast cancer in Wisconsin (569 rows, 30 measurements of cell nuclei, from scikit-learn).")
    print("A detector learns from half of the benign rows, then scores the other half and all malignant rows.\n")
    model, scored = f"{folder}/model.aea", f"{folder}/scored.csv"
    for command in (
        ["fit", f"{folder}/train.csv", "-o", model],
        ["score", model, f"{folder}/test.csv", "-o", scored, "--label", "malignant", "--top", "10"],
    ):
        print("$", shlex.join(["aeanomaly", *command]))
        sys.stdout.flush()
        if main(command) != 0:
            raise CommandError("the demo stopped at the command above")
        print()
    print(f"The scored table is {scored}; `aeanomaly info {model}` describes the model.")


def _write_tables(folder: Path) -> None:
    bunch = load_breast_cancer(as_frame=True)
    table = bunch.data.assign(malignant=(bunch.target == 0).astype(int))
    benign = np.random.default_rng(0).permutation(np.flatnonzero(table.malignant == 0))
    train = np.sort(benign[: len(benign) // 2])
    _write(folder / "train.csv", table.iloc[train].drop(columns="malignant"))
    _write(folder / "test.csv", table.drop(index=train))


def _write(path: Path, table: pd.DataFrame) -> None:
    """Write a table, unless a file of another content has its name."""
    data = table.to_csv(index=False, lineterminator="\n").encode()
    if path.exists() and path.read_bytes() != data:
        raise CommandError(f"{path} exists and is not a table of this demo; name another folder with --folder")
    write_atomically(path, data)
