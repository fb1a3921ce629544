"""
Faults of a machine
===================

A pump has three sensors, read once a minute. A usual reading may be a fault after the readings before it, or beside
those of the other sensors. The detector is fitted on the first half of the series, which is normal, and scores each row
of the second half with the rows before it. Writes ``pump.png`` and ``event.png``.
"""

import matplotlib.pyplot as plt
import pandas as pd

from aeanomaly import DenoisingAutoencoder
from aeanomaly.datasets import make_sensors
from aeanomaly.thresholds import Conformal
from aeanomaly.windows import WindowedDetector

X, y = make_sensors(12_000, n_sensors=3, random_state=0)  # y: 1 = fault
names = ["flow", "pressure", "vibration"]
X.columns = ["time", *names]
train, new = X[:6000], X[6000:]
autoencoder = DenoisingAutoencoder(random_state=0)
detector = WindowedDetector(autoencoder, time="time", contamination=Conformal(0.005)).fit(train)
print(f"windows of {detector.window_} rows; the threshold {detector.threshold_info_.guarantee}")

# %%
# List the events: runs of at least five flagged rows, with at most ten normal rows between flagged rows. The severity
# is 1 at the threshold.
events = detector.events(new, min_length=5, cooldown=10)
print(events.round({"severity": 1}).to_string())

# %%
# Compare with the faults. The event of the lowest severity is a false alarm. The fault of two rows is missed, because
# it is shorter than ``min_length``.
number = (y.diff() == 1).cumsum().where(y == 1, 0)[new.index]  # of the fault of each row; 0 for normal rows
is_found = set()
for event in events.itertuples():
    inside = set(number[new["time"].between(event.first, event.last)]) - {0}
    is_found |= inside
    print(f"{event.first:%d %b %H:%M}, severity {event.severity:.1f}: {'a fault' if inside else 'a false alarm'}")
for fault, n_rows in number[number > 0].value_counts(sort=False).items():
    print(f"fault {fault}, {n_rows} rows: {'found' if fault in is_found else 'missed'}")

# %%
# Explain the largest event by its row with the lowest score.
print(events["explanation"][events["severity"].idxmax()])

# %%
# Plot a sensor with the events in red, and minus the score with the threshold.
errors = -detector.score_samples(new)


def plot(is_shown, shown, title):
    """Plot some of the new rows and sensors."""
    rows = new[is_shown].assign(error=errors[is_shown])
    figure, axes = plt.subplots(len(shown) + 1, figsize=(7, 4.9), sharex=True, layout="constrained")
    for ax, column in zip(axes, [*shown, "error"], strict=True):
        ax.plot(rows["time"], rows[column], lw=0.8)
        ax.set_ylabel(column)
        for event in events.itertuples():
            ax.axvspan(event.first, event.last, color="C3", alpha=0.3, lw=0)
    axes[-1].axhline(-detector.offset_, color="0.3", ls="--", lw=1)
    axes[-1].set(yscale="log", ylabel="minus the score", xlim=(rows["time"].iloc[0], rows["time"].iloc[-1]))
    axes[0].set_title(title)
    return figure


plot(slice(None), ["vibration"], "Vibration of a pump, and events").savefig("pump.png", dpi=120)

# %%
# Plot all sensors around the event with the highest severity.
around = (new["time"] - events["worst"][events["severity"].idxmax()]).abs() < pd.Timedelta("200min")
plot(around, names, "The event with the highest severity").savefig("event.png", dpi=120)
