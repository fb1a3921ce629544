"""The benchmark of a GPU: what it measures, extrapolates and writes, tried on the CPU and on a simulated device."""

import logging
import math
import sys
from itertools import count

import numpy as np
import pandas as pd
import pytest
import torch

pytest.importorskip("threadpoolctl", reason="needs the extra 'benchmark'")

import aeanomaly
from benchmarks import card, gpu, gpu_tasks, measurement
from benchmarks.gpu import limits, report, rounds
from benchmarks.measurement import PINNED, PRODUCT, Bench, Measurement, seconds_at_best
from tests.accelerators.simulated import simulated_device

CPU = torch.device("cpu")


@pytest.fixture
def small(monkeypatch, tmp_path):
    """Call the benchmark with short trainings, a narrow network, and without compilation."""

    def detector(bench, name, **settings):
        short = {"max_iter": 5, "contamination": 0.1} | settings
        return getattr(aeanomaly, name)(device=str(bench.device), random_state=0, **short)

    def refuse(*_, **__):
        raise RuntimeError("no compiler\nwas found")

    monkeypatch.setattr(Bench, "detector", detector)
    monkeypatch.setattr(torch, "compile", refuse)
    for name, value in {"_WIDE_COLUMNS": 30, "_WIDE_LAYERS": (40, 20), "_WIDE_CODE": 4, "_FITS_OF_WORKER": 5}.items():
        monkeypatch.setattr(gpu_tasks, name, value)

    def run(*words):
        settings = ["--scale", "0.001", "--threads", "1", "--repeats", "1", "--out", str(tmp_path)]
        assert gpu.main([*settings, *words]) == 0
        return pd.read_csv(tmp_path / "gpu.csv", keep_default_na=False, na_values={"value": ""}), (
            tmp_path / "gpu.md"
        ).read_text()

    return run


def cells(text):
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()]


def bench(tmp_path, scale=1.0):
    return Bench(CPU, CPU, scale, 2, None, tmp_path)


def test_without_a_gpu_one_sentence_says_so(monkeypatch, capsys):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert gpu.main([]) == 2
    assert capsys.readouterr().err.startswith("--device cuda is not available here (torch ")


def test_a_trial_on_the_cpu_measures_every_task(small, capsys, tmp_path):
    tasks = [task for task in gpu_tasks.TASKS if task != "pyod"]
    runs, text = small("--device", "cpu", "--tasks", *tasks, "--rows", "2000")
    assert capsys.readouterr().out == text
    names = {one.name for task in tasks for one in gpu_tasks.TASKS[task](Bench(CPU, CPU, 0.001, 1, 2000, tmp_path))}
    assert set(runs["measurement"]) == names
    failed = runs[runs["value"].isna()]
    assert failed["measurement"].tolist() == ["step, plain loop, torch.compile"]
    assert failed["note"].tolist() == ["not available: RuntimeError: no compiler was found"]
    assert "extrapolated from 1 of 2 candidates" in text
    assert ["measurement", "unit", "CPU", "limit"] in cells(text)


def test_a_device_is_measured_before_the_cpu_and_compared_with_it(small):
    with simulated_device():
        runs, text = small("--device", "meta", "--tasks", "rates", "score")
    assert list(dict.fromkeys(runs["device"])) == ["meta", "cpu"]
    assert runs["value"].notna().all()
    assert ["measurement", "unit", "CPU", "META", "ratio", "limit"] in cells(text)


def test_a_missing_package_is_a_sentence_and_the_others_are_measured(small, monkeypatch):
    for name in ("benchmarks.streaming", "pyod.models.auto_encoder"):
        monkeypatch.setitem(sys.modules, name, None)
    runs, text = small("--device", "cpu", "--tasks", "parquet", "pyod", "rates")
    missing = dict(zip(runs["measurement"], runs["value"].isna(), strict=True))
    assert [missing[name] for name in missing] == [True, True, True, False, False]
    assert "pip install 'aeanomaly[parquet]'" in text
    assert "PyOD AutoEncoder cannot be imported" in text


def test_pyod_runs_on_the_device(small):
    pytest.importorskip("pyod")
    runs, _ = small("--device", "cpu", "--tasks", "pyod")
    assert runs["note"].tolist() == [""]


def test_nothing_starts_after_the_limit(small):
    runs, _ = small("--device", "cpu", "--tasks", "rates", "--seconds", "0")
    assert runs["value"].isna().all()
    assert (runs["note"] == "would not have ended within 0 s").all()


