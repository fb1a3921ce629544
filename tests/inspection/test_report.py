"""The HTML report: complete, correct, and safe for tables with any content."""

import base64
import hashlib
import re
import subprocess
import sys
import zipfile
from html.parser import HTMLParser
from importlib import resources
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from aeanomaly import AutoencoderEnsemble, DenoisingAutoencoder, VariationalAutoencoder
from aeanomaly.datasets import load_payments
from aeanomaly.inspection import _templates, report
from aeanomaly.inspection._text import cut_names
from aeanomaly.thresholds import Conformal, ThresholdRule

jinja2 = pytest.importorskip("jinja2")

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</script></style></title></table>",
    "${alert(1)} {{7*7}} $title %s {style}",
    "' onmouseover='alert(1)",
    "\u202etxet\nnew\ttab\x00nul\x1b[31m\u2028\x85\ufffe",
    "\U0001f600 \u05e9\u05dc\u05d5\u05dd &lt;b&gt; &#60; <!-- ]]>",
    "javascript:alert(1)//http://example.com/" + "x" * 3000,
]
#: All that the template is made of.
ELEMENTS = re.findall(
    r"\w+",
    "html head meta title style body header h1 p strong bdi nav ul li a main section h2 dl div dt dd details summary "
    "code wbr figure svg rect line text polyline figcaption span table caption thead tbody tr th td label input select "
    "option button em footer script",
)
ATTRIBUTES = re.findall(
    r"[\w-]+",
    "lang charset http-equiv content name dir title href aria-label aria-labelledby id class role viewBox x y x1 x2 y1 "
    "y2 width height points preserveAspectRatio aria-hidden scope data-sort aria-sort data-value data-label "
    "data-flagged data-top type autocomplete spellcheck value hidden checked".lower(),
)
VOID = {"meta", "input", "wbr"}


class Page(HTMLParser):
    """Parser that collects the elements of a page, which must be well nested."""

    def __init__(self, text):
        super().__init__()
        self.found, self.texts, self.open, self.raw = [], [], [], {}
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attributes):
        assert len(attributes) == len(dict(attributes))
        self.found.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] in ("script", "style"):
            self.raw.setdefault(self.open[-1], []).append(data)
        else:
            self.texts.append(data)

    def handle_comment(self, data):
        raise AssertionError(data)

    unknown_decl = handle_pi = handle_comment

    def all(self, tag):
        return [attributes for found, attributes in self.found if found == tag]

    @property
    def text(self):
        return "".join(self.texts)


def assert_safe(text):
    """Check that a page has only the elements of the template, and no external address."""
    page = Page(text)
    assert {tag for tag, _ in page.found} <= set(ELEMENTS)
    names = {name for _, attributes in page.found for name in attributes}
    assert names <= set(ATTRIBUTES), names
    assert all(re.fullmatch("#[a-z]+", a["href"]) for a in page.all("a"))
    ids = [a["id"] for _, a in page.found if "id" in a]
    assert len(ids) == len(set(ids))
    assert {a["aria-labelledby"] for a in page.all("section")} <= set(ids)
    parts = {"style": "page.css", "script": "page.js"}
    assert len(page.all("style")) == len(page.all("script")) == 1
    for kind, file in parts.items():
        own = (resources.files("aeanomaly.inspection") / file).read_text(encoding="utf-8")
        assert "".join(page.raw[kind]) == own
        assert "</" not in own
        assert not re.search(r"https?:|url\(|@import|innerHTML|eval|fetch", own)
        digest = base64.b64encode(hashlib.sha256(own.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in page.all("meta")[1]["content"]
    policy = page.all("meta")[1]
    assert policy["http-equiv"] == "Content-Security-Policy"
    assert policy["content"].startswith("default-src 'none'; ")
    assert "unsafe" not in policy["content"]
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]", text)
    text.encode("utf-8")
    return page


def hostile_table(n=60):
    rng = np.random.default_rng(0)
    columns = {name: rng.normal(size=n) for name in HOSTILE[:4]}
    columns |= {name: rng.choice(HOSTILE, size=n) for name in HOSTILE[4:]}
    X = pd.DataFrame(columns, index=pd.Index([HOSTILE[i % 8] + str(i) for i in range(n)], name=HOSTILE[0]))
    X.iloc[::7, 5] = None
    return X


@pytest.fixture(scope="module")
def payments():
    data = load_payments().data
    detector = DenoisingAutoencoder(missing="model", max_iter=60, contamination=0.05, random_state=0)
    return detector.fit(data[:1500]), data[1500:2500]


def test_all_cells_and_names_are_shown_as_text():
    X = hostile_table()
    kinds = dict.fromkeys(HOSTILE[4:], "categorical")
    detector = DenoisingAutoencoder(missing="model", column_types=kinds, contamination=0.2, max_iter=20, random_state=0)
    detector.fit(X)
    new = X.copy()
    new.iloc[0, 4] = "<i>unseen</i>" * 3
    for title in [None, *HOSTILE, "half a letter: \ud800"]:
        page = assert_safe(report(detector, new, title=title, n_rows=20 if title else 60))
        if title:
            assert len(page.all("title")) == 1
    for name in (*HOSTILE[:5], "<i>unseen</i>" * 3):
        assert name in page.text
    assert "\u27e8U+202E\u27e9txet\u21b5new\u21e5tab\u27e8U+0000\u27e9nul" in page.text
    assert "\U0001f600 \u05e9\u05dc\u05d5\u05dd &lt;b&gt; &#60; <!-- ]]>" in page.text
    assert max(len(text) for text in page.texts) <= 500
    assert any(a.get("title", "").endswith("x" * 100 + "\u2026") for a in page.all("bdi"))


def test_hostile_parameters_and_unusual_indices():
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(50, 2)), columns=["a", "b"])
    X.index = pd.MultiIndex.from_product([["<b>", "&"], range(25)], names=["<i>", None])
    detector = DenoisingAutoencoder(max_iter=10, random_state=0, column_types={"a": "numeric"}).fit(X)
    detector.set_params(activation="<script>")
    page = assert_safe(report(detector, X, n_rows=3))
    assert "activation='<script>'" in page.text
    assert "<b>, " in page.text or "&, " in page.text
    for index in (pd.date_range("2024-01-01", periods=50), pd.Index([None] * 50), pd.RangeIndex(50, name=("<", 1))):
        assert_safe(report(detector, X.set_axis(index, axis=0), n_rows=3))


