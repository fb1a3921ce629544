"""Fitting: thresholds, early stopping, warm starts, callbacks, parameters."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder

import aeanomaly
from aeanomaly import DenoisingAutoencoder, UndercompleteAutoencoder, VariationalAutoencoder
from aeanomaly.fitting import Members
from aeanomaly.thresholds import Contamination


def quick(**parameters):
    return DenoisingAutoencoder(**{"max_iter": 60, "random_state": 0, **parameters})


def test_a_fraction_flags_exactly_that_share(rows):
    for fraction in (0.01, 0.05, 0.333, 0.5):
        flagged = quick(contamination=fraction).fit_predict(rows) == -1
        assert flagged.sum() == round(fraction * len(rows))


def test_the_threshold_moves_without_refitting(rows):
    detector = quick().fit(rows)
    scores = detector.score_samples(rows)
    assert detector.set_threshold(0.2) is detector
    assert (detector.predict(rows) == -1).sum() == 40
    detector.set_threshold(Contamination(0.5), X=rows[:10])
    assert (detector.predict(rows[:10]) == -1).sum() == 5

    class Fixed:
        def fit(self, scores):
            return -1.5

    assert detector.set_threshold(Fixed()).offset_ == -1.5
    np.testing.assert_array_equal(detector.score_samples(rows), scores)
    assert detector.set_threshold("auto").offset_ == quick().fit(rows).offset_
    with pytest.raises(ValueError, match=r"a fraction in \(0, 0.5\]"):
        detector.set_threshold(0.7)


def test_early_stopping_stops_and_reports(rows):
    detector = quick(early_stopping=True, max_iter=2000, n_iter_no_change=2, learning_rate=0.02).fit(rows)
    assert detector.n_iter_ < 2000
    assert len(detector.loss_curve_) == detector.n_iter_
    assert len(detector.validation_loss_curve_) > 2
    assert len(quick().fit(rows).validation_loss_curve_) == 0


def test_warm_start_goes_on_from_the_present_weights(rows):
    detector = quick(warm_start=True, activation="silu").fit(rows)
    first = detector.loss_curve_
    assert detector.fit(rows).loss_curve_[0] < 0.5 * first[0]
    assert not np.array_equal(detector.loss_curve_, first)
    with pytest.raises(ValueError, match="warm_start=True needs the columns and the network of the last fit"):
        detector.fit(rows[:, :2])
    assert detector.n_features_in_ == 4


def test_partial_fit_learns_and_folds_its_scores(detector_class, rows):
    detector = detector_class(random_state=0, batch_size=50, activation="silu", learning_rate=2e-3)
    assert detector.partial_fit(rows).n_iter_ == 4
    start = detector.score(rows)
    for _ in range(14):
        detector.partial_fit(rows)
    assert detector.score(rows) > start
    assert detector.n_iter_ == 4 * 15 == len(detector.loss_curve_)
    assert detector.n_samples_seen_ == len(detector.training_scores_) == 200 * 15
    detector.partial_fit(rows[:1])
    assert detector.n_samples_seen_ == 200 * 15 + 1
    with pytest.raises(ValueError, match="features"):
        detector.partial_fit(rows[:, :2])


def test_partial_fit_keeps_the_first_scaling_and_goes_on_after_loading(rows, tmp_path):
    detector = quick().partial_fit(rows)
    offset = detector.state_.model.schema.offset.copy()
    detector.partial_fit(rows + 100)
    np.testing.assert_array_equal(detector.state_.model.schema.offset, offset)
    detector.save(tmp_path / "model.aea")
    again = aeanomaly.load(tmp_path / "model.aea")
    np.testing.assert_array_equal(
        detector.partial_fit(rows).score_samples(rows), again.partial_fit(rows).score_samples(rows)
    )


def test_a_sample_of_many_rows_is_scored_for_the_threshold():
    X = np.random.default_rng(0).normal(size=(120_000, 2))
    detector = quick(max_iter=5, contamination=0.1).fit(X)
    assert len(detector.training_scores_) == 100_000
    assert detector.n_samples_seen_ == 120_000
    assert (detector.predict(X) == -1).mean() == pytest.approx(0.1, abs=2e-3)


def test_callbacks_of_scikit_learn_are_called(rows):
    callback = pytest.importorskip("sklearn.callback")
    monitor = callback.ScoringMonitor(scoring="roc_auc")
    detector = quick(max_iter=5)
    detector.set_callbacks(monitor)
    labels = np.where(np.arange(200) % 10 == 0, -1, 1)
    detector.fit(rows, y=labels)
    log = monitor.get_logs().data_as_pandas
    steps = log.loc[log.task_name == "step", "roc_auc"].to_numpy()
    assert len(steps) == 5
    assert steps[-1] == pytest.approx(roc_auc_score(labels, detector.score_samples(rows)))
    assert not hasattr(detector, "_callback_fit_ctx")
    np.testing.assert_array_equal(quick(max_iter=5).fit(rows).score_samples(rows), detector.score_samples(rows))


def test_a_callback_can_stop_training(rows):
    pytest.importorskip("sklearn.callback")

    class Stop:
        steps = 0

        def setup(self, estimator, context): ...
        def teardown(self, estimator, context): ...
        def on_fit_task_begin(self, estimator, context): ...

        def on_fit_task_end(self, estimator, context):
            self.steps += context.parent is not None
            return self.steps == 7

    assert quick().set_callbacks(Stop()).fit(rows).n_iter_ == 7


def test_the_progress_bar_is_shown_on_standard_error(rows, capsys):
    quick(verbose=1).fit(rows)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "DenoisingAutoencoder" in captured.err
    quick().fit(rows)
    assert capsys.readouterr().err == ""


def test_pipelines_searches_and_cross_validation(rows):
    labels = np.where(np.arange(200) % 10 == 0, -1, 1)
    X = rows.copy()
    X[labels == -1, 3] += 6
    assert len(cross_val_score(quick(), X, cv=3)) == 3
    pipeline = make_pipeline(MinMaxScaler(), quick()).fit(X)
    assert pipeline.score_samples(X).shape == (200,)
    search = GridSearchCV(quick(), {"corruption_level": [0.05, 0.5]}, cv=3).fit(X)
    assert search.best_params_["corruption_level"] in (0.05, 0.5)
    labeled = GridSearchCV(quick(), {"corruption_level": [0.05, 0.5]}, cv=3, scoring="roc_auc").fit(X, labels)
    assert labeled.best_score_ > 0.8
    from pandas import DataFrame

    frame = DataFrame(X, columns=list("abcd")).assign(city=np.where(X[:, 0] > 0, "Oslo", "Bergen"))
    encoder = ColumnTransformer([("city", OneHotEncoder(), ["city"])], remainder="passthrough")
    assert set(make_pipeline(encoder, quick()).fit(frame).predict(frame)) <= {-1, 1}


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"learning_rate": 0}, "learning_rate must be a number above 0; got 0"),
        ({"learning_rate": "fast"}, "learning_rate must be a number above 0; got 'fast'"),
        ({"max_iter": 0}, "max_iter must be one of 'auto', or an integer of at least 1; got 0"),
        ({"hidden_layer_sizes": 64}, r"hidden_layer_sizes must be a tuple of positive integers, \(\) for none; got 64"),
        ({"batch_size": 1.5}, "batch_size must be an integer of at least 1; got 1.5"),
        ({"activation": "swish"}, "activation must be one of 'identity', "),
        ({"contamination": 0.6}, "a threshold must be 'auto', a fraction"),
        ({"random_state": "seed"}, "random_state must be None, an integer"),
        ({"validation_fraction": 1.0}, r"validation_fraction must be a number in \(0, 1\); got 1.0"),
        ({"corruption": "masking", "corruption_level": 1.0}, "corruption_level=1.0 must be below 1"),
        ({"likelihood": "bernoulli"}, r"likelihood='bernoulli' requires values in \[0, 1\], but column 0 ranges from"),
    ],
)
def test_bad_parameters_get_one_sentence_and_change_nothing(rows, parameters, message):
    detector = quick(**parameters)
    with pytest.raises(ValueError, match=message):
        detector.fit(rows)
    assert vars(detector) == vars(quick(**parameters))


def test_a_bottleneck_as_wide_as_the_row_is_refused(rows):
    with pytest.raises(ValueError, match="latent_dim=4 must be below 4, the number of columns of X"):
        UndercompleteAutoencoder(latent_dim=4).fit(rows)


def test_kinds_of_corruption_train_and_differ(rows):
    kinds = [quick(corruption=c, corruption_level=0.3) for c in ("gaussian", "masking", "salt_and_pepper")]
    scores = [clone(d).fit(rows).score(rows) for d in kinds]
    assert len(set(scores)) == 3
    assert np.isfinite(scores).all()


def test_soft_values_under_the_bernoulli_likelihood():
    X = np.random.default_rng(0).uniform(size=(100, 5))
    detector = VariationalAutoencoder(likelihood="bernoulli", max_iter=50, random_state=0).fit(X)
    back = detector.reconstruct(X)
    assert ((back > 0) & (back < 1)).all()
    assert (detector.reconstruction_error(X, per_feature=True) >= 0).all()


def test_a_short_fit_with_early_stopping_keeps_trained_weights(rows):
    from_scratch = {"activation": "silu"}
    stopped, plain = (quick(early_stopping=s, max_iter=9, **from_scratch).fit(rows) for s in (True, False))
    untrained = quick(max_iter=1, learning_rate=1e-12, **from_scratch).fit(rows)
    assert stopped.score(rows) > untrained.score(rows)
    assert plain.score(rows) > untrained.score(rows)


def test_one_extreme_row_is_not_a_divergence(rows):
    wild = rows.copy()
    wild[17, 0] = 1e5
    detector = quick(batch_size=8).fit(rows).partial_fit(wild)
    assert detector.score_samples(wild).argmin() == 17
    raw = np.random.default_rng(0).normal(size=(1000, 3))
    raw[3, 0] = 3e4
    assert quick(standardize=False, max_iter=300).fit(raw).score_samples(raw).argmin() == 3


def test_a_threshold_must_answer_with_a_finite_number(rows):
    class Fluent:
        def fit(self, scores):
            return self

    class Lost:
        def fit(self, scores):
            return np.nan

    detector = quick().fit(rows)
    for rule in (Fluent(), Lost()):
        with pytest.raises(ValueError, match=r"must return a finite number, the offset; got"):
            detector.set_threshold(rule)
        with pytest.raises(ValueError, match=r"must return a finite number, the offset; got"):
            quick(contamination=rule).fit(rows)


def test_numbers_of_numpy_as_parameters_can_be_saved(rows, tmp_path):
    detector = VariationalAutoencoder(
        hidden_layer_sizes=(np.int64(8),),
        noise_variance=np.float32(0.5),
        max_iter=np.int32(20),
        random_state=np.int64(1),
    ).fit(rows)
    detector.save(tmp_path / "model.aea")
    np.testing.assert_array_equal(aeanomaly.load(tmp_path / "model.aea").elbo(rows), detector.elbo(rows))


def test_a_scoring_callback_does_not_hide_a_divergence(rows):
    callback = pytest.importorskip("sklearn.callback")
    detector = quick(learning_rate=1e10, weight_decay=0.0).set_callbacks(callback.ScoringMonitor(scoring="roc_auc"))
    with pytest.raises(aeanomaly.FitError, match="training diverged before any step could be kept"):
        detector.fit(rows, np.where(np.arange(200) % 10 == 0, -1, 1))


def test_two_valued_columns_come_back_exactly():
    X = np.random.default_rng(0).choice([-2.7, -0.6], size=(100, 2))
    detector = VariationalAutoencoder(max_iter=50, random_state=0).fit(X)
    assert set(np.unique(detector.sample(50, random_state=2**64 + 5))) <= {-2.7, -0.6}


def test_dates_in_an_array_are_refused():
    dates = np.arange("2020-01-01", "2020-02-01", dtype="datetime64[D]")
    with pytest.raises(ValueError, match="only numbers are accepted"):
        quick().fit(dates[:, None])


def test_rows_held_out_by_early_stopping_are_not_prototypes():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 4))
    detector = DenoisingAutoencoder(early_stopping=True, validation_fraction=0.5, max_iter=400, random_state=0).fit(X)
    new = detector.reconstruction_error(rng.normal(size=(2000, 4))).mean()
    held_out = Members.single(0, len(X), 1e-3).split(0.5, 0).validation[0]
    assert detector.reconstruction_error(X[held_out]).mean() > 0.7 * new
    assert detector.reconstruction_error(np.delete(X, held_out, axis=0)).mean() < 0.7 * new


def test_the_reference_is_computed_on_first_use_from_a_copy_of_training_rows(rows):
    def fit(table):
        return DenoisingAutoencoder(max_iter=20, random_state=0).fit(table)

    table = rows.copy()
    detector, expected = fit(table), fit(rows).explain(rows, details=True)
    assert "reference" not in vars(detector.state_)
    table[:] = 0
    pd.testing.assert_frame_equal(detector.explain(rows, details=True), expected)
    loaded = pickle.loads(pickle.dumps(fit(rows)))
    assert not isinstance(loaded.state_.compared, np.ndarray)  # a pickle holds no rows of the table
    pd.testing.assert_frame_equal(loaded.explain(rows, details=True), expected)
