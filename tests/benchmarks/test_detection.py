"""The detection benchmark: its protocol, its file of runs, and its arithmetic."""

import csv
import multiprocessing
import os
import sys
import time
from functools import partial

import numpy as np
import pandas as pd
import pytest
from sklearn.covariance import MinCovDet
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import StandardScaler

from benchmarks import detection, peers, tables
from benchmarks.protocol import SETTINGS, UsageError, find, read, sample, split
from benchmarks.suites import load, suites

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
    named = ["--detectors", *detectors, "--seeds", *map(str, seeds), "--processes", "1"]
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
    for half in (rows.train, rows.test):
        np.testing.assert_array_equal(half, X)
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


def test_frames_are_split_like_arrays():
    X, y = labeled(20_000, 1_000)
    frame, labels = sample(pd.DataFrame(X), y, 5)
    rows, _ = sample(X, y, 5)
    np.testing.assert_array_equal(frame, rows)
    np.testing.assert_array_equal(split(frame, labels, "one-class", 5).test, split(rows, labels, "one-class", 5).test)


# Files


def test_a_file_with_its_own_split_keeps_it(tmp_path):
    train, test, y = np.zeros((4, 2)), np.ones((3, 2)), np.array([0, 1, 1])
    np.savez(tmp_path / "own.npz", train=train, test=test, y=y)
    rows = load(tmp_path / "own.npz").split("one-class", 0)
    np.testing.assert_array_equal(rows.train, train)
    np.testing.assert_array_equal(rows.test, test)
    np.testing.assert_array_equal(rows.y, y)
    assert not rows.same_rows
    rows = load(tmp_path / "own.npz").split("contaminated", 0)
    for half in (rows.train, rows.test):
        np.testing.assert_array_equal(half, np.vstack([train, test]))
    np.testing.assert_array_equal(rows.y, [0, 0, 0, 0, 0, 1, 1])
    assert rows.same_rows


def test_only_a_mixed_or_incomplete_table_remains_a_frame(tmp_path):
    for name, text in {"numbers": "a,b,y\n1,2,0\n3,4,1\n", "mixed": "a,b,y\n1,x,0\n3,,1\n"}.items():
        (tmp_path / f"{name}.csv").write_text(text)
    assert isinstance(load(tmp_path / "numbers.csv").X, np.ndarray)
    mixed = load(tmp_path / "mixed.csv").X
    assert list(mixed.columns) == ["a", "b"]
    assert mixed["b"].isna().tolist() == [False, True]


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"X": np.zeros((2, 1))}, "arrays X and y, or train, test and y, are required; the file contains X"),
        ({"train": np.zeros((2, 1)), "test": np.zeros((2, 2)), "y": [0, 1]}, "must have the same columns"),
        ({"train": np.zeros((2, 1)), "test": np.zeros((2, 1)), "y": [0, 0]}, "they contain 0"),
        ({"X": [[np.inf], [1]], "y": [0, 1]}, "infinite"),
    ],
)
def test_arrays_of_a_wrong_kind_are_named(tmp_path, arrays, said):
    np.savez(tmp_path / "bad.npz", **arrays)
    with pytest.raises(UsageError, match=said):
        load(tmp_path / "bad.npz")


def test_suites_are_folders_and_patterns_with_names(folder):
    found = suites([str(folder), f"first={folder}/a*.npz", f"one={folder / 'b.csv'}"])
    assert {suite.name: [str(d) for d in suite.datasets()] for suite in found} == {
        "data": ["data/a", "data/b"],
        "first": ["first/a"],
        "one": ["one/b"],
    }
    with pytest.raises(UsageError, match=r"both named 'data'; pass NAME=PATH"):
        suites([f"{folder}/a*.npz", f"{folder}/b*"])
    with pytest.raises(UsageError, match=r"z\*.npz contains no .npz or .csv"):
        suites([f"{folder}/z*.npz"])[0].datasets()


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
    assert "--processes" in fails(capsys, "--data", folder, "--processes", "0", *out)
    assert "contains none of the data sets" in fails(capsys, "--data", folder, "--part", "confirming", *out)
    assert "contains no run to report on" in fails(capsys, "--report", *out)
    np.savez(folder / "z.npz", X=np.zeros((3, 2)), y=np.zeros(3))
    assert "they contain 0" in fails(capsys, "--data", folder, "--detectors", "LOF", *out)


