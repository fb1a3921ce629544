"""Detectors on tables in parts."""

import gzip
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import numpy as np
import pandas as pd
import pytest
import torch

from aeanomaly import AutoencoderEnsemble, DenoisingAutoencoder, VariationalAutoencoder
from aeanomaly.datasets import make_payments
from aeanomaly.exceptions import SourceError
from aeanomaly.streaming import as_source
from aeanomaly.thresholds import Conformal

WITH_CLONES = True  # other processes fit them, too

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    t = rng.uniform(-1, 1, size=(6000, 1))
    rows = np.hstack([t, t**2, np.sin(3 * t)]) + 0.1 * rng.normal(size=(6000, 3))
    return pd.DataFrame(rows, columns=["a", "b", "c"])


def quick(cls=DenoisingAutoencoder, **parameters):
    return cls(**{"max_iter": 20, "random_state": 0, **parameters})


def bytes_of(detector, X):
    answers = detector.score_samples(X), detector.training_scores_, np.array([detector.offset_])
    return b"".join(answer.tobytes() for answer in answers)


def files_of(table, folder):
    """Write and return a table in every supported form."""
    table.to_parquet(folder / "rows.parquet", row_group_size=700)
    table.to_csv(folder / "rows.csv", index=False)
    (folder / "rows.csv.gz").write_bytes(gzip.compress((folder / "rows.csv").read_bytes()))
    arrow = pa.Table.from_pandas(table)
    with pa.OSFile(str(folder / "rows.arrow"), "wb") as file, pa.ipc.new_file(file, arrow.schema) as writer:
        writer.write_table(arrow, max_chunksize=900)
    with pa.OSFile(str(folder / "stream.arrow"), "wb") as file, pa.ipc.new_stream(file, arrow.schema) as writer:
        writer.write_table(arrow, max_chunksize=900)
    parts = folder / "parts"
    parts.mkdir()
    for number in range(3):
        table[2000 * number : 2000 * (number + 1)].to_parquet(parts / f"{number}.parquet")
    return {
        "parquet": folder / "rows.parquet",
        "csv": str(folder / "rows.csv"),
        "gzip": folder / "rows.csv.gz",
        "arrow file": folder / "rows.arrow",
        "arrow stream": folder / "stream.arrow",
        "folder": parts,
        "paths": [str(path) for path in sorted(parts.iterdir())],
        "frame": table,
        "arrow table": arrow,
        "reader": arrow.to_reader(max_chunksize=500),
        "function": lambda: (table[first : first + 857] for first in range(0, 6000, 857)),
        "generator": (table[first : first + 1111] for first in range(0, 6000, 1111)),
    }


def test_every_form_of_a_table_gives_the_same_model(table, tmp_path):
    expected = bytes_of(quick().fit_batches(table, sample_size=500), table)
    for name, source in files_of(table, tmp_path).items():
        assert bytes_of(quick().fit_batches(source, sample_size=500), table) == expected, name


def test_polars_too(table):
    polars = pytest.importorskip("polars")
    found = quick().fit_batches(polars.from_pandas(table), sample_size=500)
    assert bytes_of(found, table) == bytes_of(quick().fit_batches(table, sample_size=500), table)


@pytest.mark.parametrize("cls", [DenoisingAutoencoder, AutoencoderEnsemble, VariationalAutoencoder])
def test_a_sample_of_all_rows_is_a_fit_but_for_rounding(cls, table):
    whole, parts = quick(cls).fit(table), quick(cls).fit_batches(table, sample_size=10_000)
    np.testing.assert_allclose(parts.score_samples(table), whole.score_samples(table), rtol=1e-3, atol=1e-5)
    assert parts.n_samples_seen_ == whole.n_samples_seen_ == 6000


def test_columns_are_scaled_by_all_rows_and_two_values_seen_in_all(table):
    rows = table.to_numpy(copy=True)
    rows[:, 2] = (rows[:, 2] > 0) * 2.0
    rows[1234, 2] = 1.0  # no sample of 50 need hold it
    rows[4321, 0] = 1e4
    schema = quick().fit_batches(rows, sample_size=50).state_.model.schema
    whole = quick().fit(rows).state_.model.schema
    assert schema.kinds == whole.kinds
    for name in ("offset", "scale", "limit"):
        np.testing.assert_allclose(getattr(schema, name), getattr(whole, name), rtol=1e-9)


def test_mixed_tables_with_missing_values(tmp_path):
    payments, _ = make_payments(3000, random_state=0)
    payments.to_parquet(tmp_path / "p.parquet", row_group_size=400)
    fitted = [quick(missing="model").fit_batches(s, sample_size=1000) for s in (payments, tmp_path / "p.parquet")]
    assert len({bytes_of(one, payments) for one in fitted}) == 1
    scores = np.concatenate(list(fitted[0].score_batches(tmp_path / "p.parquet")))
    np.testing.assert_array_equal(scores, fitted[0].score_samples(payments))


