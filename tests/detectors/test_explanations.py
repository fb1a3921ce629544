"""Sentences of `explain_text`: they say what is unusual, in which direction, and never only what was expected."""

import html
import re

import numpy as np
import pandas as pd
import pytest

from aeanomaly import AutoencoderEnsemble, DenoisingAutoencoder, VariationalAutoencoder, datasets, load
from aeanomaly.fitting import to_text
from aeanomaly.fitting.facts import is_misspelled
from aeanomaly.fitting.phrases import Cell
from aeanomaly.fitting.phrases_of_times import usual_arc

N = 600
DAYS = ("Monday", "Tuesday", "Saturday", "Sunday")


def table():
    rng = np.random.default_rng(0)
    weekdays = rng.integers(0, 52, N) * 7 + rng.integers(0, 5, N)
    amount = rng.lognormal(3, 1, N)
    return pd.DataFrame(
        {
            "day": rng.choice(DAYS, N).astype(object),
            "when": pd.Timestamp("2024-01-01")
            + pd.to_timedelta(weekdays, unit="D")
            + pd.to_timedelta(rng.integers(9 * 60, 17 * 60, N), unit="min"),
            "amount": amount,
            "tax": 0.2 * amount,
            "year": rng.integers(2010, 2021, N),
            "took": pd.to_timedelta(rng.exponential(3600, N), unit="s"),
            "note": np.where(rng.random(N) < 0.97, np.nan, rng.normal(size=N)),
            "level": rng.normal(20, 2, N),
        }
    )


X = table()


@pytest.fixture(scope="module")
def fitted():
    return DenoisingAutoencoder(missing="informative", max_iter=200, random_state=0).fit(X)


def sentence(detector, n_columns=3, **cells):
    row = X.iloc[[0]].copy()
    for name, value in cells.items():
        row[name] = [value]
    return detector.explain_text(row, n_columns).iloc[0]


def phrase(detector, **cells):
    """Return the phrase on the first of some changed cells."""
    name = next(iter(cells))
    found = [part for part in sentence(detector, **cells).split("; ") if part.startswith(f"{name} ")]
    assert found, sentence(detector, **cells)
    return found[0]


def test_years_have_no_separators(fitted):
    said = phrase(fitted, year=1950)
    assert said.startswith("year 1950, ")
    assert re.search(r"below the expected 20\d\d$", said)
    in_fractions = X[["level"]].assign(time=np.random.default_rng(1).uniform(1995, 2005, N))
    detector = DenoisingAutoencoder(max_iter=20, random_state=0).fit(in_fractions)
    assert not detector.explain_text(in_fractions[:50]).str.contains(r"[12],\d{3}").any()


def test_numbers_have_a_direction_and_a_size(fitted):
    said = phrase(fitted, level=34.0)
    gap, expected = re.fullmatch(r"level 34, ([\d.]+) above the expected ([\d.]+)", said).groups()
    assert float(gap) + float(expected) == pytest.approx(34)
    assert re.fullmatch(r"level 15, [\d.]+ below the expected [\d.]+", phrase(fitted, level=15.0))


@pytest.mark.parametrize(("factor", "words"), [(50, "times the expected"), (0.02, "% of the expected")])
def test_positive_numbers_far_apart_are_compared_by_their_ratio(fitted, factor, words):
    row = X.iloc[0]
    said = phrase(fitted, tax=factor * row["tax"])
    assert words in said
    ratio, expected = (float(text.replace(",", "")) for text in re.findall(r"[\d,.]+\d|\d", said)[1:])
    ratio /= 1 if factor > 1 else 100
    assert ratio * expected == pytest.approx(factor * row["tax"], rel=0.1)


@pytest.mark.parametrize("day", ["Saturady", "saturday", "Saturday ", "Satuday"])
def test_a_misspelled_category_names_the_intended_one(fitted, day):
    said = phrase(fitted, day=day)
    assert said.startswith(f"day {day!r}, not seen in training, is close to 'Saturday' (in ")
    assert 20 < float(re.search(r"(\d+)%", said)[1]) < 30


def test_a_misspelled_category_of_training_is_rare_and_named():
    typed = X.assign(day=X["day"].where(X.index != 5, "Satuday"))
    detector = DenoisingAutoencoder(missing="informative", max_iter=200, random_state=0).fit(typed)
    assert (
        "day 'Satuday', in 0.2% of training rows, is close to 'Saturday'"
        in detector.explain_text(typed.iloc[[5]]).iloc[0]
    )


