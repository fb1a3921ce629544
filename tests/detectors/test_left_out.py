"""Columns that are left out of the score: identifiers, and times without a cycle."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
import torch

from aeanomaly import AutoencoderEnsemble, DenoisingAutoencoder, UndercompleteAutoencoder, VariationalAutoencoder, load
from aeanomaly.inspection import column_drift, report
from aeanomaly.thresholds import Conformal

NAMED = "'order_id' .integers that rise from row to row., 'ref' .unique text. seem to identify rows and are left out"


def orders(n=200, seed=0):
    rng = np.random.default_rng(seed)
    price, qty = rng.lognormal(3, 0.5, n), rng.integers(1, 6, n)
    return pd.DataFrame(
        {
            "order_id": 1000 + np.cumsum(rng.integers(1, 4, n)),
            "price": price,
            "ref": [f"R{number:05d}" for number in rng.permutation(n)],
            "qty": qty,
            "shop": rng.choice(list("ABC"), n),
            "total": price * qty,
        }
    )


def quick(cls=DenoisingAutoencoder, **how):
    return cls(**{"hidden_layer_sizes": (16,), "latent_dim": 8, "max_iter": 20, "random_state": 0} | how)


@pytest.fixture(scope="module")
def fitted():
    with pytest.warns(UserWarning, match=NAMED):
        return quick().fit(orders())


class TestIdentifiers:
    def test_they_count_as_features_and_contribute_nothing(self, fitted):
        X = orders(50, 1)
        assert fitted.n_features_in_ == 6
        assert fitted.schema_.kinds == ["ignored", "gaussian", "ignored", "gaussian", "categorical", "gaussian"]
        for terms in (fitted.explain(X).to_numpy(), fitted.reconstruction_error(X, per_feature=True)):
            assert (terms[:, [0, 2]] == 0).all()
            assert terms.sum(axis=1) == pytest.approx(-fitted.score_samples(X))
        assert not fitted.explain_text(X, n_columns=6).str.contains("order_id|ref ").any()

    def test_the_score_is_that_without_them(self, fitted):
        X = orders()
        others = quick().fit(X.drop(columns=["order_id", "ref"]))
        assert (others.score_samples(X.drop(columns=["order_id", "ref"])) == fitted.score_samples(X)).all()
        assert others.offset_ == fitted.offset_

    def test_their_cells_may_be_anything_and_are_reconstructed_as_given(self, fitted):
        X = orders(50, 1)
        odd = X.assign(order_id=[None] * 25 + ["new"] * 25, ref=np.inf)
        assert (fitted.score_samples(odd) == fitted.score_samples(X)).all()
        assert fitted.reconstruct(odd)["ref"].tolist() == odd["ref"].tolist()
        assert fitted.reconstruct(X)["order_id"].tolist() == X["order_id"].tolist()
        assert fitted.explain(X, details=True)["expected"]["ref"].tolist() == X["ref"].tolist()

    def test_a_table_of_numbers_is_decoded_to_an_array(self):
        X = orders()[["order_id", "price", "qty", "total"]]
        with pytest.warns(UserWarning, match="'order_id' .* seems to identify rows and is left out of the score"):
            detector = quick().fit(X)
        pd.testing.assert_series_equal(detector.reconstruct(X)["order_id"], X["order_id"])
        of_array = quick(identifiers=[0]).fit(X.to_numpy())
        assert (of_array.reconstruct(X.to_numpy())[:, 0] == X["order_id"]).all()
        assert np.isnan(detector.inverse_transform(detector.transform(X))[:, 0]).all()

    def test_keep_scores_them(self):
        with pytest.warns(UserWarning, match="200 categories|follows? the order"):
            detector = quick(identifiers="keep").fit(orders())
        assert "ignored" not in detector.schema_.kinds

    def test_raise_names_them(self):
        with pytest.raises(ValueError, match=r"columns 'order_id', 'ref' seem to identify rows; drop such columns"):
            quick(identifiers="raise").fit(orders())

    def test_a_list_is_left_out_without_a_warning(self):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            detector = quick(identifiers=["order_id", "ref", "shop"]).fit(orders())
            of_array = quick(identifiers=[0]).fit(orders()[["order_id", "price", "qty"]].to_numpy())
        assert detector.schema_.kinds.count("ignored") == 3
        assert of_array.schema_.kinds == ["ignored", "gaussian", "gaussian"]

    @pytest.mark.parametrize(
        ("identifiers", "told"),
        [
            (["orders"], "identifiers names 'orders', which is not a column of X"),
            ("drop", "identifiers must be one of 'ignore', 'keep', 'raise', or a list of columns; got 'drop'"),
            (["order_id", "price", "ref", "qty", "shop", "total"], "no column is left to score"),
        ],
    )
    def test_other_values_are_refused(self, identifiers, told):
        with pytest.raises(ValueError, match=told):
            quick(identifiers=identifiers).fit(orders())

    def test_arrays_and_declared_columns_are_never_recognized(self):
        X = orders()
        assert quick().fit(X[["order_id", "price", "qty"]].to_numpy()).schema_.kinds == ["gaussian"] * 3
        with pytest.warns(UserWarning, match="'ref' .unique text. seems to identify rows"):
            detector = quick(column_types={"order_id": "numeric"}).fit(X)
        assert detector.schema_.kinds[0] == "gaussian"

    def test_any_cells_are_accepted_in_a_table_of_numbers(self):
        X = pd.DataFrame(np.random.default_rng(0).normal(size=(80, 2)), columns=["a", "b"]).assign(id=range(80))
        with pytest.warns(UserWarning, match="'id'"):
            detector = quick().fit(X)
        for cells in (np.nan, np.inf, None, "text", [[1, "a"]] * 80):
            odd = X.assign(id=cells)
            assert (detector.score_samples(odd) == detector.score_samples(X)).all()
            assert len(detector.reconstruct(odd)) == 80
        mixed = X.assign(id=[1, "a"] * 40)
        assert quick(identifiers=["id"]).fit(mixed).schema_.kinds[-1] == "ignored"

    def test_the_encoder_as_a_module_leaves_them_out(self):
        X = pd.DataFrame(np.random.default_rng(0).normal(size=(80, 2)), columns=["a", "b"])
        X.insert(0, "id", range(80))
        with pytest.warns(UserWarning, match="'id'"):
            detector = quick().fit(X)
        with torch.no_grad():
            code = detector.encoder_module()(torch.from_numpy(X.to_numpy())).numpy()
        assert code == pytest.approx(detector.transform(X), abs=1e-5)

    def test_held_out_rows_do_not_change_what_is_left_out(self):
        X = pd.DataFrame(np.random.default_rng(0).normal(size=(60, 2)), columns=["a", "b"]).assign(id=range(60))
        with pytest.warns(UserWarning, match="'id' .integers that rise from row to row. seems to identify rows"):
            detector = quick(contamination=Conformal(0.1)).fit(X)
        assert detector.schema_.columns[-1].reason == "integers that rise from row to row"

    def test_held_out_rows_warn_once(self):
        with pytest.warns(UserWarning, match=NAMED) as caught:
            quick(contamination=Conformal(0.1)).fit(orders())
        assert len(caught) == 1

    def test_files_pickles_and_reports(self, fitted, tmp_path):
        X = orders(50, 1)
        fitted.save(tmp_path / "model.aea")
        for again in (load(tmp_path / "model.aea"), pickle.loads(pickle.dumps(fitted))):
            assert (again.score_samples(X) == fitted.score_samples(X)).all()
        drift = column_drift(fitted, X)
        assert drift["kind"].tolist()[::2] == ["ignored", "ignored", "categorical"]
        assert drift.loc[["order_id", "ref"], ["drift", "outside"]].isna().all(axis=None)
        page = report(fitted, X)
        assert "Left out of the score</dt><dd><bdi>order_<wbr>id</bdi> (integers that rise from row to row), " in page

    @pytest.mark.parametrize("cls", [AutoencoderEnsemble, VariationalAutoencoder, UndercompleteAutoencoder])
    def test_with_missing_values_the_score_is_that_without_them(self, cls):
        X = orders()
        X.loc[::7, "price"] = np.nan
        X.loc[::5, "shop"] = None
        how = {"cls": cls, "missing": "informative", "hidden_layer_sizes": () if cls is AutoencoderEnsemble else (16,)}
        few = X.drop(columns=["order_id", "ref"])
        detector, other = quick(identifiers=["order_id", "ref"], **how).fit(X), quick(**how).fit(few)
        assert (detector.score_samples(X) == other.score_samples(few)).all()


class TestTimes:
    def times(self, days, n=300):
        rng = np.random.default_rng(0)
        when = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.sort(rng.uniform(0, 86_400 * days, n)), unit="s")
        return pd.DataFrame({"when": when, "x": rng.normal(size=n), "y": rng.normal(size=n)})

    @pytest.mark.parametrize(
        ("days", "periods"), [(1, ()), (5, ("day",)), (30, ("day", "week")), (800, ("day", "week", "year"))]
    )
    def test_cycles_act_if_they_are_covered_twice(self, days, periods):
        column = quick().fit(self.times(days)).schema_.columns[0]
        assert column.periods == periods
        assert not column.trend
        assert column.n_features == 1 + 2 * len(periods)

    def test_later_rows_of_the_same_process_are_not_unusual(self):
        X = self.times(60)
        detector = quick().fit(X)
        later = X.assign(when=X["when"] + pd.Timedelta(weeks=516))
        assert detector.score_samples(later) == pytest.approx(detector.score_samples(X), rel=1e-4)
        with_trend = quick(time_trend=True).fit(X)
        assert (with_trend.score_samples(later) < with_trend.score_samples(X)).mean() > 0.9

    def test_another_time_of_day_is(self):
        X = self.times(60)
        X["when"] = X["when"].dt.normalize() + pd.to_timedelta(9 + 0.5 * X["x"].abs(), unit="h")
        detector = quick(max_iter=100).fit(X)
        night = X.assign(when=X["when"] - pd.Timedelta(hours=8))
        assert np.median(detector.score_samples(night)) < np.quantile(detector.score_samples(X), 0.01)
        expected = detector.explain(night, details=True)["expected"]["when"]
        assert expected.dt.hour.isin([8, 9, 10]).mean() > 0.95
        assert (expected - night["when"]).abs().max() < pd.Timedelta(days=4)

    def test_a_list_names_columns_with_a_trend(self):
        X = self.times(60)
        X["until"] = X["when"] + pd.Timedelta(days=1)
        columns = quick(time_trend=["until"]).fit(X).schema_.columns
        assert [column.trend for column in columns if column.kind == "datetime"] == [False, True]
        with pytest.raises(ValueError, match="time_trend names 'then', which is not a column of X"):
            quick(time_trend=["then"]).fit(X)

    def test_a_time_of_one_value_contributes_nothing(self):
        X = self.times(60).assign(when=pd.Timestamp("2024-01-01"))
        detector = quick().fit(X)
        assert (detector.explain(X)["when"] < 1e-3).all()
        assert (detector.reconstruct(X)["when"] == X["when"]).all()
        for day, outside in (("2025-01-01", 0), ("1900-01-01", 1)):
            assert column_drift(detector, X.assign(when=pd.Timestamp(day))).loc["when", "outside"] == outside

    @pytest.mark.parametrize("trend", [False, True])
    def test_a_date_before_training_scores_alone_as_in_a_batch(self, trend):
        X = self.times(60)
        detector = quick(time_trend=trend).fit(X)
        odd = X[:4].assign(when=pd.to_datetime(["1900-01-01", "2024-01-05", "1970-01-01", "2300-06-30"]))
        together = detector.score_samples(odd)
        assert np.isfinite(together).all()
        assert [detector.score_samples(odd.iloc[[row]])[0] for row in range(4)] == together.tolist()

    @pytest.mark.parametrize("days", [1, 60])
    def test_an_impossible_date_is_far_and_its_expected_date_is_not(self, days):
        X = self.times(days)
        detector = quick(max_iter=100).fit(X)
        odd = X[:3].assign(when=pd.to_datetime(["1900-01-01", "2204-01-05", "2012-01-01"]))
        contributions, details = detector.explain(odd)["when"], detector.explain(odd, details=True)
        assert (detector.score_samples(odd) < np.min(detector.score_samples(X))).all()
        assert (contributions > 0.9 * -detector.score_samples(odd)).all()
        expected = details["expected"]["when"]
        assert ((expected - expected.clip(X["when"].min(), X["when"].max())).abs() < pd.Timedelta(days=8)).all()
