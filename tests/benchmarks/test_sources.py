"""The sources of data sets, and their parts."""

import pandas as pd
import pytest

from benchmarks.sources import PARTS, part, source


@pytest.mark.parametrize(
    "names",
    [
        ["WBC", "WDBC", "WPBC", "breastw", "breastw-2"],
        ["cls-pc1", "ovr-pc1"],
        ["PageBlocks", "ovr-page-blocks"],
        ["ovr-abalone", "cls-abalone19"],
        ["cls-kddcup-rootkit-imap_vs_back", "ovr-KDD", "ovr-KDDCup09_upselling"],
        ["cls-winequality-red-4", "odd-WineQuality"],
        ["landsat", "satellite", "satimage-2"],
        ["14_glass", "glass"],
    ],
)
def test_tables_of_one_origin_have_one_source_and_part(names):
    assert len(set(map(source, names))) == 1
    assert len(set(map(part, names))) == 1


def test_other_tables_have_their_own_source():
    names = ["wine", "winequality-red-4", "pc1", "cls-cm1", "letter", "20news_3", "ovr-batch-1240_part-2_i981"]
    assert len(set(map(source, names))) == len(names)


def test_two_thirds_of_the_sources_are_for_choosing():
    parts = pd.Series([part(f"table{chr(97 + i % 26)}{i}x") for i in range(2000)])
    assert set(parts) == set(PARTS)
    assert abs((parts == "choosing").mean() - 2 / 3) < 0.05
    assert (part("wine"), part("thyroid")) == ("choosing", "confirming")  # must never change