def test_payments_with_missing_values(payments):
    detector, X = payments
    page = assert_safe(report(detector, X, title="May"))
    scores = detector.score_samples(X)
    flagged = scores < detector.offset_
    assert f"{flagged.sum():,} of 1,000 rows" in page.text
    rows = [a for a in page.all("tr") if "data-flagged" in a]
    assert len(rows) == 100
    assert sum(a["data-flagged"] == "1" for a in rows) == min(100, flagged.sum())
    shown = [float(a["data-value"]) for a in page.all("td") if a.get("data-label") == "score"]
    np.testing.assert_array_equal(shown, np.sort(scores)[:100])
    worst = X.iloc[np.argsort(scores, kind="stable")[:5]]
    for label, sentence in zip(worst.index, detector.explain_text(worst), strict=True):
        assert sentence in page.text
        assert str(label) in page.text
    assert "training data" in page.text.lower()
    assert "1,500 rows, of which 5%" in page.text
    assert "DenoisingAutoencoder(contamination=0.05, max_iter=60, missing='model', random_state=0)" in page.text
    assert {a["value"] for a in page.all("option")} > {""}


def test_the_largest_part_is_that_of_explain(payments):
    detector, X = payments
    some = X.iloc[:30]
    page = Page(report(detector, some, n_rows=30))
    tops = [int(a["data-top"]) for a in page.all("tr") if "data-top" in a]
    order = np.argsort(detector.score_samples(some), kind="stable")
    assert tops == detector.explain(some).to_numpy().argmax(axis=1)[order].tolist()


def test_a_category_unknown_in_training_is_shown(payments):
    detector, X = payments
    odd = X.iloc[:1].astype({"country": object}).assign(country="Atlantis")
    page = assert_safe(report(detector, odd))
    assert "'Atlantis' (not in the training data)" in page.text


@pytest.mark.parametrize("cls", [VariationalAutoencoder, AutoencoderEnsemble, DenoisingAutoencoder])
def test_the_term_of_the_code_is_named(cls):
    X = np.random.default_rng(0).normal(size=(200, 4)) * [1, 1e6, 1e-6, 1]
    detector = cls(max_iter=30, random_state=0).fit(X)
    page = assert_safe(report(detector, X * 3))
    assert ("kl (code)" in page.text) == (cls is not DenoisingAutoencoder)
    assert "x3" in page.text


def test_pipelines_name_columns_as_their_steps_do():
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(80, 2)), columns=["left", "right"], index=range(7000, 7080))
    pipeline = make_pipeline(StandardScaler(), DenoisingAutoencoder(max_iter=10, random_state=0)).fit(X)
    page = assert_safe(report(pipeline, X, n_rows=2))
    assert "left" in page.text
    assert re.search(r"70\d\d", page.text)


