"""What a terminal shows while a command works, and what Ctrl-C leads to there."""

import os
import re
import subprocess
import sys

import pytest

pty = pytest.importorskip("pty")

# Ctrl-C when it is most wanted, and nothing else: at a round, or while the best point is sought.
PROGRAM = """
import os, signal, sys
from oco.cli import main
from oco.experiment import assessment, running

def interrupt():
    os.kill(os.getpid(), signal.SIGINT)

def play(learner, loss, stream, **options):
    update, rounds = learner.update, []
    def counted(g):
        rounds.append(1)
        if len(rounds) == {first}:
            interrupt()
        return update(g)
    learner.update = counted
    return real_play(learner, loss, stream, **options)

def certify(*arguments):
    if {second}:
        interrupt()
    return real_certify(*arguments)

real_play, running.play = running.play, play
real_certify, assessment.certify = assessment.certify, certify
main({arguments!r}, prog_name="oco")
"""
GAME = ["run", "--d=5", "--T=5000"]
OGD = [*GAME, "--alg=ogd"]


def on_a_terminal(arguments, first=0, second=False, columns=80):
    """Return the exit code and what is left to read of what a terminal was sent."""
    program = PROGRAM.format(first=first, second=second, arguments=arguments)
    main, other = pty.openpty()
    environment = {**os.environ, "COLUMNS": str(columns), "TERM": "xterm"}
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=other, stdout=other, stderr=other, env=environment
    ) as process:
        os.close(other)
        sent = b""
        try:
            while chunk := os.read(main, 1 << 16):
                sent += chunk
        except OSError:
            # The terminal's other end is closed.
            pass
        finally:
            os.close(main)
        code = process.wait(timeout=60)
    return code, re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", sent.decode())


def test_every_phase_has_its_line(tmp_path):
    files = [f"--out={tmp_path / 'a'}", f"--plot={tmp_path / 'a.svg'}"]
    code, text = on_a_terminal([*OGD, *files, "--prefix-regret", "--loss=absolute"])
    assert code == 0
    for words in ("playing", "best fixed point", "prefixes", "saving", "drawing"):
        assert re.search(rf"{words} +[━╸╺ ]+", text), words
    assert re.search(r"gap [\d.e+-]+, to be [\d.e+-]+", text)
    assert "certified" in text


@pytest.mark.parametrize("columns", [60, 80])
def test_the_lines_keep_to_the_width(columns):
    code, text = on_a_terminal([*GAME, "--loss=absolute", "--alg=s-adagrad"], columns=columns)
    assert code == 0 and "best fixed point" in text
    assert max(map(len, re.split(r"[\r\n]+", text))) <= columns


def test_ctrl_c_in_a_round_says_what_follows_and_the_result_is_certified():
    code, text = on_a_terminal(OGD, first=1500)
    assert code == 130
    assert "interrupted after round 1,500; certifying these rounds" in text
    assert text.count("INTERRUPTED") == 1
    assert "certified;" in text and "1,500  of 5,000" in text


def test_a_second_ctrl_c_ends_the_search_and_keeps_the_play():
    code, text = on_a_terminal(OGD, first=1500, second=True)
    assert code == 130
    assert text.count("INTERRUPTED") == 1
    words = " ".join(text.split())
    assert "interrupted after round 1500; interrupted while computing the best fixed point" in words
    assert "certified;" not in text and "total loss" in text


def test_without_a_terminal_ctrl_c_is_answered_on_standard_error():
    program = PROGRAM.format(first=1500, second=False, arguments=[*OGD, "--json"])
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert result.returncode == 130
    first, last = result.stderr.splitlines()
    assert first.startswith("interrupted after round 1,500; certifying")
    assert last.startswith("INTERRUPTED: interrupted after round 1500")
