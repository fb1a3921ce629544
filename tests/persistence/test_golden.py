"""Files of every released format are read, with unchanged answers."""

import json

import pytest

import aeanomaly
from aeanomaly.persistence.archive import FORMAT
from tests.persistence.golden import FOLDER, answers, detectors

#: Names of format 1, and those of today.
RENAMED = (
    ("'softmax'", "'rbf'"),
    ("('kernel', ", "('kernel_member', "),
    ("('max_samples', 0.9), ", "('max_samples', 0.9), ('member_configs', None), "),
    ("('max_iter', 8), ('max_samples'", "('marginal_member', False), ('max_iter', 8), ('max_samples'"),
    ("('varieties', None)", "('variational_member', False)"),
    ("('hidden_layer_sizes', ", "('groups', None), ('hidden_layer_sizes', "),
    ("('tol', ", "('time_trend', False), ('tol', "),
    (", ('kernel_member', ", ", ('identifiers', 'ignore'), ('kernel_member', "),
    ("), ('latent_dim', ", "), ('identifiers', 'ignore'), ('latent_dim', "),
    ("('kernel_member', True), ('identifiers', 'ignore'), ", "('kernel_member', True), "),
)
FILES = sorted(FOLDER.glob("format_*/*.aea"))


def test_there_are_files_of_each_format_and_each_detector():
    assert [folder.name for folder in sorted(FOLDER.glob("format_*"))] == [f"format_{n + 1}" for n in range(FORMAT)]
    newest = {path.stem for path in FOLDER.glob(f"format_{FORMAT}/*.aea")}
    assert newest == set(detectors())


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_golden_file_answers_what_it_answered(path):
    expected = json.loads((path.parent / "answers.json").read_text())[path.stem]
    found = answers(aeanomaly.load(path))
    for old, new in RENAMED if path.parent.name == "format_1" else ():
        expected["parameters"] = expected["parameters"].replace(old, new)
    # Another processor multiplies in another order.
    assert found.pop("scores") == pytest.approx(expected.pop("scores"), rel=1e-4)
    assert found == expected
