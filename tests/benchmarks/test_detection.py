"""The detection benchmark: its protocol, its file of runs, and its arithmetic."""

import csv
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import StandardScaler

from benchmarks import detection, peers, tables
from benchmarks.protocol import UsageError, find, read, sample, split

FAST = ["nearest neighbor (k=1)", "kNN (k=5)", "LOF"]


def labeled(n=80, anomalies=8, seed=0):
    rng = np.random.default_rng(seed)
    y = np.zeros(n, dtype=int)
    y[rng.choice(n, anomalies, replace=False)] = 1
    return rng.normal(size=(n, 3)) + 2.0 * y[:, None], y


@pytest.fixture
def folder(tmp_path):
    """A folder with a data set of each kind, and a list of them, which is not a data set."""
    data = tmp_path / "data"
    data.mkdir()
    X, y = labeled()
    np.savez(data / "a.npz", X=X, y=y)
    X, y = labeled(seed=1)
    pd.DataFrame(X, columns=list("uvw")).assign(label=y).to_csv(data / "b.csv", index=False)
    (data / "MANIFEST.csv").write_text("name,sha\na,f00\n")
    return data


def run(folder, *words, detectors=FAST, seeds=(0, 1)):
    out = folder.parent / "out"
    named = ["--detectors", *detectors, "--seeds", *map(str, seeds), "--threads", "1"]
    assert detection.main(["--data", str(folder), "--out", str(out), *named, *words]) == 0
    return out


def lines(out):
    with open(out / "detection.csv", newline="") as file:
        return list(csv.DictReader(file))


def fails(capsys, *words):
    with pytest.raises(SystemExit) as exit_:
        detection.main(list(map(str, words)))
    assert exit_.value.code == 2
    return capsys.readouterr().err.splitlines()[-1]


# The protocol


@pytest.mark.parametrize("n", [80, 81])
def test_one_class_learns_from_half_of_the_normal_rows_and_from_no_anomaly(n):
    X, y = labeled(n)
    rows = split(X, y, "one-class", 3)
    normal = n - 8
    assert len(rows.train) == normal // 2
    assert len(rows.test) == len(rows.y) == normal - normal // 2 + 8
    assert rows.y.sum() == 8
    assert not rows.same_rows
    together = np.vstack([rows.train, rows.test])
    assert {tuple(row) for row in together} == {tuple(row) for row in X}
    assert not {tuple(row) for row in rows.train} & {tuple(row) for row in X[y == 1]}
    np.testing.assert_array_equal(np.sort(rows.test[rows.y == 1], axis=0), np.sort(X[y == 1], axis=0))


def test_the_split_is_that_of_the_protocol():
    X, y = labeled()
    normal = np.random.default_rng(1002).permutation(np.flatnonzero(y == 0))
    rows = split(X, y, "one-class", 2)
    np.testing.assert_array_equal(rows.train, X[normal[:36]])
    np.testing.assert_array_equal(rows.test, np.vstack([X[normal[36:]], X[y == 1]]))


def test_contaminated_scores_the_rows_it_learns_from():
    X, y = labeled()
    rows = split(X, y, "contaminated", 0)
    assert rows.same_rows
    for part in (rows.train, rows.test):
        np.testing.assert_array_equal(part, X)
    np.testing.assert_array_equal(rows.y, y)