def test_a_threshold_that_holds_rows_out_takes_them_from_the_sample(table):
    detector = quick(contamination=Conformal(0.05)).fit_batches(table, sample_size=1000)
    assert len(detector.calibration_scores_) == 200


def test_some_columns_are_read_and_others_left_alone(table, tmp_path):
    table.assign(note="x").to_parquet(tmp_path / "rows.parquet")
    detector = quick().fit_batches(tmp_path / "rows.parquet", columns=["c", "a"])
    assert detector.feature_names_in_.tolist() == ["c", "a"]
    scores = np.concatenate(list(detector.score_batches(tmp_path / "rows.parquet")))
    np.testing.assert_array_equal(scores, detector.score_samples(table[["c", "a"]]))
    with pytest.raises(SourceError, match=r"rows.parquet: column 'z' is missing"):
        quick().fit_batches(tmp_path / "rows.parquet", columns=["z"])


def test_empty_parts_are_skipped_and_an_empty_table_is_refused(table):
    parts = [table[:0], table[:3000], table[:0], table[3000:]]
    assert bytes_of(quick().fit_batches(parts), table) == bytes_of(quick().fit_batches(table), table)
    assert len(list(quick().fit(table).score_batches(parts))) == 2
    assert list(quick().fit(table).score_batches([table[:0]])) == []
    for empty in ([], [table[:0]]):
        with pytest.raises(ValueError, match="n_samples=0"):
            quick().fit_batches(empty)


def test_a_failed_fit_leaves_the_detector_as_it_was(table):
    detector = quick().fit(table)
    before = bytes_of(detector, table)

    def broken():
        yield table
        raise RuntimeError("the line is dead")

    with pytest.raises(RuntimeError, match="the line is dead"):
        detector.fit_batches(broken)
    assert bytes_of(detector, table) == before


def test_reading_ahead_stops_with_the_reader(table):
    before = threading.active_count()
    parts = quick().fit(table).score_batches(table[:10] for _ in range(1000))
    next(parts)
    parts.close()
    assert threading.active_count() == before


def test_an_object_that_is_not_a_source_is_refused(table, tmp_path):
    with pytest.raises(TypeError, match="must be a path, a frame, an array or an iterable of frames; got int"):
        as_source(3)
    with pytest.raises(SourceError, match=r"the folder contains no table, such as a \.csv"):
        as_source(tmp_path)
    with pytest.raises(FileNotFoundError):
        as_source(tmp_path / "missing.csv")
    with pytest.raises(SourceError, match="batch 0: a part of a table must have two dimensions"):
        quick().fit_batches([np.zeros(3)])
    with pytest.raises(ValueError, match="sample_size must be an integer of at least 2"):
        quick().fit_batches(table, sample_size=1)


def spoil(path, group, column=0):
    """Overwrite the pages of a column in a row group."""
    chunk = pq.ParquetFile(path).metadata.row_group(group).column(column)
    start = chunk.dictionary_page_offset or chunk.data_page_offset
    with path.open("r+b") as file:
        file.seek(start)
        file.write(b"\xff" * chunk.total_compressed_size)


def test_a_damaged_row_group_is_named(table, tmp_path):
    path = tmp_path / "rows.parquet"
    table.to_parquet(path, row_group_size=1000)
    detector = quick().fit(table)
    spoil(path, group=4)
    for read in (lambda: quick().fit_batches(path), lambda: list(detector.score_batches(path))):
        with pytest.raises(SourceError, match=r"rows.parquet, row group 4: the rows cannot be read"):
            read()
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(SourceError, match=r"rows.parquet: the file is not a Parquet file"):
        quick().fit_batches(path)


def test_a_csv_whose_columns_change_is_named(table, tmp_path, monkeypatch):
    monkeypatch.setattr("aeanomaly.reading.delimited.PART_ROWS", 50)
    text = table.to_csv(index=False)
    (tmp_path / "rows.csv").write_text(text + "1,2,three\n")
    with (
        pytest.warns(UserWarning, match=r"rows.csv, part \d+: 1 of 1 cell of column 'c' is not a number: 'three'"),
        pytest.raises(SourceError, match=r"rows.csv, part \d+: X contains NaN in column"),
    ):
        quick().fit_batches(tmp_path / "rows.csv")
    (tmp_path / "rows.csv").write_text(text + "1,2,3,4\n")
    with pytest.raises(SourceError, match=r"rows.csv: .*Expected 3 fields in line .*, saw 4"):
        quick().fit_batches(tmp_path / "rows.csv")


