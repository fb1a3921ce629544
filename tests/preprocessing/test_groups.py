"""Statistics of groups, against their closed forms."""

import numpy as np
import pandas as pd
import pytest

from aeanomaly.preprocessing.columns import GroupedCategorical, GroupKey, Numeric
from aeanomaly.preprocessing.groups import Groups


def fit(group, value, column=None):
    """Fit to a column of group numbers and a column of values."""
    labels = tuple(map(str, range(int(max(group)) + 1)))
    columns = (GroupKey("groups", True, labels), column or Numeric())
    table = np.column_stack([group, value]).astype(float)
    return Groups.fit(table, columns, np.array([0, 0])), table


def relative(groups, table):
    return groups.relative(table[:, 1:].copy(), table)


def test_means_are_shrunk_as_in_a_balanced_model_with_random_effects():
    """With n rows in each group, the weight of its mean is n t^2 / (n t^2 + s^2), by the analysis of variance."""
    rng = np.random.default_rng(0)
    n, n_groups, between, within = 5, 4000, 2.0, 3.0
    effects = rng.normal(scale=between, size=n_groups)
    values = effects[:, None] + rng.normal(scale=within, size=(n_groups, n))
    groups, _ = fit(np.repeat(np.arange(n_groups), n), values.ravel())
    weight = n * between**2 / (n * between**2 + within**2)
    means = values.mean(axis=1)
    expected = means.mean() + weight * (means - means.mean())
    assert np.abs(groups.mean[:-1, 0] - expected).max() < 0.15
    # The shrunk means are nearer to the effects than the plain ones.
    assert np.square(groups.mean[:-1, 0] - effects).mean() < 0.95 * np.square(means - effects).mean()
    assert groups.mean[-1, 0] == pytest.approx(values.mean())
    assert groups.deviation[-1, 0] == pytest.approx(np.hypot(between, within), rel=0.03)


def test_a_new_row_of_a_group_is_standard_normal():
    rng = np.random.default_rng(1)
    n_groups, n = 2000, 20
    effects = rng.normal(scale=5, size=n_groups)
    group = np.repeat(np.arange(n_groups), n)
    groups, table = fit(group, effects[group] + rng.normal(size=len(group)))
    new = np.column_stack([np.arange(n_groups), effects + rng.normal(size=n_groups)])
    assert relative(groups, new).std() == pytest.approx(1, abs=0.05)
    assert relative(groups, table).std() == pytest.approx(np.sqrt(19 / 21), abs=0.02)  # the means are those of the rows


def test_frequencies_of_categories_are_those_of_the_group_shrunk_by_five_rows():
    group = [0] * 10 + [1] * 30
    category = [0] * 8 + [1] * 2 + [1] * 30
    groups, _ = fit(group, category, GroupedCategorical(("a", "b")))
    shares = np.array([8.5, 32.5, 0.5]) / 41.5  # the last one is that of unknown categories
    found = relative(groups, np.array([[0, 0], [0, 1], [1, 0], [1, 2], [2, 1]], dtype=float))[:, 0]
    counts, sizes, places = np.array([8, 2, 0, 0]), np.array([10, 10, 30, 30]), [0, 1, 0, 2]
    assert found[:4] == pytest.approx(-np.log((counts + 5 * shares[places]) / (sizes + 5)))
    # In an unknown group, that of a typical row with the category: 30 of the 32 are of the second group.
    assert found[4] == pytest.approx(-np.log((30 + 5 * shares[1]) / 35))
    expected = groups.absolute(np.zeros((3, 1)), np.array([[0, 0], [1, 0], [2, 0]], dtype=float))
    assert expected[:, 0].tolist() == [0, 1, 1]


def test_a_group_without_any_known_category_is_accepted():
    groups, table = fit([0, 0, 1, 1], [np.nan, np.nan, np.nan, np.nan], GroupedCategorical(("a",)))
    assert np.isnan(relative(groups, table)).all()
    assert np.isfinite(relative(groups, np.array([[0.0, 0.0]]))).all()


@pytest.mark.parametrize(
    "group", [np.zeros(40), np.arange(40), np.arange(40) // 2], ids=["one group", "groups of one row", "pairs"]
)
@pytest.mark.parametrize("value", [np.random.default_rng(0).normal(size=40), np.ones(40), 1e300 * np.arange(40)])
def test_degenerate_groups_give_finite_features_that_invert(group, value):
    groups, table = fit(group, value)
    found = relative(groups, table)
    assert np.isfinite(found).all()
    assert groups.absolute(found.copy(), table)[:, 0] == pytest.approx(value, rel=1e-9, abs=1e-9 * np.abs(value).max())
    assert np.isfinite(relative(groups, np.array([[99.0, 1e308]]))).all()


def test_missing_values_stay_missing_and_do_not_count():
    rng = np.random.default_rng(0)
    group, value = np.repeat(np.arange(10), 20), rng.normal(size=200)
    holes = rng.random(200) < 0.2
    groups, table = fit(group, np.where(holes, np.nan, value))
    others, _ = fit(group[~holes], value[~holes])
    assert groups.mean == pytest.approx(others.mean)
    assert (np.isnan(relative(groups, table)[:, 0]) == holes).all()


def test_labels_are_alike_in_any_dtype():
    column = GroupKey("groups", True, ("1", "12", "missing"))
    for cells in (
        pd.Series([1, 12, 3]),
        pd.Series([1.0, 12.0, 3.5]),
        pd.Series(["1", "12", "x"]),
        pd.Series([1, 12, None]),
    ):
        assert column.numbers(cells).tolist()[:2] == [0, 1]
    assert column.numbers(pd.Series([1, 12, None])).tolist()[2] == 2
