"""An ONNX graph scores as the detector that it was made of, without torch."""

import json
import subprocess
import sys
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

import aeanomaly
from aeanomaly.exceptions import ExportError
from aeanomaly.thresholds import Conformal

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")

from aeanomaly.onnx import to_onnx  # noqa: E402

DETECTORS = {
    "undercomplete": aeanomaly.UndercompleteAutoencoder(),
    "relu": aeanomaly.UndercompleteAutoencoder(hidden_layer_sizes=(16, 8), activation="relu"),
    "sparse": aeanomaly.SparseAutoencoder(hidden_layer_sizes=(12,), activation="silu"),
    "contractive": aeanomaly.ContractiveAutoencoder(hidden_layer_sizes=(12,), activation="logistic"),
    "denoising": aeanomaly.DenoisingAutoencoder(contamination=Conformal(0.1)),
    "variational": aeanomaly.VariationalAutoencoder(n_draws=2),
    "ensemble": aeanomaly.AutoencoderEnsemble(n_estimators=2),
    "ensemble for missing values": aeanomaly.AutoencoderEnsemble(n_estimators=2, missing="model", kernel_member=False),
}


def numeric(n=300, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 3)) @ rng.normal(size=(3, 6)) + 0.2 * rng.normal(size=(n, 6))
    X[:, 4] = X[:, 4] > 0
    X[:, 5] = 1e6 + 1e3 * X[:, 5]
    return X.astype(np.float32)


def mixed(n=300, seed=0):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "size": rng.normal(size=n).astype(np.float32),
            "score": np.exp(4 * rng.normal(size=n)).astype(np.float32),  # the name of an output
            "colour": rng.choice(["red", "grün", "/0"], n),
            "grade": rng.choice([10, 20, 35], n),
            "open": rng.random(n) < 0.4,
            "when": pd.Timestamp("2026-03-01") + pd.to_timedelta(rng.integers(0, 90 * 86_400, n), unit="s"),
            "took": pd.to_timedelta(rng.exponential(3600, n).round(3), unit="s"),
        }
    )


TYPES = {"grade": "categorical"}


def feed(X):
    """Return the inputs that a consumer passes for a mixed table."""
    seconds = (X["when"] - pd.Timestamp(0)) / pd.Timedelta(seconds=1)
    columns = {
        "size": X["size"].to_numpy(np.float32),
        "score_": X["score"].to_numpy(np.float32),
        "colour": X["colour"].to_numpy(object),
        "grade": X["grade"].to_numpy(np.float64),
        "open": X["open"].to_numpy(np.float32),
        "when": seconds.to_numpy(np.float64),
        "took": X["took"].dt.total_seconds().to_numpy(np.float64),
    }
    return {name: values[:, None].copy() for name, values in columns.items()}


def session(path):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def assert_same(answers, detector, X):
    score, decision, label = answers
    assert (score.dtype, decision.dtype, label.dtype) == (np.float32, np.float32, np.int64)
    assert score.shape == decision.shape == label.shape == (len(X),)
    if len(X):
        usual = np.abs(detector.training_scores_).mean()
        np.testing.assert_allclose(score, detector.score_samples(X), rtol=1e-3, atol=1e-4 * usual)
        np.testing.assert_allclose(decision, detector.decision_function(X), rtol=1e-3, atol=1e-3 * usual)
        np.testing.assert_array_equal(label, np.where(decision >= 0, 1, -1))
        near = np.abs(detector.decision_function(X)) < 1e-3 * np.abs(detector.offset_)
        np.testing.assert_array_equal(label[~near], detector.predict(X)[~near])


@pytest.fixture(scope="module", params=DETECTORS)
def exported(request, tmp_path_factory):
    detector = clone(DETECTORS[request.param]).set_params(max_iter=40, random_state=0).fit(numeric())
    path = tmp_path_factory.mktemp("onnx") / "model.onnx"
    to_onnx(detector, path)
    return detector, path


