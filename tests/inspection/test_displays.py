"""Displays store the answers of the detector, and draw them on the given axes."""

import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest
from sklearn.exceptions import NotFittedError
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from aeanomaly import AutoencoderEnsemble, DenoisingAutoencoder, VariationalAutoencoder
from aeanomaly.datasets import make_factory, make_payments
from aeanomaly.inspection import (
    ContributionsDisplay,
    ContributionsHeatmapDisplay,
    LatentSpaceDisplay,
    LossCurveDisplay,
    ReconstructionDisplay,
    ScoreDistributionDisplay,
    precision_recall_display,
    roc_curve_display,
)
from aeanomaly.inspection._text import cut_names

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
plt = pytest.importorskip("matplotlib.pyplot")

OF_ROWS = [
    ScoreDistributionDisplay,
    ContributionsDisplay,
    ContributionsHeatmapDisplay,
    LatentSpaceDisplay,
    ReconstructionDisplay,
]
ALL = [*OF_ROWS, LossCurveDisplay]
CURVES = [roc_curve_display, precision_recall_display]
SMALL = {"max_iter": 30, "latent_dim": 16, "random_state": 0}
FITTED = {
    "factory": lambda: (DenoisingAutoencoder(early_stopping=True, contamination=0.05, **SMALL), *factory()),
    "array": lambda: (DenoisingAutoencoder(**SMALL), factory()[0].to_numpy(), factory()[1]),
    "payments": lambda: (DenoisingAutoencoder(missing="model", contamination=0.05, **SMALL), *payments()),
    "ensemble": lambda: (AutoencoderEnsemble(missing="model", contamination=0.05, **SMALL), *payments()),
    "variational": lambda: (VariationalAutoencoder(missing="model", contamination=0.05, **SMALL), *payments()),
    "pipeline": lambda: (make_pipeline(StandardScaler(), DenoisingAutoencoder(**SMALL)), *factory()),
}


def factory():
    X, y = make_factory(300, anomaly_rate=0.05, random_state=0)
    return X.set_axis([f"r{n}" for n in range(len(X))], axis=0), y


def payments():
    X, y = make_payments(300, anomaly_rate=0.05, random_state=0)
    return X.assign(since=pd.to_timedelta(X["minutes_since_last"], unit="min")), y


@pytest.fixture(scope="module", params=FITTED)
def fitted(request):
    """An estimator, and the rows and labels that it was fitted on."""
    estimator, X, y = FITTED[request.param]()
    return estimator.fit(X), X, y


@pytest.fixture(scope="module")
def detector():
    return DenoisingAutoencoder(early_stopping=True, contamination=0.05, **SMALL).fit(factory()[0])


@pytest.fixture(autouse=True)
def no_figures_left():
    assert not plt.get_fignums()
    yield
    plt.close("all")


def made(display, estimator, X, **options):
    rows = () if display is LossCurveDisplay else (X,)
    return display.from_estimator(estimator, *rows, **options)


def draw(display):
    """Render a display; warnings are errors."""
    display.figure_.canvas.draw()


