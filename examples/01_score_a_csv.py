"""
Score a CSV file
================

Fit a detector to a table of factory sensors without labels, score every row, and write the table with two additional
columns. The same from a shell: ``aeanomaly fit sensors.csv -o model.aea`` and ``aeanomaly score model.aea sensors.csv
-o scored.csv``.
"""

import pandas as pd

from aeanomaly import AutoencoderEnsemble
from aeanomaly.datasets import load_factory

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
# For the worst row, show the contribution of each column to the error and the expected values.
worst = scored["score"].idxmin()
row = table.loc[[worst]]
about = pd.DataFrame(
    {
        "observed": row.iloc[0],
        "expected": detector.reconstruct(row).iloc[0],
        "error": detector.explain(row).iloc[0],
    }
)
print(about.sort_values("error", ascending=False).round(2).to_string())

# %%
# Save the detector to a file that contains no executable code, to score the next table.
detector.save("model.aea")
