"""Model files that are damaged, or whose writer is killed: the old model, the new one, or a clear error."""

import errno
import fcntl
import itertools
import multiprocessing
import os
import re
import resource
import signal
import time
from pathlib import Path

import numpy as np
import pytest
import torch

import aeanomaly
from tests.attacks.damage import accidents, opened

needs_fork = pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="no fork here")
may_fork = pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")


# Killed and concurrent saves


def save_forever(detectors, path, started):
    while True:
        for detector in detectors:
            detector.save(path)
            started.set()


def saver(detectors, path):
    """Start a process that saves these detectors in turn, to one path, until it is killed."""
    context = multiprocessing.get_context("fork")
    started = context.Event()
    process = context.Process(target=save_forever, args=(detectors, path, started), daemon=True)
    process.start()
    assert started.wait(30)
    return process


def old_and_new(build, X):
    wide = {"hidden_layer_sizes": (200, 200), "max_iter": 2}
    pair = [build(random_state=seed, **wide).fit(X) for seed in (1, 2)]
    return pair, {one.score_samples(X).tobytes() for one in pair}


def kill_while_saving(detector, X, path, moments):
    pair, possible = old_and_new(detector, X)
    assert len(possible) == 2
    pair[0].save(path)
    for moment in moments:
        process = saver(pair, path)
        time.sleep(moment)
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        assert aeanomaly.load(path).score_samples(X).tobytes() in possible
    pair[1].save(path)
    assert aeanomaly.load(path).score_samples(X).tobytes() == pair[1].score_samples(X).tobytes()
    assert list(path.parent.iterdir()) == [path]  # nothing is left of the killed ones


@needs_fork
@may_fork
def test_a_save_that_is_killed_leaves_the_old_or_the_new_model(detector, X, tmp_path):
    kill_while_saving(detector, X, tmp_path / "model.aea", np.random.default_rng(0).uniform(0, 0.02, size=12))


@needs_fork
@may_fork
@pytest.mark.long
def test_two_hundred_saves_that_are_killed_leave_the_old_or_the_new_model(any_detector, X, tmp_path):
    kill_while_saving(any_detector, X, tmp_path / "model.aea", np.random.default_rng(0).uniform(0, 0.03, size=200))


@needs_fork
@may_fork
def test_loading_while_another_process_saves_gives_the_old_or_the_new_model(detector, X, tmp_path):
    pair, possible = old_and_new(detector, X)
    path = tmp_path / "model.aea"
    process = saver(pair, path)
    try:
        seen = {aeanomaly.load(path).score_samples(X).tobytes() for _ in range(40)}
    finally:
        process.kill()
        process.join()
    assert seen <= possible


@needs_fork
@may_fork
def test_two_processes_that_save_to_one_path_do_not_mix(detector, X, tmp_path):
    pair, possible = old_and_new(detector, X)
    path = tmp_path / "model.aea"
    processes = [saver([one], path) for one in pair]
    try:
        seen = {aeanomaly.load(path).score_samples(X).tobytes() for _ in range(30)}
    finally:
        for process in processes:
            process.kill()
            process.join()
    assert seen <= possible


# Failing system calls, limits, devices and links


def failing(monkeypatch, number):
    """Make the n-th system call of those that write a file fail."""
    calls = itertools.count(1)

    def counted(function):
        def call(*arguments, **options):
            if next(calls) == number:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return function(*arguments, **options)

        return call

    class File:
        """File whose writes and flushes are counted too."""

        def __init__(self, file):
            self.file, self.write, self.flush = file, counted(file.write), counted(file.flush)

        def __getattr__(self, name):
            return getattr(self.file, name)

        def __enter__(self):
            return self

        def __exit__(self, *error):
            self.file.close()

    fdopen = os.fdopen
    monkeypatch.setattr(os, "fdopen", lambda *arguments: File(fdopen(*arguments)))
    for module, name in ((os, "open"), (os, "fsync"), (os, "replace"), (os, "close"), (fcntl, "flock")):
        monkeypatch.setattr(module, name, counted(getattr(module, name)))
    return calls


