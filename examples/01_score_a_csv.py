"""
Which rows of a CSV file are odd?
=================================

A table of factory sensors, no labels: fit, score every row, write the table back with two columns more. The same from a
shell: ``aeanomaly fit sensors.csv -o model.aea`` and ``aeanomaly score model.aea sensors.csv -o scored.csv``.
"""

import pandas as pd

from aeanomaly import AutoencoderEnsemble
from aeanomaly.datasets import load_factory

load_factory().data.to_csv("sensors.csv", index=False)

# %%
# The rows to learn from hold some faults. ``robust=True`` keeps the detector from learning these, too;
# ``contamination=0.03`` flags that share.
table = pd.read_csv("sensors.csv")
detector = AutoencoderEnsemble(robust=True, contamination=0.03, random_state=0).fit(table)

# %%
# Scores are higher for normal rows; ``predict`` is -1 for those that are flagged.
scored = table.assign(score=detector.score_samples(table), flagged=detector.predict(table) == -1)
scored.sort_values("score").to_csv("scored.csv", index=False)
print(scored.nsmallest(5, "score").round(1).T.to_string())

# %%
# In which columns the worst row is not as it should be: its part of the error, and what was expected there.
worst = scored["score"].idxmin()
row = table.loc[[worst]]
about = pd.DataFrame(
    {
        "observed": row.iloc[0],
        "expected": detector.reconstruct(row)[0],
        "error": detector.explain(row).iloc[0],
    }
)
print(about.sort_values("error", ascending=False).round(2).to_string())

# %%
# The detector as a file that holds no code, for the next table.
detector.save("model.aea")