def test_few_rows_and_no_flags():
    X = np.random.default_rng(0).normal(size=(100, 3))
    detector = DenoisingAutoencoder(max_iter=30, random_state=0).fit(X)
    for some, words in ((X[:1] * 0, "0 of 1 row "), (X[:1] * 50, "1 of 1 row "), (np.zeros((40, 3)), "0 of 40 rows")):
        page = assert_safe(report(detector, some))
        assert words in page.text
        assert ("No row is flagged." in page.text) == words.startswith("0")
    assert_safe(report(detector, (X[:3] * 50).tolist()))
    detector.set_threshold(AboveAllScores(), X)
    assert_safe(report(detector, X))


class AboveAllScores(ThresholdRule):
    """Rule with a positive offset, which no logarithmic scale of errors shows."""

    def fit(self, scores):
        return 3.0


def test_errors_of_all_sizes_make_a_picture():
    from aeanomaly.inspection._svg import histogram

    rng = np.random.default_rng(0)
    for errors in (
        rng.lognormal(sigma=4, size=500), rng.normal(size=500), np.zeros(5), np.full(9, 1e300), -rng.lognormal(size=50),
        np.r_[-5.0, rng.normal(size=99), 1e9], np.r_[0.0, 1e-300, 1.0], np.array([1e6, 1e6 + 1e-6]), np.array([7.0]),
    ):  # fmt: skip
        for threshold in (-3.0, 0.0, 4.0, float(np.median(errors))):
            picture = histogram(errors, errors[:7], threshold)
            assert not re.search(r"\bnan\b|\binf\b", picture)
            numbers = [float(n) for n in re.findall(r' (?:x|y|x1|y1|height|width)="([^"]*)"', picture)]
            assert all(0 <= n <= 700 for n in numbers)
            assert len(re.findall('class="(?:normal|flagged)"', picture)) >= 1
            assert picture.count("<text") >= 4


def test_the_file_is_the_page_and_replaced_in_one_step(payments, tmp_path, monkeypatch):
    detector, X = payments
    path = tmp_path / "report.html"
    page = report(detector, X, path, n_rows=5)
    assert path.read_bytes() == page.encode()
    assert report(detector, X, str(path), n_rows=5) == page  # the same rows, the same page
    assert [p.name for p in tmp_path.iterdir()] == ["report.html"]

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        report(detector, X, path, n_rows=9)
    assert path.read_bytes() == page.encode()
    assert [p.name for p in tmp_path.iterdir()] == ["report.html"]


def test_reports_that_are_refused(payments):
    detector, X = payments
    with pytest.raises(ValueError, match="n_samples=0"):
        report(detector, X.iloc[:0])
    with pytest.raises(ValueError, match="report: n_rows must be an integer of at least 1; got 0"):
        report(detector, X, n_rows=0)
    with pytest.raises(TypeError, match="report needs a detector of this package"):
        report(StandardScaler().fit([[1.0], [2.0]]), [[1.0]])
    with pytest.raises(ValueError, match="not fitted"):
        report(DenoisingAutoencoder(), X)


def test_colors_can_be_told_apart():
    css = (resources.files("aeanomaly.inspection") / "page.css").read_text(encoding="utf-8")
    schemes = [
        dict(re.findall(r"--(\w+): (#\w{6});", block)) for block in re.findall(r":root \{(.*?)\}", css, re.S)[:2]
    ]

    def luminance(colour):
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return np.dot(linear, [0.2126, 0.7152, 0.0722])

    for scheme in schemes:
        for ground in ("page", "panel"):
            for ink, least in (("text", 7), ("quiet", 4.5), ("flagged", 4.5), ("link", 4.5), ("normal", 3)):
                low, high = sorted(luminance(scheme[name]) for name in (ground, ink))
                assert (high + 0.05) / (low + 0.05) >= least, (scheme[ground], ink)


@pytest.mark.parametrize("contamination", ["auto", 0.1, Conformal(0.1)])
def test_the_summary_states_the_guarantee_of_the_threshold(contamination):
    X = np.random.default_rng(0).normal(size=(300, 3))
    detector = DenoisingAutoencoder(max_iter=10, random_state=0, contamination=contamination).fit(X)
    text = assert_safe(report(detector, X)).text
    known = detector.threshold_info_
    assert f"False alarmsThe threshold {known.guarantee}." in text
    assert f"The threshold was set by {known.rule} on {known.n_scores} {known.source}." in text