class TestAll:
    @pytest.mark.parametrize("display", ALL)
    def test_draws(self, display, fitted):
        estimator, X, _ = fitted
        found = made(display, estimator, X)
        draw(found)
        assert len(plt.get_fignums()) == 1

    @pytest.mark.parametrize("display", ALL)
    def test_plot_returns_self_and_draws_on_the_given_axes(self, display, detector):
        figure, (left, right) = plt.subplots(1, 2)
        found = made(display, detector, factory()[0], ax=left)
        assert found.figure_ is figure
        if display is not ReconstructionDisplay:
            assert found.ax_ is left
            assert found.plot(ax=right) is found
            assert found.ax_ is right
        draw(found)
        assert plt.get_fignums() == [figure.number]

    @pytest.mark.parametrize("display", ALL)
    def test_the_current_axes_are_left_alone(self, display, detector):
        _, ax = plt.subplots()
        made(display, detector, factory()[0])
        assert not ax.has_data()

    @pytest.mark.parametrize("display", ALL)
    def test_plotting_again_gives_another_figure(self, display, detector):
        found = made(display, detector, factory()[0])
        first = found.figure_
        assert found.plot().figure_ is not first

    @pytest.mark.parametrize("display", ALL)
    def test_an_unfitted_estimator(self, display):
        with pytest.raises(NotFittedError):
            made(display, DenoisingAutoencoder(), factory()[0])
        with pytest.raises(NotFittedError):
            made(display, make_pipeline(StandardScaler(), DenoisingAutoencoder()), factory()[0])

    @pytest.mark.parametrize("display", ALL[1:])
    def test_another_estimator(self, display):
        X, _ = factory()
        with pytest.raises(TypeError, match="IsolationForest"):
            made(display, IsolationForest(n_estimators=2).fit(X), X)

    @pytest.mark.parametrize("display", [*ALL, *CURVES])
    def test_without_matplotlib(self, display, detector, monkeypatch):
        monkeypatch.setitem(sys.modules, "matplotlib", None)
        X, y = factory()
        with pytest.raises(ImportError, match=r"pip install 'aeanomaly\[plot\]'"):
            display(detector, X, y) if display in CURVES else made(display, detector, X)

    def test_plot_alone_without_matplotlib(self, detector, monkeypatch):
        found = LossCurveDisplay(loss=detector.loss_curve_, validation_loss=detector.validation_loss_curve_)
        monkeypatch.setitem(sys.modules, "matplotlib", None)
        with pytest.raises(ImportError, match=r"LossCurveDisplay.plot needs matplotlib"):
            found.plot()

    @pytest.mark.parametrize("display", ALL)
    def test_a_search_shows_its_best_estimator(self, display):
        X, _ = factory()
        search = GridSearchCV(DenoisingAutoencoder(**SMALL), {"corruption_level": [0.5]}, cv=2).fit(X)
        found, known = (made(display, estimator, X) for estimator in (search, search.best_estimator_))
        for name, value in vars(known).items():
            if isinstance(value, np.ndarray) and value.dtype != object:
                np.testing.assert_array_equal(getattr(found, name), value)

    @pytest.mark.parametrize("display", OF_ROWS)
    @pytest.mark.parametrize("fitted", ["array", "variational"], indirect=True)
    def test_one_row(self, display, fitted):
        estimator, X, _ = fitted
        if display is LatentSpaceDisplay:
            with pytest.raises(ValueError, match="pass more rows"):
                display.from_estimator(estimator, X[:1])
        else:
            draw(display.from_estimator(estimator, X[:1]))

    @pytest.mark.parametrize("display", ALL)
    def test_names_with_dollars_and_many_letters(self, display):
        X, _ = factory()
        X = X.set_axis([f"in ${'x' * n}_$ \\frac and {n}" for n in range(0, 100, 10)], axis=1).set_axis(
            X.index + " $_$"
        )
        draw(made(display, DenoisingAutoencoder(**SMALL).fit(X), X))

    @pytest.mark.parametrize("display", OF_ROWS)
    def test_a_row_of_huge_values(self, display, detector):
        X, _ = factory()
        X.iloc[3] = 1e30
        draw(display.from_estimator(detector, X))


LONG = [f"temperature_of_the_bearing_of_sensor_{j}" for j in range(10)]


