"""Thirty questions of yes or no, and some people who did not read them."""

from typing import Any

import numpy as np
import pandas as pd

from aeanomaly.datasets._drawing import counts, stream_of, with_labels
from aeanomaly.datasets._files import load

#: Questions and the traits behind them, by turns: question j asks about trait j modulo 5.
_N_QUESTIONS, _N_TRAITS = 30, 5
_COLUMNS = [f"q{number:02d}" for number in range(1, _N_QUESTIONS + 1)]
#: Correlation of the traits; chance that a careless pattern is left for one answer.
_CORRELATION, _SLIP = 0.25, 0.12
#: Questions that the careless may yet answer with care, at most.
_PATIENCE = 15
#: Equal answers in a row, at most, of those who say yes and no by turns.
_LONGEST_RUN = 3


def make_answers(
    n_samples: int = 1500, *, anomaly_rate: float = 0.04, random_state: Any = None
) -> tuple[pd.DataFrame, pd.Series]:
    """Draw answers of people to 30 questions of yes or no; some answer without care.

    Five traits of a person, of correlation 0.25, decide by a two-parameter logistic model [1]_; of each trait's
    six questions two are reversed. The careless lose patience within the first 15 questions, and from there answer
    at random, all alike, or yes and no by turns of one to three, a third each, with slips. The questions are drawn,
    too: different seeds are different questionnaires.

    Parameters
    ----------
    n_samples : int, default=1500
        People in all.
    anomaly_rate : float in [0, 0.5], default=0.04
        Share of the careless.
    random_state : int, RandomState, Generator or None, default=None
        An int gives the same rows each time.

    Returns
    -------
    X : DataFrame of shape (n_samples, 30)
        1 = yes, 0 = no.
    y : Series of shape (n_samples,)
        1 = careless, 0 = normal.

    Raises
    ------
    ValueError
        If `n_samples`, `anomaly_rate` or `random_state` is none of these.

    References
    ----------
    .. [1] Birnbaum (1968), Some latent trait models, in Lord & Novick, Statistical theories of mental test scores.

    Examples
    --------
    >>> from aeanomaly.datasets import make_answers
    >>> X, y = make_answers(100, random_state=0)
    >>> X.shape, int(y.sum())
    ((100, 30), 4)
    """
    normal, abnormal = counts("make_answers", n_samples, anomaly_rate)
    stream = stream_of(random_state)
    answers = _careful(normal + abnormal, stream)
    answers[normal:] = _careless(answers[normal:], stream)
    people = pd.DataFrame(answers, columns=_COLUMNS)
    return with_labels(people[:normal], people[normal:], stream.permutation(normal + abnormal))


def load_answers(*, return_X_y: bool = False, as_frame: bool = True) -> Any:
    """Load the answers of 1,500 people to 30 questions, 60 of them careless: `make_answers`, drawn once for all.

    Parameters
    ----------
    return_X_y : bool, default=False
        Give ``(data, target)`` in place of a Bunch.
    as_frame : bool, default=True
        DataFrame and Series; otherwise arrays of float64 and int64.

    Returns
    -------
    bunch : Bunch
        `data` (1500, 30) of 0 and 1, `target` (1500,) with 1 = careless, `frame` (both; None for arrays),
        `feature_names`, `target_names`, `DESCR` (the card), `filename`.

    Raises
    ------
    OSError
        If the file is missing.

    Examples
    --------
    >>> from aeanomaly.datasets import load_answers
    >>> X, y = load_answers(return_X_y=True)
    >>> X.shape, int(y.sum())
    ((1500, 30), 60)
    """
    return load("answers", dict.fromkeys(_COLUMNS, np.int64), return_X_y, as_frame)


def _careful(n: int, stream: np.random.Generator) -> np.ndarray:
    """Answers by the traits, (n, 30)."""
    slope = stream.uniform(1.0, 2.5, size=_N_QUESTIONS)
    difficulty = stream.normal(0, 0.7, size=_N_QUESTIONS)
    reversed_ = np.concatenate([stream.permutation([-1, -1, 1, 1, 1, 1]) for _ in range(_N_TRAITS)])
    sign = reversed_.reshape(_N_TRAITS, -1).T.ravel()
    common, own = stream.standard_normal((n, 1)), stream.standard_normal((n, _N_TRAITS))
    traits = np.sqrt(_CORRELATION) * common + np.sqrt(1 - _CORRELATION) * own
    asked = np.tile(traits, _N_QUESTIONS // _N_TRAITS)
    chance = 1 / (1 + np.exp(-sign * slope * (asked - difficulty)))
    return (stream.random((n, _N_QUESTIONS)) < chance).astype(np.int64)


def _careless(careful: np.ndarray, stream: np.random.Generator) -> np.ndarray:
    """From some question on: random, all alike, or yes and no by turns; one kind for each third person, (n, 30)."""
    n = len(careful)
    kind = np.arange(n) % 3
    random = stream.integers(2, size=(n, _N_QUESTIONS))
    first = stream.integers(2, size=(n, 1))
    turns = (first + np.arange(_N_QUESTIONS) // stream.integers(1, _LONGEST_RUN + 1, size=(n, 1))) % 2
    pattern = np.where(kind[:, None] == 1, first, turns)
    slipped = np.where(stream.random(pattern.shape) < _SLIP, 1 - pattern, pattern)
    tired = np.arange(_N_QUESTIONS) >= stream.integers(_PATIENCE + 1, size=(n, 1))
    return np.where(tired, np.where(kind[:, None] == 0, random, slipped), careful)
