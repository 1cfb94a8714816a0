"""The contest: its data kept apart, its runs those of a plain loop, its choices the best."""

import json
import math
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

from oco import plots
from oco.cli import main
from oco.cli.reproduce import TASKS as OFFERED
from oco.memory import ledger, shapes_of
from oco.results.layout import plain

torch = pytest.importorskip("torch", reason="needs the extra 'torch'")

from oco.integrations.torch import SShampoo  # noqa: E402
from oco.reproduce.quality import TASKS, Placement, Run, load, presentation, quality  # noqa: E402
from oco.reproduce.quality.contest import FIRST_SEED, RATES, TUNING_SEEDS  # noqa: E402
from oco.reproduce.quality.contestants import contestants  # noqa: E402
from oco.reproduce.quality.runs import CURVE, kept, train  # noqa: E402

SHORT = {"rates": [1e-3, 1e-2, 1e4], "seeds": 2, "steps": 3, "rounds": 1, "jobs": 1}


@pytest.fixture(scope="module")
def found():
    return quality("digits-mlp", **SHORT)


def test_the_command_offers_the_tasks_there_are():
    assert tuple(TASKS) == OFFERED
    with pytest.raises(ValueError, match="task: unknown name 'digits'"):
        load("digits")


def test_the_published_rates_and_seeds():
    assert RATES == (1e-3, 3.2e-3, 1e-2, 3.2e-2, 1e-1, 3.2e-1)
    assert TUNING_SEEDS == (100, 101)
    assert {name: load(name).steps for name in TASKS} == {
        "digits-mlp": 300,
        "char-transformer": 200,
        "convnet": 300,
        "wide-transformer": 200,
        "hashed-tokens": 300,
    }


@pytest.mark.parametrize("name", TASKS)
def test_every_task_is_learnt_from_batches_that_a_seed_repeats(name):
    task = load(name)
    first, again, other = (task.batch(torch.Generator().manual_seed(seed)) for seed in (0, 0, 1))
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[0], other[0])
    model = task.network(0)
    with torch.no_grad():
        for inputs, targets in (first, task.validation, task.test):
            outputs = model(inputs[:16])
            assert math.isfinite(task.loss(outputs, targets[:16]).item())
            assert math.isfinite(task.measure(outputs, targets[:16]))


def test_nobody_is_judged_on_digits_that_were_learnt():
    task = load("digits-mlp")
    generator = torch.Generator().manual_seed(0)
    learnt = torch.cat([task.batch(generator)[0] for _ in range(100)]).unique(dim=0)
    assert len(learnt) > 1000 and len(task.validation[1]) == 360 and len(task.test[1]) == 359
    for inputs, _ in (task.validation, task.test):
        # A few images are twice among scikit-learn's.
        both = torch.cat([learnt, inputs.unique(dim=0)])
        assert len(both) - len(both.unique(dim=0)) < 5


@pytest.mark.parametrize("name", ["Adam", "S-Shampoo"])
def test_a_run_is_that_of_a_plain_loop(found, name):
    """From the same seed: the network, 3 batches, a rate that falls linearly, the test set."""
    task = load("digits-mlp")
    placed = next(p for p in found.placements if p.name == name)
    for seed, run in enumerate(placed.runs, FIRST_SEED):
        torch.manual_seed(seed)
        model = torch.nn.Sequential(
            torch.nn.Linear(64, 256), torch.nn.ReLU(), torch.nn.Linear(256, 256), torch.nn.ReLU(),
            torch.nn.Linear(256, 10),
        )  # fmt: skip
        if name == "Adam":
            optimizer = torch.optim.Adam(model.parameters(), betas=(0.9, 0.99))
        else:
            optimizer = SShampoo(model.parameters())
        generator, losses = torch.Generator().manual_seed(seed), []
        for step in range(3):
            optimizer.param_groups[0]["lr"] = placed.rate * (1 - step / 3)
            inputs, labels = task.batch(generator)
            optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(model(inputs), labels)
            losses.append(loss.item())
            loss.backward()
            optimizer.step()
        outputs = model(task.test[0])
        loss = torch.nn.functional.cross_entropy(outputs, task.test[1]).item()
        right = (outputs.argmax(1) == task.test[1]).double().mean().item()
        assert run.test == pytest.approx(loss, rel=1e-5)
        assert run.metric == pytest.approx(100 * right, abs=0.3)
        assert len(run.curve) == 3 and run.curve == pytest.approx(losses, rel=1e-5)


