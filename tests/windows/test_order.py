"""Order of rows: times, gaps and groups."""

import numpy as np
import pandas as pd
import pytest

from tests.windows.tables import W, interleaved, is_a_sentence, readings, same, waves, windowed


@pytest.fixture(scope="module")
def fitted():
    return windowed(time="time").fit(readings())


@pytest.fixture(scope="module")
def grouped():
    return windowed(time="time", groups="machine").fit(interleaved())


def with_gap(X, row, gap):
    """Delay the rows from `row` on."""
    return X.assign(time=X["time"].where(np.arange(len(X)) < row, X["time"] + pd.Timedelta(gap)))


class TestGroups:
    def test_alternating_series_score_as_each_alone(self, grouped):
        X = interleaved(seed=5).sample(frac=0.5, random_state=0).sort_index()
        scores = pd.Series(grouped.score_samples(X), index=X.index)
        for _, rows in X.groupby("machine"):
            same(grouped.score_samples(rows), scores[rows.index])

    def test_blocks_of_series_score_as_alternating_rows(self, grouped):
        X = interleaved(seed=5)
        blocks = X.sort_values("machine", kind="stable")
        same(grouped.score_samples(blocks), grouped.score_samples(X)[blocks.index])

    def test_an_unknown_group_is_scored_like_others(self, grouped):
        X = interleaved(seed=5)
        same(grouped.score_samples(X.assign(machine=X["machine"] + "new")), grouped.score_samples(X))

    def test_the_fit_does_not_depend_on_the_names_of_groups(self, grouped):
        X = interleaved()
        renamed = X.assign(machine=X["machine"].map({"x": 3, "y": 1, "z": 2}))
        detector = windowed(time="time", groups="machine").fit(renamed)
        same(detector.score_samples(renamed), grouped.score_samples(X))

    def test_several_columns_tell_series_apart(self, grouped):
        X = interleaved()
        two = X.assign(site=X["machine"].map({"x": "p", "y": "p", "z": "q"}), unit=X["machine"].map(ord) % 2)
        two = two.drop(columns="machine")
        detector = windowed(time="time", groups=["site", "unit"]).fit(two)
        assert list(detector.group_columns) == ["site", "unit"]
        same(detector.score_samples(two), grouped.score_samples(X))

    def test_positions_in_an_array_are_as_good_as_names(self, grouped):
        X = interleaved()
        array = np.column_stack([X.index // 3, X[["a", "b"]], X["machine"].map(ord)])
        detector = windowed(time=0, groups=3, max_gap=10).fit(array)
        same(detector.score_samples(array), grouped.score_samples(X))

    def test_groups_without_times_follow_the_order_of_the_rows(self):
        X = interleaved().drop(columns="time")
        detector = windowed(groups="machine").fit(X)
        scores = pd.Series(detector.score_samples(X))
        for _, rows in X.groupby("machine"):
            same(detector.score_samples(rows), scores[rows.index])


class TestGaps:
    @pytest.mark.parametrize("row", [1, 5, 100])
    def test_rows_after_a_long_gap_score_as_a_fresh_start(self, fitted, row):
        X = readings(150, seed=1)
        later = with_gap(X, row, "1h")
        scores = fitted.score_samples(later)
        same(scores[:row], fitted.score_samples(X)[:row])
        same(scores[row:], fitted.score_samples(X[row:]))
        assert (scores != fitted.score_samples(X)).any()

    def test_times_within_the_limit_may_be_irregular(self, fitted):
        X = readings(150, seed=1)
        steps = np.random.default_rng(0).uniform(1, 599, size=150)
        irregular = X.assign(time=X["time"][0] + pd.to_timedelta(np.cumsum(steps), unit="s"))
        same(fitted.score_samples(irregular), fitted.score_samples(X))

    def test_the_automatic_limit_is_ten_times_the_median_step(self, fitted):
        X = readings(100, seed=1)
        expected = fitted.score_samples(X)
        same(fitted.score_samples(with_gap(X, 50, "9min")), expected)
        assert (fitted.score_samples(with_gap(X, 50, "9min 1s"))[50:] != expected[50:]).any()

    @pytest.mark.parametrize("max_gap", ["5min", 300, pd.Timedelta("5min"), np.timedelta64(5, "m")], ids=repr)
    def test_a_limit_may_be_a_duration_or_seconds(self, max_gap):
        X = readings()
        detector = windowed(time="time", max_gap=max_gap).fit(X)
        same(detector.score_samples(with_gap(X, 50, "4min")), detector.score_samples(X))
        same(detector.score_samples(with_gap(X, 50, "5min"))[50:], detector.score_samples(X[50:]))

    def test_without_a_limit_gaps_are_ignored(self):
        X = readings()
        detector = windowed(time="time", max_gap=None).fit(X)
        same(detector.score_samples(with_gap(X, 50, "3000D")), detector.score_samples(X))

    def test_numbers_are_times_in_their_own_units(self):
        X = np.column_stack([0.5 * np.arange(400), waves()])
        detector = windowed(time=0).fit(X)
        later = X.copy()
        later[50:, 0] += 4.5
        same(detector.score_samples(later), detector.score_samples(X))
        later[50:, 0] += 0.1
        same(detector.score_samples(later)[50:], detector.score_samples(X[50:]))

    def test_training_windows_do_not_cross_gaps(self):
        X = with_gap(readings(), 200, "30D")
        detector = windowed(time="time").fit(X)
        two = pd.concat([X[:200].assign(part="p"), X[200:].assign(part="q")])
        apart = windowed(time="time", groups="part").fit(two)
        same(detector.score_samples(X), apart.score_samples(two))


class TestTimes:
    def test_the_values_of_times_are_not_scored(self, fitted):
        X = readings(seed=1)
        same(fitted.score_samples(X.assign(time=X["time"] + pd.Timedelta("4000D"))), fitted.score_samples(X))

    def test_an_index_of_times_orders_the_rows(self, fitted):
        X, gap = readings(), with_gap(readings(), 50, "1h")
        detector = windowed().fit(X.set_index("time"))
        same(detector.score_samples(gap.set_index("time")), fitted.score_samples(gap))
        with pytest.raises(ValueError, match="order of time"):
            detector.score_samples(X.set_index("time")[::-1])

    def test_an_index_of_numbers_is_ignored(self):
        X = readings().drop(columns="time")
        detector = windowed().fit(X)
        same(detector.score_samples(X.set_index(X.index[::-1])), detector.score_samples(X))

    @pytest.mark.parametrize("where", ["column", "index"])
    @pytest.mark.parametrize("start", ["2026-10-24 23:00", "2026-03-28 23:00"])
    def test_changes_of_the_clock_do_not_matter(self, fitted, where, start):
        X = readings(seed=1)
        zoned = X.assign(time=pd.date_range(start, periods=400, freq="min", tz="Europe/Berlin"))
        train = readings()
        train["time"] = train["time"].dt.tz_localize("Europe/Berlin")
        if where == "index":
            zoned, train, detector = zoned.set_index("time"), train.set_index("time"), windowed()
        else:
            detector = windowed(time="time")
        same(detector.fit(train).score_samples(zoned), fitted.score_samples(X))

    @pytest.mark.parametrize("unit", ["s", "ms", "ns"])
    def test_the_resolution_of_times_does_not_matter(self, fitted, unit):
        X = with_gap(readings(seed=1), 50, "9min 30s")
        same(fitted.score_samples(X.assign(time=X["time"].astype(f"datetime64[{unit}]"))), fitted.score_samples(X))

    @pytest.mark.parametrize("row", [1, 70, 149])
    def test_an_earlier_row_is_named(self, fitted, row):
        X = readings(150)
        X.loc[row, "time"] = pd.Timestamp("2020-01-01")
        for call in (fitted.score_samples, windowed(time="time").fit):
            with pytest.raises(ValueError, match=rf"row {row}\b") as caught:
                call(X)
            assert is_a_sentence(caught.value)

    def test_an_earlier_row_of_a_group_is_named_by_its_place_in_the_table(self, grouped):
        X = interleaved()
        X.loc[100, "time"] = pd.Timestamp("2020-01-01")
        with pytest.raises(ValueError, match=r"row 100\b"):
            grouped.score_samples(X)

    def test_equal_times_of_a_series_warn(self, fitted):
        X = readings(150)
        X.loc[70, "time"] = X.loc[69, "time"]
        for call in (fitted.score_samples, windowed(time="time").fit):
            with pytest.warns(UserWarning, match="the time of the row before"):
                call(X)

    def test_equal_times_of_groups_do_not_warn(self, grouped):
        assert len(grouped.score_samples(interleaved())) == 1200

    @pytest.mark.parametrize("step", [1, 0.5])
    def test_a_column_of_numbers_orders_the_rows_without_a_warning(self, fitted, step):
        X = readings()
        numbered = X.assign(time=step * np.arange(400))
        same(windowed(time="time").fit(numbered).score_samples(numbered), fitted.score_samples(X))

    def test_series_one_after_the_other_do_not_warn(self):
        X = interleaved().sort_values("machine", kind="stable", ignore_index=True)
        detector = windowed(time="time", groups="machine").fit(X.assign(machine=X["machine"].map(ord)))
        assert len(detector.training_scores_) == 1200

    def test_missing_times_are_refused(self, fitted):
        X = readings(150)
        X.loc[70, "time"] = pd.NaT
        with pytest.raises(ValueError, match="time"):
            fitted.score_samples(X)

    def test_text_is_refused_as_times(self):
        with pytest.raises(ValueError, match="holds text"):
            windowed(time="time").fit(readings().assign(time="noon"))

    def test_a_window_longer_than_all_series_is_refused(self):
        with pytest.raises(ValueError, match="window=13 is longer") as caught:
            windowed(window=13, groups="part").fit(readings(48).drop(columns="time").assign(part=list("pqrs") * W))
        assert is_a_sentence(caught.value)
        assert len(windowed(window=12).fit(waves(12)).training_scores_) == 12