def test_rows_have_the_labels_and_the_name_of_the_index(payments):
    detector, X = payments
    index = pd.MultiIndex.from_arrays([[f"card <{i}>" for i in range(len(X))], X.index], names=["card", "payment"])
    page = assert_safe(report(detector, X.set_axis(index, axis=0), n_rows=20))
    worst = np.argsort(detector.score_samples(X), kind="stable")[:20]
    for place in worst:
        assert f"card <{place}>, {X.index[place]}" in page.text
    assert "card, payment" in page.text


def test_long_names_are_cut_in_the_middle_and_stay_different():
    names = [f"{'temperature_of_the_bearing_' * 3}{j}_{'mean_of_ten_minutes_' * 3}" for j in range(5)]
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(60, 5)), columns=names)
    page = assert_safe(report(DenoisingAutoencoder(max_iter=10, random_state=0).fit(X), X * 3, n_rows=5))
    short = cut_names(names, 60)
    assert len(set(short)) == 5
    assert all(name in page.text for name in short)
    assert set(names) <= {a["title"] for a in page.all("bdi") if "title" in a}


class TestNotebook:
    def test_the_page_is_a_text_that_shows_itself(self, payments):
        detector, X = payments
        page = report(detector, X, title='"><script>alert(1)</script>', n_rows=5)
        assert isinstance(page, str)
        assert len(repr(page)) < 60
        shown = Page(page._repr_html_())
        ((tag, attributes),) = shown.found
        assert tag == "iframe"
        assert attributes["srcdoc"] == page
        assert attributes["sandbox"] == "allow-scripts"  # neither the origin of the notebook nor its windows
        assert shown.text == ""

    def test_it_is_written_and_pickled_as_text(self, payments, tmp_path):
        import pickle

        detector, X = payments
        page = report(detector, X, tmp_path / "report.html", n_rows=5)
        assert (tmp_path / "report.html").read_text(encoding="utf-8") == page
        assert pickle.loads(pickle.dumps(page)) == page


class TestTemplates:
    def test_without_jinja(self, payments, monkeypatch):
        monkeypatch.setitem(sys.modules, "jinja2", None)
        _templates.environment.cache_clear()
        with pytest.raises(
            ImportError, match=r"^report needs jinja2; install it with: pip install 'aeanomaly\[report\]'$"
        ):
            report(*payments)

    def test_the_subpackage_does_not_need_jinja(self):
        code = "import sys; sys.modules['jinja2'] = None; import aeanomaly.inspection"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    def test_an_undefined_name_is_an_error(self):
        with pytest.raises(jinja2.UndefinedError):
            _templates.render("histogram")
        with pytest.raises(jinja2.UndefinedError):
            _templates.environment().from_string("{{ x.name }}").render(x=1)

    def test_all_text_is_escaped_and_visible(self):
        template = _templates.environment().from_string('<p title="{{ x }}">{{ x }}{{ 1.5 }}</p>')
        text = template.render(x="<b>\"'&\n\u202e")
        assert text.count("&lt;b&gt;&#34;&#39;&amp;\u21b5\u27e8U+202E\u27e9") == 2
        with pytest.raises(AssertionError):
            template.render(x=None)

    def test_only_the_parts_of_the_package_are_markup(self):
        folder = Path(_templates.__file__).parent / "templates"
        text = "".join(path.read_text(encoding="utf-8") for path in sorted(folder.iterdir()))
        assert sorted(re.findall(r"(\w+) \| safe", text)) == ["histogram", "script", "style"]
        assert "autoescape" not in text
        assert not re.search(r"https?:|\son\w+=|\sstyle=|javascript", text)

    def test_a_wheel_contains_them(self, tmp_path):
        pytest.importorskip("hatchling")
        root = Path(_templates.__file__).parents[2]
        if not (root / "pyproject.toml").exists():
            pytest.skip("not a checkout")
        build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
        subprocess.run(build, cwd=root, check=True, capture_output=True)
        (wheel,) = tmp_path.glob("*.whl")
        shipped = set(zipfile.ZipFile(wheel).namelist())
        parts = Path(_templates.__file__).parent.rglob("*.*")
        own = {str(path.relative_to(root)) for path in parts if path.suffix in (".jinja", ".css", ".js", ".py")}
        assert len([name for name in own if name.endswith(".html.jinja")]) == 8
        assert own <= shipped


def test_long_numbers_of_the_threshold_are_rounded_except_in_the_settings():
    X = np.random.default_rng(0).normal(size=(400, 2))
    page = Page(report(DenoisingAutoencoder(max_iter=5, contamination=Conformal(1 / 60), random_state=0).fit(X), X))
    assert page.text.count("Conformal(alpha=0.0167, calibration_fraction=0.2)") == 2
    assert page.text.count("0.016666") == 1
    assert "The threshold flags about 1 of 60 new normal rows" in page.text
