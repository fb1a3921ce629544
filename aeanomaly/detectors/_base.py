"""Base class of all detectors: public methods, and the steps of a fit."""

import copy
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from types import MappingProxyType
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
from aeanomaly.detectors._stream import RowStream
from aeanomaly.detectors._tensors import like_table, rows_on_device
from aeanomaly.detectors._threshold import ThresholdMixin
from aeanomaly.fitting import (
    CachedInitializer,
    CalibrationRequest,
    Explanation,
    FitJob,
    FittedModel,
    FittedState,
    Initializer,
    Members,
    PreparedFit,
    Recipe,
    Sentences,
    TrainingOptions,
    TrainingRows,
    contributions,
    find_consequences,
    finish_fit,
    finish_pass,
    fit_stacked,
    group_columns,
    prepare_first_pass,
    prepare_fit,
    prepare_next_pass,
    redistribute,
    state_so_far,
    to_cells,
    to_frame,
    to_text,
    train_fit,
)
from aeanomaly.memory import is_out_of_memory
from aeanomaly.nn import NetworkSpec
from aeanomaly.objectives import Objective
from aeanomaly.preprocessing import (
    Column,
    EncoderOptions,
    Ignored,
    InferenceOptions,
    Schema,
    TableEncoder,
    are_numeric,
    as_pandas,
    cells_as_given,
    check_table,
    collect,
    describe_groups,
    group_labels,
    labels_of,
    like_frame,
    rows_of,
)
from aeanomaly.reading import format_of
from aeanomaly.scoring import DevianceScorer, Network, Scorer
from aeanomaly.streaming import Checkpoint, TableSummary, as_source, score_parts, summarize_source
from aeanomaly.streams import draw_seed
from aeanomaly.training import OptimizerState, TrainingResult, resolve_device

#: Shifts of prototypes towards dense regions with `robust` (see `InitData`).
_ROBUST = {"shifts": 2, "n_neighbors": 10}


D = TypeVar("D", bound="BaseDetector")
T = TypeVar("T")
R = TypeVar("R")


def _whole(model: FittedModel) -> FittedModel:
    return model


