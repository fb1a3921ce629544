"""What a fitted detector answers: scores, labels, codes, rows in original units, a file."""

import copy
import os
from collections.abc import Callable
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
import torch
from sklearn.base import ClassNamePrefixFeaturesOutMixin, OutlierMixin, TransformerMixin
from sklearn.utils.validation import check_array, check_is_fitted

from aeanomaly._warnings import warn
from aeanomaly.detectors import _saving
from aeanomaly.detectors._deciding import DecidingMethods
from aeanomaly.detectors._explaining import Explanation, as_frame, cells_of, contributions, in_words, shared_out
from aeanomaly.detectors._model import Model, deviance_of
from aeanomaly.detectors._reference import Reference
from aeanomaly.detectors._rules import integer
from aeanomaly.preprocessing import are_numeric, cells_as_given, check_table


class FittedMethods(DecidingMethods, ClassNamePrefixFeaturesOutMixin, TransformerMixin, OutlierMixin):
    """The public methods that read a fit.

    A score's way is the same in all of them: check the table, encode it, networks chunk by chunk,
    terms per column, their sum.
    """

    # What a fit leaves behind, beside the public attributes.
    _word: ClassVar[str]
    missing: str
    _model: Model
    _kernel: Model | None = None  # beside the network, in an ensemble
    latent_dim_: int
    n_features_in_: int
    _reference: Reference

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "offset_")

    def _error_terms(self, table: np.ndarray) -> np.ndarray:
        """Terms (N, T) whose sum over the last axis is minus the score."""
        return self._deviance(table)

    def _errors(self, table: np.ndarray) -> np.ndarray:
        """Minus the scores, (N,)."""
        return self._answer(lambda it: it._model.in_chunks(lambda part: it._error_terms(part).sum(axis=1), table))

    def _answer(self, ask: Callable[[Any], np.ndarray]) -> np.ndarray:
        """What this answers; or a copy on the CPU, if the device has no memory even for a few rows."""
        try:
            return ask(self)
        except torch.OutOfMemoryError:
            if self._model.device.type == "cpu":
                raise
            warn(
                f"{self._model.device} has no memory for {type(self).__name__}; this call goes on on the CPU; free "
                "memory there, or set device='cpu'"
            )
        fitted, cpu = copy.copy(self), torch.device("cpu")
        fitted._model = fitted._model.copy(device=cpu)
        fitted._kernel = None if fitted._kernel is None else fitted._kernel.copy(device=cpu)
        return ask(fitted)

    def _deviance(self, table: np.ndarray) -> np.ndarray:
        """Reconstruction error per column, (N, F)."""
        return self._model.deviance(table)

    def _fitted(self) -> Self:
        """Return a copy of the fitted detector that a fit in another thread does not change.

        Every public method takes one and reads nothing else, so that it never mixes two fits.
        """
        fitted = copy.copy(self)
        check_is_fitted(fitted)
        return fitted

    def _checked(self, X: Any) -> np.ndarray:
        """The numbers of a table that is to be scored."""
        table, _ = check_table(self, X, columns=self._model.schema.columns, allow_nan=self._takes_holes)
        return table

    @property
    def _takes_holes(self) -> bool:
        return self.missing != "error"

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = self._takes_holes
        return tags

    def score_samples(self, X: Any) -> np.ndarray:
        """How normal each row is.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)

        Returns
        -------
        scores : ndarray of shape (n_samples,)
            Higher = more normal. The same to the bit for a row alone, in any chunk, in any order.
        """
        fitted = self._fitted()
        return -fitted._errors(fitted._checked(X))

    def decision_function(self, X: Any) -> np.ndarray:
        """``score_samples(X) - offset_``: below 0 for anomalies.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)

        Returns
        -------
        decision : ndarray of shape (n_samples,)
            Higher = more normal.
        """
        fitted = self._fitted()
        return fitted.score_samples(X) - fitted.offset_

    def predict(self, X: Any) -> np.ndarray:
        """+1 for normal rows, -1 for anomalies.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)

        Returns
        -------
        labels : ndarray of int of shape (n_samples,)
        """
        return np.where(self.decision_function(X) >= 0, 1, -1)

    def score(self, X: Any, y: Any = None) -> float:
        """Mean of `score_samples`, so that cross-validation runs without labels.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
            Rows that were not trained on.
        y : Ignored

        Returns
        -------
        score : float
            Higher = better reconstructed.
        """
        return float(self.score_samples(X).mean())

    def reconstruction_error(self, X: Any, per_feature: bool = False) -> np.ndarray:
        """Deviance of each row from its reconstruction, in encoded units.

        Squared error for Gaussian columns, twice the cross-entropy for Bernoulli ones.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
        per_feature : bool, default=False
            Each column's part instead of the sum over columns.

        Returns
        -------
        errors : ndarray of shape (n_samples,) or (n_samples, n_features)
            Higher = worse.
        """
        fitted = self._fitted()
        table = fitted._checked(X)
        if per_feature:
            return fitted._answer(lambda it: it._deviance(table))
        return fitted._answer(lambda it: it._model.in_chunks(lambda part: it._deviance(part).sum(axis=1), table))

    def explain(self, X: Any, details: bool = False) -> pd.DataFrame:
        """What each column adds to minus the score of each row: why a row is flagged.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
        details : bool, default=False
            Whether to tell more than contributions.

        Returns
        -------
        contributions : DataFrame of shape (n_samples, n_features)
            Higher = worse; a row's sum is minus its `score_samples`, to float precision. Columns are named as
            those that the detector was fitted on, x0, x1 and so on where they had no names; rows as those of X.
            Of a `VariationalAutoencoder` there is one column more, `kl`: how far the code is from the prior. It is
            called `kl_term` where the table has a column `kl`.
            With `details`, four such tables side by side, ``explain(X, details=True)["expected"]`` being one:
            "contribution"; "observed", the cell; "expected", what the other columns have the detector expect
            there, in original units, or the most likely level; "tail_probability", the share of training rows
            whose `reconstruction_error` in that column is at least as large: small = unusual.

        Notes
        -----
        A wrong cell spoils what is made of its neighbours, too. So the error is shared out by how far it falls when
        a column is left out of the row and the others are scored without it (Robnik-Sikonja & Kononenko 2008,
        Explaining classifications for individual instances, IEEE TKDE 20); that takes as many passes
        through the network as there are columns. Of a `VariationalAutoencoder`, whose terms may be below 0,
        the falls are taken as they are, and the rest in even parts. The terms themselves are
        ``reconstruction_error(X, per_feature=True)``.

        Examples
        --------
        >>> import numpy as np, pandas as pd
        >>> from aeanomaly import DenoisingAutoencoder
        >>> t = np.random.default_rng(0).uniform(-1, 1, size=300)
        >>> X = pd.DataFrame({"t": t, "twice": 2 * t, "minus": -t, "sine": np.sin(3 * t)})
        >>> detector = DenoisingAutoencoder(random_state=0).fit(X)
        >>> odd = pd.DataFrame({"t": [0.5], "twice": [1.0], "minus": [0.5], "sine": [1.0]})
        >>> contributions = detector.explain(odd)
        >>> contributions.iloc[0].idxmax()
        'minus'
        >>> bool(np.allclose(contributions.sum(axis=1), -detector.score_samples(odd)))
        True
        """
        fitted = self._fitted()
        table, names = fitted._checked(X), fitted._names
        index = X.index if isinstance(X, pd.DataFrame) else None
        found = fitted._explanation(X, table)
        if details:
            return as_frame(found, fitted._model.schema.columns, names, index)
        terms = contributions(found, names)
        return terms if index is None else terms.set_axis(index, axis=0)

    def explain_text(self, X: Any, n_columns: int = 3) -> pd.Series:
        """A sentence for each row: the columns that add most to its error, and what was expected of them.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
        n_columns : int, default=3
            Columns in a sentence at most; fewer where these tell four fifths of the error.

        Returns
        -------
        sentences : Series of str (n_samples,)
            Rows are named as those of X. They say what is unusual, of normal rows as well.

        Raises
        ------
        ValueError
            If `n_columns` is not an integer of at least 1.

        Examples
        --------
        >>> import numpy as np, pandas as pd
        >>> from aeanomaly import DenoisingAutoencoder
        >>> amount = np.random.default_rng(0).uniform(10, 90, size=300)
        >>> country = np.where(amount < 50, "DE", "NZ")
        >>> X = pd.DataFrame({"amount": amount, "tax": 0.2 * amount, "country": country})
        >>> detector = DenoisingAutoencoder(random_state=0).fit(X)
        >>> odd = pd.DataFrame({"amount": [20.0], "tax": [4.0], "country": ["NZ"]})
        >>> detector.explain_text(odd, n_columns=1)[0]  # doctest: +ELLIPSIS
        "country 'NZ' where 'DE' (p = ...)"
        """
        integer(1).check("explain_text", "n_columns", n_columns)
        fitted = self._fitted()
        found = fitted._explanation(X, fitted._checked(X))
        sentences = in_words(found, fitted._model.schema.columns, fitted._names, n_columns)
        index = X.index if isinstance(X, pd.DataFrame) else None
        return pd.Series(sentences, index=index, dtype=object, name="explanation")

    def _explanation(self, X: Any, table: np.ndarray) -> Explanation:
        """All that is known of rows, column by column."""
        width, ignored = table.shape[1], np.isnan(table) & (self.missing == "model")
        terms = self._model.in_chunks(self._error_terms, table)
        errors, kl = terms[:, :width], terms[:, width:]
        drops, expected, confidence = self._without_each(table)
        tails = self._reference.tail_probabilities(errors)
        return Explanation(
            contributions=shared_out(errors, np.where(ignored, 0, drops), signed=kl.shape[1] > 0),
            observed=cells_as_given(X),
            expected=expected,
            confidence=confidence,
            tail_probability=np.where(ignored, np.nan, tails),
            kl=kl,
        )

    def _without_each(self, table: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """How far the error falls without each column, what the others expect there, and how surely (N, F)."""
        return self._model.without_each(table, deviance_of)

    @property
    def _names(self) -> list[str]:
        """Names of the columns; x0, x1 and so on where they have none."""
        return list(getattr(self, "feature_names_in_", [f"x{number}" for number in range(self.n_features_in_)]))

    def transform(self, X: Any) -> np.ndarray:
        """Code of each row.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)

        Returns
        -------
        code : ndarray of shape (n_samples, ``latent_dim_``)
        """
        fitted = self._fitted()
        table = fitted._checked(X)
        return fitted._answer(lambda it: it._model.code(table))

    def inverse_transform(self, X: Any) -> np.ndarray:
        """Expected row for each code, in original units.

        Parameters
        ----------
        X : array-like of shape (n_samples, ``latent_dim_``)
            Codes, as from `transform`.

        Returns
        -------
        rows : ndarray of shape (n_samples, n_features), DataFrame where not all columns are numeric
        """
        fitted, code = self._fitted(), check_array(X, dtype=np.float64)
        if code.shape[1] != fitted.latent_dim_:
            raise ValueError(f"X has {code.shape[1]} columns, and the code has {fitted.latent_dim_}; pass transform(X)")
        return fitted._as_rows(fitted._model.from_code(code))

    def reconstruct(self, X: Any) -> np.ndarray:
        """What the autoencoder makes of each row, in original units.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)

        Returns
        -------
        rows : ndarray of shape (n_samples, n_features), DataFrame where not all columns are numeric
            Expected values; of a two-valued column, between the two; the most likely level of a categorical one.
            Where X has holes, what was most likely there.
        """
        fitted = self._fitted()
        table = fitted._checked(X)
        rows = fitted._answer(lambda it: it._model.reconstruct(table))
        return fitted._as_rows(rows, X.index if isinstance(X, pd.DataFrame) else None)

    def _as_rows(self, numbers: np.ndarray, index: Any = None) -> Any:
        """Numbers of the table as an array where that is all, else as a frame."""
        columns = self._model.schema.columns
        if are_numeric(columns):
            return numbers
        rows = cells_of(numbers, columns, getattr(self, "feature_names_in_", range(len(columns))))
        return rows if index is None else rows.set_axis(index, axis=0)

    def encoder_module(self) -> torch.nn.Sequential:
        """A copy of the trained encoder as a torch module, to fine-tune.

        Returns
        -------
        module : nn.Sequential
            Rows in original units (B, n_features), any real dtype -> code (B, ``latent_dim_``), float32.
        """
        return self._fitted()._model.encoder_module()

    @property
    def _n_features_out(self) -> int:
        return self.latent_dim_

    def save(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
        """Write the fitted detector to a model file, which holds no code; `aeanomaly.load` reads it.

        Parameters
        ----------
        path : path-like
            The name must end in ``.aea``. An older model file is replaced in one step.
        overwrite : bool, default=False
            Allow any name, and replace a file of another kind.

        Raises
        ------
        ModelFileError
            If a parameter holds an object of one's own, which a file without code cannot.
        ValueError
            If the name does not end in ``.aea``, or a file of another kind is there, unless `overwrite`; and if the
            path is not a regular file.
        OSError
            If the file cannot be written; an older one is intact.
        """
        _saving.save(self._fitted(), path, overwrite=overwrite)