def test_splits_are_drawn_by_the_seed_alone():
    X, y = labeled()
    first, again, other = (split(X, y, "one-class", seed).train for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_peers_get_rows_in_units_of_the_training_rows():
    raw = split(*labeled(), "one-class", 0)
    scaled = raw.standardized()
    np.testing.assert_allclose(scaled.train.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(scaled.train.std(axis=0), 1)
    np.testing.assert_allclose(scaled.test, StandardScaler().fit(raw.train).transform(raw.test))


@pytest.mark.parametrize(
    ("n", "anomalies", "kept"),
    [(20_000, 1_000, 500), (20_000, 60, 60), (20_000, 120, 100), (12_000, 11_990, 9_992), (10_000, 7, 7)],
)
def test_large_tables_are_sampled_at_their_rate_of_anomalies(n, anomalies, kept):
    X, y = labeled(n, anomalies)
    rows, labels = sample(X, y, 5)
    assert len(rows) == len(labels) == 10_000
    assert labels.sum() == kept
    assert len(np.unique(rows, axis=0)) == 10_000
    if n > 10_000:
        rng = np.random.default_rng(5)
        drawn = rng.choice(np.flatnonzero(y == 1), kept, replace=False)
        normal = rng.choice(np.flatnonzero(y == 0), 10_000 - kept, replace=False)
        np.testing.assert_array_equal(rows, X[np.concatenate([drawn, normal])])
    np.testing.assert_array_equal(sample(X, y, 5)[0], rows)


# Files


def test_a_csv_file_ends_in_its_label_or_names_it(folder):
    X, y = labeled(seed=1)
    rows, labels = read(folder / "b.csv")
    np.testing.assert_allclose(rows, X, rtol=1e-14)  # older versions of pandas read floats a rounding off
    np.testing.assert_array_equal(labels, y)
    pd.DataFrame({"y": y, "u": X[:, 0]}).to_csv(folder / "c.csv", index=False)
    rows, labels = read(folder / "c.csv", "y")
    np.testing.assert_allclose(rows, X[:, :1], rtol=1e-14)
    np.testing.assert_array_equal(labels, y)


def test_lists_of_files_are_not_data(folder):
    assert list(find(folder)) == ["a", "b"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,y\n1,0\n2,0\n", "they contain 0"),
        ("a,y\n1,0\n2,2\n", "they contain 0, 2"),
        ("a,y\n,0\n2,1\n", "missing or infinite"),
        ("a,y\nred,0\n2,1\n", "'a' is not"),
        ("", "not a CSV table"),
    ],
)
def test_a_bad_file_is_named_with_its_fault(tmp_path, text, said):
    (tmp_path / "bad.csv").write_text(text)
    with pytest.raises(UsageError, match=said) as error:
        read(tmp_path / "bad.csv")
    assert "bad.csv" in str(error.value)


def test_wrong_usage_is_one_sentence_and_exit_code_2(folder, tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("AEANOMALY_DATA", raising=False)
    out = ("--out", tmp_path / "out")
    (tmp_path / "empty").mkdir()
    assert "pass --data FOLDER, or set AEANOMALY_DATA" in fails(capsys, *out)
    assert "is not a folder" in fails(capsys, "--data", tmp_path / "nowhere", *out)
    assert "contains no .npz or .csv" in fails(capsys, "--data", tmp_path / "empty", *out)
    assert "'z' is not one of a, b" in fails(capsys, "--data", folder, "--datasets", "z", *out)
    assert "'Unknown' is not one of" in fails(capsys, "--data", folder, "--detectors", "Unknown", *out)
    assert "--threads" in fails(capsys, "--data", folder, "--threads", "0", *out)
    assert "contains no run to report on" in fails(capsys, "--report", *out)
    np.savez(folder / "z.npz", X=np.zeros((3, 2)), y=np.zeros(3))
    assert "they contain 0" in fails(capsys, "--data", folder, "--detectors", "LOF", *out)


def test_the_list_names_detectors_and_data_sets(folder, capsys, monkeypatch):
    monkeypatch.setenv("AEANOMALY_DATA", str(folder))
    assert detection.main(["--list"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert {"  a", "  b", "  LOF", "  PyOD ECOD", "  DenoisingAutoencoder"} <= set(said)


# Runs


def test_every_run_is_a_line(folder):
    out = run(folder, "--settings", "one-class", "contaminated")
    rows = lines(out)
    assert len(rows) == 2 * 2 * 2 * 3
    assert all(0.5 < float(row["auroc"]) <= 1 for row in rows)
    assert {row["n_train"] for row in rows} == {"36", "80"}
    assert {row["n_columns"] for row in rows} == {"3"}


def test_finished_runs_are_not_repeated_and_a_cut_off_line_is(folder):
    file = run(folder) / "detection.csv"
    before = file.read_text()
    file.write_text(before[: before.rstrip().rfind("\n") + 20])
    run(folder)
    assert lines(file.parent)[:-1] == list(csv.DictReader(before.splitlines()))[:-1]
    after = file.read_text()
    assert after.count("\n") == before.count("\n")
    run(folder)
    assert file.read_text() == after


def test_a_header_that_was_cut_off_is_written_again(folder):
    out = run(folder, "--datasets", "a")
    (out / "detection.csv").write_text("setting,data")
    run(folder, "--datasets", "a")
    assert len(lines(out)) == 2 * 2 * 3


def test_an_error_of_a_detector_is_recorded_and_the_others_go_on(folder, monkeypatch, capsys):
    class Fails:
        def fit(self, X):
            if len(X) == 36:
                raise RuntimeError("a fault,\nin two lines")
            return self

    entry = peers.Entry("Fails", lambda *_: Fails(), lambda detector, X, same_rows: X.sum(axis=1))
    known = {"Fails": entry} | peers.entries()
    monkeypatch.setattr(detection, "entries", lambda: known)
    out = run(folder, "--settings", "one-class", "contaminated", detectors=["Fails", "LOF"], seeds=[0])
    of = {(row["setting"], row["dataset"], row["detector"]): row for row in lines(out)}
    assert len(of) == 8
    failed = of["one-class", "a", "Fails"]
    assert (failed["auroc"], failed["error"]) == ("", "RuntimeError: a fault, in two lines")
    assert of["contaminated", "a", "Fails"]["auroc"]
    assert all(row["auroc"] for key, row in of.items() if key[2] == "LOF")
    said = capsys.readouterr()
    assert "Fails failed on a, seed 0: RuntimeError" in said.err
    assert "Fails failed on a (seed 0), b (seed 0): RuntimeError: a fault, in two lines" in said.out
    assert "**0 of 2**" in said.out


def test_labels_never_reach_fit_and_peers_get_standardised_rows(folder, monkeypatch):
    seen = []

    class Watches:
        def fit(self, *arguments):
            seen.append(arguments)
            return self

    def entry(name, ours):
        return peers.Entry(name, lambda *_: Watches(), lambda detector, X, same_rows: X.sum(axis=1), ours)

    known = {"ours": entry("ours", True), "peer": entry("peer", False)}
    monkeypatch.setattr(detection, "entries", lambda: known)
    run(folder, "--datasets", "a", "--settings", "one-class", detectors=list(known), seeds=[0])
    (raw,), (scaled,) = seen[2:]  # the first two are the warm-up
    X, y = labeled()
    np.testing.assert_array_equal(raw, split(X, y, "one-class", 0).train)
    np.testing.assert_allclose(scaled, StandardScaler().fit_transform(raw))


def test_a_training_row_is_not_its_own_neighbor():
    X, _ = labeled()
    for k, name in ((1, FAST[0]), (5, FAST[1])):
        entry = peers.entries()[name]
        detector = entry.build(0, 3, True).fit(X)
        with_itself = NearestNeighbors(n_neighbors=k + 1).fit(X).kneighbors(X)[0][:, -1]
        np.testing.assert_allclose(entry.anomaly_score(detector, X, True), with_itself)
        np.testing.assert_allclose(
            entry.anomaly_score(detector, X[:5] + 9, False), detector.kneighbors(X[:5] + 9)[0][:, -1]
        )


def test_our_detectors_take_part_plain_and_robust(folder):
    known = peers.entries()
    assert {"DenoisingAutoencoder", "DenoisingAutoencoder robust"} <= set(known)
    robust = known["DenoisingAutoencoder robust"].build(7, 3, False)
    assert (robust.robust, robust.random_state) == (True, 7)


@pytest.mark.parametrize("name", ["DenoisingAutoencoder", "recommend"])
def test_our_detectors_score(name, folder):
    out = run(folder, "--settings", "one-class", "--datasets", "a", detectors=[name], seeds=[0])
    assert float(lines(out)[0]["auroc"]) > 0.5


def test_a_missing_package_is_named_with_the_extra_that_brings_it(folder, tmp_path, capsys, monkeypatch):
    for name in ("pyod", "pyod.models.ecod"):
        monkeypatch.setitem(sys.modules, name, None)
    said = fails(capsys, "--data", folder, "--detectors", "PyOD ECOD", "--out", tmp_path / "out")
    assert "aeanomaly[benchmark]" in said


# Figures


def made_up(auroc, seconds=1.0, setting="one-class"):
    """Lines from AUROC per detector, a list over data sets of lists over seeds."""
    return pd.DataFrame(
        [
            {
                "setting": setting,
                "dataset": f"d{d}",
                "seed": s,
                "detector": detector,
                "auroc": value,
                "average_precision": value / 2,
                "fit_seconds": np.nan if np.isnan(value) else seconds,
                "score_seconds": 0.5,
                "error": "ValueError: no" if np.isnan(value) else "",
                "version": "0",
                "threads": 1,
            }
            for detector, of_detector in auroc.items()
            for d, values in enumerate(of_detector)
            for s, value in enumerate(values)
        ]
    )


def test_the_summary_by_hand():
    runs = made_up({"A": [[0.9, 0.8], [0.7, 0.8]], "B": [[0.9, 0.9], [0.6, 0.6]], "C": [[0.5, 0.5], [0.9, np.nan]]})
    table = tables.summary(runs)
    assert list(table.index) == ["A", "B", "C"]
    np.testing.assert_allclose(table["AUROC"], [0.8, 0.75, 1.9 / 3])
    np.testing.assert_allclose(table["sd"], [0, 0, np.std([0.7, 0.5], ddof=1)], atol=1e-12)
    # Pairs that all finished: (d0, 0), (d0, 1), (d1, 0), with ranks A 1.5 2 2, B 1.5 1 3, C 3 3 1.
    np.testing.assert_allclose(table["mean rank"], [5.5 / 3, 5.5 / 3, 7 / 3])
    np.testing.assert_allclose(table["fit seconds"], [2, 2, 1.5])
    assert list(table["runs"]) == [4, 4, 3]


def test_times_are_compared_on_runs_that_both_finished():
    peer = made_up({"PyOD AutoEncoder": [[0.5, 0.5], [0.5, np.nan]]}, seconds=2.0)
    runs = pd.concat([peer, made_up({"A": [[0.9, np.nan], [0.9, 0.9]]}, seconds=3.0)])
    assert tables.summary(runs)["fit time / PyOD AutoEncoder"]["A"] == 1.5


def test_a_detector_that_finished_nothing_does_not_take_the_ranks_of_the_others():
    table = tables.summary(made_up({"A": [[0.9], [0.9]], "B": [[0.8], [0.8]], "C": [[np.nan], [np.nan]]}))
    np.testing.assert_array_equal(table["mean rank"], [1, 2, np.nan])


def test_ranks_per_data_set_are_of_the_mean_over_seeds():
    ranks = tables.dataset_ranks(made_up({"A": [[0.9, 0.1], [0.7, 0.7]], "B": [[0.6, 0.6], [0.7, 0.7]]}))
    np.testing.assert_array_equal(ranks, [[2, 1], [1.5, 1.5]])


@pytest.mark.parametrize(("k", "q"), [(2, 1.960), (5, 2.728), (10, 3.164)])
def test_the_critical_difference_is_that_of_demsar(k, q):
    np.testing.assert_allclose(tables.critical_difference(k, 30), q * np.sqrt(k * (k + 1) / (6 * 30)), rtol=5e-4)


def test_bars_join_the_longest_runs_that_do_not_differ():
    assert tables.groups([1.0, 1.5, 2.0, 4.0, 4.5], 1.0) == [(0, 2), (3, 4)]
    assert tables.groups([1.0, 2.0, 3.0, 4.0], 1.0) == [(0, 1), (1, 2), (2, 3)]
    assert tables.groups([1.0, 3.0], 1.0) == []


def test_the_best_of_a_data_set_is_bold_and_what_is_missing_is_marked(tmp_path):
    runs = made_up({"A": [[0.9, 0.9], [np.nan, np.nan]], "B": [[0.8, 0.8], [0.6, np.nan]]}).iloc[:-1]
    text = tables.write_report(runs, tmp_path)
    assert text == (tmp_path / "detection.md").read_text()
    cells = {
        line.split("|")[1].strip(): [c.strip() for c in line.split("|")[2:-1]]
        for line in text.splitlines()[-8:]
        if "|" in line
    }
    assert cells["d0"] == ["**0.900**", "0.800"]
    assert cells["d1"] == ["-", "**0.600** (1/2)"]
    assert "A failed on d1 (seed 0), d1 (seed 1): ValueError: no" in text
    assert "B has not run on 1 of 4 pairs" in text


def test_a_report_from_the_file_alone(folder, capsys):
    pytest.importorskip("matplotlib")
    out = run(folder, "--settings", "one-class", "contaminated")
    first = capsys.readouterr().out
    (out / "detection.md").unlink()
    assert detection.main(["--report", "--out", str(out)]) == 0
    assert capsys.readouterr().out == first == (out / "detection.md").read_text()
    for setting in ("one-class", "contaminated"):
        assert (out / f"ranks-{setting}.png").read_bytes().startswith(b"\x89PNG")
        assert f"![Mean ranks, {setting}](ranks-{setting}.png)" in first


def test_the_report_does_without_matplotlib(folder, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    out = run(folder, "--settings", "one-class")
    assert "![" not in (out / "detection.md").read_text()
    assert "aeanomaly[benchmark]" in capsys.readouterr().err


def test_no_two_labels_of_the_diagram_overlap():
    figure = pytest.importorskip("matplotlib.figure").Figure()
    names = [f"a detector with a long name, number {j}" for j in range(21)]
    mean = pd.Series(np.linspace(9, 12, 21), index=names)
    axes = tables._draw(figure, mean, 6.4, "title").axes[0]
    figure.canvas.draw()
    boxes = [text.get_window_extent() for text in axes.texts]
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])
    assert all(figure.bbox.x0 <= b.x0 and b.x1 <= figure.bbox.x1 for b in boxes)
