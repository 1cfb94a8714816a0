"""What is handed out: the source distribution, its description, the versions that it asks for."""

from __future__ import annotations

import configparser
import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from oco import extras

TOP = Path(__file__).parents[1]
HANDED_OUT = (".ci", "benchmarks", "docs", "oco", "tests")
FILES = (
    "CHANGELOG.md", "CITATION.cff", "CONTRIBUTING.md", "LICENSE", "MANIFEST.in", "README.md",
    "asv.conf.json", "conftest.py", "pyproject.toml", "setup.cfg",
)  # fmt: skip
MINIMUM = re.compile(r"^([A-Za-z0-9-]+)(?:\[\w+\])?>=([0-9.]+)", re.M)


@pytest.fixture(scope="module")
def settings():
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(TOP / "setup.cfg", encoding="utf-8")
    return parser


def sources(top: Path) -> set[str]:
    """Return the names of all files that are written by hand."""
    found = {name for name in FILES if (top / name).exists()}
    for folder in HANDED_OUT:
        for path in (top / folder).rglob("*"):
            parts = path.relative_to(top).parts
            if path.is_file() and "__pycache__" not in parts and path.suffix not in (".pyc", ".so"):
                found.add("/".join(parts))
    return found


def test_the_source_distribution_holds_all_that_is_needed_to_test_it(tmp_path):
    pytest.importorskip("setuptools", reason="builds the source distribution")
    copy = tmp_path / "copy"
    copy.mkdir()
    ignored = shutil.ignore_patterns("__pycache__", "*.pyc", "*.nbi", "*.nbc")
    for folder in HANDED_OUT:
        shutil.copytree(TOP / folder, copy / folder, ignore=ignored)
    for name in FILES:
        shutil.copy(TOP / name, copy / name)
    program = "from setuptools import build_meta; print(build_meta.build_sdist('made'))"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=copy, capture_output=True, text=True,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (archive,) = (copy / "made").glob("*.tar.gz")
    with tarfile.open(archive) as packed:
        names = {name.partition("/")[2] for name in packed.getnames() if "/" in name}
        (info,) = (name for name in packed.getnames() if re.fullmatch(r"[^/]+/PKG-INFO", name))
        metadata = packed.extractfile(info).read().decode("utf-8")
    assert sources(copy) <= names
    assert not [name for name in names if "__pycache__" in name]
    assert "Project-URL: Paper, https://arxiv.org/abs/2302.03764" in metadata
    assert "Description-Content-Type: text/markdown" in metadata


def test_the_long_description_stands_alone(settings):
    """An index shows it without the files beside it, so that a relative link leads nowhere."""
    place = settings["metadata"]["long_description"].removeprefix("file: ")
    text = (TOP / place).read_text(encoding="utf-8")
    assert len(text) > 1000
    targets = re.findall(r"\]\(([^)]+)\)", text) + re.findall(r"(?:src|href)=\"([^\"]+)\"", text)
    assert targets and all(target.startswith("https://") for target in targets)


def test_the_citation_names_the_software_and_the_paper(settings):
    text = (TOP / "CITATION.cff").read_text(encoding="utf-8")
    assert f"version: {settings['metadata']['version']}\n" in text
    assert "- name: The oco developers" in text and "arxiv.org/abs/2302.03764" in text
    for name in ("Feinberg", "Chen", "Sun", "Anil", "Hazan"):
        assert f"family-names: {name}\n" in text


def constraints(name):
    text = (TOP / ".ci" / name).read_text(encoding="utf-8")
    lines = text.partition("# Not asked for")[0].splitlines()
    return dict(line.lower().split("==") for line in lines if line and not line.startswith("#"))


def test_the_constraints_are_the_minimums_of_the_settings(settings):
    asked = settings["options"]["install_requires"]
    for extra in ("fast", "cluster", "pandas", "tables", "test"):
        asked += "\n" + settings["options.extras_require"][extra]
    least = {name.lower(): version for name, version in MINIMUM.findall(asked)}
    pinned = constraints("minimums.txt")
    least.pop("tomli", None)  # Of Pythons that have no tomllib.
    assert pinned.keys() == least.keys()
    for name, version in least.items():
        assert pinned[name] == version or pinned[name].startswith(f"{version}."), name


def test_the_constraints_of_jax_are_its_minimums(settings):
    needed = settings["options.extras_require"]
    least = dict(MINIMUM.findall(needed["jax"] + "\n" + needed["docs"]))
    pinned = constraints("minimums-jax.txt")
    for name in ("jax", "optax", "flax"):
        assert pinned[name] in (least[name], f"{least[name]}.0")


def test_each_library_that_may_be_missing_is_in_its_extra(settings):
    names = {"Dask": "dask[array]", "PyTorch": "torch", "JAX": "jax", "Optax": "optax"}
    for library, extra in extras.EXTRAS.items():
        required = settings["options.extras_require"][extra].split()
        assert any(line.startswith(names.get(library, library)) for line in required)
        assert f"pip install '.[{extra}]'" in extras.missing(library)


def test_no_hint_says_to_install_what_no_index_has():
    """Found where a person meets it: in messages, in the documentation."""
    places = [*(TOP / "oco").rglob("*.py"), *(TOP / "docs").glob("*.md"), TOP / "README.md"]
    for path in places:
        text = path.read_text(encoding="utf-8")
        assert "oco-sketch[" not in text and "pip install oco" not in text, path
        if path.suffix == ".py" and path.name != "extras.py":
            assert not re.search(r"pip install '\.\[", text), f"{path}: see oco.extras"