class TestNumbers:
    def test_any_number_of_rows_scores_as_the_detector(self, exported):
        detector, path = exported
        run, X = session(path), numeric(513, seed=1)
        X[::50] *= 30
        for n in (0, 1, 2, 255, 256, 513):
            assert_same(run.run(None, {"X": X[:n]}), detector, X[:n])

    def test_a_row_scores_alike_alone_and_among_others(self, exported):
        detector, path = exported
        run, X, usual = session(path), numeric(20, seed=2), np.abs(detector.training_scores_).mean()
        together = run.run(None, {"X": X})[0]
        alone = np.concatenate([run.run(None, {"X": X[row : row + 1]})[0] for row in range(20)])
        np.testing.assert_allclose(alone, together, rtol=1e-3, atol=1e-4 * usual)

    def test_one_input_three_outputs_one_file_that_is_a_sound_graph(self, exported):
        _, path = exported
        model = onnx.load(path)
        onnx.checker.check_model(model, full_check=True)
        assert [(i.name, i.type, i.shape) for i in session(path).get_inputs()] == [("X", "tensor(float)", ["N", 6])]
        assert [o.name for o in session(path).get_outputs()] == ["score", "decision", "label"]
        assert [p.name for p in path.parent.iterdir()] == ["model.onnx"]
        assert not any(tensor.external_data for tensor in model.graph.initializer)

    def test_metadata_tell_columns_and_threshold(self, exported):
        detector, path = exported
        told = session(path).get_modelmeta().custom_metadata_map
        assert told["aeanomaly"] == aeanomaly.__version__
        assert [column["name"] for column in json.loads(told["columns"])] == [f"x{j}" for j in range(6)]
        assert {column["input"] for column in json.loads(told["columns"])} == {"X"}
        assert json.loads(told["threshold"])["offset"] == detector.offset_

    def test_rows_that_are_refused_score_nan_and_are_anomalies(self, exported):
        detector, path = exported
        X = numeric(4, seed=3)
        X[0, 1], X[1, 2], X[2, 0] = np.nan, np.inf, -np.inf
        score, decision, label = session(path).run(None, {"X": X})
        accepts_nan = detector.missing == "model"
        assert np.isnan(score).tolist() == [not accepts_nan, True, True, False]
        assert np.isnan(decision).tolist() == np.isnan(score).tolist()
        assert (label[np.isnan(score)] == -1).all()
        if accepts_nan:
            assert_same(session(path).run(None, {"X": X[:1]}), detector, X[:1])

    def test_huge_numbers_stay_finite_and_most_anomalous(self, exported):
        detector, path = exported
        X = numeric(6, seed=4)
        X[0, 0], X[1, 3] = 3e38, -3e38
        score = session(path).run(None, {"X": X})[0]
        assert np.isfinite(score).all()
        assert score[:2].max() < score[2:].min()
        np.testing.assert_allclose(score[:2], detector.score_samples(X)[:2], rtol=1e-4)

    @pytest.mark.parametrize("exported", ["variational", "ensemble"], indirect=True)
    def test_the_same_detector_gives_the_same_bytes(self, exported, tmp_path):
        detector, path = exported
        to_onnx(detector, tmp_path / "again.onnx")
        assert (tmp_path / "again.onnx").read_bytes() == path.read_bytes()

    @pytest.mark.parametrize("exported", ["denoising"], indirect=True)
    def test_an_export_scores_without_torch(self, exported, tmp_path):
        detector, path = exported
        np.save(tmp_path / "rows.npy", numeric(50))
        program = (
            "import sys; sys.modules['torch'] = sys.modules['aeanomaly'] = None\n"
            "import numpy, onnxruntime\n"
            f"session = onnxruntime.InferenceSession({str(path)!r})\n"
            "numpy.save('scores.npy', session.run(['score'], {'X': numpy.load('rows.npy')})[0])\n"
        )
        subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True)
        expected = detector.score_samples(numeric(50))
        np.testing.assert_allclose(np.load(tmp_path / "scores.npy"), expected, rtol=1e-3, atol=1e-5)


#: Detector and its option for missing values, each value of both at least once.
MIXED = [("denoising", "error"), ("denoising", "model"), ("variational", "error"), ("ensemble", "model")]


@pytest.fixture(scope="module", params=MIXED, ids="-".join)
def exported_mixed(request, tmp_path_factory):
    name, missing = request.param
    how = {"max_iter": 40, "random_state": 0, "missing": missing, "column_types": TYPES}
    detector = clone(DETECTORS[name]).set_params(**how, contamination="auto").fit(mixed())
    path = tmp_path_factory.mktemp("onnx") / "model.onnx"
    to_onnx(detector, path)
    return detector, session(path)


