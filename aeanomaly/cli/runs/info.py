"""``aeanomaly info``."""

import argparse
import json
import reprlib
from collections import Counter
from datetime import UTC, datetime
from typing import Any

from aeanomaly._counts import counted
from aeanomaly.cli.runs.threshold import offsets_to_text, threshold_to_text
from aeanomaly.persistence import model_file_error, read_manifest, upgrade_manifest

#: Maximum number of categories to list.
_LEVELS = 6
#: Maximum number of columns in a list.
_COLUMNS = 40
#: Kinds of columns that are left out of the score.
_LEFT_OUT = ("ignored", "group")
_REASONS = {"group": "names the group with which a row is compared"}
#: Descriptions of the values of the parameter `missing`.
_MISSING = {
    "error": "not accepted",
    "model": "accepted; a row is scored by its other cells",
    "informative": "accepted; a missing cell raises the error of its row where a value was expected",
}


def run(options: argparse.Namespace) -> None:
    """Print the manifest of a model file."""
    manifest = read_manifest(options.model)
    try:
        text = json.dumps(manifest) if options.json else _to_text(upgrade_manifest(manifest))
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise model_file_error(options.model, repr(error), "does not contain a complete detector") from None
    print(text)


def _to_text(manifest: dict[str, Any]) -> str:
    fitted, network = manifest["fitted"], manifest["scorers"][0]
    names = fitted["feature_names"] or [f"column {j}" for j in range(network["n_columns"])]
    names = [name if name.isprintable() else repr(name) for name in names]
    columns = list(zip(names, fitted["columns"], fitted["column_kinds"], strict=True))
    scored = [
        f"{name} ({_kind(column, likelihood)}){_range(column)}"
        for name, column, likelihood in columns
        if column["kind"] not in _LEFT_OUT
    ]
    left_out = [
        f"{name}: {_REASONS.get(column['kind'], column['reason'])}"
        for name, column, _ in columns
        if column["kind"] in _LEFT_OUT
    ]
    kinds = Counter(column["kind"] for column in fitted["columns"] if column["kind"] not in _LEFT_OUT)
    counts = ", ".join(f"{n} {kind}" for kind, n in kinds.most_common())
    parameters = [f"  {name} = {_value(value)}" for name, value in manifest["parameters"].items()]
    widths = [network["n_columns"], *network["hidden_layer_sizes"], network["latent_dim"]]
    return "\n".join(
        [
            f"{manifest['detector']} autoencoder, aeanomaly {manifest['aeanomaly']}, file format {manifest['format']}",
            f"encoder widths {' - '.join(map(str, widths))}, {network['activation']}",
            *_windows(manifest.get("windows")),
            f"trained on {counted(fitted['n_samples_seen'], 'row')}",
            f"rows with a score below {fitted['offset']:.6g} are anomalies",
            f"threshold by {threshold_to_text(fitted['threshold'])}",
            *_offsets(fitted["group_offsets"]),
            *_listed(f"{counted(len(scored), 'column')} scored, {counts}", scored),
            *_listed(f"{counted(len(left_out), 'column')} left out of the score", left_out),
            f"missing cells: {_MISSING[manifest['parameters']['missing']]}",
            "parameters:",
            *parameters,
        ]
    )


def _listed(title: str, columns: list[str]) -> list[str]:
    """Return a title and the first columns below it; nothing without columns."""
    rest = len(columns) - _COLUMNS
    more = [f"  and {rest:,} more"] if rest > 0 else []
    return [f"{title}:", *(f"  {column}" for column in columns[:_COLUMNS]), *more] if columns else []


def _windows(part: dict[str, Any] | None) -> list[str]:
    """Describe the windows of rows that the detector scores, if it does."""
    if part is None:
        return []
    n_rows = 1 if part["features"] is None else part["features"][0]
    order = [f"{name} {part['parameters'][name]!r}" for name in ("time", "groups") if part["parameters"][name]]
    return [f"scores windows of {counted(n_rows, 'row')}{''.join(f', {text}' for text in order)}"]


def _offsets(groups: dict[str, Any] | None) -> list[str]:
    if groups is None or not groups["offsets"]:
        return []
    return [f"offsets by {', '.join(map(str, groups['columns']))}: {offsets_to_text(groups['offsets'])}"]


def _kind(column: dict[str, Any], likelihood: str) -> str:
    """Return the kind of a column, and the likelihood of its numbers if it is not the usual one."""
    kind = str(column["kind"])
    return kind if likelihood in (kind, "gaussian") else f"{kind}, {likelihood}"


def _range(column: dict[str, Any]) -> str:
    """Describe the categories or the range of times of a column in training."""
    if "levels" in column:
        levels = column["levels"]
        more = f" and {len(levels) - _LEVELS} more" if len(levels) > _LEVELS else ""
        return f": {', '.join(map(reprlib.repr, levels[:_LEVELS]))}{more}"
    if column["kind"] == "datetime":
        start, end = (_day(column[name]) for name in ("start", "end"))
        return f": {start} to {end}" + (f", {column['zone']}" if column["zone"] else "")
    return ""


def _day(seconds: float) -> str:
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d}"
    except (ValueError, OverflowError, OSError):
        return "outside the calendar"


def _value(value: Any) -> str:
    match value:
        case {"tuple": items}:
            return str(tuple(items))
        case {"object": key, "fields": fields}:
            return f"{key}({', '.join(f'{n}={_value(v)}' for n, v in fields.items() if v is not None)})"
        case {"list": items}:
            return repr(items)
    return repr(value)