class TestNames:
    def test_long_names_are_cut_in_the_middle(self):
        X, _ = factory()
        X = X.set_axis(LONG, axis=1)
        detector = DenoisingAutoencoder(**SMALL).fit(X)
        waterfall = ContributionsDisplay.from_estimator(detector, X, n_columns=10)
        names = {text.get_text().split(":")[0] for text in waterfall.ax_.get_yticklabels()[:-1]}
        expected = {f"temperature_of\N{HORIZONTAL ELLIPSIS}_sensor_{j}" for j in range(10)}
        assert names == expected
        heatmap = ContributionsHeatmapDisplay.from_estimator(detector, X)
        assert {text.get_text() for text in heatmap.ax_.get_xticklabels()} == expected
        panels = ReconstructionDisplay.from_estimator(detector, X, n_columns=10)
        assert {ax.get_title()[-9:] for ax in panels.ax_} == {f"_sensor_{j}" for j in range(10)}

    def test_different_names_stay_different(self):
        for alike in (
            [f"{name}_mean_of_ten_minutes_in_degrees" for name in LONG],
            [f"x{'y' * 40}{j}{'z' * 40}" for j in range(30)],
            [f"a{'b' * 30}", f"a{'b' * 31}", "short", "short"],
        ):
            for most in (12, 24, 60):
                short = cut_names(alike, most)
                assert len(set(short)) == len(set(alike))
                assert all(len(text) <= most for text in short)

    def test_names_are_cut_between_characters(self):
        family, letter = "\N{MAN}\u200d\N{WOMAN}\u200d\N{GIRL}", "e\N{COMBINING ACUTE ACCENT}"
        for name in (family * 20, letter * 40, f"{'x' * 11}{family}{'y' * 30}{family}{'z' * 7}"):
            for most in range(8, 30):
                start, end = cut_names([name], most)[0].split("\N{HORIZONTAL ELLIPSIS}")
                assert len(start) + len(end) < most
                assert name.startswith(start)
                assert name.endswith(end)
                assert not end.startswith(("\u200d", "\N{COMBINING ACUTE ACCENT}"))
                assert not start.endswith("\u200d")


class TestScores:
    def test_stores_the_answers_of_the_detector(self, fitted):
        estimator, X, y = fitted
        end = estimator[-1] if hasattr(estimator, "steps") else estimator
        found = ScoreDistributionDisplay.from_estimator(estimator, X, y, training_scores=True)
        np.testing.assert_array_equal(found.scores, estimator.score_samples(X))
        np.testing.assert_array_equal(found.training_scores, end.training_scores_)
        np.testing.assert_array_equal(found.is_anomaly, y == 1)
        assert found.offset == end.offset_
        assert found.line_.get_xdata()[0] == -end.offset_

    def test_the_legend_shows_flagged_shares(self, detector):
        X, y = factory()
        found = ScoreDistributionDisplay.from_estimator(detector, X)
        assert found.ax_.get_legend().get_texts()[0].get_text() == "rows: 5% of 300 flagged"
        found = ScoreDistributionDisplay.from_estimator(detector, X, np.where(y == 1, -1, 1))
        assert found.ax_.get_legend().get_texts()[1].get_text().startswith("anomalies: ")

    @pytest.mark.parametrize("scale", ["auto", "log", "linear"])
    def test_every_row_is_in_some_bar(self, fitted, scale):
        estimator, X, _ = fitted
        found = ScoreDistributionDisplay.from_estimator(estimator, X, scale=scale)
        (bars,) = found.ax_.patches
        x, heights = bars.get_xy().T
        tops = heights[(x[:-1] < x[1:]).nonzero()]  # the outline goes up and to the right, then back
        assert tops.sum() == pytest.approx(1)

    def test_heavy_tails_are_logarithmic(self):
        stream = np.random.default_rng(0)
        scale = {}
        for name, errors in {
            "positive": stream.lognormal(0, 3, size=500),
            "both signs": 1e3 * stream.standard_cauchy(500),
            "light": 10 + stream.random(500),
            "equal": np.ones(500),
        }.items():
            found = ScoreDistributionDisplay.from_predictions(-errors, offset=-2.0)
            draw(found)
            scale[name] = found.ax_.get_xscale()
        assert scale == {"positive": "log", "both signs": "asinh", "light": "linear", "equal": "linear"}

    @pytest.mark.parametrize("scale", ["auto", "log"])
    def test_a_short_logarithmic_axis_has_several_ticks(self, scale):
        errors = np.concatenate([np.linspace(3, 6, 180), np.linspace(6, 45, 20)])
        for shift in (0, 4):
            found = ScoreDistributionDisplay(scores=shift - errors, offset=-30.0).plot(scale=scale)
            low, high = found.ax_.get_xlim()
            ticks = found.ax_.get_xticks()
            assert ((ticks >= low) & (ticks <= high)).sum() >= 3
            assert [text.get_text() for text in found.ax_.get_xticklabels()].count("") == 0

    def test_other_outlier_estimators(self):
        X, y = factory()
        forest = IsolationForest(n_estimators=5, random_state=0).fit(X.to_numpy())
        found = ScoreDistributionDisplay.from_estimator(forest, X.to_numpy(), y)
        assert found.offset == forest.offset_
        with pytest.raises(TypeError, match="training_scores_"):
            ScoreDistributionDisplay.from_estimator(forest, X.to_numpy(), training_scores=True)

    @pytest.mark.parametrize(
        ("options", "word"),
        [
            ({"y": [0, 1]}, "2 labels"),
            ({"y": [0] * 300}, "normal rows and anomalies"),
            ({"y": ["a"] * 300}, "labels must be"),
            ({"scale": "cubic"}, "scale must be"),
            ({"n_bins": 0}, "n_bins"),
        ],
    )
    def test_bad_input(self, detector, options, word):
        with pytest.raises(ValueError, match=word):
            ScoreDistributionDisplay.from_estimator(detector, factory()[0], **options)

    def test_scores_that_are_not_finite(self):
        with pytest.raises(ValueError, match="finite"):
            ScoreDistributionDisplay.from_predictions([1.0, np.nan], offset=0)


