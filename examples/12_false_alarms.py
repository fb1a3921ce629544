"""
Thresholds with a stated false alarm rate
=========================================

The number of anomalies among future rows is unknown, but the acceptable false alarm rate can be chosen in advance. A
threshold with a guaranteed rate is set on normal rows that were not used in training. The example requests five rates
and compares them with the realized rates on later rows.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.stats import beta

from aeanomaly import DenoisingAutoencoder
from aeanomaly.datasets import make_factory
from aeanomaly.thresholds import Conformal, PeaksOverThreshold

X, y = make_factory(40_000, anomaly_rate=0.01, random_state=0)
normal, faults = X[y == 0], X[y == 1]
train, later = normal[:12_000], normal[12_000:]

# %%
# The threshold is set on a held-out fifth of the rows. Other rates do not require another fit.
detector = DenoisingAutoencoder(contamination=Conformal(0.01), random_state=0).fit(train)
print(detector.threshold_info_.guarantee, end="\n\n")

rates, realized, found = np.array([0.1, 0.05, 0.01, 0.003, 0.001]), [], []
for rate in rates:
    detector.set_threshold(Conformal(rate))
    realized.append(np.mean(detector.predict(later) == -1))
    found.append(np.mean(detector.predict(faults) == -1))
    print(f"requested {rate:.1%}: {realized[-1]:.2%} of later normal rows flagged, and {found[-1]:.0%} of the faults")

# %%
# Rates below one in the number of held-out rows cannot be guaranteed, and raise an error. `PeaksOverThreshold`
# extrapolates the tail instead.
try:
    detector.set_threshold(Conformal(1e-4))
except ValueError as error:
    print(f"\n{error}")
detector.set_threshold(PeaksOverThreshold(1e-4))
print(f"{detector.threshold_info_.guarantee}: {np.sum(detector.predict(later) == -1)} of {len(later):,} flagged")

# %%
# In a batch, at most a tenth of the flagged rows should be normal.
batch = np.r_[np.flatnonzero(y == 0)[-2000:], np.flatnonzero(y == 1)[:40]]
flagged = detector.flag(X.iloc[batch], fdr=0.1)
print(f"\n{flagged.sum()} of {len(batch):,} rows flagged, {np.sum(y.iloc[batch][flagged] == 0)} of them normal")

# %%
# Plot promised and realized rates. The deviations from the line are due to the random held-out rows: the realized rate
# follows a beta distribution, and the bars cover nineteen twentieths of it.
n = len(detector.calibration_scores_)
k = np.floor((n + 1) * rates)
low, high = beta.interval(0.95, k, n + 1 - k)
fig, ax = plt.subplots(figsize=(6, 4), layout="constrained")
ax.plot(rates, rates, color="0.7", label="promised")
ax.errorbar(rates, rates, (rates - low, high - rates), fmt="none", color="0.7", capsize=3)
ax.plot(rates, realized, "o", label="false alarms, realized")
ax.plot(rates, found, "s", label="faults found")
ax.set(xscale="log", yscale="log", xlabel="requested false alarm rate", ylabel="share of rows flagged")
ax.legend(loc="lower right")
plt.show()
