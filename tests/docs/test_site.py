"""The site's reference names everything public, and its front page leads to all of it."""

import pkgutil
import re
from pathlib import Path

import oco

DOCS = Path(__file__).parents[2] / "docs"
# What is imported by the library alone.
INSIDE = {"oco.cli", "oco.linalg"}


def test_every_room_is_in_the_reference():
    listed = set(re.findall(r"^   (oco[.\w]*)$", (DOCS / "reference/index.rst").read_text(), re.M))
    rooms = {
        f"oco.{found.name}"
        for found in pkgutil.iter_modules(oco.__path__)
        if found.ispkg and found.name != "integrations"
    }
    assert rooms - INSIDE <= listed
    assert {f"oco.integrations.{name}" for name in ("torch", "optax", "sklearn", "river")} <= listed
    for name in listed:
        if not name.startswith("oco.integrations"):
            assert pkgutil.resolve_name(name) is not None


def test_what_the_package_exports_is_in_the_reference():
    reference = (DOCS / "reference/index.rst").read_text()
    names = {name for name in oco.__all__ if not name.startswith("_")}
    domains = set(oco.domains.__all__)
    missing = {name for name in names - domains if f"oco.{name}" not in reference}
    assert missing <= {"marks", "Experiment", "Result"}
    assert "oco.results.Experiment" in reference and "oco.results.Result" in reference


def test_every_page_says_where_it_belongs():
    """A page that no table of contents names is found by nobody."""
    contents = "\n".join(page.read_text() for page in [*DOCS.glob("*.md"), *DOCS.glob("*.rst")])
    for page in DOCS.glob("*.md"):
        if page.stem not in {"index", "description"}:
            assert re.search(rf"^(?:.*<)?{re.escape(page.stem)}>?$", contents, re.M), page.name
