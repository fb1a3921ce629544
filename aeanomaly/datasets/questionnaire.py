"""Questionnaire with 30 yes-or-no questions and some careless respondents."""

from typing import Any

import numpy as np
import pandas as pd

from aeanomaly.datasets._drawing import counts, stream_of, with_labels
from aeanomaly.datasets._files import load

#: Numbers of questions and of latent traits; question j measures trait j modulo 5.
_N_QUESTIONS, _N_TRAITS = 30, 5
_COLUMNS = [f"q{number:02d}" for number in range(1, _N_QUESTIONS + 1)]
#: Correlation of the traits, and probability that one answer deviates from a careless pattern.
_CORRELATION, _SLIP = 0.25, 0.12
#: Maximum number of questions that a careless respondent answers carefully.
_PATIENCE = 15
#: Maximum number of equal answers in a row in an alternating pattern.
_LONGEST_RUN = 3


def make_questionnaire(
    n_samples: int = 1500, *, anomaly_rate: float = 0.04, random_state: Any = None
) -> tuple[pd.DataFrame, pd.Series]:
    """Generate the answers of respondents to 30 yes-or-no questions; some respondents are careless.

    Answers follow a two-parameter logistic model [1]_ with five traits of correlation 0.25. Each trait has six
    questions, of which two are reversed. Careless respondents stop reading within the first 15 questions. One third of
    them then answers at random, one third repeats an answer, and one third alternates after one to three equal answers.
    Repeated and alternating patterns have some slips. The parameters of the questions are random, so different seeds
    give different questionnaires.

    Parameters
    ----------
    n_samples : int, default=1500
        Number of respondents.
    anomaly_rate : float in [0, 0.5], default=0.04
        Share of careless respondents.
    random_state : int, RandomState, Generator or None, default=None
        Pass an int for reproducible rows.

    Returns
    -------
    X : DataFrame of shape (n_samples, 30)
        1 = yes, 0 = no.
    y : Series of shape (n_samples,)
        1 = careless, 0 = normal.

    Raises
    ------
    ValueError
        If `n_samples`, `anomaly_rate` or `random_state` is invalid.

    References
    ----------
    .. [1] Birnbaum (1968), Some latent trait models, in Lord & Novick, Statistical theories of mental test scores.

    Examples
    --------
    >>> from aeanomaly.datasets import make_questionnaire
    >>> X, y = make_questionnaire(100, random_state=0)
    >>> X.shape, int(y.sum())
    ((100, 30), 4)
    """
    normal, abnormal = counts("make_questionnaire", n_samples, anomaly_rate)
    stream = stream_of(random_state)
    answers = _careful(normal + abnormal, stream)
    answers[normal:] = _careless(answers[normal:], stream)
    people = pd.DataFrame(answers, columns=_COLUMNS)
    return with_labels(people[:normal], people[normal:], stream.permutation(normal + abnormal))


def load_questionnaire(*, return_X_y: bool = False, as_frame: bool = True) -> Any:
    """Load the answers of 1,500 respondents to 30 questions; 60 respondents are careless.

    The table is a fixed sample of `make_questionnaire`.

    Parameters
    ----------
    return_X_y : bool, default=False
        If True, return ``(data, target)`` instead of a Bunch.
    as_frame : bool, default=True
        If True, return a DataFrame and a Series, else arrays of float64 and int64.

    Returns
    -------
    bunch : Bunch
        `data` (1500, 30) of 0 and 1, `target` (1500,) with 1 = careless, `frame` (both; None for arrays),
        `feature_names`, `target_names`, `DESCR` (description), `filename`.

    Raises
    ------
    OSError
        If the data file is missing.

    Examples
    --------
    >>> from aeanomaly.datasets import load_questionnaire
    >>> X, y = load_questionnaire(return_X_y=True)
    >>> X.shape, int(y.sum())
    ((1500, 30), 60)
    """
    return load("answers", "load_questionnaire", dict.fromkeys(_COLUMNS, np.int64), return_X_y, as_frame)


def _careful(n: int, stream: np.random.Generator) -> np.ndarray:
    """Draw answers that depend on the traits, (n, 30)."""
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
    """Replace answers from a random question on by one of three careless patterns, (n, 30)."""
    n = len(careful)
    kind = np.arange(n) % 3
    random = stream.integers(2, size=(n, _N_QUESTIONS))
    first = stream.integers(2, size=(n, 1))
    turns = (first + np.arange(_N_QUESTIONS) // stream.integers(1, _LONGEST_RUN + 1, size=(n, 1))) % 2
    pattern = np.where(kind[:, None] == 1, first, turns)
    slipped = np.where(stream.random(pattern.shape) < _SLIP, 1 - pattern, pattern)
    tired = np.arange(_N_QUESTIONS) >= stream.integers(_PATIENCE + 1, size=(n, 1))
    return np.where(tired, np.where(kind[:, None] == 0, random, slipped), careful)
