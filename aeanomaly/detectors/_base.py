"""The base of all detectors: public methods, and the straight line of a fit."""

import copy
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar, Literal, Self, TypeVar

import numpy as np
import pandas as pd
import torch
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, OutlierMixin, TransformerMixin
from sklearn.utils.validation import check_array, check_is_fitted

from aeanomaly._constraints import Constraint, integer
from aeanomaly._warnings import warn
from aeanomaly.detectors._callbacks import CallbackSupportMixin, step_callbacks, with_callbacks
from aeanomaly.detectors._methods import own_methods
from aeanomaly.detectors._parameters import SHARED_CONSTRAINTS, SharedParameters, check_parameters
from aeanomaly.detectors._persistence import save
from aeanomaly.detectors._threshold import ThresholdMixin
from aeanomaly.fitting import (
    CachedInitializer,
    CalibrationRequest,
    EncoderOptions,
    Explanation,
    FitJob,
    FittedModel,
    FittedState,
    Initializer,
    Members,
    PreparedFit,
    Recipe,
    TrainingOptions,
    TrainingRows,
    as_frame,
    cells_of,
    contributions,
    finish_fit,
    finish_pass,
    fit_stacked,
    in_words,
    prepare_first_pass,
    prepare_fit,
    prepare_next_pass,
    shared_out,
    state_so_far,
)
from aeanomaly.nn import NetworkSpec
from aeanomaly.objectives import Objective
from aeanomaly.preprocessing import Column, Schema, TableEncoder, are_numeric, cells_as_given, check_table, rows_of
from aeanomaly.scoring import DevianceScorer, Network, Scorer
from aeanomaly.streaming import Checkpoint, TableSummary, as_source, score_parts, summarize_source
from aeanomaly.streams import MemberKey, draw_seed, numpy_stream
from aeanomaly.training import (
    OptimizerState,
    TrainingResult,
)

#: Shifts of prototypes toward dense regions with `robust` (see `InitData`).
_ROBUST = {"shifts": 2, "n_neighbors": 10}


D = TypeVar("D", bound="BaseDetector")


@contextmanager
def transaction(estimator: D) -> Iterator[D]:
    """Yield a copy to fit, and make it the estimator at the end; an exception leaves the estimator unchanged."""
    learner = copy.copy(estimator)
    with torch.inference_mode(False):
        yield learner
    estimator.__dict__ = learner.__dict__


