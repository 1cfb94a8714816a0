"""The report in a real browser: phone and desk, keyboard, paper; and what it says."""

import base64
import re
import shutil

import pytest

import oco
from oco.reports import report
from oco.sweeps import Outcome


@pytest.fixture(scope="module")
def outcomes():
    results = [
        oco.run(name, d=15, k=k, T=120, seed=seed, lr=lr)
        for name, k in (("s-adagrad", 3), ("s-adagrad", 6), ("ogd", None))
        for seed in range(2)
        for lr in (0.1, 1.0)
    ]
    found = [Outcome(result.experiment, result) for result in results]
    broken = results[0]
    bounds = tuple(bound.replace(holds=False) for bound in broken.summary.bounds)
    violated = broken.replace(
        experiment=broken.experiment.replace(stream="drift"),
        summary=broken.summary.replace(bounds=bounds, stream="drift"),
    )
    return [
        *found,
        Outcome(violated.experiment, violated),
        Outcome(broken.experiment.replace(seed=9), None, "MemoryError: <too large>"),
    ]


@pytest.fixture(scope="module")
def page(outcomes):
    return report(outcomes, "Sketch sizes on a stochastic stream")


def test_everything_is_in_the_file(page):
    assert not re.findall(r"""(?:src|href)=["'](?!data:|#)""", page)
    assert "@import" not in page and "url(" not in page
    figures = re.findall(r"data:image/svg\+xml;base64,([A-Za-z0-9+/=]+)", page)
    assert len(figures) == 8
    for figure in figures:
        assert b"<svg" in base64.b64decode(figure)


def test_what_went_wrong_comes_first(page):
    assert page.index("MemoryError: &lt;too large&gt;") < page.index('id="setting-1"')
    assert "the regret rose above the bounds: certificate, trace, sketch, theorem-3" in page
    assert "14 experiments, 12 complete without a problem" in page and "1 violated a bound" in page


def test_configuration_and_versions_are_there(page, outcomes):
    for words in ("<td>algorithm</td><td>ogd, s-adagrad</td>", "<td>lr</td><td>0.1, 1.0</td>"):
        assert words in page
    # In their order, not in that of the runs.
    assert "<td>k</td><td>None, 3, 6</td>" in page and "<td>seed</td><td>0, 1, 9</td>" in page
    assert page == report(outcomes[::-1], "Sketch sizes on a stochastic stream")
    assert "<td>numpy</td>" in page and "<td>oco</td>" in page


@pytest.fixture
def chromium():
    """The distribution's Chromium without a window; skips where it or Playwright is missing."""
    playwright = pytest.importorskip("playwright.sync_api", reason="needs Playwright")
    path = next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
    )
    if path is None:
        pytest.skip("needs Chromium, and none is installed: apt-get install chromium")
    with playwright.sync_playwright() as run:
        browser = run.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


def opened(chromium, path, width, complaints):
    """Show a file at a width in CSS pixels; errors, warnings and requests to elsewhere are kept."""
    tab = chromium.new_page(
        viewport={"width": width, "height": 900}, is_mobile=width < 600, reduced_motion="reduce"
    )
    tab.on("console", lambda said: complaints.append(said.text))
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    tab.on("requestfailed", lambda request: complaints.append(request.url))
    tab.on(
        "request",
        lambda asked: asked.url.startswith(("file:", "data:")) or complaints.append(asked.url),
    )
    tab.goto(path.as_uri())
    return tab


# Elements that reach beyond the page, but for those in a box that scrolls by itself.
WIDE = """width => [...document.querySelectorAll("main *")]
    .filter(e => !e.closest(".scroll") && e.getBoundingClientRect().right > width + 1)
    .map(e => e.tagName)"""
FOCUSED = """["href", "aria-label"]
    .map(name => document.activeElement.getAttribute(name)).find(Boolean)
    || document.activeElement.tagName"""


def test_the_page_in_a_browser(page, tmp_path, chromium):
    path, complaints = tmp_path / "report.html", []
    path.write_text(page, encoding="utf-8")
    for width in (360, 1280):
        tab = opened(chromium, path, width, complaints)
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
        assert tab.evaluate("[...document.images].every(i => i.complete && i.naturalWidth > 0)")
        assert tab.evaluate("document.images.length") == 8
        assert tab.evaluate(WIDE, width) == []
        size = "parseFloat(getComputedStyle(document.querySelector('td')).fontSize)"
        assert tab.evaluate(size) >= 12
    reached = []
    for _ in range(40):
        tab.keyboard.press("Tab")
        reached.append(tab.evaluate(FOCUSED))
    for stop in ("#content", "#problems", "#setting-1", "#runs", "Problems", "Learners", "SUMMARY",
                 "Configuration", "Versions"):  # fmt: skip
        assert stop in reached, f"{stop} cannot be reached with the keyboard"
    paper = tab.pdf()
    assert paper.startswith(b"%PDF") and len(paper) > 50_000
    tab.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert tab.evaluate("document.querySelector('details').open")
    assert complaints == []


def test_a_run_that_was_cut_short_is_listed_and_not_drawn():
    result = oco.run("s-adagrad", d=3, k=2, T=30)
    summary = result.summary.replace(status="interrupted", message="after round 30")
    cut = result.replace(summary=summary)
    page = report([Outcome(cut.experiment, cut)], "Cut short")
    assert "interrupted: after round 30" in page and "Bounds and their margins" not in page
    with pytest.raises(ValueError, match="nothing to draw"):
        oco.plots.ladder([cut])