def test_the_rate_is_the_best_of_the_tuning(found):
    assert [placed.name for placed in found.placements] == list(contestants())
    for placed in found.placements:
        assert placed.rate == found.rates[int(np.argmin(placed.tuning))] < 1e4
        tuning = dict(zip(found.rates, placed.tuning, strict=True))
        assert tuning[1e4] == math.inf, "a rate of 10,000 diverges"
    adam = contestants()["Adam"]
    task = load("digits-mlp")
    short = replace(task, steps=3)
    tried = [train(short, adam, 1e-3, seed).validation for seed in TUNING_SEEDS]
    assert found.placements[0].tuning[0] == pytest.approx(np.mean(tried), rel=1e-5)


def entrants():
    if not hasattr(torch.optim, "Muon"):
        pytest.skip("Muon came with PyTorch 2.9")
    pytest.importorskip("pytorch_optimizer", reason="needs the extra 'peers'")
    return contestants(peers=True)


def test_peers_come_last_and_the_ledger_counts_what_each_keeps():
    names = list(entrants())
    assert names[:-3] == list(contestants()) and names[-3:] == ["SOAP", "Muon", "Adafactor"]
    shortest = {"rates": [1e-3], "seeds": 1, "steps": 1, "rounds": 1, "jobs": 1}
    found = quality("digits-mlp", **shortest, peers=True)
    assert [placed.name for placed in found.placements] == names
    shapes = shapes_of(load("digits-mlp").network(0))
    counted, grafted = ledger(shapes, [32]), ledger(shapes, graft="rmsprop")
    states = {
        "S-Shampoo": counted["s-shampoo k=32"].state,
        "Shampoo": grafted["shampoo"].state,
        **{name: counted[name.lower()].state for name in ("Adam", *names[-3:])},
    }
    states["AdamW"] = states["Adam"]
    for placed in found.placements:
        if placed.name in states:
            # τ and the tail of a root are counted, and are scalars here, of each of four sketches.
            held, total = placed.cost.state_bytes, states[placed.name].total
            assert held <= total <= held + 4 * 2 * 4, placed.name
    held = {placed.name: placed.cost.state_bytes for placed in found.placements}
    # Momentum in half of the memory: 85,002 numbers, two bytes less for each.
    assert held["S-Shampoo"] - held["S-Shampoo, bfloat16"] == 2 * 85_002
    assert found.parameters == 85_002 and found.parameter_bytes == 4 * 85_002


def test_muon_leaves_to_adam_what_is_no_matrix():
    torch.manual_seed(0)
    weights = [torch.nn.Parameter(torch.randn(shape)) for shape in [(6, 4), (5,), (3, 2, 2)]]
    both = entrants()["Muon"].make(weights, 0.1)
    assert [len(group["params"]) for group in both.param_groups] == [1, 2]
    before = [w.detach().clone() for w in weights]
    for w in weights:
        w.grad = torch.randn_like(w)
    both.step()
    both.zero_grad()
    assert all(w.grad is None for w in weights)
    # Adam's first step is the rate in each entry.  Muon's singular values are near to each other.
    for w, old in zip(weights[1:], before[1:], strict=True):
        torch.testing.assert_close((w - old).abs(), torch.full_like(w, 0.1), rtol=1e-3, atol=0)
    values = torch.linalg.svdvals(weights[0].detach() - before[0])
    assert values[-1] > 0.5 * values[0]


