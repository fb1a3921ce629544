"""Dask: real workers, in processes of their own."""

import os
import signal
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV

from aeanomaly import AutoencoderEnsemble, DenoisingAutoencoder
from aeanomaly.datasets import make_payments
from aeanomaly.thresholds import Conformal

pytest.importorskip("dask.dataframe")
pytest.importorskip("distributed")

import dask.dataframe as dd
import joblib
from distributed import Client, LocalCluster

import aeanomaly.dask

WITH_CLONES = True  # other processes fit them, too
pytestmark = pytest.mark.filterwarnings("ignore")  # Dask and its workers have warnings of their own


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    t = rng.uniform(-1, 1, size=(30_000, 1))
    rows = np.hstack([t, t**2, np.sin(3 * t)]) + 0.1 * rng.normal(size=(30_000, 3))
    return pd.DataFrame(rows, columns=["a", "b", "c"])


def cluster_of(n_workers):
    return LocalCluster(
        n_workers=n_workers,
        threads_per_worker=1,
        processes=True,
        host="127.0.0.1",
        dashboard_address=None,
    )


@pytest.fixture(scope="module")
def client():
    with cluster_of(2) as cluster, Client(cluster) as client:
        yield client


def quick(cls=DenoisingAutoencoder, **parameters):
    return cls(**{"max_iter": 20, "random_state": 0, **parameters})


def unevenly(table, sizes):
    """A Dask frame of partitions of these sizes, and of what is left."""
    edges = [0, *np.cumsum(sizes), len(table)]
    parts = [table.iloc[a:b] for a, b in pairwise(edges)]
    return dd.from_map(lambda part: part, parts, meta=table.iloc[:0])


def answers(detector, table):
    return detector.score_samples(table).tobytes(), detector.offset_, detector.training_scores_.tobytes()


@pytest.mark.parametrize("contamination", ["auto", 0.02, Conformal(0.1)])
def test_partitions_do_not_matter_to_the_bit(client, table, contamination):
    frames = [
        dd.from_pandas(table, npartitions=1),
        dd.from_pandas(table, npartitions=7),
        unevenly(table, [1, 0, 8191, 8192, 0, 3, 5000]),
    ]
    fitted = [aeanomaly.dask.fit(quick(contamination=contamination), f, sample_size=2000) for f in frames]
    assert len({answers(one, table) for one in fitted}) == 1
    assert fitted[0].n_samples_seen_ == 30_000
    alone = quick(contamination=contamination).fit_batches(table, sample_size=2000)
    np.testing.assert_array_equal(fitted[0].score_samples(table), alone.score_samples(table))


def test_one_worker_or_two_or_none(client, table):
    ddf = dd.from_pandas(table, npartitions=5)
    two = answers(aeanomaly.dask.fit(quick(), ddf, sample_size=2000), table)
    with cluster_of(1) as cluster, Client(cluster):
        one = answers(aeanomaly.dask.fit(quick(), ddf, sample_size=2000), table)
    import dask

    with dask.config.set(scheduler="synchronous"):
        none = answers(aeanomaly.dask.fit(quick(), ddf, sample_size=2000), table)
    assert one == two == none


def test_a_share_is_flagged_of_all_rows_not_of_the_sample(client, table):
    ddf = dd.from_pandas(table, npartitions=4)
    detector = aeanomaly.dask.fit(quick(contamination=0.02), ddf, sample_size=500)
    flagged = (detector.score_samples(table) < detector.offset_).mean()
    assert flagged == pytest.approx(0.02, abs=0.001)
    assert detector.threshold_info_.n_scores == 30_000
    assert "by a sketch" in detector.threshold_info_.source


def test_scores_are_lazy_and_those_of_the_detector(client, table):
    detector = quick(AutoencoderEnsemble).fit(table[:2000])
    ddf = unevenly(table, [100, 0, 4000])
    scores, labels = aeanomaly.dask.score_samples(detector, ddf), aeanomaly.dask.predict(detector, ddf)
    assert isinstance(scores, dd.Series)
    assert (scores.name, scores.dtype, labels.dtype) == ("score", np.float64, np.int64)
    np.testing.assert_array_equal(scores.compute(), detector.score_samples(table))
    np.testing.assert_array_equal(labels.compute(), detector.predict(table))
    assert scores.compute().index.equals(table.index)


def test_mixed_tables_with_missing_values(client):
    payments, _ = make_payments(2000, random_state=0)
    ddf = dd.from_pandas(payments, npartitions=3)
    detector = aeanomaly.dask.fit(quick(missing="model"), ddf, sample_size=1000)
    alone = quick(missing="model").fit_batches(payments, sample_size=1000)
    np.testing.assert_array_equal(detector.score_samples(payments), alone.score_samples(payments))
    np.testing.assert_array_equal(
        aeanomaly.dask.score_samples(detector, ddf).compute(), detector.score_samples(payments)
    )


def dying(rows, marker):
    """Kill the worker that scores first."""
    try:
        os.close(os.open(marker, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return rows
    os.kill(os.getpid(), signal.SIGKILL)
    return rows


def test_scoring_goes_on_when_a_worker_dies(table, tmp_path):
    detector = quick().fit(table[:2000])
    with cluster_of(2) as cluster, Client(cluster):
        ddf = dd.from_pandas(table, npartitions=4).map_partitions(dying, str(tmp_path / "died"), meta=table.iloc[:0])
        scores = aeanomaly.dask.score_samples(detector, ddf).compute()
        workers = [worker.process.pid for worker in cluster.workers.values()]
    assert (tmp_path / "died").exists()
    np.testing.assert_array_equal(scores, detector.score_samples(table))
    for pid in workers:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_searches_run_on_workers(client, table):
    grid = {"latent_dim": [8, 16]}
    alone = GridSearchCV(quick(), grid, cv=2).fit(table[:600])
    with joblib.parallel_config(backend="dask"):
        spread = GridSearchCV(quick(), grid, cv=2, n_jobs=2).fit(table[:600])
    np.testing.assert_array_equal(alone.cv_results_["mean_test_score"], spread.cv_results_["mean_test_score"])


def test_bad_input_is_named_and_changes_nothing(client, table):
    ddf = dd.from_pandas(table, npartitions=3)
    detector = quick().fit(table[:500])
    before = answers(detector, table)
    incomplete = ddf.map_partitions(lambda rows: rows.mask(rows.index.to_series() == 15_000), meta=table.iloc[:0])
    with pytest.raises(ValueError, match=r"partition 1: X contains NaN in columns 'a' \(1\)"):
        aeanomaly.dask.fit(detector, incomplete)
    with pytest.raises(ValueError, match="n_samples=0"):
        aeanomaly.dask.fit(detector, dd.from_pandas(table[:0], npartitions=1))
    assert answers(detector, table) == before
    with pytest.raises(TypeError, match=r"takes a dask.dataframe.DataFrame; got DataFrame"):
        aeanomaly.dask.fit(detector, table)
    with pytest.raises(TypeError, match="takes a detector of this package; got GridSearchCV"):
        aeanomaly.dask.score_samples(GridSearchCV(quick(), {}), ddf)
    with pytest.raises(NotFittedError):
        aeanomaly.dask.score_samples(quick(), ddf)
