"""
Explanations of flagged rows
============================

A score is a sum over columns, so the contribution of each column can be shown. The table contains card payments with
text, times and missing values. The example shows the flagged rows, the unusual columns and the expected values. Writes
``scores.png``, ``worst_rows.png`` and ``worst_row.png``.
"""

from aeanomaly import AutoencoderEnsemble
from aeanomaly.datasets import load_payments
from aeanomaly.inspection import ContributionsDisplay, ContributionsHeatmapDisplay, ScoreDistributionDisplay

X, y = load_payments(return_X_y=True)
detector = AutoencoderEnsemble(missing="model", robust=True, contamination=0.02, random_state=0).fit(X)

# %%
# Plot the distribution of the scores. Labels, if available, only color the plot.
display = ScoreDistributionDisplay.from_estimator(detector, X, y)
display.figure_.savefig("scores.png", dpi=120)

# %%
# Explain each of the worst rows in a sentence. Anomalies are not necessarily fraud: an expensive journey is also an
# anomaly, and the sentence helps to distinguish the two.
worst = X.iloc[detector.score_samples(X).argsort()[:12]]
for row, sentence in detector.explain_text(worst).items():
    print(f"{row} ({'fraud' if y[row] else 'normal'}): {sentence}")

# %%
# Plot the same rows as a heat map. Rows with similar anomalies have similar patterns.
display = ContributionsHeatmapDisplay.from_estimator(detector, worst)
display.figure_.savefig("worst_rows.png", dpi=120)

# %%
# Plot the contributions of one row, column by column, from 0 to minus its score.
display = ContributionsDisplay.from_estimator(detector, worst, row=6)
display.figure_.savefig("worst_row.png", dpi=120)
