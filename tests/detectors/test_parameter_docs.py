"""The docstrings of the detectors document every parameter and every fitted attribute, and agree with the code."""

import ast
import inspect
import re

import numpy as np
import pytest

from aeanomaly.detectors import REGISTRY
from aeanomaly.detectors._parameters import SharedParameters

CLASSES = list(REGISTRY.values())
SHARED = [name for name in inspect.signature(SharedParameters).parameters if name != "_"]
#: Parameters whose "auto" means something else in some classes.
OWN_AUTO = ("latent_dim", "max_iter")


def section(cls, title):
    """Return {name: (type, description)} of a section of a class docstring, in order."""
    parts = re.split(r"^(\w[\w ]*)\n-{3,}\n", inspect.cleandoc(cls.__doc__), flags=re.MULTILINE)
    body = parts[parts.index(title) + 1]
    entries = re.findall(r"^(\w+) : (.*)\n((?:    .*\n|\n)*)", body, re.MULTILINE)
    return {name: (kind, " ".join(text.split())) for name, kind, text in entries}


def default_of(kind):
    return ast.literal_eval(kind.split("default=")[1])


def without_own_auto(name, text):
    return re.sub(r'"auto": .*?\.(?= |$)', "", text) if name in OWN_AUTO else text


@pytest.fixture(scope="module", params=CLASSES, ids=lambda cls: cls.__name__)
def fitted(request):
    return request.param(max_iter=2, random_state=0).fit(np.random.default_rng(0).normal(size=(40, 3)))


@pytest.mark.parametrize("cls", CLASSES)
def test_every_parameter_is_documented_in_order(cls):
    parameters = list(inspect.signature(cls).parameters)
    own = [name for name in parameters if name not in SHARED]
    assert list(section(cls, "Parameters")) in (parameters, [*own, *SHARED])


@pytest.mark.parametrize("cls", CLASSES)
def test_the_documented_default_is_the_default(cls):
    documented = section(cls, "Parameters")
    for name, parameter in inspect.signature(cls).parameters.items():
        value = default_of(documented[name][0])
        assert value == parameter.default, name
        assert type(value) is type(parameter.default), name


@pytest.mark.parametrize("cls", CLASSES)
def test_every_description_is_there_and_ends_with_a_period(cls):
    for title in ("Parameters", "Attributes"):
        for name, (_, text) in section(cls, title).items():
            assert text.endswith("."), name


@pytest.mark.parametrize("name", SHARED)
def test_a_shared_parameter_is_described_alike(name):
    found = [section(cls, "Parameters")[name] for cls in CLASSES]
    assert len({kind.partition("default=")[0] for kind, _ in found}) == 1
    assert len({without_own_auto(name, text) for _, text in found}) == 1


def test_attributes_are_described_alike():
    assert all(section(cls, "Attributes") == section(CLASSES[0], "Attributes") for cls in CLASSES)


@pytest.mark.parametrize("cls", CLASSES)
def test_the_width_of_an_automatic_code_is_documented(cls):
    text = section(cls, "Parameters")["latent_dim"][1]
    widths = {cls.auto_latent_dim(n) for n in (3, 30, 300)}
    if len(widths) == 1:
        assert text == f'Width of the code. "auto": {widths.pop():,}.'
    else:
        assert "the width of the encoded row" in text


@pytest.mark.parametrize("cls", CLASSES)
def test_the_automatic_number_of_steps_is_documented(cls):
    text = section(cls, "Parameters")["max_iter"][1]
    assert ("with prototypes, 8 times the square root of the number of rows, " in text) == cls._stays_near_start
    assert ("below 500 rows at most 25 epochs" in text) == cls._limits_epochs


def test_every_fitted_attribute_is_documented(fitted):
    public = {name for name in dir(fitted) if name.endswith("_") and not name.startswith("_")}
    documented = set(section(type(fitted), "Attributes"))
    assert public == documented - {"feature_names_in_"}


def test_choices_of_a_parameter_are_those_of_its_constraint():
    for cls in CLASSES:
        for name, (kind, _) in section(cls, "Parameters").items():
            if kind.startswith("{") and name in cls.constraints:
                choices = ast.literal_eval(kind[: kind.index("}") + 1])
                assert all(cls.constraints[name].allows(choice) for choice in choices)
                assert all(repr(choice) in cls.constraints[name].text for choice in choices)
                assert cls.constraints[name].text.count("'") == 2 * len(choices), name