class TestContributions:
    def test_stores_the_answers_of_the_detector(self, fitted):
        estimator, X, _ = fitted
        if hasattr(estimator, "steps"):
            pytest.skip("has names of its own")
        found = ContributionsDisplay.from_estimator(estimator, X, row=7)
        details = estimator.explain(X, details=True).iloc[7]
        np.testing.assert_array_equal(found.contributions, details["contribution"].astype(float))
        pd.testing.assert_series_equal(found.observed, details["observed"], check_names=False)
        pd.testing.assert_series_equal(found.expected, details["expected"], check_names=False)
        assert found.score == estimator.score_samples(X)[7]

    def test_the_waterfall_ends_at_minus_the_score(self, fitted):
        estimator, X, _ = fitted
        for n_columns in (1, 100):
            found = ContributionsDisplay.from_estimator(estimator, X, row=2, n_columns=n_columns)
            *steps, total = found.bars_
            assert total.get_width() == pytest.approx(-found.score)
            assert steps[0].get_x() == 0
            assert steps[-1].get_x() + steps[-1].get_width() == pytest.approx(-found.score)
            assert len(steps) == min(n_columns + 1, len(found.contributions))

    def test_by_default_the_worst_row(self, fitted):
        estimator, X, _ = fitted
        assert ContributionsDisplay.from_estimator(estimator, X).score == estimator.score_samples(X).min()

    def test_kl_is_a_bar(self):
        X, _ = factory()
        detector = VariationalAutoencoder(max_iter=200, random_state=0).fit(X)
        found = ContributionsDisplay.from_estimator(detector, X, row=0, n_columns=20)
        assert "kl" in [text.get_text() for text in found.ax_.get_yticklabels()]
        assert found.contributions.min() < 0

    def test_labels_show_the_observed_cells(self):
        X, _ = payments()
        detector = DenoisingAutoencoder(missing="model", **SMALL).fit(X)
        found = ContributionsDisplay.from_estimator(detector, X, row=0, n_columns=20)
        labels = " ".join(text.get_text() for text in found.ax_.get_yticklabels())
        assert f"category: {X['category'].iloc[0]!r}" in labels
        assert f"{X['timestamp'].iloc[0]:%Y-%m-%d %H:%M}" in labels
        assert "missing" in labels
        assert "nan" not in labels.lower().replace("\\n", "")

    def test_of_an_explanation(self, detector):
        X, _ = factory()
        known = ContributionsDisplay.from_estimator(detector, X, row=4)
        for explanation in (detector.explain(X), detector.explain(X, details=True)):
            found = ContributionsDisplay.from_explanation(explanation, row=4, offset=detector.offset_)
            assert found.score == pytest.approx(known.score)
            assert found.row == "r4"
        assert ContributionsDisplay.from_explanation(detector.explain(X)).line_ is None

    @pytest.mark.parametrize(
        ("row", "word"),
        [(300, "less than the number of rows, 300"), (-1, "least 0"), ("r300", "row must be"), (True, "row must be")],
    )
    def test_no_such_row(self, detector, row, word):
        with pytest.raises(ValueError, match=word):
            ContributionsDisplay.from_estimator(detector, factory()[0], row=row)

    def test_a_label_of_the_index_names_the_row(self, detector):
        X, _ = factory()
        scores = detector.score_samples(X)
        moved = X.set_axis(pd.Index(np.arange(300) + 100, name="machine"), axis=0)
        days = X.set_axis(pd.date_range("2024-01-01", periods=300), axis=0)
        pairs = X.set_axis(pd.MultiIndex.from_product([["a", "b", "c"], range(100)]), axis=0)
        for rows, label, place in (
            (X, "r7", 7), (moved, 107, 7), (moved, 7, 7), (moved, 299, 199), (moved, np.int64(107), 7),
            (days, pd.Timestamp("2024-01-08"), 7), (days, "2024-01-08", 7), (pairs, ("b", 5), 105),
        ):  # fmt: skip
            found = ContributionsDisplay.from_estimator(detector, rows, row=label)
            assert found.score == scores[place]
            plt.close(found.figure_)
        assert found.ax_.get_title().startswith("row b, 5: score ")
        found = ContributionsDisplay.from_explanation(detector.explain(moved), row=299)
        assert found.score == pytest.approx(scores[199])
        assert found.ax_.get_title().startswith("machine 299: score ")
        assert ContributionsDisplay.from_explanation(detector.explain(moved)).row == 100

    def test_the_row_of_an_array_is_a_position(self):
        X = factory()[0].to_numpy()
        detector = DenoisingAutoencoder(**SMALL).fit(X)
        found = ContributionsDisplay.from_estimator(detector, X, row=7)
        assert found.score == detector.score_samples(X)[7]
        with pytest.raises(ValueError, match="row must be a label of the index, or a position"):
            ContributionsDisplay.from_estimator(detector, X, row="r7")

    def test_a_label_of_several_rows(self, detector):
        X = factory()[0].set_axis([0, 0, *range(298)], axis=0)
        with pytest.raises(ValueError, match=r"row=0 is the label of 3 rows; .*reset_index"):
            ContributionsDisplay.from_estimator(detector, X, row=0)
        assert ContributionsDisplay.from_estimator(detector, X, row=299).row == 297

    @pytest.mark.parametrize(("row", "n_columns"), [(None, 6), (0, 100), (200, 1)])
    def test_numbers_do_not_cross_the_frame(self, fitted, row, n_columns):
        estimator, X, _ = fitted
        found = ContributionsDisplay.from_estimator(estimator, X, row=row, n_columns=n_columns)
        draw(found)
        frame = found.ax_.get_window_extent()
        numbers = [text for text in found.ax_.texts if not text.get_text().startswith("threshold")]
        assert len(numbers) == len(found.bars_)
        for number in numbers:
            extent = number.get_window_extent()
            assert frame.x0 < extent.x0
            assert extent.x1 < frame.x1
            assert frame.y0 < extent.y0
            assert extent.y1 < frame.y1

    def test_numbers_of_any_size_stay_within_the_frame(self):
        rng = np.random.default_rng(0)
        for scale in (1e-9, 1.0, 1e12):
            for values in (rng.normal(size=8), rng.lognormal(sigma=3, size=8), np.r_[5.0, -4.9, 0.1]):
                parts = pd.DataFrame([scale * values]).rename(columns=str)
                found = ContributionsDisplay.from_explanation(parts, offset=-scale * 3)
                draw(found)
                frame = found.ax_.get_window_extent()
                for text in found.ax_.texts[1:]:
                    assert frame.x0 < text.get_window_extent().x0 < text.get_window_extent().x1 < frame.x1
                plt.close(found.figure_)

    def test_names_behind_a_pipeline(self):
        X, _ = factory()
        pipeline = make_pipeline(StandardScaler(), DenoisingAutoencoder(**SMALL)).fit(X)
        found = ContributionsDisplay.from_estimator(pipeline, X, row=3)
        assert list(found.contributions.index) == list(X.columns)
        assert found.row == "r3"
        assert found.observed["power_kw"] == pytest.approx(pipeline[0].transform(X)[3, X.columns.get_loc("power_kw")])


