"""Encoding of tables to matrices, and back."""

import numpy as np
import pytest

from aeanomaly.preprocessing import EncoderOptions, Schema, TableEncoder, fit_schema

RNG = np.random.default_rng(0)


def encoder(table, **parameters):
    options = EncoderOptions(**{"likelihood": "auto", "named": (), "standardize": True, **parameters})
    return TableEncoder(fit_schema(table, options))


def test_columns_of_one_kind_stand_together_and_come_back_in_place():
    table = np.column_stack([RNG.normal(size=50), RNG.integers(0, 2, 50) * 4 - 1, RNG.normal(size=50), np.ones(50)])
    fitted = encoder(table)
    assert fitted.schema.kinds == ["gaussian", "binary", "gaussian", "gaussian"]
    assert fitted.schema.blocks == (("gaussian", 3), ("binary", 1))
    encoded = fitted.encode(table)
    np.testing.assert_allclose(fitted.decode(encoded), table, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("values", [(0, 1), (-1, 1), (3.5, 700.0), (-2.0, -1.0), (False, True)])
def test_any_two_values_are_binary_or_bernoulli(values):
    column = np.array(values)[RNG.integers(0, 2, 40)][:, None]
    fitted = encoder(column)
    assert fitted.schema.kinds == ["binary"]
    encoded = fitted.encode(column)
    deviation = (column == max(values)).std()
    assert encoded.mean() == pytest.approx(0, abs=1e-6)
    assert np.ptp(encoded) == pytest.approx(deviation**-0.5)
    assert encoded.var() == pytest.approx(deviation)
    np.testing.assert_allclose(fitted.decode(encoded + 9), max(values))
    fitted = encoder(column, two_valued="bernoulli")
    assert fitted.schema.kinds == ["bernoulli"]
    assert set(np.unique(fitted.encode(column))) == {0.0, 1.0}
    assert encoder(column, likelihood="gaussian").schema.kinds == ["gaussian"]


def test_two_rows_and_three_values_are_gaussian():
    assert encoder(np.array([[1.0], [2.0]])).schema.kinds == ["gaussian"]
    assert encoder(np.array([[1.0], [2.0], [3.0]] * 9)).schema.kinds == ["gaussian"]


def test_standardization_keeps_small_differences_of_large_numbers():
    table = 1e9 + RNG.normal(size=(1000, 1))
    encoded = encoder(table).encode(table)
    assert encoded.std() == pytest.approx(1, rel=1e-3)
    np.testing.assert_allclose(encoded[:, 0], (table[:, 0] - table.mean()) / table.std(), atol=1e-6)


def test_rounding_noise_is_a_constant_column():
    table = 1e9 + 1e-7 * RNG.normal(size=(100, 1))
    assert np.abs(encoder(table).encode(table)).max() < 1e-6


def test_huge_values_stay_finite():
    fitted = encoder(RNG.normal(size=(100, 2)))
    far = fitted.encode(np.array([[1e25, -1e300], [1.7e308, -1.7e308], [5.0, 5.0]]))
    assert np.isfinite(far).all()
    assert (np.abs(far[:2]) > 1e5).all()
    wide = np.array([[1e300, 0.0], [-1e300, 1.0], [3e299, 2.0]])
    assert np.isfinite(encoder(wide).encode(wide)).all()


@pytest.mark.parametrize("dtype", ["int8", "uint8", "float16", "float32", ">f8", "longdouble", "int64"])
def test_a_dtype_changes_nothing(dtype):
    table = RNG.integers(0, 100, size=(60, 3))
    reference = encoder(table.astype(np.float64))
    other = encoder(table.astype(dtype))
    np.testing.assert_array_equal(other.encode(table.astype(dtype)), reference.encode(table.astype(np.float64)))


def test_without_standardization_values_are_unchanged():
    table = RNG.normal(size=(50, 2)) * 100 + 7
    np.testing.assert_allclose(encoder(table, standardize=False).encode(table), table, rtol=1e-6)


def test_a_schema_survives_as_arrays_and_is_audited():
    schema = encoder(RNG.normal(size=(20, 3))).schema
    again = Schema.from_arrays(schema.arrays(), schema.columns, schema.blocks)
    assert again.kinds == schema.kinds
    for change in ({"order": np.array([0, 0, 2])}, {"scale": np.zeros(3)}, {"mean": np.full(3, np.nan)}):
        with pytest.raises(ValueError, match="schema"):
            Schema.from_arrays({**schema.arrays(), **change}, schema.columns, schema.blocks)
    for blocks in (
        [("gaussian", 2)],
        [("gaussian", 10**15)],
        [("gaussian", 2), ("poisson", 1), ("gaussian", 0)],
        [("gaussian", 1), ("gaussian", 2)],
        [("categorical", 3)],
        [("cauchy", 3)],
    ):
        with pytest.raises(ValueError, match=r"categorical|blocks"):
            Schema.from_arrays(schema.arrays(), schema.columns, blocks)


def test_counts_are_divided_by_their_deviation_and_have_a_block_each():
    table = np.column_stack([RNG.poisson(3, 90), RNG.normal(size=90), RNG.poisson(50, 90), RNG.integers(0, 2, 90)])
    for standardize in (True, False):
        fitted = encoder(table, named=((0, "poisson"), (2, "poisson")), standardize=standardize)
        assert fitted.schema.kinds == ["poisson", "gaussian", "poisson", "binary"]
        assert fitted.schema.blocks == (("gaussian", 1), ("binary", 1), ("poisson", 1), ("poisson", 1))
        np.testing.assert_allclose(fitted.encode(table)[:, 2:], table[:, [0, 2]] / table[:, [0, 2]].std(axis=0))
        np.testing.assert_allclose(fitted.decode(fitted.encode(table)), table, rtol=1e-6, atol=1e-6)


def test_a_likelihood_for_every_column_is_that_for_each():
    table = RNG.poisson(3, size=(90, 2))
    all_of_them, named = encoder(table, likelihood="poisson"), encoder(table, named=((0, "poisson"), (1, "poisson")))
    assert all_of_them.schema.blocks == named.schema.blocks
    np.testing.assert_array_equal(all_of_them.encode(table), named.encode(table))


@pytest.mark.parametrize("size", [1.0, 1e9, 1e280])
def test_one_pass_encodes_to_the_bits_of_the_careful_one(monkeypatch, size):
    table = size * RNG.normal([0, 5, -100], size=(200, 3))
    beyond = np.vstack([table, np.full(3, 1.7e308), np.full(3, -1.7e308)])
    fitted = encoder(table)
    assert not fitted.schema.is_huge
    fast = fitted.encode(beyond)
    monkeypatch.setitem(vars(fitted.schema), "is_huge", True)
    np.testing.assert_array_equal(fitted.encode(beyond), fast)


def test_values_near_the_largest_float_are_known_to_be_huge():
    assert encoder(np.array([[-1.7e308], [0.0], [1.7e308]])).schema.is_huge
