"""Write the three tables, CHECKSUMS, and the checksum in each dataset card: python datasets/generate.py."""

import argparse
import hashlib
import re
from pathlib import Path

from aeanomaly.datasets import make_factory, make_payments, make_questionnaire

SEED = 0
MAKERS = {"answers": make_questionnaire, "factory": make_factory, "payments": make_payments}


def table(name: str) -> bytes:
    """Return a table as the bytes of its CSV file."""
    X, y = MAKERS[name](random_state=SEED)
    form = {"float_format": "%.10g", "date_format": "%Y-%m-%dT%H:%M:%S"}
    return X.assign(anomaly=y).to_csv(index=False, lineterminator="\n", **form).encode()


def write(folder: Path) -> None:
    """Write all tables to a folder, and update the checksums of existing cards."""
    lines = []
    for name in MAKERS:
        data = table(name)
        (folder / f"{name}.csv").write_bytes(data)
        checksum = hashlib.sha256(data).hexdigest()
        lines.append(f"{checksum}  {name}.csv\n")
        card = folder / f"{name}.md"
        if card.exists():
            text = card.read_text(encoding="utf-8")
            card.write_text(re.sub(r"`[0-9a-f]{64}`", f"`{checksum}`", text), encoding="utf-8")
    (folder / "CHECKSUMS").write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--folder", type=Path, default=Path(__file__).parent, help="output folder; default: folder of this file"
    )
    write(parser.parse_args().folder)
