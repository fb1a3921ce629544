"""
Classification with few labels
==============================

An autoencoder learns from 1,400 digits without labels. Its codes are then the input of a classifier with two labeled
digits per class. Its encoder, as a torch module, is also the starting point for fine-tuning. Writes
``few_labels.png``.
"""

import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

from aeanomaly import UndercompleteAutoencoder

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X / 16, y, test_size=0.2, random_state=0, stratify=y)

# %%
# Fit to all rows without labels. Pixels already share one scale, and standardization would give too much weight to the
# dim pixels at the border.
autoencoder = UndercompleteAutoencoder(latent_dim=16, standardize=False, random_state=0).fit(X_train)


# %%
# A torch network with a linear layer on top of an encoder; both are trained.
def fine_tuned(encoder, width, rows, labels, start=None, learning_rate=1e-3, n_steps=200):
    """Return the test accuracy; the top layer is initialized from the linear classifier `start`, if given."""
    top = torch.nn.Linear(width, 10)
    if start is not None:
        top.load_state_dict({"weight": torch.tensor(start.coef_), "bias": torch.tensor(start.intercept_)})
    network = torch.nn.Sequential(encoder, top)
    rows, labels = torch.tensor(rows, dtype=torch.float32), torch.tensor(labels)
    optimizer = torch.optim.AdamW(network.parameters(), lr=learning_rate)
    for _ in range(n_steps):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(network(rows), labels).backward()
        optimizer.step()
    with torch.no_grad():
        return np.mean(network(torch.tensor(X_test, dtype=torch.float32)).argmax(dim=1).numpy() == y_test)


# %%
# Repeat with five samples of 20 labels. Fine-tuning starts from the classifier of the codes and takes small steps,
# because large steps would destroy the learned representation.
accuracy = {"pixels": [], "codes": [], "codes, fine-tuned": [], "new network": []}
for seed in range(5):
    rows, _, labels, _ = train_test_split(X_train, y_train, train_size=20, random_state=seed, stratify=y_train)
    accuracy["pixels"].append(LogisticRegression(max_iter=5000).fit(rows, labels).score(X_test, y_test))
    classifier = LogisticRegression(max_iter=5000).fit(autoencoder.transform(rows), labels)
    accuracy["codes"].append(classifier.score(autoencoder.transform(X_test), y_test))
    gently = {"start": classifier, "learning_rate": 3e-4, "n_steps": 50}
    accuracy["codes, fine-tuned"].append(fine_tuned(autoencoder.encoder_module(), 16, rows, labels, **gently))
    torch.manual_seed(seed)
    new = torch.nn.Sequential(torch.nn.Linear(64, 256), torch.nn.ReLU())
    accuracy["new network"].append(fine_tuned(new, 256, rows, labels))
for name, shares in accuracy.items():
    print(f"{name:>17}: {np.mean(shares):.3f}")

# %%
figure, ax = plt.subplots(figsize=(7, 2.5), layout="constrained")
for name, shares in accuracy.items():
    ax.plot(shares, [name] * len(shares), "o", color="tab:blue", alpha=0.4)
    ax.plot(np.mean(shares), name, "|", color="black", ms=20)
ax.set_xlabel("test accuracy with two labels per class; bar = mean")
figure.savefig("few_labels.png", dpi=120)
