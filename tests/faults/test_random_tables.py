"""Random frames give finite scores that follow their rows, or one clear error."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import aeanomaly

FLOATS = st.floats(allow_nan=False, allow_infinity=False, width=64)
HARD = st.sampled_from([np.nan, np.inf, -np.inf, 1e300, -1e25, 5e-324, 0.0])
#: Cells of a column, by what they are.
CELLS = {
    "numbers": FLOATS,
    "small numbers": st.floats(-3, 3, width=32),
    "hard numbers": st.one_of(st.floats(-3, 3), HARD),
    "whole numbers": st.integers(-(2**40), 2**40),
    "bytes": st.integers(-128, 127).map(np.int8),
    "booleans": st.booleans(),
    "a constant": st.just(7.0),
    "text": st.text(max_size=3),
    "categories": st.sampled_from(["a", "b", "<b>", "", "ü"]),
    "text with missing values": st.sampled_from(["a", "b", None]),
    "times": st.datetimes(pd.Timestamp("1900-01-01").to_pydatetime(), pd.Timestamp("2100-01-01").to_pydatetime()),
    "durations": st.timedeltas(),
    "nothing": st.none(),
    "anything": st.one_of(st.none(), st.integers(), st.text(max_size=2), FLOATS, st.booleans()),
}


@st.composite
def frames(draw):
    """A frame of up to five columns of any kinds, of zero to thirty rows, some of them twice."""
    kinds = draw(st.lists(st.sampled_from(sorted(CELLS)), min_size=1, max_size=5))
    n = draw(st.integers(0, 30))
    columns = {
        f"{place} {kind}": draw(st.lists(CELLS[kind], min_size=n, max_size=n)) for place, kind in enumerate(kinds)
    }
    frame = pd.DataFrame(columns)
    if n and draw(st.booleans()):
        frame = frame.iloc[draw(st.lists(st.integers(0, n - 1), min_size=1, max_size=n))]
    if draw(st.booleans()):
        frame = frame.convert_dtypes()
    return frame


@pytest.mark.filterwarnings("ignore")
@given(frames(), st.sampled_from(["error", "model", "informative"]), st.randoms(use_true_random=False))
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
def test_scores_are_finite_and_follow_their_rows_or_the_error_is_clear(frame, missing, random):
    detector = aeanomaly.DenoisingAutoencoder(max_iter=2, random_state=0, missing=missing)
    kept = frame.copy(deep=True)
    try:
        scores = detector.fit(frame).score_samples(frame)
    except (ValueError, TypeError) as error:
        told = str(error)
        assert 20 < len(told) < 1000
        assert "Traceback" not in told
        assert not hasattr(detector, "offset_")
    else:
        assert np.isfinite(scores).all()
        order = list(range(len(frame)))
        random.shuffle(order)
        np.testing.assert_array_equal(detector.score_samples(frame.iloc[order]), scores[order])
        np.testing.assert_array_equal(detector.score_samples(frame.iloc[:1]), scores[:1])
    pd.testing.assert_frame_equal(frame, kept)
