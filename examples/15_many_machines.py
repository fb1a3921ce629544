"""
Many machines
=============

A table holds the readings of several machines of one type, in order of time. One detector learns from all of them, and
no window contains rows of two machines. A machine without training rows is scored as well. The example lists the events
of each machine, and resumes a stream from a model file and a state in JSON. Writes ``machines.png``.
"""

import json
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.dates import ConciseDateFormatter

import aeanomaly
from aeanomaly import DenoisingAutoencoder
from aeanomaly.datasets import make_sensors
from aeanomaly.thresholds import Conformal
from aeanomaly.windows import WindowedDetector


def table_of(readings, machines, start):
    """Cut a long series into the series of several machines, whose rows alternate."""
    parts = [
        readings.iloc[rows].assign(machine=machine, time=pd.date_range(start, periods=len(rows), freq="1min"))
        for machine, rows in zip(machines, np.array_split(np.arange(len(readings)), len(machines)), strict=True)
    ]
    return pd.concat(parts).sort_values("time", kind="stable", ignore_index=True)


X, y = make_sensors(20_000, n_sensors=4, random_state=0)
X["is_fault"] = y == 1
train = table_of(X[:10_000], "ABCD", "2026-01-05").drop(columns="is_fault")
new = table_of(X[10_000:], "ABCDE", "2026-01-12")  # with a machine E
is_fault = new.pop("is_fault")
print(new.head(6))

# %%
# Fit one detector.
autoencoder = DenoisingAutoencoder(random_state=0)
detector = WindowedDetector(autoencoder, time="time", groups="machine", contamination=Conformal(0.005)).fit(train)
events = detector.events(new, min_length=5, cooldown=10)
print(events.drop(columns="worst").round({"severity": 1}).to_string())

# %%
# Plot the events and the faults. An event on machine C, of low severity, is a false alarm.
figure, ax = plt.subplots(figsize=(7, 4.6), layout="constrained")
for height, (machine, rows) in enumerate(new.groupby("machine")):
    ax.plot(rows["time"], np.where(is_fault[rows.index], height + 0.25, np.nan), "k", lw=4)
    for event in events[events["machine"] == machine].itertuples():
        ax.plot([event.first, event.last], [height, height], "C3", lw=12, solid_capstyle="butt")
ax.plot([], [], "k", lw=4, label="fault")
ax.plot([], [], "C3", lw=12, label="event")
ax.set(yticks=range(5), yticklabels=[f"machine {machine}" for machine in "ABCDE"], ylim=(4.6, -0.4))
ax.xaxis.set_major_formatter(ConciseDateFormatter(ax.xaxis.get_major_locator()))
ax.legend(loc="lower right", bbox_to_anchor=(1, 1), handlelength=1, ncols=2)
figure.savefig("machines.png", dpi=120)

# %%
# Score rows as they arrive. The stream keeps the last rows of each machine. With the model file and the state in JSON,
# another process continues with the same scores.
rows = new.to_dict("records")
stream = detector.stream()
scored = [stream.update(row) for row in rows[:600]]
first = next(number for number, row in enumerate(scored) if row.is_anomaly)
print(f"{rows[first]['time']}, machine {rows[first]['machine']}: {scored[first].reasons}")

state = json.dumps(stream.state())
with tempfile.TemporaryDirectory() as folder:
    detector.save(Path(folder) / "machines.aea")
    resumed = aeanomaly.load(Path(folder) / "machines.aea").stream(json.loads(state))
scored += [resumed.update(row) for row in rows[600:1200]]
assert [row.score for row in scored] == detector.score_samples(new[:1200]).tolist()
print(f"state of {len(stream.state()['series'])} machines: {len(state) / 1000:.0f} kB")