def test_a_failure_of_any_system_call_keeps_the_old_file_and_leaves_nothing(detector, X, tmp_path, monkeypatch):
    pair, _ = old_and_new(detector, X)
    path, n_failed = tmp_path / "model.aea", 0
    for number in range(1, 30):
        pair[0].save(path)
        old = path.read_bytes()
        with monkeypatch.context() as patched:
            calls = failing(patched, number)
            try:
                pair[1].save(path)
            except OSError as error:
                failed = error
            else:
                failed = None
            n_calls = next(calls) - 1
        assert list(tmp_path.iterdir()) == [path]
        if failed is None:
            assert path.read_bytes() != old
            aeanomaly.load(path)
        else:
            n_failed += 1
            assert failed.errno == errno.ENOSPC
            assert failed.filename == str(path)
            assert path.read_bytes() == old
        if n_calls < number:
            break
    assert n_calls < number  # every call has had its turn
    assert n_failed >= 5


def test_a_file_size_limit_keeps_the_old_file(detector, X, tmp_path):
    """Check a write that the kernel refuses in the middle of the file."""
    pair, _ = old_and_new(detector, X)
    path = tmp_path / "model.aea"
    pair[0].save(path)
    old = path.read_bytes()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(old) // 2, before[1]))
        with pytest.raises(OSError, match="File too large") as caught:
            pair[1].save(path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert caught.value.filename == str(path)
    assert path.read_bytes() == old
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_devices_and_folders_are_refused_and_links_followed(detector, X, tmp_path):
    fitted = detector().fit(X)
    for target in ("/dev/full", tmp_path):
        with pytest.raises(ValueError, match="is not a regular file; choose another name"):
            fitted.save(target)
    (tmp_path / "link.aea").symlink_to("real.aea")
    fitted.save(tmp_path / "link.aea")
    assert (tmp_path / "link.aea").is_symlink()
    assert aeanomaly.load(tmp_path / "real.aea").offset_ == fitted.offset_


def test_a_folder_that_is_not_there_or_cannot_be_written_is_an_os_error_with_the_name(detector, X, tmp_path):
    fitted = detector().fit(X)
    for path in (tmp_path / "none" / "model.aea", "/proc/model.aea"):
        with pytest.raises(OSError, match=re.escape(str(path))):
            fitted.save(path)


def test_a_save_leaves_nothing_beside_the_file(detector, X, tmp_path):
    detector().fit(X).save(tmp_path / "model.aea")
    assert [path.name for path in tmp_path.iterdir()] == ["model.aea"]


# Damaged files


def saved(build, X, path):
    """Return the bytes of a model file, its meaning and the rows."""
    X = np.hstack([X, X[:, :1] > 0])
    build(max_iter=3).fit(X).save(path)
    return path.read_bytes(), meaning(aeanomaly.load(path), X), X


def meaning(fitted, X):
    """Return all answers of a model, with its parameters, as one comparable value."""
    learnt = fitted.offset_, fitted.n_iter_, fitted.n_samples_seen_, fitted.latent_dim_, fitted.n_features_in_
    arrays = fitted.score_samples(X), fitted.transform(X), fitted.reconstruct(X), fitted.training_scores_
    return type(fitted), repr(fitted.get_params()), learnt, [np.asarray(one).tobytes() for one in arrays]


def assert_refused_or_same(path, damaged, expected, X):
    model, seconds = opened(path, damaged)
    assert seconds < 1
    assert model is None or meaning(model, X) == expected


def test_a_file_cut_anywhere_is_refused(either_detector, X, tmp_path):
    original, _, _ = saved(either_detector, X, tmp_path / "model.aea")
    for size in [*range(0, 64), *range(64, len(original), max(1, len(original) // 60)), len(original) - 1]:
        (tmp_path / "cut.aea").write_bytes(original[:size])
        with pytest.raises(aeanomaly.ModelFileError):
            aeanomaly.load(tmp_path / "cut.aea")


def test_a_file_with_a_flipped_bit_is_refused_or_the_same(detector, X, tmp_path):
    original, expected, X = saved(detector, X, tmp_path / "model.aea")
    rng = np.random.default_rng(0)
    anywhere = rng.integers(0, len(original), size=200)
    for place in [*range(0, 100), *anywhere, *range(len(original) - 100, len(original))]:
        damaged = bytearray(original)
        damaged[place] ^= 1 << rng.integers(8)
        assert_refused_or_same(tmp_path / "flipped", bytes(damaged), expected, X)


def test_a_damaged_file_is_refused_or_the_same(either_detector, X, tmp_path):
    original, expected, X = saved(either_detector, X, tmp_path / "model.aea")
    for damaged in itertools.islice(accidents(original, np.random.default_rng(0)), 100):
        assert_refused_or_same(tmp_path / "damaged", damaged, expected, X)


@pytest.mark.long
def test_fifty_thousand_damaged_files_are_refused_or_the_same(any_detector, X, tmp_path):
    original, expected, X = saved(any_detector, X, tmp_path / "model.aea")
    for damaged in itertools.islice(accidents(original, np.random.default_rng(1)), 10_000):
        assert_refused_or_same(tmp_path / "damaged", damaged, expected, X)


def test_random_bytes_are_refused(tmp_path):
    rng = np.random.default_rng(0)
    heads = [b"", b"PK\x03\x04", b"PK\x05\x06" + bytes(18), b"\x80\x04", b"{", b"\x93NUMPY", bytes(8), b"\xff" * 8]
    for size in [0, 1, 7, 8, 9, 100, 5000]:
        for head in heads:
            (tmp_path / "noise.aea").write_bytes(head + rng.bytes(size))
            begun = time.perf_counter()
            with pytest.raises(aeanomaly.ModelFileError):
                aeanomaly.load(tmp_path / "noise.aea")
            assert time.perf_counter() - begun < 1


def test_two_files_spliced_are_refused_or_one_of_them(detector, X, tmp_path):
    originals, meanings = [], []
    for seed in (1, 2):
        fitted = detector(random_state=seed).fit(X)
        fitted.save(tmp_path / "model.aea")
        originals.append((tmp_path / "model.aea").read_bytes())
        meanings.append(meaning(aeanomaly.load(tmp_path / "model.aea"), X))
    first, second = originals
    for place in range(0, len(first), max(1, len(first) // 50)):
        for damaged in (first[:place] + second[place:], first + second[place:], first[:place] + second):
            (tmp_path / "spliced.aea").write_bytes(damaged)
            try:
                model = aeanomaly.load(tmp_path / "spliced.aea")
            except aeanomaly.ModelFileError:
                continue
            assert meaning(model, X) in meanings


@pytest.mark.parametrize("content", [b"a,b\n1,2\n", b"not a model", b"\x80\x05K\x01.", b"{}", b"[]"])
def test_the_error_names_the_file(tmp_path, content):
    (tmp_path / "other.csv").write_bytes(content)
    with pytest.raises(aeanomaly.ModelFileError, match=r"other\.csv"):
        aeanomaly.load(tmp_path / "other.csv")


def test_a_file_that_is_not_there_is_an_os_error(tmp_path):
    with pytest.raises((FileNotFoundError, aeanomaly.ModelFileError)):
        aeanomaly.load(tmp_path / "nothing")


def test_files_of_other_libraries_are_refused(X, tmp_path):
    np.save(tmp_path / "array.npy", X)
    np.savez(tmp_path / "arrays.npz", X=X)
    torch.save({"weight": torch.zeros(3)}, tmp_path / "torch.pt")
    for path in tmp_path.iterdir():
        with pytest.raises(aeanomaly.ModelFileError):
            aeanomaly.load(path)