class BaseDetector(
    ThresholdMixin,
    CallbackSupportMixin,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    OutlierMixin,
    BaseEstimator,
    SharedParameters,
    ABC,
):
    """Base of all detectors. A detector supplies its network, its objective, its members and its scorers."""

    constraints: ClassVar[dict[str, Constraint]] = SHARED_CONSTRAINTS
    registry_name: ClassVar[str]
    code: ClassVar[Literal["point", "gaussian"]] = "point"
    _activation_of_code: ClassVar[str] = ""  # for the docstring
    _far_from_start: ClassVar[bool] = False  # whether training has to move prototypes far

    # Set by a fit.
    state_: FittedState
    n_features_in_: int

    def __init_subclass__(cls, **rest: Any) -> None:
        super().__init_subclass__(**rest)
        own_methods(cls)

    @staticmethod
    @abstractmethod
    def auto_latent_dim(n_encoded: int) -> int:
        """Return the width of the code that ``latent_dim="auto"`` means for encoded rows of a width."""

    @abstractmethod
    def _network_spec(self, n_encoded: int) -> NetworkSpec:
        """Return the shape of the network for encoded rows of this width."""

    @abstractmethod
    def _objective(self, network: Network, encoder: TableEncoder) -> Objective:
        """Return the training loss."""

    def _members(self, seed: int, n_rows: int) -> Members:
        """Return the members: their streams, learning rates and rows."""
        return Members.single(seed, n_rows, self.learning_rate)

    def _scorers(self, job: FitJob, network: Network) -> tuple[Scorer, ...]:
        """Return the scorers of a trained network."""
        return (DevianceScorer(job.spec, network, job.likelihood),)

    @with_callbacks
    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn to reconstruct the rows of X, and set the threshold on their scores.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
            Finite numbers, at least two rows; mostly normal ones.
        y : array-like of shape (n_samples,), optional
            Never trained on. Labels, {0, 1} with 1 = anomaly or {+1, -1} with -1 = anomaly, for a `contamination`
            that needs them, such as ``BestF1()``; ignored by others, and handed to scikit-learn's callbacks.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            For bad parameters or rows; ``FitError`` if training diverged at once. On any error, or
            Ctrl-C, the estimator is as it was.
        """
        self._init_callback_context(max_subtasks=None)
        with transaction(self) as learner:
            job = learner._prepare_fit(X, y)
            attributes = partial(learner._as_if_fitted, job)
            with step_callbacks(self, job.settings.n_steps, {"X": X, "y": y}, attributes) as on_step:
                result = job.train(on_step)
            learner._set_fitted(job, result)
        return self

    def partial_fit(self, X: Any, y: Any = None) -> Self:
        """Take one pass over more rows: ceil(n_samples / batch_size) steps at a constant rate.

        The first call fixes scaling, columns and network; later ones are checked against them and
        keep the optimiser's state, which the first call after `fit` starts anew. `offset_` is set by
        `contamination` from the scores that all rows had when they came; what `set_threshold` had set is lost.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
            Finite numbers, at least two rows in the first call.
        y : Ignored

        Returns
        -------
        self

        Raises
        ------
        ValueError
            As `fit`.
        """
        with transaction(self) as learner:
            job, state = learner._prepare_pass(X)
            earlier = learner.state_ if learner.__sklearn_is_fitted__() else None
            learner.state_ = finish_pass(learner._recipe, job, job.train(state=state), earlier)
        return self

    def fit_batches(
        self,
        source: Any,
        *,
        columns: Sequence[str] | None = None,
        sample_size: int = 100_000,
        checkpoint: str | os.PathLike[str] | None = None,
    ) -> Self:
        """Learn from a table that is larger than memory, in one pass over it.

        Mean, deviation and range of numeric columns are those of all rows. Training, levels, times, and the threshold
        are of a uniform random sample: an "auto" fit draws 51,200 rows at most in any case, so that more would
        change nothing. The model is the same, to the bit, for any parts that the same rows come in.

        Parameters
        ----------
        source : path, sequence of paths, frame, array, Arrow object, or iterable of frames, arrays or record batches
            Files are .parquet, .csv or .arrow (pyarrow reads them, of the extra ``aeanomaly[parquet]``), and a
            folder stands for those in it. An iterator is read once; a function is called for one.
        columns : sequence of str, optional
            Columns to learn from; all by default.
        sample_size : int, default=100_000
            Rows in the sample; twice as many are held in memory.
        checkpoint : path-like, optional
            For files. What the pass has found is put there now and then, at least ten seconds apart; if the file is
            there, the pass goes on from it, and the fit ends as an unbroken one would have. It is deleted at the end.

        Returns
        -------
        self

        Raises
        ------
        SourceError
            If a file is damaged, or columns change on the way: it names file and row group.
        ValueError
            As `fit`, and for a checkpoint of another fit.
        TypeError
            If `source` is none of these.

        Examples
        --------
        >>> import numpy as np
        >>> from aeanomaly import DenoisingAutoencoder
        >>> rng = np.random.default_rng(0)
        >>> parts = (rng.normal(size=(1000, 3)) for _ in range(5))
        >>> detector = DenoisingAutoencoder(random_state=0).fit_batches(parts)
        >>> detector.n_samples_seen_
        5000
        """
        with transaction(self) as learner:
            summary, place = learner._summarize(source, columns, sample_size, checkpoint)
            learner.fit_summary(summary)
        if place is not None:
            place.remove()
        return self

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
        return -fitted._call(FittedModel.errors, X)

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

    def score_batches(self, source: Any) -> Iterator[np.ndarray]:
        """Scores of a table that is larger than memory, part by part, while the next one is read.

        Parameters
        ----------
        source : path, sequence of paths, frame, array, Arrow object, or iterable of frames, arrays or record batches
            As for `fit_batches`. Of files the columns that the detector knows are read, if it knows names.

        Yields
        ------
        scores : ndarray of shape (n_rows_of_part,)
            `score_samples` of the part, to the bit.

        Raises
        ------
        SourceError
            If a file is damaged, or rows cannot be scored: it names file and row group.

        Examples
        --------
        >>> import numpy as np
        >>> from aeanomaly import DenoisingAutoencoder
        >>> X = np.random.default_rng(0).normal(size=(1000, 3))
        >>> detector = DenoisingAutoencoder(random_state=0).fit(X)
        >>> scores = np.concatenate(list(detector.score_batches([X[:600], X[600:]])))
        >>> bool((scores == detector.score_samples(X)).all())
        True
        """
        fitted = self._fitted()
        names = getattr(fitted, "feature_names_in_", None)
        return score_parts(fitted.score_samples, as_source(source, None if names is None else list(names)))

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
        errors = FittedModel.terms if per_feature else FittedModel.errors
        return fitted._call(lambda model, table: errors(model.reconstruction_model(), table), X)

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
        found, names = fitted._explain(X), fitted.column_names_
        index = X.index if isinstance(X, pd.DataFrame) else None
        if details:
            return as_frame(found, fitted.state_.model.columns, names, index)
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
        sentences = in_words(fitted._explain(X), fitted.state_.model.columns, fitted.column_names_, n_columns)
        index = X.index if isinstance(X, pd.DataFrame) else None
        return pd.Series(sentences, index=index, dtype=object, name="explanation")

    def transform(self, X: Any) -> np.ndarray:
        """Code of each row.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)

        Returns
        -------
        code : ndarray of shape (n_samples, ``latent_dim_``)
        """
        return self._fitted()._call(FittedModel.encode, X)

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
        return fitted._to_rows(fitted.state_.model.decode(code))

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
        rows = fitted._call(FittedModel.reconstruct, X)
        return fitted._to_rows(rows, X.index if isinstance(X, pd.DataFrame) else None)

    def encoder_module(self) -> torch.nn.Sequential:
        """A copy of the trained encoder as a torch module, to fine-tune.

        Returns
        -------
        module : nn.Sequential
            Rows in original units (B, n_features), any real dtype -> code (B, ``latent_dim_``), float32.
        """
        return self._fitted().state_.model.encoder_module()

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
        save(self._fitted(), path, overwrite=overwrite)

    # Fitted attributes beside those of the threshold.

    @property
    def loss_curve_(self) -> np.ndarray:
        return self.state_.loss_curve

    @property
    def validation_loss_curve_(self) -> np.ndarray:
        return self.state_.validation_loss_curve

    @property
    def n_iter_(self) -> int:
        return len(self.state_.loss_curve)

    @property
    def latent_dim_(self) -> int:
        return self.state_.model.code_width

    @property
    def schema_(self) -> Schema:
        """Columns of the training table, and the constants that encode them."""
        return self.state_.model.schema

    def __sklearn_is_fitted__(self) -> bool:
        return "state_" in vars(self)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = self._allow_nan
        return tags

    @property
    def _allow_nan(self) -> bool:
        return self.missing != "error"

    @property
    def _n_features_out(self) -> int:
        return self.latent_dim_

    @property
    def column_names_(self) -> list[str]:
        """Names of the columns; x0, x1 and so on where they have none."""
        return list(getattr(self, "feature_names_in_", [f"x{number}" for number in range(self.n_features_in_)]))

    def _fitted(self) -> Self:
        """Return a copy of the fitted detector that a fit in another thread does not change.

        Every public method takes one and reads nothing else, so that it never mixes two fits.
        """
        fitted = copy.copy(self)
        check_is_fitted(fitted)
        return fitted

    def _call(self, method: Callable[[FittedModel, np.ndarray], np.ndarray], X: Any) -> np.ndarray:
        """Call a method of the model on a table; on the CPU if the device lacks memory even for a few rows."""
        model = self.state_.model
        table = model.validate(self, X)
        try:
            return method(model, table)
        except torch.OutOfMemoryError:
            if model.device.type == "cpu":
                raise
            warn(
                f"{model.device} has no memory for {type(self).__name__}; this call goes on on the CPU; free memory "
                "there, or set device='cpu'"
            )
        return method(model.copied(device=torch.device("cpu")), table)

    def _explain(self, X: Any) -> Explanation:
        """Return all that is known of rows, column by column."""
        model, reference = self.state_.model, self.state_.reference
        table = model.validate(self, X)
        ignored = np.isnan(table) & (self.missing == "model")
        terms = model.terms(table)
        errors, kl = terms[:, : table.shape[1]], terms[:, table.shape[1] :]
        drops, expected, confidence = model.leave_one_out(table)
        return Explanation(
            contributions=shared_out(errors, np.where(ignored, 0, drops), signed=kl.shape[1] > 0),
            observed=cells_as_given(X),
            expected=expected,
            confidence=confidence,
            tail_probability=np.where(ignored, np.nan, reference.tail_probabilities(errors)),
            kl=kl,
        )

    def _to_rows(self, numbers: np.ndarray, index: Any = None) -> Any:
        """Return numbers of the table as an array if all columns are numeric, else as a frame."""
        columns = self.state_.model.columns
        if are_numeric(columns):
            return numbers
        rows = cells_of(numbers, columns, getattr(self, "feature_names_in_", range(len(columns))))
        return rows if index is None else rows.set_axis(index, axis=0)

    # The steps of a fit.

    @property
    def _recipe(self) -> Recipe:
        """The detector as its fits know it."""
        return Recipe(
            device=self.device,
            encoder_options=EncoderOptions(
                self.likelihood if isinstance(self.likelihood, str) else tuple(self.likelihood.items()),
                self.standardize,
                self.missing == "informative",
            ),
            training=TrainingOptions(
                batch_size=self.batch_size,
                weight_decay=self.weight_decay,
                max_iter=self.max_iter,
                early_stopping=self.early_stopping,
                validation_fraction=self.validation_fraction,
                n_iter_no_change=self.n_iter_no_change,
                tol=self.tol,
                stays_near_start=not self._far_from_start,
            ),
            prototype_start=_ROBUST if self.robust else {},
            threshold=self.contamination,
            robust=self.robust,
            network_spec=self._network_spec,
            members=self._members,
            objective=self._objective,
            scorers=self._scorers,
        )

    def _prepare_fit(self, X: Any, y: Any = None, initializer: Initializer | None = None) -> FitJob:
        """Validate, encode, initialize: all of `fit` before training."""
        check_parameters(self, self.constraints)
        warm = self.state_ if self.warm_start and self.__sklearn_is_fitted__() else None
        rows, seed = self._read_training_rows(X, y)
        if initializer is None or len(rows.held_out):  # a cache is of all rows
            initializer = Initializer()
        return prepare_fit(self._recipe, rows, seed, getattr(self, "feature_names_in_", None), initializer, warm)

    def _read_training_rows(self, X: Any, y: Any) -> tuple[TrainingRows, int]:
        """Validate a table, and hold rows out of it if the threshold asks for some."""
        table, columns = self._read(X, None, least_rows=2)
        request, owner = CalibrationRequest.from_threshold(self.contamination), type(self).__name__
        request.check(owner, self.contamination, len(table), y, warm_start=self.warm_start)
        seed = draw_seed(self.random_state)
        if request.fraction is None:
            return TrainingRows(table, columns, table[:0], X, y), seed
        # Columns, too, are learned without the rows that are held out.
        held_out = request.held_out(seed, len(table))
        table, columns = self._read(rows_of(X, ~held_out), None, least_rows=2)
        return TrainingRows(table, columns, self._read(rows_of(X, held_out), columns, least_rows=1)[0]), seed

    def _read(self, X: Any, columns: Sequence[Column] | None, least_rows: int) -> tuple[np.ndarray, Sequence[Column]]:
        """Validate a table to train on; its columns are inferred unless given."""
        return check_table(
            self,
            X,
            columns=columns,
            column_types=self.column_types if columns is None else None,
            mark_counts=self.standardize and (self.likelihood == "auto" or not isinstance(self.likelihood, str)),
            numeric=() if isinstance(self.likelihood, str) else self.likelihood,
            allow_nan=self._allow_nan,
            least_rows=least_rows,
        )

    def _spec(self, n_encoded: int, **own: Any) -> NetworkSpec:
        """Return a network of the shared parameters, and of the detector's own arguments."""
        return NetworkSpec(
            n_encoded=n_encoded,
            code=self.code,
            latent_dim=self.auto_latent_dim(n_encoded) if self.latent_dim == "auto" else int(self.latent_dim),
            hidden_layer_sizes=tuple(int(width) for width in self.hidden_layer_sizes),
            activation=self.activation,
            allow_nan=self._allow_nan,
            **own,
        )

    def _set_fitted(self, job: FitJob, result: TrainingResult) -> None:
        self.state_ = finish_fit(self._recipe, job, result, partial(self._scores_out_of_fold, job))

    def _as_if_fitted(self, job: FitJob) -> dict[str, Any] | None:
        """Return the attributes of a fit that ends now, for callbacks; None while there are none."""
        learner = copy.copy(self)
        if CalibrationRequest.from_threshold(self.contamination).n_splits is not None:
            learner.contamination = "auto"  # clones are fitted once, at the end
        try:
            learner.state_ = state_so_far(learner._recipe, job)
        except ValueError:  # training has diverged, and the engine will say so
            return None
        return {name: value for name, value in vars(learner).items() if name not in self.get_params()}

    def _scores_out_of_fold(self, job: FitJob, n_splits: int) -> np.ndarray:
        """Score each row by a clone that was fitted on the rows of the other folds, (n_rows,)."""
        X, n_rows = job.rows.given, len(job.rows.table)
        how = {"contamination": "auto", "warm_start": False, "random_state": job.seed, "verbose": 0}
        clone = type(self)(**{**self.get_params(deep=False), **how})
        order = numpy_stream(MemberKey(job.seed), "folds").permutation(n_rows)
        folds = [np.sort(fold) for fold in np.array_split(order, n_splits)]
        others = (np.setdiff1d(order, fold) for fold in folds)
        scores = np.empty(n_rows)
        for number, fitted in fit_detectors((clone, rows_of(X, rows)) for rows in others):
            if isinstance(fitted, Exception):
                raise fitted
            scores[folds[number]] = fitted.score_samples(rows_of(X, folds[number]))
        return scores

    def _prepare_pass(self, X: Any) -> tuple[FitJob, OptimizerState | None]:
        """Validate rows, and prepare one pass over them."""
        check_parameters(self, self.constraints)
        if CalibrationRequest.from_threshold(self.contamination):
            raise ValueError(
                f"{type(self).__name__}: contamination={self.contamination!r} wants rows that are never trained on, "
                "and partial_fit trains on all; set contamination='auto', and call set_threshold(rule, X) with new rows"
            )
        if self.__sklearn_is_fitted__():
            table, columns = self._read(X, self.state_.model.columns, least_rows=1)
            return prepare_next_pass(self._recipe, TrainingRows(table, columns, table[:0]), self.state_)
        table, columns = self._read(X, None, least_rows=2)
        rows, names = TrainingRows(table, columns, table[:0]), getattr(self, "feature_names_in_", None)
        return prepare_first_pass(self._recipe, rows, draw_seed(self.random_state), names), None

    def _summarize(
        self, source: Any, columns: Sequence[str] | None, sample_size: int, checkpoint: str | os.PathLike[str] | None
    ) -> tuple[TableSummary, Checkpoint | None]:
        """Pass over a table once, and keep statistics and a sample."""
        owner = type(self).__name__
        check_parameters(self, self.constraints)
        integer(2).check(f"{owner}.fit_batches", "sample_size", sample_size)
        found = as_source(source, columns)
        summary, place = TableSummary(sample_size, draw_seed(self.random_state), self._allow_nan), None
        if checkpoint is not None:
            if found.fingerprint is None or self.random_state is None:
                raise ValueError(
                    f"{owner}.fit_batches: a checkpoint needs files that can be read again, and an integer as "
                    "random_state; pass these, or no checkpoint"
                )
            place = Checkpoint(checkpoint, found.fingerprint)
        return summarize_source(found, summary, place, owner, bool(self.verbose)), place

    def fit_summary(self, summary: TableSummary) -> Self:
        """Learn from the summary of a table that was read in parts."""
        statistics = summary.statistics()
        if statistics is None:
            raise ValueError("the table has n_samples=0, and a fit needs at least 2 rows")
        job = self._prepare_fit(summary.sample.rows(), initializer=Initializer((summary.numeric_columns, statistics)))
        self._set_fitted(job, job.train())
        calibration = self.state_.calibration.of_more_rows(summary.n_rows)
        self.state_ = replace(self.state_, calibration=calibration)
        return self


def fit_detectors(fits: Iterable[tuple[BaseDetector, Any]]) -> Iterator[tuple[int, Any]]:
    """Fit detectors, each to its table, as members of common stacks; see `fit_stacked`.

    Parameters
    ----------
    fits : iterable of (detector, table)
        Detectors are not changed. A table that comes again at once, the same object, is encoded once.

    Yields
    ------
    number, fitted : int, detector or Exception
        As they finish: the number of the pair, and a fitted copy or the exception that its fit raised.
    """
    initializer = CachedInitializer()
    return fit_stacked(_prepared(detector, table, initializer.for_source(table)) for detector, table in fits)


def _prepared(detector: BaseDetector, table: Any, initializer: Initializer) -> PreparedFit | Exception:
    learner = copy.copy(detector)
    try:
        with torch.inference_mode(False):
            job = learner._prepare_fit(table, initializer=initializer)
    except Exception as error:
        return error

    def finish(result: TrainingResult) -> BaseDetector:
        learner._set_fitted(job, result)
        return learner

    return job, finish
