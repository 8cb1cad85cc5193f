"""The bar, and the command that goes on from a search."""

from __future__ import annotations

import re

import pytest

from bittrader.cli import run
from bittrader.cli.searching import bar, closing
from bittrader.market.sample import synthetic
from bittrader.market.store import store
from bittrader.optimize.loop import Progress
from bittrader.optimize.studies import found, shelf
from bittrader.optimize.studies.study import Study


@pytest.mark.parametrize("waits_for", ["", "the cluster: its head cannot be reached, and nobody knows when it can"])
def test_the_bar_keeps_to_one_line_of_80_columns(monkeypatch, capsys, waits_for):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "80")
    with bar("profit") as move:
        move(Progress(600, 123, 4, 127, 38.0, -0.00938709, waits_for=waits_for))
    frames = re.split(r"[\r\n]+", re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", capsys.readouterr().err))
    drawn = [frame for frame in frames if frame.strip() and "Preparing" not in frame]
    assert drawn
    assert all("127/600 4 failed" in frame for frame in drawn), drawn


@pytest.mark.parametrize(("seconds", "finished", "lines"), [(2.5, 0, 1), (0.5, 0, 0), (2.5, 1, 0)])
def test_that_nothing_finishes_is_said_once_and_why_and_not_in_the_first_moment(capsys, seconds, finished, lines):
    cause = "" if finished else "it returned no valeu, only value"
    with bar("valeu") as move:
        for failed in (3, 4):
            move(Progress(600, finished, failed, failed, seconds, None, failure=cause))
    said = capsys.readouterr().err
    assert said.count("3 failed, and none has finished so far: it returned no valeu, only value") == lines
    assert said.count("\n") == lines


@pytest.mark.parametrize("kind", ['"float"\nlow = 0.0\nhigh = 1.0', '"int"\nlow = 0\nhigh = 3'], ids=["some", "every"])
def test_a_function_that_always_fails_is_to_be_mended_and_not_given_more_trials(tmp_path, capsys, kind):
    (tmp_path / "mine.py").write_text("def mine(x):\n    return {'value': x}\n")
    (tmp_path / "space.toml").write_text(f"[parameters.x]\nkind = {kind}\n")
    words = [f"{tmp_path / 'mine.py'}:mine", "--space", str(tmp_path / "space.toml"), "--objective", "valeu"]
    assert run(["optimize", *words, "--trials", "4", "--study", "one"]) == 1
    said = capsys.readouterr()
    assert "it returned no valeu, only value" in said.err
    assert "Go on" not in said.out
    run(["studies", "resume", "one"])
    assert "one is complete: no evaluation finished. Why: bittrader studies show one" in capsys.readouterr().err


@pytest.mark.parametrize("interrupted", [False, True])
def test_what_was_searched_on_the_cluster_goes_on_there(interrupted):
    store(synthetic(bars=3000), "made-up")
    words = ["sma-cross", "made-up", "--trials", "10", "--sampler", "random", "--study", "one", "--no-report"]
    assert run(["optimize", *words]) == 0
    with Study.read(shelf.path_of("one")) as study:
        summary = found.summary(study)
        said = {
            on: closing(summary, study.path, None, on, interrupted=interrupted, budget=10).plain
            for on in ("local", "cluster")
        }
    assert "--on" not in said["local"]
    more = "" if interrupted else " --trials 20"
    assert f"bittrader studies resume one{more} --on cluster" in said["cluster"]
