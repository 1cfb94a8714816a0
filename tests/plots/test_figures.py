"""Every figure as an image: each series leaves its own ink, in grey too, and says what refutes it.

A series is taken out of the figure; the picture must change where, and only if, it was drawn.
"""

import io
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.text import Text
from PIL import Image

import oco
from oco import plots
from oco.memory import ledger
from oco.plots import drawing
from oco.ranks import advise
from oco.reproduce import separation, tightness
from oco.sketch import FrequentDirections
from oco.spectra import follow


@pytest.fixture(scope="module")
def runs():
    results = [
        oco.run(name, d=30, k=k, T=300, seed=seed, stream="drift")
        for seed in range(3)
        for name, ks in {"s-adagrad": (4, 8), "ogd": (None,), "full-adagrad": (None,)}.items()
        for k in ks
    ]
    return results


@pytest.fixture(scope="module")
def rated():
    return [
        oco.run("adagrad", d=6, T=100, lr=lr, seed=seed, domain="unconstrained")
        for lr in (0.01, 0.1, 1.0)
        for seed in range(2)
    ]


@pytest.fixture(scope="module")
def figures(runs, rated):
    sketch = FrequentDirections(d=20, k=12)
    sketch.extend(np.random.default_rng(0).standard_normal((200, 20)) * 0.8 ** np.arange(20))
    advice, curve = advise(sketch), tuned()
    separated = separation(d=25, T=300, jobs=1)
    tight = tightness(d=8, T=100, k=3, shape="4x3", jobs=1)
    layer = np.random.default_rng(0).standard_normal((40, 10, 24)) * 0.8 ** np.arange(24)
    studied, vectors = (follow(g, k=5, reference=20, evaluations=4) for g in (layer, layer[:, 0]))
    return {
        "regret": lambda: plots.learners(runs),
        "rank": lambda: plots.rank(runs),
        "spectrum": lambda: plots.spectrum(runs),
        "bounds": lambda: plots.ladder(runs),
        "loss": lambda: plots.rates_of_results(rated),
        "rate": lambda: plots.regret_of_results(rated),
        "tuning": lambda: plots.rates([curve]),
        "progress": lambda: plots.progress(
            [
                (
                    "train",
                    measure,
                    {
                        "ogd": ([1, 10, 100], [0.7, 0.5, 0.4]),
                        "adagrad": ([1, 10, 100], [0.7, 0.45, 0.3]),
                    },
                )
                for measure in ("log loss", "wrong signs")
            ],
            "an example",
        ),
        "advice": lambda: plots.advice(advice),
        "separation": lambda: plots.separation(separated),
        "tightness": lambda: plots.tightness(tight),
        "memory": lambda: plots.memory(ledger([(100, 300), (50,)], [8, 32])),
        "spectra": lambda: plots.spectra(studied),
        "spectra of vectors": lambda: plots.spectra(vectors),
    }


NAMES = (
    "regret", "rank", "spectrum", "bounds", "loss", "rate", "tuning", "progress", "advice",
    "separation", "tightness", "memory", "spectra", "spectra of vectors",
)  # fmt: skip
SERIES = {
    "regret": {"s-adagrad k=4", "s-adagrad k=8", "ogd", "full-adagrad", "slope of √t",
               "_certificate of ogd", "_certificate of s-adagrad k=8"},
    "rank": {"s-adagrad", "ogd", "full-adagrad", "with Ω_k for ρ: Theorem 3"},
    "spectrum": {"λ_i(G_T), s-adagrad k=8", "Ω_k of s-adagrad", "ρ of s-adagrad"},
    "bounds": {"regret", "certificate", "rounds", "trace", "sketch", "theorem-3"},
    "loss": {"adagrad", "_best of adagrad"},
    "rate": {"adagrad", "_best of adagrad"},
    "tuning": {"ogd", "never moving", "_best of ogd", "_off the scale: ogd"},
    "progress": {"ogd", "adagrad"},
    "advice": {"target 1.1", "at least", "mass in the top k − 1 directions: at most",
               "S-AdaGrad's bound over full AdaGrad's: at most"},
    "separation": {"slope of √t"},
    "tightness": {"certificate = regret", "adversary", "matrix-adversary", "multiclass"},
    "memory": {"shampoo: 400 kB", "adam: 120 kB", "s-shampoo", "_chosen"},
    "spectra": {"L, exact", "R, exact", "L, the sketch's view", "L with step 20",
                "R, sketch with exact", "cosine of the steps", "L, τ", "R, at most Ω_k",
                "sketch: λ̄_i + τ", "τ, all the others"},
    "spectra of vectors": {"C, exact", "C, the sketch's view", "C, τ", "cosine of the steps"},
}  # fmt: skip


