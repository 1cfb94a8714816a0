"""How sphinx-gallery finds figures that are made without pyplot, as those of `oco.plots` are."""

from __future__ import annotations

from sphinx_gallery.scrapers import figure_rst, matplotlib_scraper


def kept(block, variables, gallery):
    """Keep what pyplot has drawn, or else what the script calls `figure`."""
    drawn = matplotlib_scraper(block, variables, gallery)
    figure = variables["example_globals"].pop("figure", None)
    if drawn or figure is None:
        return drawn
    path = next(variables["image_path_iterator"])
    figure.savefig(path, dpi=150)
    return figure_rst([path], gallery["src_dir"])