@contextmanager
def transaction(estimator: D) -> Iterator[D]:
    """Yield a copy to fit, and replace the state of the estimator by that of the copy at the end.

    An exception leaves the estimator unchanged. If the device runs out of memory, it is a MemoryError.
    """
    learner = copy.copy(estimator)
    try:
        with torch.inference_mode(False):
            yield learner
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        raise MemoryError(
            f"{resolve_device(learner.device)} ran out of memory in the fit of {type(learner).__name__}; free memory "
            "on the device, reduce batch_size or the size of the network, or set device='cpu'"
        ) from error
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
    """Base class of all detectors.

    A detector defines the hooks `_network_spec` and `_objective`, and may override `_members`, `_scorers` and
    `_companions`.
    """

    constraints: ClassVar[dict[str, Constraint]] = SHARED_CONSTRAINTS
    registry_name: ClassVar[str]
    code: ClassVar[Literal["point", "gaussian"]] = "point"
    _stays_near_start: ClassVar[bool] = True  # training moves prototypes little, so that few steps suffice
    _limits_epochs: ClassVar[bool] = True  # a single network would learn the rows of a small table by heart
    _two_valued: ClassVar[Literal["binary", "bernoulli"]] = "binary"  # two-valued columns with `likelihood="auto"`
    _prototype_start: ClassVar[Mapping[str, float]] = MappingProxyType({})  # fields of `InitData`
    _trimmed_share: ClassVar[float] = 0.15  # share of the rows that are removed before training with `robust=True`

    # Set by a fit.
    state_: FittedState
    n_features_in_: int

    def __init_subclass__(cls, **rest: Any) -> None:
        super().__init_subclass__(**rest)
        own_methods(cls)

    @staticmethod
    @abstractmethod
    def auto_latent_dim(n_encoded: int) -> int:
        """Return the width of the code with ``latent_dim="auto"`` for encoded rows of width `n_encoded`."""

    @abstractmethod
    def _network_spec(self, n_encoded: int) -> NetworkSpec:
        """Return the shape of the network for encoded rows of width `n_encoded`."""

    @abstractmethod
    def _objective(self, network: Network, encoder: TableEncoder) -> Objective:
        """Return the training loss."""

    def _members(self, seed: int, n_rows: int) -> Members:
        """Return the members, with their random streams, learning rates and rows."""
        return Members.single(seed, n_rows, self.learning_rate)

    def _scorers(self, job: FitJob, network: Network) -> tuple[Scorer, ...]:
        """Return the scorers of a trained network and of the companions of the job."""
        return (DevianceScorer(job.spec, network, job.likelihood),)

    def _companions(self) -> tuple[Recipe, ...]:
        """Return the recipes of further networks."""
        return ()

    @with_callbacks
    def fit(self, X: Any, y: Any = None) -> Self:
        """Train the detector to reconstruct rows, and set the threshold.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
            Mostly normal rows, at least two. Numbers must be finite.
        y : array-like of shape (n_samples,), optional
            Labels, not used in training: {0, 1} with 1 = anomaly, or {+1, -1} with -1 = anomaly. They are required by
            some threshold rules passed as `contamination`, such as ``BestF1()``, and ignored by others. They are also
            passed to scikit-learn's callbacks.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a parameter or a row is invalid. ``FitError``, a subclass, if training diverges at the start.
        MemoryError
            If the device runs out of memory. After any error, and after Ctrl-C, the estimator is unchanged.
        """
        self._init_callback_context(max_subtasks=None)
        with transaction(self) as learner:
            job = learner._prepare_fit(X, y)
            attributes = partial(learner._as_if_fitted, job)
            with step_callbacks(self, job.settings.n_steps, {"X": X, "y": y}, attributes) as on_step:
                job, result = train_fit(learner._recipe, job, on_step)
            learner._set_fitted(job, result)
        return self

    def partial_fit(self, X: Any, y: Any = None) -> Self:
        """Train on more rows in one pass: ceil(n_samples / batch_size) steps at a constant rate.

        The first call fixes scaling, columns and network, and later calls must match them. Later calls continue with
        the state of the optimizer; the first call after `fit` resets it. `contamination` sets `offset_` from the scores
        of all rows so far; rows of earlier calls keep their scores. A threshold of `set_threshold` is lost.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
            At least two rows in the first call. Numbers must be finite.
        y : Ignored

        Returns
        -------
        self

        Raises
        ------
        ValueError
            As for `fit`. Also, if `contamination` is a rule that holds out rows.
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
        """Fit to a table that is larger than memory, in one pass.

        The means, standard deviations and ranges of numeric columns are those of all rows. Categories, time ranges,
        training and threshold use a uniform random sample. An "auto" fit trains on at most 51,200 rows, so more would
        have no effect. The model is bitwise equal for any partition of the rows.

        Parameters
        ----------
        source : path, sequence of paths, frame, array, Arrow object, or iterable of frames, arrays or record batches
            Paths are those of `aeanomaly.read_table`; text, Parquet and Arrow files are read in parts, others at once.
            An iterator is read once. A function is called to get an iterator.
        columns : sequence of str, optional
            Columns to use; all by default.
        sample_size : int, default=100_000
            Number of rows in the sample. Twice as many are held in memory.
        checkpoint : path-like, optional
            File in which intermediate results are stored, at intervals of at least ten seconds. If the file exists, the
            pass resumes from it, and the result equals that of an uninterrupted fit. The file is deleted at the end.
            `source` must consist of files, and `random_state` must be an int.

        Returns
        -------
        self

        Raises
        ------
        SourceError
            If a file is damaged or columns differ between parts. The message names the file and the row group.
        ValueError
            As for `fit`. Also, if `checkpoint` is the checkpoint of another fit.
        TypeError
            If `source` is of another type.

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
        """Return the score of each row: higher = more normal.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)

        Returns
        -------
        scores : ndarray of shape (n_samples,)
            Higher = more normal. The score of a row is bitwise equal for the row alone, in any chunk and in any order.
            With scikit-learn's ``array_api_dispatch``, a tensor of torch or an array of CuPy has scores of its library,
            on its device.
        """
        return -self._fitted()._errors(X)

    def score(self, X: Any, y: Any = None) -> float:
        """Return the mean of `score_samples`, for cross-validation without labels.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
            Rows that were not used in training.
        y : Ignored

        Returns
        -------
        score : float
            Higher = better reconstruction.
        """
        return float(self.score_samples(X).mean())

    def score_batches(self, source: Any) -> Iterator[np.ndarray]:
        """Score a table that is larger than memory, part by part.

        The next part is read while a part is scored.

        Parameters
        ----------
        source : path, sequence of paths, frame, array, Arrow object, or iterable of frames, arrays or record batches
            As for `fit_batches`. If the detector was fitted with column names, only these columns of files are read.

        Yields
        ------
        scores : ndarray of shape (n_rows_of_part,)
            `score_samples` of the part, bitwise equal.

        Raises
        ------
        SourceError
            If a file is damaged or rows cannot be scored. The message names the file and the row group.

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
        parts = as_source(source, None if names is None else list(names), fitted.state_.table_format)
        return score_parts(fitted.score_samples, parts)

    def stream(self) -> RowStream:
        """Return an object that scores rows one at a time, faster than `score_samples` and with equal bits.

        Returns
        -------
        stream : RowStream
            Its method ``update(row)`` takes a mapping or a sequence of cells, and returns the score, the decision and,
            on access, the reasons.

        Examples
        --------
        >>> import numpy as np
        >>> from aeanomaly import DenoisingAutoencoder
        >>> X = np.random.default_rng(0).normal(size=(500, 3))
        >>> stream = DenoisingAutoencoder(random_state=0).fit(X).stream()
        >>> stream.update([9.0, 9.0, 9.0]).is_anomaly
        True
        """
        return RowStream(self._fitted())

    def reconstruction_error(self, X: Any, per_feature: bool = False) -> np.ndarray:
        """Return the deviance of each row from its reconstruction, in encoded units.

        The deviance is the squared error for real and binary columns, and twice the cross-entropy for Bernoulli
        columns. For categorical columns it is twice the cross-entropy, weighted to a scale comparable with other
        columns. The divergence of a Gaussian code from the prior is not included.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
        per_feature : bool, default=False
            If True, return the deviance of each column instead of the sum over columns.

        Returns
        -------
        errors : ndarray of shape (n_samples,) or (n_samples, n_features)
            Higher = worse. Like `score_samples`, of the array library of X with ``array_api_dispatch``.
        """
        fitted = self._fitted()
        if not per_feature:
            return fitted._errors(X, FittedModel.reconstruction_model)
        return like_table(fitted._call(lambda model, table: model.reconstruction_model().terms(table), X), X)

    def explain(self, X: Any, details: bool = False) -> pd.DataFrame:
        """Return the contribution of each column to minus the score of each row.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
        details : bool, default=False
            If True, also return observed values, expected values and tail probabilities.

        Returns
        -------
        contributions : DataFrame of shape (n_samples, n_features)
            Higher = worse. The contributions of a row sum to minus its `score_samples`, to float precision. The columns
            have the names of the training table, or x0, x1 and so on if it had no names. The index is that of X.

            A `VariationalAutoencoder`, and an `AutoencoderEnsemble` with one, have an additional column `kl`, the
            divergence of the code from the prior. It is named `kl_term` if the table has a column `kl`.

            With ``details=True``, four tables side by side, such as ``explain(X, details=True)["expected"]``:

            - "contribution": the contributions;
            - "observed": the cells of X;
            - "expected": the values that are expected from the other columns, in original units, or the most likely
              categories;
            - "tail_probability": share of the training rows whose `reconstruction_error` in the column is at least as
              large; small = unusual.

        Notes
        -----
        A wrong cell also affects the reconstruction of the other cells in its row. The error is therefore distributed
        by its decrease when a column is omitted from the row and the others are scored without it. This takes one pass
        through the network per column. See Robnik-Sikonja & Kononenko (2008), Explaining classifications for individual
        instances, IEEE TKDE 20. The terms of a `VariationalAutoencoder` may be negative; for it, the contributions are
        the decreases, plus an equal share of the remainder. The terms themselves are
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
        fitted, X = self._fitted(), collect(X)
        found, names = fitted._explain(X), fitted.column_names_
        index = X.index if isinstance(X, pd.DataFrame) else None
        if details:
            return to_frame(found, fitted.state_.model.columns, names, index)
        terms = contributions(found, names)
        return terms if index is None else terms.set_axis(index, axis=0)

    def explain_text(self, X: Any, n_columns: int = 3) -> pd.Series:
        """Return a sentence for each row, with the columns that contribute most and their expected values.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
        n_columns : int, default=3
            Maximum number of columns in a sentence. It contains fewer columns if they make up four fifths of the error.
            If the first cell is outside the range of training, a column is not named whose error is usual without it.

        Returns
        -------
        sentences : Series of str of shape (n_samples,)
            Description of the most unusual cells of each row, including normal rows. The index is that of X.

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
        >>> detector.explain_text(odd, n_columns=1)[0]
        "country 'NZ' (in 55% of training rows) where 'DE' was expected"
        """
        integer(1).check("explain_text", "n_columns", n_columns)
        fitted, X = self._fitted(), collect(X)
        state = fitted.state_
        found = fitted._explain(X, for_text=True)
        sentences = to_text(found, state.model.columns, fitted.column_names_, n_columns, state)
        index = X.index if isinstance(X, pd.DataFrame) else None
        return Sentences(sentences, index=index, dtype=object, name="explanation")

    def transform(self, X: Any) -> np.ndarray:
        """Return the code of each row.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)

        Returns
        -------
        code : ndarray of shape (n_samples, ``latent_dim_``)
        """
        return self._fitted()._call(FittedModel.encode, X)

    def inverse_transform(self, X: Any) -> np.ndarray:
        """Return the expected row for each code, in original units.

        Parameters
        ----------
        X : array-like of shape (n_samples, ``latent_dim_``)
            Codes, as returned by `transform`.

        Returns
        -------
        rows : ndarray of shape (n_samples, n_features), or DataFrame if not all columns are numeric

        Raises
        ------
        ValueError
            If X does not have `latent_dim_` columns.
        """
        fitted, code = self._fitted(), check_array(X, dtype=np.float64)
        if code.shape[1] != fitted.latent_dim_:
            raise ValueError(
                f"X has {code.shape[1]} columns, but the code has {fitted.latent_dim_}; pass the output of transform"
            )
        return fitted._to_rows(fitted.state_.model.decode(code))

    def reconstruct(self, X: Any) -> Any:
        """Return the reconstruction of each row, in original units.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)

        Returns
        -------
        rows : DataFrame or ndarray of shape (n_samples, n_features)
            Expected values; a DataFrame for any frame, and for an array unless all columns are numeric. They lie
            between the two values of a two-valued column; for a categorical column they are the most likely of the
            categories that the detector keeps. Columns of a frame have dtypes that can fill it:
            ``X.fillna(reconstruct(X))`` leaves no missing cell. Columns that are not scored, such as identifiers, are
            as in X, with their most frequent cell for missing ones.
        """
        fitted, X = self._fitted(), collect(X)
        rows = fitted._call(FittedModel.reconstruct, X)
        frame = X if isinstance(X, pd.DataFrame) else as_pandas(X)
        given = cells_as_given(X)
        if frame is None:
            return fitted._to_rows(rows, given)
        columns = fitted.state_.model.columns
        cells = to_cells(rows, columns, list(frame.columns), given).set_axis(frame.index, axis=0)
        return like_frame(cells, frame, columns)

    def encoder_module(self) -> torch.nn.Sequential:
        """Return a copy of the trained encoder as a torch module, for example for fine-tuning.

        Returns
        -------
        module : nn.Sequential
            Map from rows in original units (B, n_features), of any real dtype, to codes (B, ``latent_dim_``), float32.

        Raises
        ------
        ValueError
            If not all columns are numeric.
        """
        return self._fitted().state_.model.encoder_module()

    def save(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
        """Save the fitted detector to a model file, which contains no executable code; `aeanomaly.load` reads it.

        Parameters
        ----------
        path : path-like
            File to write; its name must end with ``.aea``. An existing model file is replaced atomically.
        overwrite : bool, default=False
            If True, accept any file name and replace a file of another kind.

        Raises
        ------
        ModelFileError
            If a parameter is an object of your own, which a file without code cannot contain.
        ValueError
            If the name does not end with ``.aea`` or a file of another kind exists, unless `overwrite`. Also, if the
            path is not a regular file.
        OSError
            If the file cannot be written. An existing file remains intact.
        """
        save(self._fitted(), path, overwrite=overwrite)

    # Fitted attributes, except those of the threshold.

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
    def _is_robust(self) -> bool:
        return bool(self.robust)

    @property
    def _n_features_out(self) -> int:
        return self.latent_dim_

    @property
    def column_names_(self) -> list[str]:
        return list(getattr(self, "feature_names_in_", [f"x{number}" for number in range(self.n_features_in_)]))

    def _fitted(self) -> Self:
        """Return a shallow copy of the fitted detector, which a fit in another thread does not change.

        Public methods read only such a copy, so that they never combine the results of two fits.
        """
        fitted = copy.copy(self)
        check_is_fitted(fitted)
        return fitted

    def _count_rows(self, X: Any) -> int:
        return len(self.state_.model.validate(self, X))

    def _errors(self, X: Any, view: Callable[[FittedModel], FittedModel] = _whole) -> Any:
        """Return the errors of rows by a view of the model, as `like_table`; rows on an accelerator stay there."""
        rows = rows_on_device(self, self.state_.model, X)
        if rows is None:
            return like_table(self._call(lambda model, table: view(model).errors(table), X), X)
        return like_table(self._on_device(lambda model, rows: view(model).device_errors(rows), rows), X)

    def _call(self, method: Callable[[FittedModel, np.ndarray], np.ndarray], X: Any) -> np.ndarray:
        """Call a method of the model on a table; see `_on_device`."""
        return self._on_device(method, self.state_.model.validate(self, X))

    def _on_device(self, method: Callable[[FittedModel, T], R], rows: T) -> R:
        """Call a method of the model on valid rows; on the CPU if the device has too little memory for a few rows."""
        model = self.state_.model
        try:
            return method(model, rows)
        except RuntimeError as error:
            if model.device.type == "cpu" or not is_out_of_memory(error):
                raise
            warn(
                f"{model.device} ran out of memory in {type(self).__name__}; this call continues on the CPU; free "
                "memory on the device, or set device='cpu'"
            )
        return method(model.copied(device=torch.device("cpu")), rows)

    def _explain(self, X: Any, *, for_text: bool = False) -> Explanation:
        """Explain the scores of rows by column; with the columns that sentences do not name if they are `for_text`."""
        model, reference = self.state_.model, self.state_.reference
        table = model.validate(self, X)
        ignored = np.isnan(table) & (self.missing == "model")
        terms = model.terms(table)
        errors, kl = terms[:, : table.shape[1]], terms[:, table.shape[1] :]
        drops, expected, confidence = model.leave_one_out(table)
        parts = redistribute(errors, np.where(ignored, 0, drops), signed=model.scorer.is_signed)
        return Explanation(
            contributions=parts,
            observed=cells_as_given(X),
            expected=expected,
            confidence=confidence,
            tail_probability=np.where(ignored, np.nan, reference.tail_probabilities(errors)),
            kl=kl,
            groups=_described(X, model.schema, table),
            consequences=find_consequences(model, reference, table, parts) if for_text else None,
        )

    def _to_rows(self, numbers: np.ndarray, given: pd.DataFrame | None = None) -> Any:
        """Return numbers (N, F) as they are if all columns are numeric, else as a frame of cells.

        Ignored columns are as `given` in a table, or else missing.
        """
        columns = self.state_.model.columns
        if not are_numeric(columns):
            return to_cells(numbers, columns, getattr(self, "feature_names_in_", range(len(columns))), given)
        if given is not None and (ignored := ~self.state_.model.encoder.is_scored).any():
            numbers[:, ignored] = given.loc[:, ignored].to_numpy(np.float64)
        return numbers

    # Steps of a fit.

    @property
    def _encoder_options(self) -> EncoderOptions:
        chosen = self.likelihood
        likelihood, named = (chosen, ()) if isinstance(chosen, str) else ("auto", tuple(chosen.items()))
        return EncoderOptions(likelihood, named, self.standardize, self.missing == "informative", self._two_valued)

    @property
    def _recipe(self) -> Recipe:
        """Options and hooks of the detector, for the functions of `aeanomaly.fitting`."""
        return Recipe(
            device=self.device,
            encoder_options=self._encoder_options,
            training=TrainingOptions(
                batch_size=self.batch_size,
                weight_decay=self.weight_decay,
                max_iter=self.max_iter,
                early_stopping=self.early_stopping,
                validation_fraction=self.validation_fraction,
                n_iter_no_change=self.n_iter_no_change,
                tol=self.tol,
                stays_near_start=self._stays_near_start,
                limits_epochs=self._limits_epochs,
            ),
            prototype_start={**self._prototype_start, **(_ROBUST if self.robust else {})},
            threshold=self.contamination,
            robust=bool(self.robust),
            trimmed_share=self._share_to_trim,
            network_spec=self._network_spec,
            members=self._members,
            objective=self._objective,
            scorers=self._scorers,
            companions=self._companions(),
        )

    @property
    def _share_to_trim(self) -> float:
        """Share of the rows that are removed before training."""
        if isinstance(self.robust, (bool, np.bool_)):
            return self._trimmed_share if self.robust else 0.0
        return float(self.robust)

    def _prepare_fit(self, X: Any, y: Any = None, initializer: Initializer | None = None) -> FitJob:
        """Validate and encode the rows and initialize the network: all steps of `fit` before training."""
        check_parameters(self, self.constraints)
        warm = self.state_ if self.warm_start and self.__sklearn_is_fitted__() else None
        rows, seed = self._read_training_rows(X, y)
        if initializer is None or len(rows.held_out):  # cached results refer to all rows
            initializer = Initializer()
        return prepare_fit(self._recipe, rows, seed, initializer, warm)

    def _read_training_rows(self, X: Any, y: Any) -> tuple[TrainingRows, int]:
        """Validate a table, hold out rows if the threshold requires it, and return the rows and the seed."""
        X = collect(X)
        table, columns = self._read(X, None)
        request, owner = CalibrationRequest.from_threshold(self.contamination), type(self).__name__
        request.check(owner, self.contamination, len(table), y, warm_start=self.warm_start)
        seed = draw_seed(self.random_state)
        names, held_out, groups = getattr(self, "feature_names_in_", None), table[:0], None
        if request.fraction is not None:
            # The column types are also inferred without the held-out rows, but identifiers are those of all rows.
            mask = request.held_out(seed, len(table), X)
            of_all = columns
            ignored = [name for name, column in zip(labels_of(X), columns, strict=True) if type(column) is Ignored]
            table, columns = self._read(rows_of(X, ~mask), None, ignored)
            columns = [a if type(a) is Ignored else b for a, b in zip(of_all, columns, strict=True)]
            held_out = self._read(rows_of(X, mask), columns)[0]
            if by := group_columns(self.contamination):
                groups = group_labels(rows_of(X, mask), by)
        rows = TrainingRows(table, columns, held_out, names, y, held_out_groups=groups, table_format=format_of(X))
        return rows, seed

    def _read(
        self, X: Any, columns: Sequence[Column] | None, ignored: Sequence[Any] | None = None
    ) -> tuple[np.ndarray, Sequence[Column]]:
        """Validate a training table, and return its numbers and columns.

        The columns are inferred unless given; with `ignored`, the columns to leave out are known already.
        """
        options, inference = self._encoder_options, InferenceOptions.from_parameters(self)
        if ignored is not None:
            inference = replace(inference, identifiers=ignored, warns=False)
        return check_table(
            self,
            X,
            columns=columns,
            options=None if columns is not None else inference,
            mark_counts=options.standardize and options.likelihood == "auto",
            numeric=dict(options.named),
            allow_nan=self._allow_nan,
            least_rows=2 if columns is None else 1,
        )

    def _spec(self, n_encoded: int, **own: Any) -> NetworkSpec:
        """Return the shape of a network from the shared parameters and the arguments of the detector."""
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
        self.state_ = finish_fit(self._recipe, job, result)

    def _as_if_fitted(self, job: FitJob) -> dict[str, Any] | None:
        """Return the attributes as if training ended now, for callbacks; None if the scores are not finite."""
        learner = copy.copy(self)
        if CalibrationRequest.from_threshold(self.contamination).n_splits is not None:
            learner.contamination = "auto"  # clones are fitted only at the end
        try:
            learner.state_ = state_so_far(learner._recipe, job)
        except ValueError:  # training has diverged, and the engine will raise an error
            return None
        return {name: value for name, value in vars(learner).items() if name not in self.get_params()}

    def _prepare_pass(self, X: Any) -> tuple[FitJob, OptimizerState | None]:
        """Validate rows, and prepare a pass over them, with the state of the optimizer to continue from."""
        check_parameters(self, self.constraints)
        if CalibrationRequest.from_threshold(self.contamination):
            raise ValueError(
                f"{type(self).__name__}: contamination={self.contamination!r} needs rows that are not used in "
                "training, but partial_fit trains on all rows; set contamination='auto', and call "
                "set_threshold(rule, X) with new rows"
            )
        earlier = self.state_ if self.__sklearn_is_fitted__() else None
        table, columns = self._read(X, None if earlier is None else earlier.model.columns)
        names = getattr(self, "feature_names_in_", None)
        rows = TrainingRows(table, columns, table[:0], names, table_format=format_of(X))
        if earlier is not None:
            return prepare_next_pass(self._recipe, rows, earlier)
        return prepare_first_pass(self._recipe, rows, draw_seed(self.random_state)), None

    def _summarize(
        self, source: Any, columns: Sequence[str] | None, sample_size: int, checkpoint: str | os.PathLike[str] | None
    ) -> tuple[TableSummary, Checkpoint | None]:
        """Compute statistics and a sample of a table in one pass; also return the checkpoint, if any."""
        owner = type(self).__name__
        check_parameters(self, self.constraints)
        integer(2).check(f"{owner}.fit_batches", "sample_size", sample_size)
        found = as_source(source, columns)
        summary, place = TableSummary(sample_size, draw_seed(self.random_state), self._allow_nan), None
        if checkpoint is not None:
            if found.fingerprint is None or self.random_state is None:
                raise ValueError(
                    f"{owner}.fit_batches: a checkpoint needs files that can be read again, and an integer as "
                    "random_state; pass these, or omit the checkpoint"
                )
            place = Checkpoint(checkpoint, found.fingerprint)
        return summarize_source(found, summary, place, owner, bool(self.verbose)), place

    def fit_summary(self, summary: TableSummary) -> Self:
        """Fit to the summary of a table that was read in parts."""
        statistics = summary.statistics()
        if statistics is None:
            raise ValueError("the table has n_samples=0, but a fit needs at least 2 rows; pass more rows")
        sample = summary.sample.rows()
        if isinstance(sample, pd.DataFrame):
            sample.attrs.update(summary.attrs)
        job = self._prepare_fit(sample, initializer=Initializer((summary.numeric_columns, statistics)))
        self._set_fitted(*train_fit(self._recipe, job))
        calibration = self.state_.calibration.of_more_rows(summary.n_rows)
        self.state_ = replace(self.state_, calibration=calibration)
        return self


def _described(X: Any, schema: Schema, table: np.ndarray) -> list[str] | None:
    """Return the group of each row for a sentence; None without groups."""
    groups = schema.groups
    if groups is None:
        return None
    labels = labels_of(X)
    names = [labels[place] for place in groups.places]
    return describe_groups(X, names, groups.codes(table) < len(groups.keys))


def fit_detectors(fits: Iterable[tuple[BaseDetector, Any]]) -> Iterator[tuple[int, Any]]:
    """Fit detectors, each to its own table, as members of common stacks; see `fit_stacked`.

    Parameters
    ----------
    fits : iterable of (detector, table)
        Pairs of detector and training table. The detectors are not changed. If consecutive pairs have the same table
        object, it is encoded once.

    Yields
    ------
    number, fitted : int, detector or Exception
        Index of the pair, in the order of completion, and a fitted copy or the exception of its fit.
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
