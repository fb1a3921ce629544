"""
How many false alarms will there be?
====================================

Nobody knows how many anomalies the rows of next month hold, but what a false alarm is worth can be said beforehand. A
threshold that promises a rate of them is set on normal rows that the detector has not learned from. Here it is asked
for five rates, and held to them on rows that came later.
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
# A fifth of the rows is held out of the fit, and the threshold set on them. Other rates cost no further fit.
detector = DenoisingAutoencoder(contamination=Conformal(0.01), random_state=0).fit(train)
print(detector.threshold_.guarantee, end="\n\n")

rates, realised, found = np.array([0.1, 0.05, 0.01, 0.003, 0.001]), [], []
for rate in rates:
    detector.set_threshold(Conformal(rate))
    realised.append(np.mean(detector.predict(later) == -1))
    found.append(np.mean(detector.predict(faults) == -1))
    print(f"asked for {rate:.1%}: {realised[-1]:.2%} of later normal rows flagged, and {found[-1]:.0%} of the faults")

# %%
# Below one in the number of rows held out nothing can be promised; an error says so. The tail may be extrapolated.
try:
    detector.set_threshold(Conformal(1e-4))
except ValueError as error:
    print(f"\n{error}")
detector.set_threshold(PeaksOverThreshold(1e-4))
print(f"{detector.threshold_.guarantee}: {np.sum(detector.predict(later) == -1)} of {len(later):,} flagged")

# %%
# On a batch: of the rows that are flagged, a tenth at most is to be normal.
batch = np.r_[np.flatnonzero(y == 0)[-2000:], np.flatnonzero(y == 1)[:40]]
flagged = detector.flag(X.iloc[batch], fdr=0.1)
print(f"\n{flagged.sum()} of {len(batch):,} rows flagged, {np.sum(y.iloc[batch][flagged] == 0)} of them normal")

# %%
# Promised and realised. What lies off the line is the luck of the rows that were held out: it is a draw of a beta
# distribution, of which the bars hold nineteen twentieths.
n = len(detector.calibration_scores_)
k = np.floor((n + 1) * rates)
low, high = beta.interval(0.95, k, n + 1 - k)
fig, ax = plt.subplots(figsize=(6, 4), layout="constrained")
ax.plot(rates, rates, color="0.7", label="promised")
ax.errorbar(rates, rates, (rates - low, high - rates), fmt="none", color="0.7", capsize=3)
ax.plot(rates, realised, "o", label="false alarms, realised")
ax.plot(rates, found, "s", label="faults found")
ax.set(xscale="log", yscale="log", xlabel="false-alarm rate asked for", ylabel="share of rows flagged")
ax.legend(loc="lower right")
plt.show()