def test_a_warm_up_counts_only_on_a_cpu_and_if_it_is_long(monkeypatch):
    values = count()
    monkeypatch.setattr(gpu, "_WARM_UP", 0.0)
    short = Measurement("short", "s", lambda: lambda: float(next(values)))
    assert [line["value"] for line in rounds(short, 3, warm_up_counts=True)] == [1, 2, 3]
    monkeypatch.setattr(gpu, "_LONGEST", -1.0)
    assert [line["value"] for line in rounds(short, 3, warm_up_counts=True)] == [4]
    assert [line["value"] for line in rounds(short, 3, warm_up_counts=False)] == [6]


def test_a_graph_that_is_not_captured_is_noted():
    def sample():
        logging.getLogger("aeanomaly.graphs").info("%s: no CUDA graph, because %s", "cuda", "it\nwaits")
        return 1.0

    before = logging.getLogger("aeanomaly.graphs").level
    (line,) = rounds(Measurement("fit", "s", lambda: sample, note="remark"), 1, warm_up_counts=True)
    assert line == {"value": 1.0, "note": "remark; cuda: no CUDA graph, because it waits"}
    assert logging.getLogger("aeanomaly.graphs").level == before


def test_ratios_limits_and_ranges():
    runs = pd.DataFrame(
        [
            ("fit", "s", "cuda", 0.1),
            ("fit", "s", "cuda", 0.2),
            ("fit", "s", "cuda", 0.4),
            ("read", "rows/s", "cuda", 2e6),
            ("fit", "s", "cpu", 3.0),
            ("other fit", "s", "cpu", 5.0),
            ("read", "rows/s", "cpu", 1e6),
            ("other", "s", "cpu", math.nan),
        ],
        columns=["measurement", "unit", "device", "value"],
    ).assign(note=["", "", "", "", "", "", "", "not available"])
    bounds = {"fit": lambda known: known["read"] / 1e8, "read": lambda known: known["unknown"]}
    peers = {"fit": "other fit"}
    measurements = [Measurement(name, "s", None, bound, peer=peers.get(name, "")) for name, bound in bounds.items()]
    found = limits(runs, measurements)
    assert found["fit"] == pytest.approx(0.02)
    assert math.isnan(found["read"])
    lines = cells(report(runs, measurements, "#"))
    assert ["measurement", "unit", "CPU", "CUDA", "ratio", "limit"] in lines
    assert ["fit", "s", "3", "0.2 (0.1 to 0.4)", "15", "0.02"] in lines
    assert ["read", "rows/s", "1,000,000", "2,000,000", "2", "-"] in lines
    assert ["other", "s", "-", "-", "-", "-"] in lines
    assert ["- other, CPU: not available"] in lines
    assert ["- fit, CUDA: 25 times as fast as other fit, CPU"] in lines


def test_the_limit_is_the_slower_of_products_and_transfer():
    assert seconds_at_best({PRODUCT: 50.0, PINNED: 20.0}, 1e13, 2e9) == pytest.approx(0.2)
    assert seconds_at_best({PRODUCT: 50.0, PINNED: 20.0}, 1e12, 2e9) == pytest.approx(0.1)
    assert math.isnan(seconds_at_best({PRODUCT: 50.0}, 0, 2e9))


def test_long_trainings_are_extrapolated(monkeypatch, tmp_path):
    class Detector:
        def __init__(self, max_iter):
            self.n_steps = max_iter

        def fit(self, X):
            return self.n_steps

    monkeypatch.setattr(Bench, "detector", lambda self, name, *, max_iter, **_: Detector(max_iter))
    monkeypatch.setattr(Bench, "seconds", lambda self, call: 7.0 + 0.5 * call())
    assert gpu_tasks._fit_wide(bench(tmp_path, 0.01), 100, 20, (5, 300))() == pytest.approx(7 + 150)


def test_workers_are_given_few_fits(tmp_path):
    one, two = ([m.note for m in gpu_tasks.searches(Bench(CPU, CPU, 1.0, n, None, tmp_path))][1] for n in (2, 16))
    assert one.endswith("extrapolated from 3 of 24 candidates")
    assert "extrapolated" not in two


def test_rates_are_those_of_a_machine():
    assert 1e8 < card.product_rate(CPU) < 1e15
    assert 1e8 < card.copy_rate(CPU) < 1e13
    assert 1e8 < card.transfer_rate(CPU, pinned=False) < 1e13


def test_the_heading_names_the_processor():
    assert card.describe(CPU).endswith("cores")
    assert measurement.PRODUCT in {m.name for m in gpu_tasks.rates(Bench(CPU, CPU, 1.0, 1, None, None))}


def test_scales_have_a_least_size(tmp_path):
    assert np.array_equal([bench(tmp_path, 0.01).of(n) for n in (5000, 1_000_000)], [100, 10_000])
