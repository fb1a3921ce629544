"""The code that is a distribution."""

from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import numpy as np

from aeanomaly._constraints import Constraint, any_of, integer, one_of, real
from aeanomaly.detectors._base import BaseDetector
from aeanomaly.detectors._parameters import SHARED_CONSTRAINTS, bottleneck, documented
from aeanomaly.detectors._persistence import register
from aeanomaly.fitting import FitJob, FittedModel, likelihood_for
from aeanomaly.nn import NetworkSpec
from aeanomaly.objectives import NegativeELBO, Objective
from aeanomaly.preprocessing import TableEncoder
from aeanomaly.scoring import ELBOScorer, Network, Scorer
from aeanomaly.streams import MemberKey, draw_seed


@register("variational")
@documented
@dataclass(kw_only=True, eq=False, repr=False)
class VariationalAutoencoder(BaseDetector):
    """Autoencoder with a Gaussian over codes, trained on the evidence lower bound (ELBO), which is its score.

    log p(x) >= ELBO = E_q[log p(x|z)] - KL(q(z|x) || N(0, I)), in nats, of the encoded row.

    Parameters
    ----------
    beta : float, default=1.0
        Weight of the KL term in training; scores always use 1.
    noise_variance : {"column", "shared"} or float, default="column"
        The decoder's noise variance on Gaussian columns, in encoded units: learned per column, learned
        as one number, or given.
    n_draws : int, default=16
        Draws of the code behind the expectation in a score, 1 to 10,000: the same for every row and every
        call, with exact first and second moments. With at least twice `latent_dim_` of them the expectation is
        exact for a linear decoder of Gaussian columns.
    {shared}

    Attributes
    ----------
    {attributes}

    References
    ----------
    Kingma & Welling (2014), Auto-encoding variational Bayes, ICLR. Higgins et al. (2017), beta-VAE,
    ICLR. Burda, Grosse & Salakhutdinov (2016), Importance weighted autoencoders, ICLR.

    Examples
    --------
    >>> import numpy as np
    >>> from aeanomaly import VariationalAutoencoder
    >>> t = np.random.default_rng(0).uniform(-1, 1, size=(500, 1))
    >>> X = np.hstack([t, t**2, np.sin(3 * t)])
    >>> detector = VariationalAutoencoder(random_state=0).fit(X)
    >>> detector.predict([[0.0, 0.0, 0.0], [0.9, -3.0, -3.0]])
    array([ 1, -1])
    >>> detector.sample(2, random_state=0).shape
    (2, 3)
    """

    beta: float = 1.0
    noise_variance: str | float = "column"
    n_draws: int = 16

    constraints: ClassVar[dict[str, Constraint]] = {
        **SHARED_CONSTRAINTS,
        "beta": real(0, with_low=True),
        "noise_variance": any_of(one_of("column", "shared"), real(0)),
        "n_draws": integer(1, 10_000),
    }
    code = "gaussian"
    auto_latent_dim = staticmethod(bottleneck)

    def _network_spec(self, n_encoded: int) -> NetworkSpec:
        given = self.noise_variance
        return self._spec(n_encoded, noise_variance=given if isinstance(given, str) else float(given))

    def _objective(self, network: Network, encoder: TableEncoder) -> Objective:
        return NegativeELBO(likelihood_for(network, encoder), beta=self.beta)

    def _scorers(self, job: FitJob, network: Network) -> tuple[Scorer, ...]:
        return (ELBOScorer(job.spec, network, job.likelihood, n_draws=self.n_draws, key=MemberKey(job.seed)),)

    def elbo(self, X: Any) -> np.ndarray:
        """Evidence lower bound of each row, in nats; the same as `score_samples`.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)

        Returns
        -------
        elbo : ndarray of shape (n_samples,)
            Higher = more normal.
        """
        return self.score_samples(X)

    def negative_elbo(self, X: Any) -> np.ndarray:
        """Minus `elbo`.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)

        Returns
        -------
        negative_elbo : ndarray of shape (n_samples,)
            Higher = worse.
        """
        return -self.elbo(X)

    def log_evidence(self, X: Any, n_draws: int | None = None) -> np.ndarray:
        """Importance-weighted estimate of log p(x), in nats: the closer, the more draws.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
        n_draws : int, optional
            Draws of the code; by default the parameter `n_draws`. These are then the draws of `elbo`, and
            with two or more of them no row's estimate is below its ELBO. Over independent draws the
            estimate would be a lower bound in the mean; the moments of these are exact, which makes it
            steadier and, with few draws, a little higher.

        Returns
        -------
        log_evidence : ndarray of shape (n_samples,)
            Higher = more normal.
        """
        fitted = self._fitted()
        n_draws = fitted.n_draws if n_draws is None else n_draws
        self.constraints["n_draws"].check("log_evidence", "n_draws", n_draws)
        return fitted._call(partial(FittedModel.log_evidence, n_draws=n_draws), X)

    def sample(self, n_samples: int = 1, random_state: Any = None) -> np.ndarray:
        """New rows: codes from the prior, decoded, with the decoder's noise.

        Parameters
        ----------
        n_samples : int, default=1
        random_state : int, RandomState, Generator or None, default=None

        Returns
        -------
        rows : ndarray of shape (n_samples, n_features), DataFrame where not all columns are numeric
            In original units; two-valued columns hold their two values.
        """
        fitted = self._fitted()
        integer(1).check("sample", "n_samples", n_samples)
        return fitted._to_rows(fitted.state_.model.sample(n_samples, draw_seed(random_state)))