class TestHeatmap:
    @pytest.mark.parametrize("scale", ["share", "log"])
    def test_the_worst_rows_first(self, fitted, scale):
        estimator, X, _ = fitted
        found = ContributionsHeatmapDisplay.from_estimator(estimator, X, n_rows=9, n_columns=4, scale=scale)
        draw(found)
        scores = estimator.score_samples(X)
        np.testing.assert_array_equal(found.scores, np.sort(scores)[:9])
        np.testing.assert_allclose(found.contributions.sum(axis=1), -found.scores, rtol=1e-6)
        shown = found.image_.get_array()
        assert shown.shape == (9, 5)
        total = 1 if scale == "share" else -found.scores
        if (found.contributions.to_numpy() >= 0).all():
            np.testing.assert_allclose(shown.sum(axis=1), total, rtol=1e-6)

    def test_rows_are_named_by_the_index(self, detector):
        X, _ = factory()
        found = ContributionsHeatmapDisplay.from_estimator(detector, X, n_rows=2)
        worst = X.index[np.argmin(detector.score_samples(X))]
        assert found.ax_.get_yticklabels()[0].get_text().startswith(f"{worst} (")
        again = ContributionsHeatmapDisplay.from_explanation(detector.explain(X), n_rows=2, offset=detector.offset_)
        pd.testing.assert_frame_equal(again.contributions, found.contributions)

    def test_the_index_names_the_axis(self, detector):
        X, _ = factory()
        for rows, name in ((X.rename_axis("machine"), "machine"), (X, "row")):
            found = ContributionsHeatmapDisplay.from_estimator(detector, rows, n_rows=2)
            assert found.ax_.get_ylabel() == f"{name} (score)"

    def test_many_rows(self, detector):
        draw(ContributionsHeatmapDisplay.from_estimator(detector, factory()[0], n_rows=300))

    @pytest.mark.parametrize(("options", "word"), [({"n_rows": 0}, "n_rows"), ({"scale": "linear"}, "scale must be")])
    def test_bad_input(self, detector, options, word):
        with pytest.raises(ValueError, match=word):
            ContributionsHeatmapDisplay.from_estimator(detector, factory()[0], **options)