def test_files_with_other_columns_are_named(table, tmp_path):
    table.to_parquet(tmp_path / "1.parquet")
    table.rename(columns={"b": "B"}).to_parquet(tmp_path / "2.parquet")
    with pytest.raises(
        SourceError,
        match=r"2.parquet, row group 0: the columns are 'a', 'B', 'c', but were 'a', 'b', 'c' in",
    ):
        quick().fit_batches(tmp_path)


def test_a_missing_value_is_reported_with_its_row_group(table, tmp_path):
    table.mask(table.index.to_series() == 1500).to_parquet(tmp_path / "rows.parquet", row_group_size=1000)
    detector = quick().fit(table)
    for read in (
        lambda: quick().fit_batches(tmp_path / "rows.parquet"),
        lambda: list(detector.score_batches(tmp_path / "rows.parquet")),
    ):
        with pytest.raises(SourceError, match=r"row group 1: X contains NaN in columns 'a' \(1\)"):
            read()


# An interrupted pass


@pytest.fixture
def file(table, tmp_path):
    table.to_parquet(tmp_path / "rows.parquet", row_group_size=500)
    return tmp_path / "rows.parquet"


def test_a_fit_goes_on_from_its_checkpoint(table, file, tmp_path, monkeypatch):
    expected = bytes_of(quick().fit_batches(file, sample_size=900), table)
    monkeypatch.setattr("aeanomaly.streaming.checkpoint._INTERVAL", 0.0)
    monkeypatch.setattr("aeanomaly.streaming.checkpoint._MULTIPLE", 0.0)
    from aeanomaly.streaming import TableSummary

    add, place = TableSummary.add, tmp_path / "fit.checkpoint"
    for last in (3, 1, 7):

        def dying(self, rows, where, left=[last]):  # noqa: B006
            left[0] -= 1
            if left[0] < 0:
                raise KeyboardInterrupt
            add(self, rows, where)

        with monkeypatch.context() as patch:
            patch.setattr(TableSummary, "add", dying)
            with pytest.raises(KeyboardInterrupt):
                quick().fit_batches(file, sample_size=900, checkpoint=place)
        assert place.exists()
    found = quick().fit_batches(file, sample_size=900, checkpoint=place)
    assert bytes_of(found, table) == expected
    assert not place.exists()
    assert found.n_samples_seen_ == 6000


def test_a_checkpoint_of_another_fit_is_refused(table, file, tmp_path):
    from aeanomaly.streaming import Checkpoint, TableSummary

    place = tmp_path / "fit.checkpoint"
    survey = TableSummary(900, 1, allow_nan=False)
    survey.add(table[:500], "here")
    Checkpoint(place, as_source(file).fingerprint).save(survey)
    with pytest.raises(SourceError, match="is the checkpoint of another fit, with a different seed; delete it"):
        quick().fit_batches(file, sample_size=900, checkpoint=place)
    table.to_parquet(file)
    with pytest.raises(SourceError, match="a different source and sample_size"):
        quick(random_state=1).fit_batches(file, checkpoint=place)
    place.write_bytes(b"nonsense")
    with pytest.raises(SourceError, match="is not a readable checkpoint"):
        quick().fit_batches(file, checkpoint=place)
    for source, seed in ((table, 0), (file, None)):
        with pytest.raises(ValueError, match="a checkpoint needs files that can be read again, and an integer"):
            quick(random_state=seed).fit_batches(source, checkpoint=place)


SLOW = """
import sys, time
from aeanomaly import DenoisingAutoencoder
from aeanomaly.streaming import TableSummary, checkpoint
checkpoint._INTERVAL = checkpoint._MULTIPLE = 0.0
add = TableSummary.add
def slowly(self, rows, where):
    time.sleep(float(sys.argv[3]))
    add(self, rows, where)
TableSummary.add = slowly
fitted = DenoisingAutoencoder(max_iter=20, random_state=0)
fitted.fit_batches(sys.argv[1], sample_size=900, checkpoint=sys.argv[2])
fitted.save(sys.argv[4])
"""


def test_a_fit_that_is_killed_ends_as_an_unbroken_one(file, tmp_path):
    def start(place, pause, model):
        words = [sys.executable, "-c", textwrap.dedent(SLOW), file, tmp_path / place, str(pause), tmp_path / model]
        return subprocess.Popen(words, env={**os.environ, "OMP_NUM_THREADS": "1"})

    place = tmp_path / "broken.checkpoint"
    process = start(place.name, 0.1, "broken.aea")
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not place.exists():
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "broken.aea").exists()
    assert place.exists()
    assert start(place.name, 0, "broken.aea").wait(60) == 0
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        quick().fit_batches(file, sample_size=900).save(tmp_path / "unbroken.aea")
    finally:
        torch.set_num_threads(n_threads)
    assert (tmp_path / "broken.aea").read_bytes() == (tmp_path / "unbroken.aea").read_bytes()
    assert not place.exists()
