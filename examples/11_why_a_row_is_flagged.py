"""
Why is a row flagged?
=====================

A score is a sum over columns, so that each column's part can be shown. Card payments with text, times and holes: which
are odd, in what, and what would have been expected. Writes ``scores.png``, ``worst_rows.png`` and ``worst_row.png``.
"""

from aeanomaly import AutoencoderEnsemble
from aeanomaly.datasets import load_payments
from aeanomaly.inspection import ContributionsDisplay, ContributionsHeatmapDisplay, ScoreDistributionDisplay

X, y = load_payments(return_X_y=True)
detector = AutoencoderEnsemble(missing="model", robust=True, contamination=0.02, random_state=0).fit(X)

# %%
# How far the flagged rows are from the others. Labels, where there are some, only colour the picture.
display = ScoreDistributionDisplay.from_estimator(detector, X, y)
display.figure_.savefig("scores.png", dpi=120)

# %%
# The worst rows in a sentence each. Odd is not yet fraud: a dear journey is odd, too, and the sentence lets one tell.
worst = X.iloc[detector.score_samples(X).argsort()[:12]]
for row, sentence in detector.explain_text(worst).items():
    print(f"{row} ({'fraud' if y[row] else 'normal'}): {sentence}")

# %%
# The same rows as a heat map: those that are odd in the same way look alike.
display = ContributionsHeatmapDisplay.from_estimator(detector, worst)
display.figure_.savefig("worst_rows.png", dpi=120)

# %%
# One of them, column by column from 0 to minus its score.
display = ContributionsDisplay.from_estimator(detector, worst, row=6)
display.figure_.savefig("worst_row.png", dpi=120)
