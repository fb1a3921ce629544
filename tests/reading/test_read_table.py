"""`read_table`: options, formats of training tables, and cells."""

import sys

import numpy as np
import pandas as pd
import pytest

import aeanomaly
from aeanomaly.exceptions import SourceError
from aeanomaly.reading import ATTRIBUTE, TableFormat, format_of


def write(folder, text, name="table.csv", encoding="utf-8"):
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize(
    ("cells", "kind", "first"),
    [
        (["1,234.50", "2.5", "1,000"], "number", 1234.5),
        (["1.234,50", "2,5", "17,25"], "number", 1234.5),
        (["1 234,50", "2,5", "17,25"], "number", 1234.5),
        (["1'234.50", "2.5", "17.25"], "number", 1234.5),
        (["$1,234.50", "$2.50", "$3"], "number", 1234.5),
        (["1234.5 EUR", "2 EUR", "3.5 EUR"], "number", 1234.5),
        (["12.5%", "3%", "4%"], "number", 12.5),
        (["3750 g", "12 g", "7 g"], "number", 3750),
        (["(1,234.50)", "2.00", "3.00"], "number", -1234.5),
        (["1234.5-", "2.0", "3.0"], "number", -1234.5),
        (["1.5e3", "2E-3", "7"], "number", 1500.0),
        (["True", "False", "True"], "boolean", True),
        (["007", "012", "123"], "text", "007"),
        (["2E3", "06A", "113"], "text", "2E3"),
        (["+15550001111", "+15550002222", "+15550003333"], "text", "+15550001111"),
        (["none", "Na", "Unknown"], "text", "none"),
        (["2024/05/31", "2024/06/01", "2024/06/02"], "time", "2024-05-31"),
        (["31.05.2024", "01.06.2024", "02.06.2024"], "time", "2024-05-31"),
        (["5/31/24", "6/1/24", "6/2/24"], "time", "2024-05-31"),
        (["31/5/2024", "1/6/2024", "2/6/2024"], "time", "2024-05-31"),
        (["31-May-2024", "1-Jun-2024", "2-Jun-2024"], "time", "2024-05-31"),
        (["May 31, 2024", "Jun 1, 2024", "Jun 2, 2024"], "time", "2024-05-31"),
        (["20240531", "20240601", "20240602"], "time", "2024-05-31"),
        (["5/31/2024 3:45 PM", "6/1/2024 12:00 AM", "6/2/2024 1:00 am"], "time", "2024-05-31 15:45"),
        (["2024-05-31T10:00:00+02:00", "2024-06-01T10:00:00+01:00", "2024-06-02T10:00Z"], "time", "2024-05-31 08:00Z"),
        (["07:30", "08:00", "23:59"], "duration", "7h30min"),
        (["2 days 01:00:00", "0 days 02:00:00", "1 days 00:00:00"], "duration", "49h"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else None,
)
def test_cells_of_common_forms(tmp_path, cells, kind, first):
    path = write(tmp_path, "\n".join(["x\ty", *(f"{cell}\tz" for cell in cells * 4), ""]), "table.tsv")
    read = aeanomaly.read_table(path)["x"]
    expected = {"time": pd.Timestamp, "duration": pd.Timedelta}.get(kind, lambda value: value)(first)
    assert read[0] == expected
    kinds = {"b": "boolean", "i": "number", "f": "number", "M": "time", "m": "duration"}
    assert kinds.get(read.dtype.kind, "text") == kind
    assert read.notna().all()


def test_cells_that_do_not_fit_are_missing_and_named(tmp_path):
    cells = [str(i) for i in range(344)]
    cells[3], cells[9], cells[200] = "-", "unknown", "-"
    path = write(tmp_path, "\n".join(["mass,x", *(f"{cell},1" for cell in cells), ""]))
    with pytest.warns(UserWarning, match=r"3 of 344 cells of column 'mass' are not numbers: '-' \(2\), 'unknown'"):
        frame = aeanomaly.read_table(path)
    assert np.flatnonzero(frame["mass"].isna()).tolist() == [3, 9, 200]
    known = aeanomaly.read_table(path, na_values=["-", "unknown"])
    pd.testing.assert_frame_equal(known, frame)


def test_an_uncertain_order_of_dates_is_said_and_can_be_chosen(tmp_path):
    path = write(tmp_path, "d,x\n" + "".join(f"0{7 * i % 9 + 1}/0{i % 9 + 1}/2024,{i}\n" for i in range(20)))
    with pytest.warns(UserWarning, match="month in column 'd' is uncertain; the month is read first"):
        first = aeanomaly.read_table(path)["d"]
    assert (first[1].month, first[1].day) == (8, 2)
    second = aeanomaly.read_table(path, day_first=True)["d"]
    assert (second[1].month, second[1].day) == (2, 8)


def test_options_override_what_the_file_seems_to_be(tmp_path):
    path = write(tmp_path, "1;2,5\n3;4,5\n")
    assert aeanomaly.read_table(path).columns.tolist() == ["column_1", "column_2"]
    named = aeanomaly.read_table(path, header=True)
    assert named.columns.tolist() == ["1", "2,5"]
    single = aeanomaly.read_table(write(tmp_path, "a;b\n3.750;4.125\n2.250;1.125\n", "groups.csv"), decimal=",")
    assert single["a"].tolist() == [3750, 2250]
    codes = aeanomaly.read_table(path, column_types={"column_1": "categorical"})
    assert codes["column_1"].tolist() == [1, 3]
    greek = write(tmp_path, "βθψ;x\nωλκ;1\n", "greek.csv", encoding="cp1253")
    assert aeanomaly.read_table(greek, encoding="cp1253").columns[0] == "βθψ"
    with pytest.raises(SourceError, match="unknown encoding 'utf-99'; pass a name such as 'utf-8'"):
        aeanomaly.read_table(path, encoding="utf-99")


def test_the_format_is_stored_in_the_model_and_used_again(tmp_path):
    rows = [f"{i % 28 + 1:02d}/05/2024;{1 + i % 9}.{7 * i % 1000:03d},5 kg;{['rot', 'blau'][i % 2]}" for i in range(60)]
    path = write(tmp_path, "\n".join(["Datum;Masse;Farbe", *rows, ""]), encoding="utf-8")
    frame = aeanomaly.read_table(path)
    detector = aeanomaly.DenoisingAutoencoder(max_iter=5, contamination=0.1, random_state=0).fit(frame)
    detector.save(tmp_path / "model.aea")
    known = aeanomaly.load(tmp_path / "model.aea").state_.table_format
    assert known == detector.state_.table_format == format_of(frame)
    assert (known.columns["Datum"].order, known.columns["Masse"].unit) == ("dmy", "kg")
    one = write(tmp_path, "Datum;Masse;Farbe\n03/05/2024;2.500 kg;rot\n", "one.csv")
    row = aeanomaly.read_table(one, like=detector)
    assert row["Datum"][0] == pd.Timestamp("2024-05-03")
    assert row["Masse"][0] == 2500
    assert TableFormat.from_json(frame.attrs[ATTRIBUTE]) == known


def test_a_frame_that_was_read_can_be_written_as_parquet(tmp_path):
    frame = aeanomaly.read_table(write(tmp_path, "a,b\n1,x\n2,y\n"))
    frame.to_parquet(tmp_path / "copy.parquet")
    pd.testing.assert_frame_equal(aeanomaly.read_table(tmp_path / "copy.parquet"), frame)


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: {key: value for key, value in data.items() if key != "sep"},
        lambda data: data | {"more": 1},
        lambda data: data | {"columns": {"a": {"kind": "code"}}},
        lambda data: data | {"columns": {"a": {"kind": "number", "decimal": 3}}},
        lambda data: data | {"na_values": [1]},
    ],
)
def test_a_damaged_format_is_refused(damage):
    with pytest.raises(ValueError, match="the format of the training table"):
        TableFormat.from_json(damage(TableFormat("text").to_json()))


