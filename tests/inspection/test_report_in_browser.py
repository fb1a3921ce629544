"""The page in a real browser: it sorts, filters, loads nothing and fits a small screen."""

import numpy as np
import pandas as pd
import pytest

from aeanomaly import DenoisingAutoencoder
from aeanomaly.inspection import report
from tests.inspection import chromium

pytestmark = pytest.mark.skipif(chromium.PROGRAM is None, reason="Chromium is not installed")

COLUMNS = ["plain", "<img src=x onerror=console.error(1)>", "long_" * 60, "level"]
VISIBLE = "[...document.querySelectorAll('#worst > tbody > tr')].filter((row) => row.offsetParent)"


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(80, 4)), columns=COLUMNS).assign(level=rng.choice(["a", "</td>", "x" * 500], 80))
    detector = DenoisingAutoencoder(contamination=0.1, max_iter=40, random_state=0).fit(X)
    return detector, X.set_axis([f"<b>{i}</b>" for i in range(80)], axis=0)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    browser = chromium.Chromium(tmp_path_factory.mktemp("profile"))
    yield browser
    browser.close()


@pytest.fixture
def page(rows, browser, tmp_path):
    detector, X = rows
    report(detector, X, tmp_path / "report.html", n_rows=40)
    browser.call("Emulation.clearDeviceMetricsOverride")
    browser.call("Emulation.setEmulatedMedia", media="", features=[])
    browser.open((tmp_path / "report.html").as_uri())
    browser.value("document.getElementById('only').click()")  # all rows
    yield browser
    assert browser.complaints == []
    assert len(browser.requests) == 1


def labels(page):
    return page.value(f"{VISIBLE}.map((row) => row.cells[0].textContent)")


def test_it_shows_the_flagged_rows_first(rows, browser, tmp_path):
    detector, X = rows
    scores = detector.score_samples(X)
    for name, shown, n_rows in (("some", X, 8), ("none", X[scores >= detector.offset_][:30], 30)):
        report(detector, shown, tmp_path / f"{name}.html", n_rows=40)
        browser.open((tmp_path / f"{name}.html").as_uri())
        assert len(labels(browser)) == n_rows
    assert browser.value("document.querySelector('main h2').textContent") == "Rows"


def test_it_sorts(page, rows):
    detector, X = rows
    order = np.argsort(detector.score_samples(X), kind="stable")[:40]
    assert labels(page) == list(X.index[order])

    def clicked(place):
        page.value(f"document.querySelectorAll('#worst > thead button')[{place}].click()")
        return labels(page), page.value(
            "[...document.querySelectorAll('#worst > thead th')].map((head) => head.getAttribute('aria-sort'))"
        )

    assert clicked(1) == (list(X.index[order[::-1]]), ["none", "descending", "none", "none", "none"])
    assert clicked(0) == (list(X.index[np.sort(order)]), ["ascending", "none", "none", "none", "none"])
    assert clicked(3)[0][:8] == list(X.index[np.sort(order[:8])])  # flagged ones first, else as before
    assert sorted(clicked(4)[0]) == sorted(X.index[order])


def test_it_filters(page, rows):
    detector, X = rows
    scores = detector.score_samples(X)
    order = np.argsort(scores, kind="stable")[:40]

    def typed(control, setting):
        page.value(
            f"{{ const c = document.getElementById('{control}'); {setting};"
            " c.dispatchEvent(new Event('input', {bubbles: true})) }"
        )
        return labels(page)

    assert typed("only", "c.checked = true") == list(X.index[order[scores[order] < detector.offset_]])
    assert page.value("document.getElementById('count').textContent") == "8 of 40 rows shown"
    typed("only", "c.checked = false")
    top = detector.explain(X).to_numpy().argmax(axis=1)[order]
    for choice in page.value("[...document.getElementById('top').options].map((o) => o.value)")[1:]:
        assert typed("top", f"c.value = '{choice}'") == list(X.index[order[top == int(choice)]])
    typed("top", "c.value = ''")
    place = order[3]
    assert typed("find", f"c.value = '<B>{place}</b>'") == [X.index[place]]
    assert typed("find", "c.value = 'nowhere at all'") == []
    assert len(typed("find", "c.value = ''")) == 40


