"""The order of fitting and of scoring; nothing else knows it."""

import copy
import os
import warnings
from abc import ABC, abstractmethod
from typing import Any, ClassVar, Self

import numpy as np
import torch
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, OutlierMixin, TransformerMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_array, check_is_fitted

from aeanomaly.detectors import _saving
from aeanomaly.detectors._callbacks import CallbackSupportMixin, watched, with_callbacks
from aeanomaly.detectors._learning import learn, learn_more, steps_of_fit
from aeanomaly.detectors._model import Model
from aeanomaly.detectors._parameters import SHARED_RULES, SharedParameters
from aeanomaly.detectors._rules import Rule, check_parameters
from aeanomaly.detectors._seeds import draw_seed
from aeanomaly.nn import NetworkSpec
from aeanomaly.objectives import Objective
from aeanomaly.preprocessing import Schema, TableEncoder, check_table
from aeanomaly.streams import MemberKey
from aeanomaly.thresholds import ScoreSummary, as_threshold
from aeanomaly.training import OptimizerState, TrainingResult, resolve_device


class BaseDetector(
    CallbackSupportMixin,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    OutlierMixin,
    BaseEstimator,
    SharedParameters,
    ABC,
):
    """Everything that detectors share. A detector says which network and which objective."""

    _rules: ClassVar[dict[str, Rule]] = SHARED_RULES
    _word: ClassVar[str]
    _latent_dim_text: ClassVar[str]

    # What a fit leaves behind, beside the public attributes.
    _model: Model
    _seed: int
    _n_calls: int
    _optimizer: dict[str, np.ndarray] | None

    @abstractmethod
    def _network(self, n_columns: int) -> NetworkSpec:
        """The network for encoded rows of this width."""

    @abstractmethod
    def _objective(self, model: Model) -> Objective:
        """What training minimises."""

    def _error_terms(self, table: np.ndarray) -> np.ndarray:
        """Terms (N, T) whose sum over the last axis is minus the score."""
        return self._model.deviance(table)

    # ------------------------------------------------------------------ fitting

    @with_callbacks
    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn to reconstruct the rows of X, and set the threshold on their scores.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
            Finite numbers, at least two rows; mostly normal ones.
        y : Ignored
            Never trained on; handed to scikit-learn's callbacks.

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
        learner = copy.copy(self)
        with torch.inference_mode(False):
            learner._fit(X, y, self)
        self.__dict__ = learner.__dict__
        return self

    def _fit(self, X: Any, y: Any, watching: Any) -> None:
        check_parameters(self, self._rules)
        device = resolve_device(self.device)
        table = check_table(self, X, reset=True, least_rows=2)
        encoder = TableEncoder(self.likelihood, self.standardize).fit(table)
        seed = draw_seed(self.random_state)
        model = self._warm_model(encoder.schema) if self.warm_start else None
        call = 0 if model is None else self._n_calls
        keys = [MemberKey(seed)]
        model = model or Model.fresh(encoder.schema, self._network(encoder.schema.n_columns), keys, device)
        n_steps = steps_of_fit(self.max_iter, len(table))
        with watched(watching, n_steps, {"X": X, "y": y}, lambda: self._as_if_fitted(model, table)) as on_step:
            result = learn(
                self,
                model,
                self._objective(model),
                encoder.encode(table),
                keys=keys,
                n_steps=n_steps,
                call=call,
                on_step=on_step,
            )
        self._seed, self._n_calls, self._optimizer = seed, call + 1, None
        self.loss_curve_, self.validation_curve_ = result.loss[:, 0], result.validation_loss[:, 0]
        self._warn_of_divergence(result)
        self._conclude(model, ScoreSummary.of(self._scores_with(model, table)))

    def partial_fit(self, X: Any, y: Any = None) -> Self:
        """Take one pass over more rows: ceil(n_samples / batch_size) steps at a constant rate.

        The first call fixes scaling, columns and network; later ones are checked against them and
        keep the optimiser's state. `offset_` is set from the scores that all rows had when they came.

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
        learner = copy.copy(self)
        with torch.inference_mode(False):
            learner._partial_fit(X)
        self.__dict__ = learner.__dict__
        return self

    def _partial_fit(self, X: Any) -> None:
        check_parameters(self, self._rules)
        first = not self.__sklearn_is_fitted__()
        table = check_table(self, X, reset=first, least_rows=2 if first else 1)
        if first:
            encoder = TableEncoder(self.likelihood, self.standardize).fit(table)
            self._seed, self._n_calls, self._optimizer = draw_seed(self.random_state), 0, None
            keys, device = [MemberKey(self._seed)], resolve_device(self.device)
            model = Model.fresh(encoder.schema, self._network(encoder.schema.n_columns), keys, device)
        else:
            model, keys = self._model.copy(), [MemberKey(self._seed)]
        moments = self._optimizer
        state = None if moments is None else OptimizerState.from_arrays(moments, model.device)
        rows, objective = model.encode(table), self._objective(model)
        result = learn_more(self, model, objective, rows, keys=keys, call=self._n_calls, state=state)
        self._n_calls, self._optimizer = self._n_calls + 1, result.optimizer.arrays()
        before = np.empty(0) if first else self.loss_curve_
        self.loss_curve_, self.validation_curve_ = np.concatenate([before, result.loss[:, 0]]), np.empty(0)
        self._warn_of_divergence(result)
        scores = self._scores_with(model, table)
        self._conclude(model, ScoreSummary.of(scores) if first else self._summary.merged(scores))

    def _warn_of_divergence(self, result: TrainingResult) -> None:
        if result.status[0] == "diverged":
            warnings.warn(
                f"training diverged; the weights of step {result.n_steps[0]} are kept; lower learning_rate",
                ConvergenceWarning,
                stacklevel=4,
            )

    def _scores_with(self, model: Model, table: np.ndarray) -> np.ndarray:
        """Put a model in its place, on weights of its own, and score the rows it was trained on."""
        self._model = model.copy()
        return -self._error_terms(table).sum(axis=1)

    def _conclude(self, model: Model, summary: ScoreSummary) -> None:
        """Set the fitted attributes, the threshold last."""
        self.latent_dim_, self.n_iter_ = model.spec.latent_dim, len(self.loss_curve_)
        self.training_scores_, self.n_samples_seen_ = summary.values, summary.n_rows
        self.offset_ = as_threshold(self.contamination).fit(self.training_scores_)

    def _warm_model(self, schema: Schema) -> Model | None:
        """The present network under new statistics, if there is one."""
        if not self.__sklearn_is_fitted__():
            return None
        old = self._model
        if old.spec != self._network(schema.n_columns) or old.schema.kinds != schema.kinds:
            raise ValueError(
                "warm_start=True needs the columns and the network of the last fit "
                f"({old.spec.n_columns} columns, {old.spec.hidden_layer_sizes}, code of {old.spec.latent_dim}); "
                "set warm_start=False to start anew"
            )
        return Model(schema, old.spec, old.copy().network, old.device)

    def _as_if_fitted(self, model: Model, table: np.ndarray) -> dict[str, Any]:
        """Fitted attributes as if training stopped now, for scikit-learn's callbacks."""
        learner = copy.copy(self)
        learner.loss_curve_ = np.empty(0)
        learner._conclude(model, ScoreSummary.of(learner._scores_with(model, table)))
        return {name: value for name, value in vars(learner).items() if name not in self.get_params()}

    @property
    def _summary(self) -> ScoreSummary:
        return ScoreSummary(self.training_scores_, self.n_samples_seen_)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "offset_")

    def _checked(self, X: Any) -> np.ndarray:
        """The numbers of a table that is to be scored."""
        check_is_fitted(self)
        return check_table(self, X, reset=False)

    # ------------------------------------------------------------------ scoring

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
        return -self._error_terms(self._checked(X)).sum(axis=1)

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
        return self.score_samples(X) - self.offset_

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
        table = self._checked(X)
        errors = self._model.deviance(table)
        return errors if per_feature else errors.sum(axis=1)

    def set_threshold(self, threshold: Any, X: Any = None, y: Any = None) -> Self:
        """Move `offset_` without refitting.

        Parameters
        ----------
        threshold : "auto", float in (0, 0.5] or object with ``fit(scores) -> offset``
            As for the parameter `contamination`, which is left as it is.
        X : array-like or DataFrame of shape (n_samples, n_features), optional
            Rows to set it on; by default `training_scores_`.
        y : Ignored

        Returns
        -------
        self
        """
        check_is_fitted(self)
        self.offset_ = float(as_threshold(threshold).fit(self.training_scores_ if X is None else self.score_samples(X)))
        return self

    # ------------------------------------------------------- codes and original units

    def transform(self, X: Any) -> np.ndarray:
        """Code of each row.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)

        Returns
        -------
        code : ndarray of shape (n_samples, latent_dim_)
        """
        table = self._checked(X)
        return self._model.code(table)

    def inverse_transform(self, X: Any) -> np.ndarray:
        """Expected row for each code, in original units.

        Parameters
        ----------
        X : array-like of shape (n_samples, latent_dim_)
            Codes, as from `transform`.

        Returns
        -------
        rows : ndarray of shape (n_samples, n_features)
        """
        check_is_fitted(self)
        code = check_array(X, dtype=np.float64)
        if code.shape[1] != self.latent_dim_:
            raise ValueError(f"X has {code.shape[1]} columns, and the code has {self.latent_dim_}; pass transform(X)")
        return self._model.from_code(code)

    def reconstruct(self, X: Any) -> np.ndarray:
        """What the autoencoder makes of each row, in original units.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)

        Returns
        -------
        rows : ndarray of shape (n_samples, n_features)
            Expected values; of a two-valued column, between the two.
        """
        table = self._checked(X)
        return self._model.reconstruct(table)

    def encoder_module(self) -> torch.nn.Sequential:
        """A copy of the trained encoder as a torch module, to fine-tune.

        Returns
        -------
        module : nn.Sequential
            Rows in original units (B, n_features), any real dtype -> code (B, latent_dim_), float32.
        """
        check_is_fitted(self)
        return self._model.encoder_module()

    @property
    def _n_features_out(self) -> int:
        return self.latent_dim_

    # ------------------------------------------------------------------ files

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the fitted detector to a model file, which holds no code; `aeanomaly.load` reads it.

        Parameters
        ----------
        path : path-like
            By custom with the suffix ``.aea``. Replaced in one step.
        """
        check_is_fitted(self)
        _saving.save(self, path)