class TestLatentSpace:
    @pytest.mark.parametrize("width", [1, 2, 3])
    def test_two_dimensions(self, width):
        X, _ = factory()
        detector = VariationalAutoencoder(latent_dim=width, max_iter=30, random_state=0).fit(X)
        found = LatentSpaceDisplay.from_estimator(detector, X)
        codes, scores = detector.transform(X), detector.score_samples(X)
        expected = {1: np.column_stack([codes[:, 0], -scores]), 2: codes}
        known = expected[width] if width < 3 else PCA(2, svd_solver="full").fit_transform(codes)
        np.testing.assert_allclose(found.codes, known)
        np.testing.assert_array_equal(found.scores, scores)
        assert found.names == list(dict.fromkeys([found.ax_.get_xlabel(), found.ax_.get_ylabel()]))

    def test_flagged_rows_are_ringed(self, detector):
        found = LatentSpaceDisplay.from_estimator(detector, factory()[0])
        assert len(found.ax_.collections[1].get_offsets()) == np.sum(detector.predict(factory()[0]) == -1)

    def test_labels_color_the_points(self, fitted):
        estimator, X, y = fitted
        for labels in (y, np.where(y == 1, -1, 1)):
            found = LatentSpaceDisplay.from_estimator(estimator, X, labels)
            draw(found)
            np.testing.assert_array_equal(found.is_anomaly, y == 1)
            assert found.colorbar_ is None
            colors, n = np.unique(found.scatter_.get_facecolors(), axis=0, return_counts=True)
            assert sorted(n) == sorted([(y == 1).sum(), (y != 1).sum()])
            assert len(colors) == 2
            texts = [text.get_text() for text in found.ax_.get_legend().get_texts()]
            assert texts[0].startswith("normal rows: ")
            assert texts[1].endswith(f"% of {(y == 1).sum()} flagged")
            assert texts[2] == "flagged"

    @pytest.mark.parametrize(
        ("y", "word"), [([0, 1], "2 labels"), ([0] * 300, "normal rows"), ([2] * 300, "labels must")]
    )
    def test_bad_labels(self, detector, y, word):
        with pytest.raises(ValueError, match=word):
            LatentSpaceDisplay.from_estimator(detector, factory()[0], y)


