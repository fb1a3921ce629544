"""The selection benchmark: its arithmetic, and that it goes on where it was."""

from functools import partial

import numpy as np
import pandas as pd
import pytest

from aeanomaly import AutoencoderEnsemble, DenoisingAutoencoder
from aeanomaly.model_selection import recommend
from benchmarks import selection

SMALL = [DenoisingAutoencoder(max_iter=5, latent_dim=size, random_state=0) for size in (8, 16)]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(selection, "POOLS", {"settings": SMALL, "detectors": SMALL[::-1]})
    quick = {"max_iter": 5, "latent_dim": 8, "variational_member": False}
    monkeypatch.setattr(selection, "AutoencoderEnsemble", partial(AutoencoderEnsemble, **quick))
    monkeypatch.setattr(selection, "recommend", partial(recommend, **quick))
    data = tmp_path / "data"
    data.mkdir()
    for seed, name in enumerate("ab"):
        stream = np.random.default_rng(seed)
        X = np.concatenate([stream.normal(size=(80, 3)), stream.normal(3, size=(8, 3))])
        np.savez(data / f"{name}.npz", X=X, y=np.repeat([0, 1], [80, 8]))
    return data


def run(folder, *words):
    out = folder.parent / "out"
    assert selection.main(["--data", str(folder), "--out", str(out), "--threads", "1", *words]) == 0
    return out


def test_a_line_for_each_candidate_of_each_pool_on_each_data_set(folder, capsys):
    out = run(folder)
    lines = pd.read_csv(out / "selection.csv")
    assert len(lines) == 2 * 2 * 2 + 2 * 2
    assert lines["auroc"].between(0, 1).all()
    assert np.isfinite(lines.loc[lines["pool"] != "recommend", list(selection.CRITERIA)]).all(axis=None)
    report = capsys.readouterr().out
    assert report == (out / "selection.md").read_text()
    assert all(name in report for name in selection.CRITERIA)
    assert "## recommend, all data sets\n\n2 data sets, seeds 0. Mean AUROC of the default ensemble" in report
    # The second pool is the first one turned round.
    by_candidate = lines.set_index(["pool", "dataset", "candidate"]).sort_index()
    assert by_candidate.loc["settings", "a", 0]["auroc"] == by_candidate.loc["detectors", "a", 1]["auroc"]


def test_it_resumes(folder, monkeypatch):
    out = run(folder, "--datasets", "a")
    first = (out / "selection.csv").read_bytes()
    measured = []
    whole = selection.measure
    monkeypatch.setattr(selection, "measure", lambda *a: measured.append(a) or whole(*a))
    run(folder)
    assert len(measured) == 2  # both pools on the other data set
    assert (out / "selection.csv").read_bytes().startswith(first)


def test_labels_are_not_seen_by_criteria(folder, monkeypatch):
    """All criteria are computed on training rows, which contain only normal rows."""
    seen = []
    monkeypatch.setattr(selection, "CRITERIA", {"x": lambda estimator, X, y=None: seen.append((len(X), y)) or 1.0})
    monkeypatch.setattr(selection, "SUMS", {})
    run(folder, "--datasets", "a", "--pools", "settings")
    assert {y for _, y in seen} == {None}
    assert sum(n for n, _ in seen) == 2 * 40


def test_summary_of_a_criterion_that_knows_and_of_one_that_errs(monkeypatch):
    auroc = [[0.8, 0.7, 0.9], [0.5, 0.8, 0.2]]
    monkeypatch.setattr(selection, "CRITERIA", dict.fromkeys(["knows", "errs", "mute"]))
    monkeypatch.setattr(selection, "SUMS", {"half": ["knows", "mute"], "none": ["knows", "errs"]})
    lines = pd.DataFrame(
        {
            "pool": "p",
            "suite": "s",
            "dataset": name,
            "seed": 0,
            "candidate": c,
            "auroc": value,
            "knows": value,
            "errs": -value,
            "mute": 1.0,
        }
        for name, values in zip("ab", auroc, strict=True)
        for c, value in enumerate(values)
    )
    table = selection.summary(lines)
    knows, errs, mute = (table.loc[name] for name in ("knows", "errs", "mute"))
    assert (knows["rank correlation"], errs["rank correlation"], mute["rank correlation"]) == (1, -1, 0)
    assert knows["AUROC of its choice"] == pytest.approx(0.85)
    assert knows["regret"] == pytest.approx(0)
    # The best have 0.9 and 0.8, a random choice 0.8 and 0.5, the worst 0.7 and 0.2.
    assert errs["regret"] == pytest.approx((0.2 + 0.6) / (0.1 + 0.3))
    assert mute["less the default's"] == 0
    assert knows["less the default's"] == pytest.approx(0.2)
    assert table.loc["half"].equals(knows)
    assert table.loc["none"].equals(mute)
    # What tells good from bad on one data set does so on the other.
    assert table.loc[selection.LEARNED].equals(knows)


def test_weights_are_learned_on_the_other_data_sets():
    """Learned weights of one data set are wrong on another where the criteria point the other way."""
    truth = np.array([[-0.5, 0.0, 0.5], [0.5, 0.0, -0.5]])
    said = selection._learned(np.tile([-0.5, 0.0, 0.5], (2, 1))[:, :, None], truth, np.array(["a", "b"]))
    assert np.argsort(said).tolist() == [[2, 1, 0], [0, 1, 2]]


@pytest.mark.parametrize("words", [["--datasets", "c"], ["--pools", "x"]])
def test_wrong_usage(folder, words, capsys):
    with pytest.raises(SystemExit):
        run(folder, *words)
    assert words[1] in capsys.readouterr().err


def test_the_settings_hold_the_default_first_and_its_halves_and_doubles():
    pool = selection.POOLS["settings"]
    assert len(pool) == 24
    found = {(d.learning_rate, 1024 if d.latent_dim == "auto" else d.latent_dim) for d in pool}
    assert {(rate, size) for rate in (1e-3, 2e-3, 4e-3) for size in (512, 1024, 2048)} <= found
    default = DenoisingAutoencoder(random_state=0, latent_dim=1024)
    assert pool[0].get_params() == default.get_params()