def tuned():
    return oco.tune("ogd", [1e-2, 1.0, 1e4], d=6, T=100, domain="unconstrained")


def pixels(figure):
    buffer = io.BytesIO()
    figure.savefig(buffer, format="rgba", dpi=80)
    size = int(80 * figure.get_figwidth()), int(80 * figure.get_figheight())
    return np.asarray(Image.frombytes("RGBA", size, buffer.getvalue()).convert("L"), dtype=int)


def lines(figure):
    return [line for axes in figure.axes for line in axes.get_lines()]


@pytest.mark.parametrize("name", NAMES)
def test_every_series_leaves_its_ink_in_grey(figures, name):
    figure = figures[name]()
    assert {line.get_label() for line in lines(figure)} >= SERIES[name]
    pixels(figure)
    # Laid out once: what is taken out must not move the rest.
    figure.set_layout_engine("none")
    assert pixels(figure).std() > 5, "the figure is empty"
    for axes in figure.axes:
        # What cannot change is not painted again and again.
        for other in figure.axes:
            other.set_visible(other is axes)
        whole = pixels(figure)
        for line in axes.get_lines():
            drawn = len(line.get_xdata()) and np.isfinite(line.get_ydata()).any()
            # A band may be narrower than its dot.
            if not drawn or line.get_label() == "_band":
                continue
            line.set_visible(False)
            changed = np.abs(pixels(figure) - whole) > 8
            line.set_visible(True)
            assert changed.sum() > 5, f"{line.get_label()} cannot be seen"


@pytest.mark.parametrize("name", NAMES)
def test_no_two_series_look_the_same_in_grey(figures, name):
    for axes in figures[name]().axes:
        looks = [
            (line.get_linestyle(), str(line._dash_pattern), line.get_marker(), line.get_linewidth(),
             line.get_markerfacecolor() == "none", line.get_markersize())
            for line in axes.get_lines()
            if not line.get_label().startswith("_") and len(line.get_xdata())
        ]  # fmt: skip
        assert len(set(looks)) == len(looks)


@pytest.mark.parametrize("name", NAMES)
def test_legends_are_not_overprinted(figures, name):
    """No point of a series that is shown, no text and no edge of the axes inside a legend."""
    figure = figures[name]()
    figure.draw_without_rendering()
    legends = 0
    for axes in figure.axes:
        if axes.get_legend() is None:
            continue
        legends += 1
        box = axes.get_legend().get_window_extent()
        assert box.x1 <= figure.bbox.x1 + 1, "cut off at the right"
        inside = axes.bbox.x0 <= box.x0 < axes.bbox.x1
        for line in axes.get_lines():
            top = line.get_clip_box().y1
            # A line is as dense as the pixels that it crosses.
            points = line.get_transform().transform(np.column_stack(line.get_data()))
            if len(points) < 2 or line.get_transform() != axes.transData:
                continue
            steps = np.linspace(0, 1, 200)[:, None, None]
            dense = (points[:-1] + steps * np.diff(points, axis=0)).reshape(-1, 2)
            x, y = dense[dense[:, 1] <= top].T
            hidden = (box.x0 < x) & (x < box.x1) & (box.y0 < y) & (y < box.y1)
            assert not (inside and hidden.any()), line.get_label()
        for text in axes.texts:
            assert not box.overlaps(text.get_window_extent()), text.get_text()
    assert legends


@pytest.mark.parametrize("name", NAMES)
def test_every_text_can_be_read_800_pixels_wide(figures, name):
    figure = figures[name]()
    figure.draw_without_rendering()
    pixel = 800 / (72 * figure.get_figwidth())
    texts = [*figure.texts, *(text for axes in figure.axes for text in axes.texts)]
    for axes in figure.axes:
        texts += [axes.xaxis.label, axes.yaxis.label, *axes.get_xticklabels()]
        texts += axes.get_legend().get_texts() if axes.get_legend() else []
    for text in texts:
        assert text.get_fontsize() * pixel >= 10, text.get_text()


def test_sizes_of_one_learner_differ_in_lightness_marker_and_dashes(runs):
    names = ["ogd", *["s-adagrad"] * 5]
    looks = [drawing.style("s-adagrad", names, variant) for variant in range(5)]
    lightness = [np.dot(to_rgb(look["color"]), [0.299, 0.587, 0.114]) for look in looks]
    # The larger, the darker, by steps that a grey print shows.
    assert (np.diff(lightness) < -0.05).all()
    assert len({look["marker"] for look in looks}) == 5
    assert len({str(look["linestyle"]) for look in looks}) == 5
    found = {line.get_label(): line for line in lines(plots.learners(runs))}
    small, large = found["s-adagrad k=4"], found["s-adagrad k=8"]
    assert small.get_color() != large.get_color() and small.get_marker() != large.get_marker()


