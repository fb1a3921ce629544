"""
Score a CSV file
================

Fit a detector to a table of factory sensors without labels, score every row, and write the table with two additional
columns. The same from a shell: ``aeanomaly fit sensors.csv -o model.aea`` and ``aeanomaly score model.aea sensors.csv
-o scored.csv``. Writes ``worst_sensors.png``.
"""

import pandas as pd

from aeanomaly import AutoencoderEnsemble
from aeanomaly.datasets import load_factory
from aeanomaly.inspection import ContributionsDisplay

load_factory().data.to_csv("sensors.csv", index=False)

# %%
# The training rows contain some faults. ``robust=True`` keeps the detector from learning the faults, and
# ``contamination=0.03`` flags that share of the rows.
table = pd.read_csv("sensors.csv")
detector = AutoencoderEnsemble(robust=True, contamination=0.03, random_state=0).fit(table)

# %%
# Scores are higher for normal rows, and ``predict`` returns -1 for flagged rows.
scored = table.assign(score=detector.score_samples(table), flagged=detector.predict(table) == -1)
scored.sort_values("score").to_csv("scored.csv", index=False)
print(scored.nsmallest(5, "score").round(1).T.to_string())

# %%
# For the worst row, show the contribution of each column to the error, and the value expected from the other columns.
row = table.loc[[scored["score"].idxmin()]]
details = detector.explain(row, details=True).iloc[0].unstack(level=0)[["observed", "expected", "contribution"]]
print(details.astype(float).sort_values("contribution", ascending=False).round(2).to_string())
display = ContributionsDisplay.from_estimator(detector, row)
display.figure_.savefig("worst_sensors.png", dpi=120)

# %%
# Save the detector to a file that contains no executable code, to score the next table.
detector.save("model.aea")