class TestMixedTables:
    def test_each_column_is_an_input_of_its_kind(self, exported_mixed):
        detector, run = exported_mixed
        X = mixed(200, seed=1)
        kinds = {entry.name: entry.type for entry in run.get_inputs()}
        assert kinds == {
            "size": "tensor(float)",
            "score_": "tensor(float)",
            "colour": "tensor(string)",
            "grade": "tensor(double)",
            "open": "tensor(float)",
            "when": "tensor(double)",
            "took": "tensor(double)",
        }
        for n in (0, 1, 200):
            assert_same(run.run(None, feed(X[:n])), detector, X[:n])

    def test_new_categories_and_missing_values(self, exported_mixed):
        detector, run = exported_mixed
        X = mixed(6, seed=2)
        X.loc[0, "colour"], X.loc[1, "grade"] = "mauve", 99
        assert_same(run.run(None, feed(X)), detector, X)
        fed, X = feed(X), X.astype({"colour": object})
        fed["colour"][2], X.loc[2, "colour"] = "", None
        fed["grade"][3], X["grade"] = np.nan, X["grade"].where(X.index != 3)
        fed["when"][4], X.loc[4, "when"] = np.nan, pd.NaT
        if detector.missing == "model":
            assert_same(run.run(None, fed), detector, X)
        else:  # the empty text is a category like any other new one
            assert np.isnan(run.run(None, fed)[0]).tolist() == [False, False, False, True, True, False]


@pytest.mark.parametrize("name", ["denoising", "variational"])
def test_counts_are_scored_by_their_likelihood(name, tmp_path):
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.normal(size=300), rng.poisson(3, 300), rng.poisson(80, 300)]).astype(np.float32)
    likelihood = {1: "poisson", 2: "poisson"}
    fitted = clone(DETECTORS[name]).set_params(likelihood=likelihood, max_iter=40, random_state=0).fit(X)
    to_onnx(fitted, tmp_path / "counts.onnx")
    X = np.vstack([X[:40], [0, 400, 80], [0, 3, 0]]).astype(np.float32)
    assert_same(session(tmp_path / "counts.onnx").run(None, {"X": X}), fitted, X)


class TestFaults:
    @pytest.mark.parametrize("exported", ["denoising"], indirect=True)
    def test_a_graph_that_scores_otherwise_is_not_written(self, exported, tmp_path, monkeypatch):
        detector, path = exported
        old = path.read_bytes()
        (tmp_path / "model.onnx").write_bytes(old)
        exact = aeanomaly.onnx._scorer.DetectorModule.exact

        def wrong(self, table):
            return exact(self, table) * (1.001 if self.errors.dtype.itemsize == 4 else 1)

        monkeypatch.setattr("aeanomaly.onnx._scorer.DetectorModule.exact", wrong)
        with pytest.raises(ExportError, match=r"the ONNX graph of this Denoising.* gives a row .* but the detector"):
            to_onnx(detector, tmp_path / "model.onnx")
        assert (tmp_path / "model.onnx").read_bytes() == old

    def test_an_object_that_is_not_a_fitted_detector_is_refused(self, tmp_path):
        from sklearn.ensemble import IsolationForest
        from sklearn.exceptions import NotFittedError

        with pytest.raises(TypeError, match="to_onnx takes a detector of this package; got IsolationForest"):
            to_onnx(IsolationForest(), tmp_path / "model.onnx")
        with pytest.raises(NotFittedError):
            to_onnx(aeanomaly.DenoisingAutoencoder(), tmp_path / "model.onnx")
        assert list(tmp_path.iterdir()) == []

    def test_nothing_is_printed_or_warned_and_the_detector_stays_as_it_is(self, tmp_path, capfd):
        detector = aeanomaly.DenoisingAutoencoder(max_iter=40, random_state=0).fit(numeric())
        before = detector.score_samples(numeric())
        detector.save(tmp_path / "before.aea")
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            to_onnx(detector, tmp_path / "model.onnx")
        detector.save(tmp_path / "after.aea")
        assert capfd.readouterr() == ("", "")
        assert (tmp_path / "before.aea").read_bytes() == (tmp_path / "after.aea").read_bytes()
        np.testing.assert_array_equal(detector.score_samples(numeric()), before)

    def test_without_the_extra_the_error_names_it(self, tmp_path):
        program = "import sys; sys.modules['onnxscript'] = None\nimport aeanomaly.onnx"
        done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True)
        assert "pip install 'aeanomaly[onnx]'" in done.stderr