def test_a_new_category_says_so(fitted):
    said = phrase(fitted, day="Atlantis")
    assert "not seen in training" in said
    assert "close to" not in said


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("Saturady", "Saturday", True),
        ("north  gate", "North Gate", True),
        ("Gemany", "Germany", True),
        ("Niger", "Nigeria", False),
        ("mother", "other", False),
        ("Iran", "Iraq", False),
        ("block 12", "block 13", False),
        ("Gate A", "Gate B", False),
        ("NewYork", "New York", True),
        ("Switzerlnad ", "switzerland", True),
        ("Austria", "Australia", False),
    ],
)
def test_misspelled_texts(one, other, expected):
    assert is_misspelled(one, other) == is_misspelled(other, one) == expected


def test_impossible_dates_name_the_plausible_range(fitted):
    assert re.fullmatch(
        r"when 1900-01-01 is outside the plausible range \d{4} to \d{4}",
        phrase(fitted, when=pd.Timestamp("1900-01-01")),
    )


def test_unusual_hours_and_days_are_not_explained_by_a_date(fitted):
    assert phrase(fitted, when=pd.Timestamp("2024-03-05 03:12")) == "when at 03:12, usually from 9:00 to 17:00"
    assert phrase(fitted, when=pd.Timestamp("2024-03-03 11:12")) == "when on Sunday, usually from Monday to Friday"
    trend = DenoisingAutoencoder(time_trend=True, missing="informative", max_iter=100, random_state=0).fit(X)
    assert "after the last time of training" in phrase(trend, when=pd.Timestamp("2090-01-01"))


@pytest.mark.parametrize(("start", "end"), [(9, 17), (22, 30), (0, 6), (8, 9)])
def test_the_usual_hours_are_those_of_uniform_times(start, end):
    angles = 2 * np.pi * np.linspace(start, end, 1001) / 24
    arc = usual_arc(complex(np.exp(1j * angles).mean()))
    assert arc is not None
    assert 24 * (arc[1] - arc[0]) == pytest.approx(end - start, abs=0.05)
    assert np.exp(2j * np.pi * arc[0]) == pytest.approx(np.exp(2j * np.pi * start / 24), abs=0.01)


def test_times_of_all_hours_have_no_usual_ones():
    assert usual_arc(0.01 + 0.02j) is None
    assert usual_arc(0j) is None


def test_missing_values_are_named_where_they_are_unusual(fitted):
    assert re.fullmatch(
        r"level missing where [\d.]+ was expected \(never missing in training\)", phrase(fitted, level=np.nan)
    )
    assert "note missing where" not in sentence(fitted, level=34.0)  # nearly always missing
    assert sentence(fitted, note=0.3).startswith("note 0.3, ")


def test_durations_have_units(fitted):
    assert re.fullmatch(
        r"took 900 days, [\d,]+ times the expected [\d.]+ \w+", phrase(fitted, took=pd.Timedelta(days=900))
    )


def test_values_that_are_all_expected_are_a_rare_combination(fitted):
    """Sentences are built from explanations in which all values are those expected."""
    found = fitted._explain(X[:1])
    columns, state = fitted.state_.model.columns, fitted.state_
    numbers = fitted.state_.model.validate(fitted, X[:1])
    place = {name: j for j, name in enumerate(X)}
    for names in (["day"], ["day", "year"], ["day", "year", "level"]):
        parts = np.zeros((1, len(place)))
        parts[0, [place[name] for name in names]] = np.arange(len(names), 0, -1)
        text = to_text(found._replace(contributions=parts, expected=numbers), columns, list(X), 3, state)[0]
        assert "rare" in text
        assert "combination" in text
        assert all(f"{name} = " in text for name in names[:2])
        assert "2,0" not in text
    nothing = found._replace(contributions=0 * parts)
    assert to_text(nothing, columns, list(X), 3, state) == ["no column is unusual"]


def test_a_usual_value_is_named_beside_unusual_ones(fitted):
    found = fitted._explain(X[:1].assign(level=34.0))
    numbers = fitted.state_.model.validate(fitted, X[:1])
    parts = np.zeros((1, X.shape[1]))
    parts[0, [list(X).index("day"), list(X).index("level")]] = 2, 1
    text = to_text(
        found._replace(contributions=parts, expected=numbers), fitted.state_.model.columns, list(X), 3, fitted.state_
    )[0]
    assert re.fullmatch(r"level 34, [\d.]+ above the expected [\d.]+; rare in combination with day = '\w+'", text)


def test_a_time_in_a_combination_has_no_minutes(fitted):
    found, place = fitted._explain(X[:1]), list(X).index("when")
    parts = np.zeros((1, X.shape[1]))
    parts[0, [place, list(X).index("day")]] = 2, 1
    numbers = fitted.state_.model.validate(fitted, X[:1])
    columns, state = fitted.state_.model.columns, fitted.state_
    text = to_text(found._replace(contributions=parts, expected=numbers), columns, list(X), 3, state)[0]
    hour = X["when"].iloc[0].round("h")
    assert f"when = {hour:%A}, about {hour.hour}:00 and day = " in text