class TestLossCurve:
    def test_stores_the_loss_curves_of_the_detector(self, detector):
        found = LossCurveDisplay.from_estimator(detector)
        np.testing.assert_array_equal(found.loss, detector.loss_curve_)
        np.testing.assert_array_equal(found.validation_loss, detector.validation_loss_curve_)
        steps, losses = found.validation_line_.get_data()
        assert list(steps) == [0, 10, 20, 30]
        np.testing.assert_array_equal(losses, detector.validation_loss_curve_)

    def test_without_validation(self):
        found = LossCurveDisplay.from_estimator(DenoisingAutoencoder(**SMALL).fit(factory()[0]))
        assert found.validation_line_ is None

    def test_no_logarithm_of_negative_losses(self):
        with pytest.raises(ValueError, match="positive"):
            LossCurveDisplay(loss=np.array([1.0, -1.0]), validation_loss=np.empty(0)).plot(scale="log")


class TestReconstruction:
    def test_stores_the_answers_of_the_detector(self, fitted):
        estimator, X, _ = fitted
        if hasattr(estimator, "steps"):
            pytest.skip("has names of its own")
        names = list(estimator.explain(X).columns[: X.shape[1]])
        found = ReconstructionDisplay.from_estimator(estimator, X, columns=names)
        pd.testing.assert_frame_equal(found.observed, estimator.explain(X, details=True)["observed"])
        np.testing.assert_array_equal(found.reconstructed, pd.DataFrame(estimator.reconstruct(X)))
        np.testing.assert_array_equal(found.scores, estimator.score_samples(X))
        assert len(found.ax_) == len(names)

    def test_the_most_contributing_columns_first(self, detector):
        X, _ = factory()
        found = ReconstructionDisplay.from_estimator(detector, X, n_columns=2)
        contributions = detector.explain(X)[detector.predict(X) == -1]
        shares = contributions.div(contributions.sum(axis=1), axis=0).sum()
        assert list(found.observed.columns) == list(shares.nlargest(2).index)

    def test_given_axes(self, detector):
        figure, axes = plt.subplots(1, 2)
        columns = ["power_kw", "flow_l_min"]
        found = ReconstructionDisplay.from_estimator(detector, factory()[0], columns=columns, ax=axes)
        assert list(found.ax_) == list(axes)
        assert [ax.get_title() for ax in axes] == columns
        with pytest.raises(ValueError, match="2 axes for 1 columns"):
            ReconstructionDisplay.from_estimator(detector, factory()[0], columns="power_kw", ax=axes)
        assert plt.get_fignums() == [figure.number]

    def test_flagged_rows_are_above_and_do_not_hide_the_others(self):
        X, _ = factory()
        detector = DenoisingAutoencoder(contamination=0.2, **SMALL).fit(X)
        found = ReconstructionDisplay.from_estimator(detector, X, columns=["power_kw"], n_labels=0)
        draw(found)
        normal, flagged = found.ax_[0].collections[:2]
        assert len(normal.get_offsets()) == 240
        assert len(flagged.get_offsets()) == 60
        assert normal.get_zorder() < flagged.get_zorder()
        assert normal.get_sizes()[0] < flagged.get_sizes()[0]
        assert normal.get_alpha() < flagged.get_alpha() < 1
        assert not found.ax_[0].texts
        many = ReconstructionDisplay(
            observed=pd.concat([found.observed] * 9),
            reconstructed=pd.concat([found.reconstructed] * 9),
            scores=np.tile(found.scores, 9),
            offset=found.offset,
        ).plot()
        assert many.ax_[0].collections[1].get_alpha() < flagged.get_alpha()

    @pytest.mark.parametrize("n_labels", [1, 3, 50])
    def test_the_worst_rows_are_labeled_within_the_frame(self, fitted, n_labels):
        estimator, X, _ = fitted
        found = ReconstructionDisplay.from_estimator(estimator, X, n_labels=n_labels)
        draw(found)
        index = X.index if isinstance(X, pd.DataFrame) else range(len(X))
        worst = [str(index[row]) for row in np.argsort(found.scores, kind="stable")[:n_labels]]
        for axis in found.ax_:
            assert len(axis.texts) <= n_labels
            assert {text.get_text() for text in axis.texts} <= set(worst)
            frame = axis.get_window_extent()
            for text in axis.texts:
                extent = text.get_window_extent()
                assert frame.x0 <= extent.x0 <= extent.x1 <= frame.x1
                assert frame.y0 <= extent.y0 <= extent.y1 <= frame.y1
        assert any(text.get_text() == worst[0] for axis in found.ax_ for text in axis.texts)

    def test_a_column_of_missing_values(self):
        X, _ = payments()
        detector = DenoisingAutoencoder(missing="model", **SMALL).fit(X)
        X = X.assign(customer_age=np.nan, device=X["device"].where(X["device"].isna()), timestamp=pd.NaT)
        draw(ReconstructionDisplay.from_estimator(detector, X, columns=["customer_age", "device", "timestamp"]))

    @pytest.mark.parametrize(
        ("options", "word"),
        [
            ({"columns": ["power"]}, "column 'power' is unknown"),
            ({"columns": []}, "empty"),
            ({"n_columns": 0}, "n_col"),
            ({"n_labels": -1}, "n_labels"),
        ],
    )
    def test_bad_input(self, detector, options, word):
        with pytest.raises(ValueError, match=word):
            ReconstructionDisplay.from_estimator(detector, factory()[0], **options)