def test_without_a_peer_one_line_says_what_to_install():
    program = "import sys; sys.modules['pytorch_optimizer'] = None; "
    program += "from oco.__main__ import main; main()"
    command = [sys.executable, "-c", program, "reproduce", "quality", *QUICK, "--peers"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2 and not done.stdout
    assert "peers: pytorch_optimizer is not installed; " in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_nothing_is_left_of_it_in_torch(found):
    torch.set_num_threads(2)
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    quality("digits-mlp", **{**SHORT, "rates": [1e-2], "seeds": 1, "steps": 1})
    assert torch.get_num_threads() == 2 and torch.equal(torch.random.get_rng_state(), before)


def test_workers_come_to_the_same_numbers(found):
    progress = []
    workers = quality(
        "digits-mlp", **{**SHORT, "jobs": 2}, progress=lambda *given: progress.append(given)
    )
    for one, other in zip(found.placements, workers.placements, strict=True):
        assert one.rate == other.rate and one.runs == other.runs
    assert progress == [(i + 1, 40) for i in range(40)]


def test_a_contest_that_was_interrupted_goes_on(tmp_path, monkeypatch):
    short = {"rates": [1e-2], "seeds": 1, "steps": 1, "rounds": 1, "jobs": 1, "out": tmp_path}

    def interrupted(done, total):
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        quality("digits-mlp", **short, progress=interrupted)
    found = len(list(tmp_path.iterdir()))
    assert 4 <= found <= 6
    trained = []

    def counted(*run):
        trained.append(run)
        return train(*run)

    monkeypatch.setattr("oco.reproduce.quality.runs.train", counted)
    whole = quality("digits-mlp", **short)
    assert len(trained) == 5 * (2 + 1) - found and len(list(tmp_path.iterdir())) == 5 * (2 + 1)
    task = replace(load("digits-mlp"), steps=1)
    for placed in whole.placements:
        again = train(task, contestants()[placed.name], 1e-2, FIRST_SEED)
        # With another number of threads sums are rounded in another order.
        assert placed.runs[0].test == pytest.approx(again.test, rel=1e-4)


def test_a_kept_run_that_is_damaged_is_done_again(tmp_path):
    task, adam = replace(load("digits-mlp"), steps=CURVE + 1), contestants()["Adam"]
    run = kept(tmp_path, task, adam, 1e-3, 0)
    (path,) = tmp_path.iterdir()
    assert len(run.curve) == CURVE and kept(tmp_path, task, adam, 1e-3, 0) == run
    text = path.read_text()
    path.write_text(text.replace('"metric": ', '"metric": 1'))
    assert kept(tmp_path, task, adam, 1e-3, 0) == run and path.read_text() == text
    lost = kept(tmp_path, task, adam, 1e9, 0)
    assert lost.test == math.inf and not lost.curve and math.isnan(lost.metric)
    assert repr(kept(tmp_path, task, adam, 1e9, 0)) == repr(lost)
    # Another option of the optimizer is another run, and so are more steps.
    other = replace(adam, make=lambda parameters, lr: adam.make(parameters, lr, weight_decay=0.5))
    assert kept(tmp_path, task, other, 1e-3, 0) != run and len(list(tmp_path.iterdir())) == 3
    assert kept(tmp_path, replace(task, steps=2), adam, 1e-3, 0) != run


def test_words_are_hashed_to_the_rows_that_they_name():
    task = load("hashed-tokens")
    inputs, targets = task.batch(torch.Generator().manual_seed(0))
    assert inputs.shape == (32, 32) and int(targets.max()) < 15
    assert int(inputs.min()) == 0 and 1 <= int(inputs[:, 0].min()) <= int(inputs.max()) < 512
    for x, _ in (task.validation, task.test):
        # What is padded is at the end.
        assert not ((x[:, :-1] == 0) & (x[:, 1:] != 0)).any()


def test_the_wide_transformer_is_the_narrow_one_of_width_256():
    narrow, wide = (load(name) for name in ("char-transformer", "wide-transformer"))
    shapes = [[p.shape for p in task.network(0).parameters()] for task in (narrow, wide)]
    assert len(shapes[0]) == len(shapes[1])
    assert (97, 64) in shapes[0] and (97, 256) in shapes[1] and (1024, 256) in shapes[1]
    assert [len(task.test[0]) for task in (narrow, wide)] == [128, 32]


def drawn_points(axes):
    return {
        (float(x), float(y)) for line in axes.lines for x, y in zip(*line.get_data(), strict=True)
    }


def test_the_figure_shows_losses_over_memory_and_over_time(found):
    figure = plots.quality(found)
    curves, seeds, memory, time = figure.axes
    assert [len(axes.lines) for axes in figure.axes] == [5, 5, 6, 6]
    names = [text.get_text() for text in seeds.get_yticklabels()]
    assert sorted(names) == sorted(contestants())
    means = {placed.name: np.mean([run.test for run in placed.runs]) for placed in found.placements}
    assert names == sorted(means, key=lambda name: -means[name])
    for placed in found.placements:
        point = (placed.cost.state_bytes / found.parameter_bytes, float(means[placed.name]))
        assert point in drawn_points(memory)
        assert (placed.cost.optimizer_ratio, point[1]) in drawn_points(time)
    front = np.array(memory.lines[-1].get_data()).T
    assert (np.diff(front[:, 0]) > 0).all() and (np.diff(front[:, 1]) < 0).all()
    assert front[-1, 1] == min(means.values())
    assert max(curves.lines[0].get_xdata()) == found.steps


def test_who_diverged_has_a_name_and_no_mark(found):
    lost = replace(found.placements[1], runs=(Run(math.inf, math.inf, math.nan),) * 2)
    figure = plots.quality(replace(found, placements=(found.placements[0], lost)))
    curves, seeds, memory, _ = figure.axes
    assert seeds.get_yticklabels()[0].get_text() == lost.name
    assert (
        len(curves.lines) == 1 and len(memory.lines) == 2 and len(seeds.lines[0].get_xdata()) == 0
    )


def test_the_tables_say_what_diverged_and_by_how_much_others_differ(found):
    first, second, *_ = found.placements
    runs = (Run(0.5, 0.6, 90.0), Run(0.5, 0.8, 91.0))
    better = (Run(0.5, 0.5, 92.0), Run(0.5, 0.9, 93.0))
    lost = (Run(math.inf, math.inf, math.nan), runs[0])
    placements = tuple(
        replace(first, name=name, runs=own)
        for name, own in (("Adam", runs), ("better", better), ("lost", lost))
    )
    changed = replace(found, placements=placements)
    rows = plain(presentation.results(changed), width=200).splitlines()
    cells = {row.split("  ")[0]: row for row in rows}
    assert "0.7000 ± 0.1000" in cells["Adam"] and "90.50 ± 0.50" in cells["Adam"]
    assert "+0.0000 ± 0.1000" in cells["better"] and "1/2" in cells["better"]
    assert "1 of 2 diverged" in cells["lost"]
    tuning = plain(presentation.tuning(found), width=200)
    assert tuning.count("*") == 5 and tuning.count("diverged") == 5
    text = json.dumps(presentation.document(changed), allow_nan=False)
    assert json.loads(text)["placements"][2]["runs"][0]["test"] is None
    assert isinstance(second, Placement)


def invoke(*arguments):
    return CliRunner().invoke(main, ["reproduce", "quality", *arguments], prog_name="oco")


QUICK = ("--task=digits-mlp", "--steps=1", "--seeds=1", "--rounds=1", "--jobs=1")


def test_the_command_prints_both_tables_or_one_document(tmp_path):
    table = invoke(*QUICK, "--grid=1e-3:1e-2:2", f"--plot={tmp_path / 'it.svg'}")
    assert "quality against memory" in (tmp_path / "it.svg").read_text()
    assert table.exit_code == 0, table.output
    assert "85,002 parameters, 1 step; 2 rates × 2 seeds" in table.stdout
    assert table.stdout.count("S-Shampoo, bfloat16") == 2
    document = json.loads(invoke(*QUICK, "--grid=1e-2:1e-2:1", "--json").stdout)
    assert document["rates"] == [0.01] and document["tuning_seeds"] == [100, 101]
    assert [len(placed["runs"]) for placed in document["placements"]] == [1] * 5


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--task=digits",), "task: unknown name 'digits'; did you mean 'digits-mlp'?"),
        ((*QUICK, "--grid=1:0.1:3"), "grid: "),
        (("--task=digits-mlp", "--seeds=0"), "seeds: expected an integer from 1 to 100, got 0"),
        (("--task=digits-mlp", "--steps=0"), "steps: expected an integer >= 1, got 0"),
        (("--task=digits-mlp", "--rounds=0"), "rounds: expected an integer >= 1, got 0"),
        (("--task=digits-mlp", "--jobs=0"), "jobs: expected an integer >= 1, got 0"),
        ((*QUICK, f"--out={__file__}"), "out: cannot write to"),
        ((*QUICK, "--plot=it.jpg"), "plot: expected a name that ends in .pdf, .png, .svg"),
    ],
)
def test_what_is_wrong_is_one_line(arguments, words):
    result = invoke(*arguments)
    assert result.exit_code == 2 and not result.stdout
    (line,) = (line for line in result.stderr.splitlines() if line.startswith("Error: "))
    assert words in line


def test_without_pytorch_one_line_says_what_to_install():
    program = "import sys; sys.modules['torch'] = None; from oco.__main__ import main; main()"
    command = [sys.executable, "-c", program, "reproduce", "quality", *QUICK]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2 and not done.stdout
    assert done.stderr.startswith("Error: torch: PyTorch is not installed; ")
    assert len(done.stderr.splitlines()) == 1
