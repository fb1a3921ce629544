"""The order of fitting; nothing else knows it. `_reading.py` knows that of scoring."""

import copy
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Literal, Self

import numpy as np
import torch
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning

from aeanomaly._warnings import warn
from aeanomaly.detectors._calibrating import Calibration, Rows, check_calibration, held_out_rows
from aeanomaly.detectors._callbacks import CallbackSupportMixin, watched, with_callbacks
from aeanomaly.detectors._learning import Plan, check_result, plan_of_fit, plan_of_pass, rows_of_members
from aeanomaly.detectors._methods import own_methods
from aeanomaly.detectors._model import Model
from aeanomaly.detectors._parameters import SHARED_RULES, SharedParameters
from aeanomaly.detectors._reading import FittedMethods
from aeanomaly.detectors._reference import Reference
from aeanomaly.detectors._rules import Rule, check_parameters
from aeanomaly.detectors._seeds import draw_seed
from aeanomaly.detectors._starts import Starts
from aeanomaly.detectors._streaming import StreamingMethods
from aeanomaly.nn import NetworkSpec
from aeanomaly.objectives import Objective
from aeanomaly.preprocessing import Column, check_table, rows_of
from aeanomaly.streams import MemberKey, numpy_stream
from aeanomaly.thresholds import MOST_SCORES, ScoreSummary
from aeanomaly.training import OptimizerState, TrainingResult, resolve_device

#: Training rows that are jittered for the threshold, at most.
_JITTERED = 10_000
#: Training rows that others are compared with, at most.
_REFERENCE = 2_000
#: How far `robust` moves prototypes towards where rows are many (see `Start`).
_ROBUST = {"shifts": 2, "n_neighbors": 10}


