"""Sphinx's configuration: `sphinx-build -W --keep-going docs build/site` makes the site."""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from datetime import date
from importlib import import_module, metadata
from pathlib import Path
from pkgutil import walk_packages

import oco

sys.path.insert(0, str(Path(__file__).parent))

project = "oco"
author = "The oco developers"
copyright = f"{date.today().year}, {author}"
release = version = metadata.version("oco-sketch")

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.intersphinx",
    "sphinx_click",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["description.md", "gallery", "tutorials"]
templates_path = ["_templates"]


def names_from_elsewhere() -> dict[str, list[str]]:
    """Return what each room exports that another room documents."""
    rooms = defaultdict(list)
    for found in walk_packages(oco.__path__, "oco."):
        if found.ispkg and ".cli" not in found.name:
            room = import_module(found.name)
            for name in getattr(room, "__all__", ()):
                home = getattr(getattr(room, name), "__module__", None) or room.__name__
                if home.startswith("oco.") and not home.startswith(room.__name__):
                    rooms[room.__name__].append(name)
    return rooms


# Headings are linked to by their own words, as on a page of Markdown elsewhere.
myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence", "deflist"]

# A room's page lists what the room exports, wherever it was defined.
autosummary_generate = True
autosummary_ignore_module_all = False
autosummary_imported_members = True
autosummary_context = {"elsewhere": names_from_elsewhere()}
autodoc_typehints = "none"
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False
# `name` in a docstring is a link where such a page exists, and otherwise plain.
default_role = "autolink"

sphinx_gallery_conf = {
    "examples_dirs": ["gallery", "tutorials"],
    "gallery_dirs": ["auto_gallery", "auto_tutorials"],
    "filename_pattern": r"plot_",
    "image_scrapers": ("figures_of_ours.kept",),
    "download_all_examples": False,
    "remove_config_comments": True,
    "within_subsection_order": "FileNameSortKey",
    "write_computation_times": False,
    "abort_on_example_error": True,
}

html_theme = "pydata_sphinx_theme"
html_title = "oco"
html_static_path = ["_static"]
html_css_files = ["site.css"]
# Light or dark as the reader's system is.
html_context = {"default_mode": "auto"}
html_theme_options = {
    "show_toc_level": 2,
    "navigation_with_keys": False,
    "show_prev_next": False,
    "header_links_before_dropdown": 6,
    "footer_start": ["copyright"],
    "footer_end": [],
}
html_show_sourcelink = False

# What is between double backticks, and the line that names a parameter, stay as they are.
PLAIN = re.compile(r"``.+?``|^ *[\w, ]+ : |(?P<bar>\|)|(?P<name>\b[A-Za-z]\w*_(?![\w`]))")


def escape_plain_text(app, what, name, obj, options, lines):
    """Keep |x| and coef_ in a docstring, which is plain text first, from being marks of reST."""

    def escaped(found):
        return found[0].replace("|", r"\|") if found["bar"] else found["name"][:-1] + r"\_"

    lines[:] = [
        PLAIN.sub(lambda m: escaped(m) if m["bar"] or m["name"] else m[0], line) for line in lines
    ]


def skip_what_others_document(app, what, name, obj, skip, options):
    """Leave out the methods that scikit-learn writes for metadata routing."""
    return True if re.fullmatch(r"set_\w+_request", name) else None


def link_inside(app, *where_and_content):
    """Point at the site's copy of pages that live outside of its folder, and from there into it."""
    content = where_and_content[-1]
    content[0] = content[0].replace("(../CONTRIBUTING.md)", "(contributing.md)")
    content[0] = content[0].replace("](docs/", "](")


def setup(app):
    app.connect("autodoc-skip-member", skip_what_others_document)
    app.connect("source-read", link_inside)
    app.connect("include-read", link_inside)
    # Before numpydoc, at 500, turns its sections into reST.
    app.connect("autodoc-process-docstring", escape_plain_text, priority=400)