def test_extras_are_named_where_they_are_missing(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "zstandard", None)
    write(tmp_path, "(\xb5/\xfd", "table.csv.zst", encoding="latin-1")
    with pytest.raises(
        ImportError, match=r"Zstandard files need zstandard; install it with: pip install 'aeanomaly\[f"
    ):
        aeanomaly.read_table(tmp_path / "table.csv.zst")


def test_standard_forms_of_paths(tmp_path):
    for day in ("01", "02"):
        write(tmp_path, f"a,b\n{day},x\n", f"day{day}.csv")
    expected = pd.DataFrame({"a": ["01", "02"], "b": ["x", "x"]}).astype({"a": "str", "b": "str"})
    pd.testing.assert_frame_equal(aeanomaly.read_table(tmp_path), expected, check_dtype=False)
    pd.testing.assert_frame_equal(aeanomaly.read_table(f"{tmp_path}/day*.csv"), expected, check_dtype=False)
    with pytest.raises(FileNotFoundError, match="No file matches the pattern"):
        aeanomaly.read_table(f"{tmp_path}/night*.csv")
    write(tmp_path, "a,c\n03,x\n", "day03.csv")
    with pytest.raises(SourceError, match=r"day03.csv: the columns differ from those of .*day01.csv in 'b', 'c'; pass"):
        aeanomaly.read_table(tmp_path)


def test_a_mark_of_missing_numbers_is_named_where_it_is_a_category(tmp_path):
    lines = [f"{row}.5;{row % 3}.25;{'red' if row % 2 else 'blue'};x" for row in range(40)]
    lines[3], lines[7] = "NR;1.25;NR;x", "3.5;;NR;x"
    path = write(tmp_path, "\n".join(["a;b;color;other", *lines, ""]))
    with pytest.warns(UserWarning, match=r"'NR' is a category in column 'color', but a missing value in others; .*"):
        read = aeanomaly.read_table(path)
    assert (read["color"] == "NR").sum() == 2
    assert aeanomaly.read_table(path, na_values=["NR"])["color"].isna().sum() == 2


@pytest.mark.parametrize("sep", [",", "|"])
def test_a_separator_that_does_not_fit_is_refused_with_the_one_that_does(tmp_path, sep):
    path = write(tmp_path, "name;a;b\n" + "".join(f"x{row};{row},5;{row}\n" for row in range(30)))
    with pytest.raises(SourceError, match=r"the separator .* but ';' does; pass sep=';', or no separator"):
        aeanomaly.read_table(path, sep=sep)
    assert aeanomaly.read_table(path, sep=";").shape == (30, 3)


def test_a_separator_is_kept_if_no_other_one_fits(tmp_path):
    path = write(tmp_path, "name\n" + "".join(f"x{row}\n" for row in range(30)))
    assert aeanomaly.read_table(path, sep=";").shape == (30, 1)


@pytest.mark.parametrize(("mark", "other"), [(",", "."), (".", ",")])
def test_a_decimal_mark_that_does_not_fit_is_refused_with_the_one_that_does(tmp_path, mark, other):
    path = write(tmp_path, "a;b\n" + "".join(f"{row}{mark}5;{row}\n" for row in range(30)))
    with pytest.raises(
        SourceError, match=f"column 'a' has the decimal mark '[{mark}]'.*; pass decimal='[{mark}]', or no"
    ):
        aeanomaly.read_table(path, decimal=other)
    assert aeanomaly.read_table(path, decimal=mark)["a"].tolist() == [row + 0.5 for row in range(30)]