class BaseDetector(
    FittedMethods,
    StreamingMethods,
    CallbackSupportMixin,
    BaseEstimator,
    SharedParameters,
    ABC,
):
    """Everything that detectors share. A detector says which network and which objective."""

    _rules: ClassVar[dict[str, Rule]] = SHARED_RULES
    _code: ClassVar[Literal["point", "gaussian"]] = "point"
    _auto_latent_dim: ClassVar[Any]  # number of columns -> width of the code
    _activation_of_code: ClassVar[str] = ""  # for the docstring
    _far_from_start: ClassVar[bool] = False  # whether training has to move prototypes far

    # What a fit leaves behind, beside the public attributes.
    _seed: int
    _n_calls: int
    _optimizer: dict[str, np.ndarray] | None

    def __init_subclass__(cls, **rest: Any) -> None:
        super().__init_subclass__(**rest)
        own_methods(cls)

    @abstractmethod
    def _network(self, n_columns: int) -> NetworkSpec:
        """The network for encoded rows of this width."""

    @abstractmethod
    def _objective(self, model: Model) -> Objective:
        """What training minimises."""

    def _spec(self, n_columns: int, **own: Any) -> NetworkSpec:
        """A network of the shared parameters, and of what is the detector's own."""
        return NetworkSpec(
            n_encoded=n_columns,
            code=self._code,
            latent_dim=self._auto_latent_dim(n_columns) if self.latent_dim == "auto" else int(self.latent_dim),
            hidden_layer_sizes=tuple(int(width) for width in self.hidden_layer_sizes),
            activation=self.activation,
            allow_nan=self._takes_holes,
            **own,
        )

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
        learner = copy.copy(self)
        with torch.inference_mode(False):
            learner._fit(X, y, self)
        self.__dict__ = learner.__dict__
        return self

    def _fit(self, X: Any, y: Any, watching: Any) -> None:
        rows, plan = self._prepare(X, y)
        n_steps, model = plan.settings.n_steps, plan.model
        with watched(watching, n_steps, {"X": X, "y": y}, lambda: self._as_if_fitted(model, rows)) as on_step:
            result = plan.train(on_step=on_step)
        self._finish(model, result, rows)

    def _prepare(self, X: Any, y: Any = None, starts: Starts | None = None) -> tuple[Rows, Plan]:
        """All of `fit` that comes before training: the rows, and how to train on them."""
        check_parameters(self, self._rules)
        warm = self._model if self.warm_start and self.__sklearn_is_fitted__() else None
        table, columns = self._read(X, None, least_rows=2)
        check_calibration(self, len(table), y)
        self._seed, self._optimizer = draw_seed(self.random_state), None
        rows = Rows(table, table[:0], X, y)
        if Calibration.wanted_by(self.contamination).fraction is not None:
            # Columns, too, are learned without the rows that are held out.
            held_out = held_out_rows(self, len(table))
            table, columns = self._read(rows_of(X, ~held_out), None, least_rows=2)
            rows = Rows(table, self._read(rows_of(X, held_out), columns, least_rows=1)[0])
            starts = None
        return rows, plan_of_fit(self, *self._start(table, columns, warm, starts or Starts()))

    def _read(self, X: Any, columns: Sequence[Column] | None, least_rows: int) -> tuple[np.ndarray, Sequence[Column]]:
        """The numbers of a table that is to be trained on; its columns are learned unless given."""
        return check_table(
            self,
            X,
            columns=columns,
            column_types=self.column_types if columns is None else None,
            mark_counts=self.standardize and self.likelihood == "auto",
            allow_nan=self._takes_holes,
            least_rows=least_rows,
        )

    def _finish(self, model: Model, result: TrainingResult, rows: Rows) -> None:
        """All of `fit` that comes after training."""
        check_result(result, self)
        self._n_calls += 1
        self.loss_curve_, self.validation_curve_ = result.loss.mean(axis=1), result.validation_loss.mean(axis=1)
        self._conclude(model, result, rows)

    def _scores_of_jittered(self, table: np.ndarray) -> np.ndarray:
        """Scores of training rows, 10,000 at most, each moved about as far as its neighbours are."""
        stream = numpy_stream(MemberKey(self._seed), "jitter", self._n_calls)
        rows = _some(table, _JITTERED, stream)
        steps = float(self._model.neighbor_distance().mean()) * stream.standard_normal(rows.shape)
        return -self._errors(self._model.schema.shift(rows, steps))

    def _start(
        self, table: np.ndarray, columns: Sequence[Column], warm: Model | None, starts: Starts
    ) -> tuple[Model, np.ndarray]:
        """A model for this table, with new weights or with those of `warm`, and the table's encoded rows."""
        device = resolve_device(self.device)
        names = getattr(self, "feature_names_in_", None)
        how = self.likelihood, self.standardize, self.missing == "informative", columns
        schema, rows = starts.encoded(table, *how, names)
        spec = self._network(schema.n_encoded)
        if warm is None:
            self._n_calls = 0
            start = {"samples": rows_of_members(self, len(rows), call=0)[0], **self._shift}
            return starts.model(schema, spec, self._keys, rows, device, **start), rows
        if (warm.spec, warm.schema.kinds) != (spec, schema.kinds):
            raise ValueError(
                "warm_start=True needs the columns and the network of the last fit: "
                f"that had {warm.spec}, with columns {warm.schema.kinds}; "
                f"this has {spec}, with columns {schema.kinds}; set warm_start=False to start anew"
            )
        return warm.copy(schema=schema, device=device), rows

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
        learner = copy.copy(self)
        with torch.inference_mode(False):
            learner._partial_fit(X)
        self.__dict__ = learner.__dict__
        return self

    def _partial_fit(self, X: Any) -> None:
        check_parameters(self, self._rules)
        if Calibration.wanted_by(self.contamination):
            raise ValueError(
                f"{type(self).__name__}: contamination={self.contamination!r} wants rows that are never trained on, "
                "and partial_fit trains on all; set contamination='auto', and call set_threshold(rule, X) with new rows"
            )
        first = not self.__sklearn_is_fitted__()
        known = None if first else self._model.schema.columns
        table, columns = self._read(X, known, least_rows=2 if first else 1)
        if first:
            self._seed, self._optimizer = draw_seed(self.random_state), None
            model, rows = self._start(table, columns, None, Starts())
        else:
            model = self._model.copy(device=resolve_device(self.device))
            self._check_network(model.spec)
            rows = model.encode(table)
        moments = self._optimizer
        state = None if moments is None else OptimizerState.from_arrays(moments, model.device)
        result = plan_of_pass(self, model, rows).train(state)
        check_result(result, self)
        # After a divergence the weights are older than the moments.
        self._optimizer = None if "diverged" in result.status else result.optimizer.arrays()
        self._n_calls += 1
        if first:
            self.loss_curve_ = self.validation_curve_ = np.empty(0)
        self.loss_curve_ = np.concatenate([self.loss_curve_, result.loss.mean(axis=1)])
        earlier = None if first else ScoreSummary(self.training_scores_, self.n_samples_seen_)
        self._conclude(model, result, Rows.of(table), earlier, jitter=False)

    def _check_network(self, spec: NetworkSpec) -> None:
        """Refuse parameters that mean another network than the one that goes on."""
        wanted = self._network(spec.n_encoded)
        if wanted != spec:
            raise ValueError(
                f"partial_fit goes on with {spec}; the parameters now mean {wanted}: set them back, or fit anew"
            )

    def _conclude(
        self,
        model: Model,
        result: TrainingResult | None,
        rows: Rows,
        earlier: ScoreSummary | None = None,
        *,
        jitter: bool = True,
    ) -> None:
        """Set the fitted attributes: the model on weights of its own, then scores, then the threshold."""
        if result is not None and "diverged" in result.status:
            warn(
                f"training diverged; the weights of step {min(result.n_steps)} are kept; lower learning_rate",
                ConvergenceWarning,
            )
        table = rows.table
        self._model = model.copy()
        self.latent_dim_, self.n_iter_ = self._model.code_width, len(self.loss_curve_)
        if earlier is None:
            self._settle(table)
        scored = _some(table, MOST_SCORES, numpy_stream(MemberKey(self._seed), "scored", self._n_calls))
        summary = ScoreSummary(-self._errors(scored), len(table))
        summary = summary if earlier is None else earlier.merge(summary)
        self.training_scores_, self.n_samples_seen_ = summary.values, summary.n_rows
        jitter = jitter and model.spec.has_prototypes
        self.jittered_scores_ = self._scores_of_jittered(table) if jitter else np.empty(0)
        self._reference = self._new_reference(table)
        self._decide_first(rows)

    def _new_reference(self, table: np.ndarray) -> Reference:
        """What explanations compare with."""
        rows = _some(table, _REFERENCE, numpy_stream(MemberKey(self._seed), "reference", self._n_calls))
        errors = self._model.in_chunks(self._error_terms, rows)[:, : table.shape[1]]
        return Reference.of(errors, rows)

    def _as_if_fitted(self, model: Model, rows: Rows) -> dict[str, Any] | None:
        """Fitted attributes as if training stopped now, for scikit-learn's callbacks; None while there are none."""
        learner = copy.copy(self)
        learner.loss_curve_ = np.empty(0)
        if Calibration.wanted_by(self.contamination).n_splits is not None:
            learner.contamination = "auto"  # clones are fitted once, at the end
        try:
            learner._conclude(model, None, rows)
        except ValueError:  # training has diverged, and the engine will say so
            return None
        return {name: value for name, value in vars(learner).items() if name not in self.get_params()}

    @property
    def _keys(self) -> list[MemberKey]:
        """Whose streams the members draw from, (M,)."""
        return [MemberKey(self._seed, member) for member in range(self._n_members)]

    @property
    def _n_members(self) -> int:
        return 1

    def _rates(self) -> list[float]:
        """Peak learning rate of each member, (M,)."""
        return [self.learning_rate] * self._n_members

    def _settle(self, table: np.ndarray) -> None:
        """What else scoring needs to know of the training table, once the network is trained."""
        self._model.learn_usual(self._error_terms, table)

    @property
    def _shift(self) -> dict[str, int]:
        """What `Start` is told of prototypes."""
        return _ROBUST if self.robust else {}

    def _samples(self, n_rows: int) -> list[np.ndarray]:
        """Numbers of the rows that each member trains on, (M,)."""
        return [np.arange(n_rows)] * self._n_members


def _some(table: np.ndarray, n_rows: int, stream: np.random.Generator) -> np.ndarray:
    """So many rows of a table at random, in their order; or all of them, if they are fewer."""
    return table if len(table) <= n_rows else table[np.sort(stream.permutation(len(table))[:n_rows])]