def test_the_list_names_detectors_and_data_sets(folder, capsys, monkeypatch):
    monkeypatch.setenv("AEANOMALY_DATA", str(folder))
    assert detection.main(["--list"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert {"  data/a: a, choosing", "  LOF: one-class, contaminated", "  PyOD ECOD"} <= set(said)
    assert {"  DenoisingAutoencoder: one-class", "  DenoisingAutoencoder robust: contaminated"} <= set(said)


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
    assert all(row["suite"] == "data" for row in of.values())
    assert len(of) == 8
    failed = of["one-class", "a", "Fails"]
    assert (failed["auroc"], failed["error"]) == ("", "RuntimeError: a fault, in two lines")
    assert of["contaminated", "a", "Fails"]["auroc"]
    assert all(row["auroc"] for key, row in of.items() if key[2] == "LOF")
    said = capsys.readouterr()
    assert "Fails failed on data/a (one-class, seed 0): RuntimeError" in said.err
    assert "Fails failed on data/a (seed 0), data/b (seed 0): RuntimeError: a fault, in two lines" in said.out
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


def test_data_sets_of_one_name_in_two_suites_are_two(folder):
    data = ["--data", str(folder), f"two={folder}/a.npz"]
    out = run(folder, *data, "--datasets", "a", detectors=FAST[:1], seeds=[0])
    assert [(row["suite"], row["setting"]) for row in lines(out)] == [
        (suite, setting) for suite in ("data", "two") for setting in SETTINGS
    ]
    assert detection.main(["--report", "--data", f"two={folder}", "--out", str(out)]) == 0
    report = (out / "detection.md").read_text()
    assert "two/a" in report
    assert "data/a" not in report


def test_a_mixed_table_reaches_ours_unchanged_and_peers_as_numbers(folder, monkeypatch):
    seen = {}

    class Watches:
        def __init__(self, name):
            self.name = name

        def fit(self, X):
            seen[self.name] = X
            return self

    def entry(name, ours):
        def build(seed, n_columns, same_rows, **parameters):
            seen[f"{name} parameters"] = parameters
            return Watches(name)

        return peers.Entry(name, build, lambda detector, X, same_rows: np.arange(len(X)), ours)

    known = {"ours": entry("ours", True), "peer": entry("peer", False)}
    monkeypatch.setattr(detection, "entries", lambda: known)
    X, y = labeled()
    frame = pd.DataFrame(X, columns=list("uvw")).assign(color=np.where(X[:, 0] > 0, "red", "blue"))
    frame.loc[3, ["u", "color"]] = None
    frame.assign(label=y).to_csv(folder / "mixed.csv", index=False)
    run(folder, "--datasets", "mixed", "--settings", "contaminated", detectors=list(known), seeds=[0])
    pd.testing.assert_frame_equal(seen["ours"], frame, check_dtype=False)
    assert (seen["ours parameters"], seen["peer parameters"]) == ({"missing": "model"}, {})
    assert seen["peer"].shape == (80, 3 + 2)
    assert np.isfinite(seen["peer"]).all()
    np.testing.assert_allclose(seen["peer"][:, 1:3], StandardScaler().fit_transform(X[:, 1:]))


def test_our_detectors_score_a_mixed_table(folder):
    X, y = labeled()
    frame = pd.DataFrame(X, columns=list("uvw")).assign(color=np.where(X[:, 0] > 0, "red", "blue"))
    frame.mask(np.random.default_rng(0).random(frame.shape) < 0.05).assign(label=y).to_csv(
        folder / "m.csv", index=False
    )
    out = run(folder, "--datasets", "m", detectors=["UndercompleteAutoencoder", FAST[0]], seeds=[0])
    assert all(float(row["auroc"]) > 0.5 for row in lines(out))


def test_by_default_each_setting_has_its_detectors(folder):
    options = detection._parser().parse_args(["--data", str(folder), "--out", str(folder.parent / "out")])
    jobs = detection._plan(options)
    assert {job.seed for job in jobs} == {0}
    names = {job.setting: [entry.name for entry in job.entries] for job in jobs}
    for setting, plain, robust in (("one-class", 6, 0), ("contaminated", 0, 6)):
        ours = [name for name in names[setting] if "Autoencoder" in name]
        assert (sum("robust" not in name for name in ours), sum("robust" in name for name in ours)) == (plain, robust)
        assert names[setting][6:] == [*FAST, "IsolationForest", "MCD", "PyOD AutoEncoder"]


def test_a_part_of_the_data_sets_is_run_and_reported(folder, capsys):
    (folder / "a.npz").rename(folder / "thyroid.npz")
    out = run(folder, "--part", "confirming", detectors=FAST[:1], seeds=[0])
    assert {row["dataset"] for row in lines(out)} == {"thyroid"}
    run(folder, detectors=FAST[:1], seeds=[0])
    capsys.readouterr()
    assert detection.main(["--report", "--part", "choosing", "--out", str(out)]) == 0
    assert "thyroid" not in capsys.readouterr().out


class DiesInOneClass:
    def fit(self, X):
        if len(X) == 36:
            os._exit(3)
        return self


class Sleeps:
    def fit(self, X):
        time.sleep(60 if len(X) == 80 else 0)
        return self


def build(cls, seed, n_columns, same_rows):
    return cls()


def first_column(detector, X, same_rows):
    return X[:, 0]


def with_entry(monkeypatch, name, cls):
    """Make a detector known, such that worker processes can import it."""
    known = peers.entries() | {name: peers.Entry(name, partial(build, cls), first_column)}
    monkeypatch.setattr(detection, "entries", lambda: known)


def test_a_worker_that_dies_costs_its_own_run_only(folder, monkeypatch, capsys):
    with_entry(monkeypatch, "Dies", DiesInOneClass)
    detectors = [FAST[0], "Dies", "LOF"]
    words = ["--data", str(folder), "--datasets", "a", "--detectors", *detectors, "--processes", "2"]
    out = folder.parent / "out"
    assert detection.main([*words, "--out", str(out)]) == 1
    said = capsys.readouterr()
    assert "exit code 3 while it ran Dies on data/a (one-class, seed 0); the other runs continue" in said.err
    found = lines(out)
    assert len(found) == 2 * 3 - 1
    with_entry(monkeypatch, "Dies", Sleeps)  # resumes in this process, and does not die
    run(folder, "--datasets", "a", "--settings", "one-class", detectors=detectors, seeds=[0])
    assert lines(out)[:-1] == found
    run(folder, "--datasets", "a", "--out", str(folder.parent / "here"), detectors=FAST[::2], seeds=[0])
    here = {tuple(row[key] for key in detection.KEY): row["auroc"] for row in lines(folder.parent / "here")}
    assert {tuple(row[k] for k in detection.KEY): row["auroc"] for row in found if row["detector"] != "Dies"} == here


def test_an_interruption_ends_the_workers_and_keeps_the_lines(folder, monkeypatch, capsys):
    with_entry(monkeypatch, "Sleeps", Sleeps)

    def interrupted(line, bar):
        raise KeyboardInterrupt

    monkeypatch.setattr(detection, "_show", interrupted)
    words = ["--data", str(folder), "--datasets", "a", "--detectors", "Sleeps", "--processes", "2"]
    start = time.monotonic()
    assert detection.main([*words, "--out", str(folder.parent / "out")]) == 130
    assert time.monotonic() - start < 40
    assert not multiprocessing.active_children()
    assert capsys.readouterr().err.endswith("interrupted; run the same command to resume\n")
    assert [row["setting"] for row in lines(folder.parent / "out")] == ["one-class"]


@pytest.mark.parametrize("n_columns", [3, 120])
def test_mcd_is_that_of_scikit_learn_and_of_components_of_wide_tables(n_columns):
    X = np.random.default_rng(0).normal(size=(400, n_columns))
    entry = peers.entries()["MCD"]
    scores = entry.anomaly_score(entry.build(0, n_columns, False).fit(X), X, False)
    if n_columns == 3:
        np.testing.assert_allclose(scores, MinCovDet(random_state=0).fit(X).mahalanobis(X))
    assert np.isfinite(scores).all()


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

REFERENCE = "nearest neighbor (k=1)"


def made_up(auroc, seconds=1.0, setting="one-class", suite="data"):
    """Lines from AUROC per detector, a list over data sets of lists over seeds."""
    return pd.DataFrame(
        [
            {
                "setting": setting,
                "suite": suite,
                "dataset": f"d{d}",
                "seed": s,
                "detector": detector,
                "auroc": value,
                "n_train": 100 * (d + 1),
                "average_precision": value / 2,
                "flagged_normal": np.nan if detector == REFERENCE else 0.01 * (d + 1),
                "flagged_anomalies": np.nan if detector == REFERENCE else 0.5,
                "fit_seconds": np.nan if np.isnan(value) else seconds,
                "score_seconds": 0.5,
                "error": "ValueError: no" if np.isnan(value) else "",
                "version": "0",
                "threads": 1,
                "processes": 2,
            }
            for detector, of_detector in auroc.items()
            for d, values in enumerate(of_detector)
            for s, value in enumerate(values)
        ]
    )


def test_the_summary_by_hand():
    runs = made_up(
        {
            REFERENCE: [[0.5, 0.7], [0.6, 0.6], [0.8, 0.8]],
            "A": [[0.9, 0.9], [0.6, 0.6], [0.7, 0.9]],
            "B": [[0.4, 0.4], [0.7, np.nan], [np.nan, np.nan]],
        }
    )
    table = tables.summary(runs)
    assert list(table.index) == ["A", REFERENCE, "B"]
    np.testing.assert_allclose(table["AUROC"], [2.3 / 3, 2 / 3, 0.55])
    np.testing.assert_allclose(table["AP"], [2.3 / 6, 1 / 3, 0.275])
    # A: 0.3, 0, 0. B: -0.2, and 0.1 from the seed that both finished.
    np.testing.assert_allclose(table["AUROC difference"], [0.1, np.nan, -0.05])
    np.testing.assert_allclose(table["AP difference"], [0.05, np.nan, -0.025])
    np.testing.assert_allclose(table["AUROC error"], [0.1, np.nan, 0.15])
    np.testing.assert_allclose(table["AP error"], [0.05, np.nan, 0.075])
    np.testing.assert_allclose(table["won"], [2 / 3, np.nan, 0.5])
    assert list(table["sets"]) == [3, 3, 2]
    np.testing.assert_allclose(table["fit s"], [3, 3, 2])
    np.testing.assert_allclose(table["score s"], [1.5, 1.5, 1.5])


def test_a_report_without_the_reference_has_no_differences():
    table = tables.summary(made_up({"A": [[0.9], [0.9]], "B": [[np.nan], [np.nan]]}))
    assert table[["AUROC difference", "AP difference", "won"]].isna().all(axis=None)


def cells(line):
    return [cell.strip() for cell in line.split("|")[1:-1]]


def test_the_report_has_a_table_of_each_part_and_suite(tmp_path):
    values = {REFERENCE: [[0.5], [0.5]], "A": [[0.6], [0.9]]}
    one, two = made_up(values, suite="one"), made_up({"A": [[0.5], [0.5]]}, suite="two")
    one["dataset"] = one["dataset"].replace({"d0": "wine", "d1": "thyroid"})
    two["dataset"] = two["dataset"].replace({"d0": "glass", "d1": "pima"})
    text = tables.write_report(pd.concat([one, two]), tmp_path)
    assert text == (tmp_path / "detection.md").read_text()
    assert [line[5:] for line in text.splitlines() if line.startswith("#### ")] == [
        "All data sets, all suites: 4 data sets",
        "All data sets, one: 2 data sets",
        "All data sets, two: 2 data sets",
        "Choosing part, all suites: 3 data sets",
        "Choosing part, one: 1 data set",
        "Choosing part, two: 2 data sets",
        "Confirming part, one: 1 data set",
    ]
    of = {title: body.strip().splitlines() for title, _, body in (t.partition("\n") for t in text.split("#### ")[1:])}
    head, _, *body = of["All data sets, one: 2 data sets"]
    assert cells(head) == [
        "detector",
        "AUROC",
        "AP",
        "AUROC difference",
        "AP difference",
        "won",
        "sets",
        "fit s",
        "score s",
    ]
    assert cells(body[0]) == ["A", "0.750", "0.375", "+0.250 ± 0.150", "+0.125 ± 0.075", "100%", "2", "2.0", "1.0"]
    assert cells(body[1])[3:7] == ["-", "-", "-", "2"]
    assert cells(of["Confirming part, one: 1 data set"][2])[1:6] == ["0.900", "0.450", "+0.400", "+0.200", "100%"]
    assert cells(of["All data sets, all suites: 4 data sets"][2])[3:7] == [
        "+0.250 ± 0.150",
        "+0.125 ± 0.075",
        "100%",
        "4",
    ]


def test_the_best_of_a_data_set_is_bold_and_missing_runs_are_marked(tmp_path):
    runs = made_up({"A": [[0.9, 0.9], [np.nan, np.nan]], "B": [[0.8, 0.8], [0.6, np.nan]]}).iloc[:-1]
    text = tables.write_report(runs, tmp_path)
    of = {row[0]: row[2:] for row in map(cells, text.splitlines()[-6:]) if row}
    assert of["data/d0"] == ["**0.900**", "0.800"]
    assert of["data/d1"] == ["-", "**0.600** (1/2)"]
    assert "A failed on data/d1 (seed 0), data/d1 (seed 1): ValueError: no" in text
    assert "B has not run on 1 of 4 pairs" in text
    assert "**1 of 2**" in text


def test_a_report_from_the_file_alone(folder, capsys):
    out = run(folder, "--settings", "one-class", "contaminated")
    first = capsys.readouterr().out
    (out / "detection.md").unlink()
    assert detection.main(["--report", "--out", str(out)]) == 0
    assert capsys.readouterr().out == first == (out / "detection.md").read_text()
