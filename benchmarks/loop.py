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
    device : str or torch.device
    compiled : bool
        True to compile the network and the loss with `torch.compile`.
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
        device: str | torch.device = "cpu",
        compiled: bool = False,
    ):
        self.widths = widths
        self.activation = activation
        self.n_steps = n_steps
        self.batch_size = batch_size
        self.noise = noise
        self.learning_rate = learning_rate
        self.device = device
        self.compiled = compiled

    def fit(self, X: np.ndarray) -> "PlainLoop":
        """Standardize the rows and train the network."""
        self.start(X)
        self.train(self.n_steps)
        return self

    def start(self, X: np.ndarray) -> None:
        """Standardize the rows and build the network and its optimizer."""
        self._mean, self._deviation = X.mean(axis=0), X.std(axis=0)
        self._rows = self._encoded(X)
        layers: list[nn.Module] = []
        for n_inputs, n_outputs in zip(self.widths, self.widths[1:], strict=False):
            layers += [nn.Linear(n_inputs, n_outputs), _ACTIVATIONS[self.activation]()]
        self._network = nn.Sequential(*layers[:-1]).to(self.device)
        self._loss_of = torch.compile(self._loss, mode="reduce-overhead") if self.compiled else self._loss
        self._optimizer = torch.optim.AdamW(self._network.parameters(), lr=self.learning_rate, fused=True)

    def train(self, n_steps: int) -> None:
        """Take further steps, without waiting for the device."""
        rows = self._rows
        for _ in range(n_steps):
            self._optimizer.zero_grad()
            loss = self._loss_of(rows[torch.randint(len(rows), (self.batch_size,), device=self.device)])
            loss.backward()
            self._optimizer.step()

    def _loss(self, batch: torch.Tensor) -> torch.Tensor:
        seen = batch + self.noise * torch.randn_like(batch)
        return (self._network(seen) - batch).square().sum(dim=1).mean()

    def anomaly_score(self, X: np.ndarray) -> np.ndarray:
        """Return the squared error of each row, of shape (n,); higher = worse."""
        with torch.inference_mode():
            parts = [self._errors(X[first : first + _AT_ONCE]) for first in range(0, len(X), _AT_ONCE)]
        return torch.cat(parts).cpu().numpy()

    def _errors(self, X: np.ndarray) -> torch.Tensor:
        rows = self._encoded(X)
        return (self._network(rows) - rows).square().sum(dim=1)

    def _encoded(self, X: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(((X - self._mean) / self._deviation).astype(np.float32)).to(self.device)