class TestCurves:
    def test_both_label_conventions_are_accepted(self, fitted):
        estimator, X, y = fitted
        errors = -estimator.score_samples(X)
        for labels in (y, np.where(y == 1, -1, 1)):
            assert roc_curve_display(estimator, X, labels).roc_auc == pytest.approx(roc_auc_score(y, errors))
            found = precision_recall_display(estimator, X, labels)
            assert found.average_precision == pytest.approx(average_precision_score(y, errors))
            draw(found)

    @pytest.mark.parametrize("curve", CURVES)
    def test_curves_are_drawn_on_the_given_axes(self, curve, detector):
        X, y = factory()
        _, ax = plt.subplots()
        found = curve(detector, X, y, name="mine", ax=ax)
        assert found.ax_ is ax
        assert ax.get_legend().get_texts()[0].get_text().startswith("mine (")
        assert "anomaly" in ax.get_xlabel()

    @pytest.mark.parametrize("curve", CURVES)
    @pytest.mark.parametrize(("y", "word"), [(None, "needs labels"), ([0, 1], "2 labels"), ([2] * 300, "labels must")])
    def test_bad_labels(self, curve, detector, y, word):
        with pytest.raises(ValueError, match=word):
            curve(detector, factory()[0], y)

    @pytest.mark.parametrize("curve", CURVES)
    def test_an_unfitted_estimator(self, curve):
        with pytest.raises(NotFittedError):
            curve(DenoisingAutoencoder(), *factory())
