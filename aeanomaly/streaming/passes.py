"""A pass over a table in parts, which summarizes or scores it."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from tqdm import tqdm

from aeanomaly.exceptions import SourceError
from aeanomaly.streaming.checkpoint import Checkpoint
from aeanomaly.streaming.sources import Source
from aeanomaly.streaming.summary import TableSummary


def summarize_source(
    source: Source, summary: TableSummary, checkpoint: Checkpoint | None, name: str, verbose: bool
) -> TableSummary:
    """Summarize a table, from where a checkpoint ended if there is one; `name` labels the progress bar."""
    summary = summary if checkpoint is None else checkpoint.load(summary)
    bar = tqdm(total=source.n_rows, initial=summary.n_rows, desc=name, unit="row", unit_scale=True, disable=not verbose)
    with bar:
        for part in source.parts(skip=summary.n_rows):
            summary.add(part.rows, part.where)
            bar.update(len(part.rows))
            if checkpoint is not None:
                checkpoint.save_if_due(summary)
    return summary


def score_parts(score_samples: Callable[[Any], np.ndarray], source: Source) -> Iterator[np.ndarray]:
    """Yield the scores of each part; errors name the part."""
    for part in source.parts():
        try:
            scores = score_samples(part.rows)
        except ValueError as error:
            raise SourceError(f"{part.where}: {error}") from None
        yield scores
