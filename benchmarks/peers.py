"""Detectors in the benchmarks: those of the package and their peers, with their default parameters."""

import contextlib
import importlib
import inspect
import io
import random
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from sklearn.covariance import EllipticEnvelope
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest
from sklearn.neighbors import LocalOutlierFactor, NearestNeighbors
from sklearn.pipeline import make_pipeline

import aeanomaly
from aeanomaly.model_selection import recommend
from benchmarks.protocol import SETTINGS

_OURS = (
    "UndercompleteAutoencoder",
    "DenoisingAutoencoder",
    "SparseAutoencoder",
    "ContractiveAutoencoder",
    "VariationalAutoencoder",
    "AutoencoderEnsemble",
)
_PYOD = {"ECOD": "ecod", "PCA": "pca", "AutoEncoder": "auto_encoder", "VAE": "vae", "DeepSVDD": "deep_svdd"}
#: Maximum number of columns of MCD.
_WIDEST_MCD = 100


@dataclass(frozen=True)
class Entry:
    """Detector in a benchmark.

    Attributes
    ----------
    name : str
        Name in the tables.
    build : callable
        ``build(seed, n_columns, same_rows)`` returns an estimator with a method `fit`. `same_rows` is True if the test
        rows are the training rows. Detectors of the package accept ``missing="model"``, too.
    anomaly_score : callable
        ``anomaly_score(estimator, X, same_rows)`` returns scores; higher = worse.
    ours : bool
        True for detectors of the package, which receive raw rows; peers receive standardized rows.
    settings : tuple of str
        Settings in which the detector runs by default.
    """

    name: str
    build: Callable[..., Any]
    anomaly_score: Callable[[Any, np.ndarray, bool], np.ndarray]
    ours: bool = False
    settings: tuple[str, ...] = ()


def entries() -> dict[str, Entry]:
    """Return all detectors by name, without importing optional packages."""
    return {entry.name: entry for entry in (*_ours(), *_sklearn(), *_pyod())}


def _ours() -> Iterator[Entry]:
    """Yield each detector plain, by default in the one-class setting, and robust, in the contaminated setting."""
    for name in _OURS:
        if (cls := getattr(aeanomaly, name, None)) is None:
            continue
        robust = "robust" in inspect.signature(cls).parameters
        settings = SETTINGS[:1] if robust else SETTINGS
        yield Entry(name, partial(_build_ours, cls), _minus_score_samples, ours=True, settings=settings)
        if robust:
            build = partial(_build_ours, cls, robust=True)
            yield Entry(f"{name} robust", build, _minus_score_samples, ours=True, settings=SETTINGS[1:])
    yield Entry("recommend", partial(_build_ours, _Recommended), _minus_score_samples, ours=True)
    yield Entry("recommend robust", partial(_build_ours, _Recommended, robust=True), _minus_score_samples, ours=True)


class _Recommended:
    """Estimator that calls `recommend`."""

    def __init__(self, **settings: Any):
        self._settings = settings

    def fit(self, X: np.ndarray) -> "_Recommended":
        self._fitted = recommend(X, **self._settings)
        return self

    def score_samples(self, X: np.ndarray) -> np.ndarray:
        return self._fitted.score_samples(X)


def _build_ours(cls: type, seed: int, n_columns: int, same_rows: bool, **parameters: Any) -> Any:
    return cls(random_state=seed, **parameters)


def _minus_score_samples(detector: Any, X: np.ndarray, same_rows: bool) -> np.ndarray:
    return -detector.score_samples(X)


def _sklearn() -> Iterator[Entry]:
    for name, k in {"nearest neighbor (k=1)": 1, "kNN (k=5)": 5}.items():
        yield Entry(name, partial(_build_neighbors, k), _distance, settings=SETTINGS)
    yield Entry("LOF", _build_lof, _lof, settings=SETTINGS)
    yield Entry("IsolationForest", _build_forest, _minus_score_samples, settings=SETTINGS)
    yield Entry("MCD", _build_mcd, _minus_score_samples, settings=SETTINGS)


def _build_neighbors(k: int, seed: int, n_columns: int, same_rows: bool) -> NearestNeighbors:
    return NearestNeighbors(n_neighbors=k)


def _distance(detector: NearestNeighbors, X: np.ndarray, same_rows: bool) -> np.ndarray:
    """Return the distance to the k-th neighbor; a training row is not its own neighbor."""
    distances, _ = detector.kneighbors(None if same_rows else X)
    return distances[:, -1]


def _build_lof(seed: int, n_columns: int, same_rows: bool) -> LocalOutlierFactor:
    return LocalOutlierFactor(n_neighbors=20, novelty=not same_rows)


def _lof(detector: LocalOutlierFactor, X: np.ndarray, same_rows: bool) -> np.ndarray:
    return -(detector.negative_outlier_factor_ if same_rows else detector.score_samples(X))


def _build_forest(seed: int, n_columns: int, same_rows: bool) -> IsolationForest:
    return IsolationForest(random_state=seed)


def _build_mcd(seed: int, n_columns: int, same_rows: bool) -> Any:
    """Build the minimum covariance determinant of scikit-learn, the estimator that PyOD's MCD wraps.

    Its time increases with the cube of the columns: minutes with 768. Wider tables are therefore reduced to
    `_WIDEST_MCD` principal components. A rotation does not change the distances of MCD.
    """
    mcd = EllipticEnvelope(random_state=seed)
    return mcd if n_columns <= _WIDEST_MCD else make_pipeline(PCA(_WIDEST_MCD, random_state=seed), mcd)


def _pyod() -> Iterator[Entry]:
    for name in _PYOD:
        settings = SETTINGS if name == "AutoEncoder" else ()
        yield Entry(f"PyOD {name}", partial(_build_pyod, name), _decision_function, settings=settings)


def _build_pyod(name: str, seed: int, n_columns: int, same_rows: bool) -> Any:
    try:
        cls = getattr(importlib.import_module(f"pyod.models.{_PYOD[name]}"), name)
    except ImportError as error:
        raise ImportError(
            f"PyOD {name} cannot be imported ({error}); install it with: pip install 'aeanomaly[benchmark]', "
            "or select other detectors with --detectors"
        ) from error
    offered = {"random_state": seed, "verbose": 0, "n_features": n_columns}
    return cls(**{key: value for key, value in offered.items() if key in inspect.signature(cls).parameters})


def _decision_function(detector: Any, X: np.ndarray, same_rows: bool) -> np.ndarray:
    return detector.decision_function(X)


@contextlib.contextmanager
def surroundings(entry: Entry, seed: int) -> Iterator[None]:
    """Seed the global generators and suppress output for peers.

    Detectors of the package do not use global generators and do not print.
    """
    if entry.ours:
        yield
        return
    # Not all random draws of PyOD use random_state: DeepSVDD shuffles with numpy's global generator.
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    torch.manual_seed(seed)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        yield


def warm_up(entry: Entry) -> None:
    """Run a small fit, so that imports and first calls are not timed; a missing package raises ImportError."""
    rows = np.random.default_rng(0).normal(size=(128, 6))
    try:
        with surroundings(entry, 0):
            entry.anomaly_score(entry.build(0, rows.shape[1], False).fit(rows), rows, False)
    except ImportError:
        raise
    except Exception:  # noqa: S110
        pass  # the same exception occurs in the runs, and is recorded there
