"""
Scoring without torch
=====================

A detector trained in a notebook often has to score rows elsewhere: in a service, in another language, or on a small
device. An ONNX graph is a single file that maps rows to score, decision and label. It requires neither torch nor this
package. ``aeanomaly export model.aea model.onnx`` writes the same graph on the command line.
Writes ``without_torch.png``.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from aeanomaly import DenoisingAutoencoder
from aeanomaly.datasets import make_factory
from aeanomaly.onnx import to_onnx
from aeanomaly.thresholds import Conformal

X, y = make_factory(5_000, random_state=0)
X = X.astype(np.float32)
detector = DenoisingAutoencoder(contamination=Conformal(0.01), random_state=0)
detector.fit(X[:4_000][y[:4_000] == 0])

folder = Path(tempfile.mkdtemp())
to_onnx(detector, folder / "model.onnx")
print(f"{(folder / 'model.onnx').stat().st_size / 1e6:.2f} MB, with threshold and column names")

# %%
# The graph was compared with the detector before it was written. Another process now scores new rows with the graph.
# This process cannot import torch or this package.
program = """
import sys

sys.modules["torch"] = sys.modules["aeanomaly"] = None

import numpy as np
import onnxruntime

session = onnxruntime.InferenceSession("model.onnx")
score, decision, label = session.run(None, {"X": np.load("rows.npy")})
np.save("scores.npy", score)
print(f"{len(score):,} rows, {np.sum(label == -1):,} anomalies")
"""
np.save(folder / "rows.npy", X[4_000:])
done = subprocess.run([sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=True)
print(done.stdout)

# %%
# Compare the scores with those of the detector.
here, there = detector.score_samples(X[4_000:]), np.load(folder / "scores.npy")
print(f"largest difference, as a share of the score: {np.max(np.abs(there / here - 1)):.1e}")
figure, ax = plt.subplots(figsize=(5, 4), layout="constrained")
ax.plot(-here, -there, ".", ms=3)
ax.set(xscale="log", yscale="log", xlabel="minus the score, detector", ylabel="minus the score, ONNX graph")
figure.savefig("without_torch.png", dpi=120)