@pytest.mark.parametrize("kind", [np.asarray, lambda yes: np.where(yes, "ja", "nein"), lambda yes: yes.astype(int)])
def test_a_common_value_has_its_share_in_training_and_no_probability(kind):
    rng = np.random.default_rng(0)
    amount = rng.normal(size=800)
    rows = pd.DataFrame({"amount": amount, "twice": 2 * amount, "paid": kind(np.arange(800) % 12 == 0)})
    detector = DenoisingAutoencoder(max_iter=100, contamination=0.05, random_state=0).fit(rows)
    sentences = detector.explain_text(rows)
    told = sentences[sentences.str.match("paid ('ja'|True|1) ")]
    assert len(told)
    assert told.str.match(r"paid ('ja'|True|1) \(in 8.4% of training rows\) where ('nein'|False|0) was expected").all()
    assert not sentences.str.contains("p = 1.00").any()


@pytest.mark.parametrize(("confidence", "told"), [(0.5, " (p = 0.50)"), (0.9999, " (p > 0.99)"), (np.nan, "")])
def test_no_probability_is_1(confidence, told):
    assert Cell("paid", "ja", "nein", confidence, 0.01, None).probability == told


REASON = re.compile(r" where | times the |% of the | (above|below|close to|outside|usually) |\brare\b| is as expected")


@pytest.mark.parametrize("cls", [DenoisingAutoencoder, VariationalAutoencoder, AutoencoderEnsemble])
@pytest.mark.parametrize("loader", [datasets.load_payments, datasets.load_factory])
def test_every_phrase_has_a_reason_and_is_short(cls, loader):
    rows = loader().data[:1200]
    detector = cls(missing="model", max_iter=40, contamination=0.05, random_state=0).fit(rows)
    flagged = rows[detector.predict(rows) == -1]
    largest = detector.explain(flagged).drop(columns="kl", errors="ignore").idxmax(axis=1)
    for text, top in zip(detector.explain_text(flagged), largest, strict=True):
        assert top in text
        for part in text.split("; "):
            assert REASON.search(part), part
            assert len(part) <= 100 or "combination" in part, part


def test_sentences_name_at_most_as_many_columns_as_asked_for(fitted):
    for n in (1, 2, 3):
        for text in fitted.explain_text(X[:40], n_columns=n):
            assert sum(bool(re.search(rf"\b{name}\b", text)) for name in X) <= n, text


def test_sentences_survive_a_file_and_do_not_depend_on_other_rows(fitted, tmp_path):
    fitted.save(tmp_path / "model.aea")
    whole = fitted.explain_text(X[:40])
    pd.testing.assert_series_equal(load(tmp_path / "model.aea").explain_text(X[:40]), whole)
    assert [fitted.explain_text(X.iloc[[row]]).iloc[0] for row in range(5)] == whole[:5].to_list()


def test_a_notebook_shows_sentences_in_full():
    X = pd.DataFrame(
        np.random.default_rng(0).normal(size=(80, 6)), columns=[f"a long name of column {j}" for j in range(6)]
    )
    detector = DenoisingAutoencoder(max_iter=5, contamination=0.1, random_state=0).fit(X)
    sentences = detector.explain_text(X + 5, n_columns=6)
    assert sentences[0] in html.unescape(sentences._repr_html_())
    assert "..." in repr(sentences)


@pytest.mark.parametrize("cls", [DenoisingAutoencoder, VariationalAutoencoder, AutoencoderEnsemble])
def test_columns_that_are_usual_without_an_extreme_cell_are_not_named(cls):
    rng = np.random.default_rng(0)
    age = rng.integers(1, 90, 1500)
    height = np.minimum(60 + 6.5 * age, 172) + rng.normal(0, 6, len(age))
    people = pd.DataFrame(
        {"age": age, "height": height, "weight": 25 * (height / 100) ** 2 + rng.normal(0, 4, len(age))}
    )
    people = people.assign(pulse=rng.normal(75, 9, len(age)), ward=np.where(age < 17, "child", "adult"))
    detector = cls(max_iter=200, random_state=0).fit(people[:1400])
    rows = people[1400:][people["age"][1400:] > 20][:40]
    one = detector.explain_text(rows.assign(height=rows["height"] / 100))
    two = detector.explain_text(rows.assign(height=rows["height"] / 100, pulse=200.0))
    assert one.str.contains("height").all()
    assert one.str.count("; ").mean() < 0.5
    assert two.str.contains("height").all()
    assert two.str.contains("pulse").all()
