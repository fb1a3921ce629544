"""Baseline training loop in plain torch, with the same network, batches and steps."""

import numpy as np
import torch
from torch import nn

_ACTIVATIONS = {"rbf": lambda: nn.Softmax(dim=-1), "silu": nn.SiLU, "relu": nn.ReLU}
#: Number of rows scored at once; the hidden layers of these rows are held in memory.
_AT_ONCE = 65_536


class PlainLoop:
    """Denoising autoencoder with a simple hand-written training loop.

    Parameters
    ----------
    widths : sequence of int
        Layer widths, from the input to the output.
    activation : str
    n_steps, batch_size : int
    noise, learning_rate : float
    """

    def __init__(
        self,
        widths: list[int],
        activation: str,
        *,
        n_steps: int,
        batch_size: int = 128,
        noise: float = 0.3,
        learning_rate: float = 2e-3,
    ):
        self.widths = widths
        self.activation = activation
        self.n_steps = n_steps
        self.batch_size = batch_size
        self.noise = noise
        self.learning_rate = learning_rate

    def fit(self, X: np.ndarray) -> "PlainLoop":
        """Standardize the rows and train the network."""
        self._mean, self._deviation = X.mean(axis=0), X.std(axis=0)
        rows = self._encoded(X)
        layers: list[nn.Module] = []
        for n_inputs, n_outputs in zip(self.widths, self.widths[1:], strict=False):
            layers += [nn.Linear(n_inputs, n_outputs), _ACTIVATIONS[self.activation]()]
        self._network = nn.Sequential(*layers[:-1])
        optimizer = torch.optim.AdamW(self._network.parameters(), lr=self.learning_rate, fused=True)
        for _ in range(self.n_steps):
            batch = rows[torch.randint(len(rows), (self.batch_size,))]
            seen = batch + self.noise * torch.randn_like(batch)
            loss = (self._network(seen) - batch).square().sum(dim=1).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return self

    def anomaly_score(self, X: np.ndarray) -> np.ndarray:
        """Return the squared error of each row, of shape (n,); higher = worse."""
        with torch.inference_mode():
            parts = [self._errors(X[first : first + _AT_ONCE]) for first in range(0, len(X), _AT_ONCE)]
        return torch.cat(parts).numpy()

    def _errors(self, X: np.ndarray) -> torch.Tensor:
        rows = self._encoded(X)
        return (self._network(rows) - rows).square().sum(dim=1)

    def _encoded(self, X: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(((X - self._mean) / self._deviation).astype(np.float32))