@pytest.mark.parametrize("name", NAMES)
def test_a_vector_file_says_what_it_shows(figures, name, tmp_path):
    figure = figures[name]()
    plots.save(figure, tmp_path / "figure.svg")
    root = ElementTree.parse(tmp_path / "figure.svg").getroot()
    space = {"svg": "http://www.w3.org/2000/svg"}
    title, caption = (root.findtext(f"svg:{tag}", namespaces=space) for tag in ("title", "desc"))
    first = figure.get_suptitle() or figure.axes[0].get_title(loc="left")
    assert title.startswith(" ".join(first.split())) and title
    assert caption == " ".join(figure.get_supxlabel().split())


@pytest.mark.parametrize("name", NAMES)
def test_axes_title_and_caption_speak(figures, name):
    figure = figures[name]()
    assert "efuted" in figure.get_supxlabel()
    assert figure.get_suptitle() or figure.axes[0].get_title(loc="left")
    for axes in figure.axes:
        assert axes.get_xlabel(), "an axis without a label"
        assert axes.get_ylabel() or axes.get_yticklabels()


@pytest.mark.parametrize("name", NAMES)
def test_the_vector_file_is_the_same_each_time_and_nothing_is_cut_off(figures, name, tmp_path):
    figure = figures[name]()
    figure.draw_without_rendering()
    renderer = FigureCanvasAgg(figure).get_renderer()
    box = figure.bbox
    titles = [
        part
        for axes in figure.axes
        for part in axes.get_children()
        if isinstance(part, Text) and part.get_text() == axes.get_title(loc="left") != ""
    ]
    assert (titles or figure.get_suptitle()) and figure.get_supxlabel()
    for text in [*figure.texts, *titles]:
        extent = text.get_window_extent(renderer)
        assert box.x0 <= extent.x0 and extent.x1 <= box.x1 + 1 and extent.y0 >= box.y0
    for suffix in ("svg", "pdf") if name == "rank" else ("svg",):
        paths = [tmp_path / f"{i}.{suffix}" for i in range(2)]
        for path in paths:
            plots.save(figures[name](), path)
        assert paths[0].read_bytes() == paths[1].read_bytes()
        assert b"<image" not in paths[0].read_bytes(), "a bitmap in a vector figure"


def test_bands_over_seeds_are_quantiles(runs):
    figure = plots.learners(runs)
    (line,) = [line for line in lines(figure) if line.get_label() == "ogd"]
    regret = np.array([r.trace.regret for r in runs if r.summary.algorithm == "ogd"])
    middle = np.median(regret, axis=0)
    np.testing.assert_allclose(line.get_ydata()[middle > 0], middle[middle > 0])
    assert len(figure.axes[0].collections) == 8
    assert "band over 3 seeds" in figure.get_supxlabel().replace("\n", " ")


def test_the_bars_of_the_rank_figure_add_up_to_the_sketch_bound(runs):
    axes = plots.rank(runs).axes[1]
    trace, tail = axes.containers
    for i, k in enumerate((4, 8)):
        bounds = [
            {bound.name: bound.value for bound in r.summary.bounds}
            for r in runs
            if r.summary.k == k
        ]
        full = np.median([r.summary.full_adagrad_bound for r in runs if r.summary.k == k])
        assert trace[i].get_height() == pytest.approx(full)
        total = trace[i].get_height() + tail[i].get_height()
        assert total == pytest.approx(np.median([b["sketch"] for b in bounds]), rel=0.02)


def test_a_violated_bound_is_marked_in_the_ladder(runs):
    broken = runs[2]
    bounds = tuple(bound.replace(holds=False) for bound in broken.summary.bounds)
    figure = plots.ladder([broken.replace(summary=broken.summary.replace(bounds=bounds))])
    words = [text.get_text() for text in figure.axes[0].texts]
    assert words and all("VIOLATED" in word for word in words)


def test_a_rate_that_diverged_is_marked_and_not_the_best():
    curve = tuned()
    found = {line.get_label(): line for line in lines(plots.rates([curve]))}
    assert list(found["_off the scale: ogd"].get_xdata()) == [1e4]
    assert list(found["_best of ogd"].get_xdata()) == [curve.best.experiment.lr]


def test_what_cannot_be_drawn_is_refused(runs):
    with pytest.raises(ValueError, match="no learner that sketches"):
        plots.rank([run for run in runs if run.summary.k is None])
    with pytest.raises(ValueError, match="nothing to draw"):
        plots.spectrum([run for run in runs if run.spectrum is None])