def test_details_open_and_close(page):
    assert page.value("document.querySelectorAll('#worst details[open]').length") == 0
    page.value("document.getElementById('open').click()")
    assert page.value("document.querySelectorAll('#worst details[open]').length") == 40
    assert page.value("document.getElementById('open').textContent") == "Collapse all"


@pytest.mark.parametrize("width", [360, 700, 1000, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_any_screen_in_either_scheme(page, width, scheme):
    page.call("Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=width < 500)
    page.call("Emulation.setEmulatedMedia", media="", features=[{"name": "prefers-color-scheme", "value": scheme}])
    page.value("document.getElementById('open').click()")
    assert page.value("document.documentElement.scrollWidth") <= width
    red = page.value("Number(getComputedStyle(document.documentElement).backgroundColor.match(/\\d+/)[0])")
    assert (red > 200) == (scheme == "light")


def test_it_prints_without_controls(page):
    page.call("Emulation.setEmulatedMedia", media="print", features=[{"name": "prefers-color-scheme", "value": "dark"}])
    assert page.value("getComputedStyle(document.getElementById('controls')).display") == "none"
    assert page.value("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    assert page.value("getComputedStyle(document.documentElement).backgroundColor") == "rgb(255, 255, 255)"
    assert page.value("getComputedStyle(document.querySelector('#worst tr')).breakInside") == "avoid"
    assert len(page.call("Page.printToPDF")["data"]) > 10_000


def test_it_reads_without_its_script(rows, browser, tmp_path):
    browser.call("Emulation.setEmulatedMedia", media="", features=[])
    detector, X = rows
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        report(detector, X, tmp_path / "report.html")
        browser.open((tmp_path / "report.html").as_uri())
        assert browser.value("document.querySelectorAll('#worst > tbody > tr').length") == 80
        assert browser.value("getComputedStyle(document.getElementById('controls')).display") == "none"
        assert browser.value("document.querySelectorAll('thead button').length") == 0
    finally:
        browser.call("Emulation.setScriptExecutionDisabled", value=False)


def test_a_foreign_script_is_refused(rows, browser, tmp_path):
    detector, X = rows
    text = report(detector, X, n_rows=3)
    changed = text.replace(
        "</main>", "<script>document.title = 'in'</script><img src=x onerror=\"document.title='in'\"></main>"
    )
    (tmp_path / "changed.html").write_text(changed, encoding="utf-8")
    browser.open((tmp_path / "changed.html").as_uri())
    assert browser.value("document.title") == "Anomaly report"
    assert browser.complaints


def test_it_works_within_a_notebook(rows, browser, tmp_path):
    detector, X = rows
    browser.call("Emulation.clearDeviceMetricsOverride")
    shown = report(detector, X, n_rows=40)._repr_html_()
    # A test can look into the frame only if it has the origin of the page.
    for name, frame in (("sandboxed", shown), ("open", shown.replace(' sandbox="allow-scripts"', ""))):
        assert name == "sandboxed" or frame != shown
        (tmp_path / f"{name}.html").write_text(f"<!doctype html><title>notebook</title>{frame}", encoding="utf-8")
        browser.open((tmp_path / f"{name}.html").as_uri())
        assert browser.value("document.title") == "notebook"
        assert browser.complaints == []
    inside = "document.querySelector('iframe').contentDocument"
    assert browser.value(f"{inside}.querySelectorAll('#worst thead button').length") == 5
    assert browser.value(f"{inside}.scrollingElement.scrollTop") == 0
    browser.value(f"{inside}.querySelector('nav a[href=\"#drift\"]').click()")
    assert browser.value(f"{inside}.scrollingElement.scrollTop") > 100
    assert browser.value(f"{inside}.title") == "Anomaly report"
