"""The benchmark's yardstick is right: the plain engine and ours agree, so comparing their speed means something."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

BENCH = Path(__file__).parents[2] / "bench"


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Imports a module of the benchmark."""
    monkeypatch.syspath_prepend(str(BENCH))
    yield importlib.import_module
    for path in BENCH.glob("*.py"):
        sys.modules.pop(path.stem, None)


@pytest.mark.parametrize("workload", ["w1", "w2"])
def test_the_plain_engine_agrees_with_ours(bench: Any, monkeypatch: pytest.MonkeyPatch, workload: str) -> None:
    jobs, workloads = bench("jobs"), bench("workloads")
    series = workloads.candles(20_000)
    monkeypatch.setattr(workloads, "candles", lambda: series)
    monkeypatch.setattr(jobs, "REPEATS", 1)
    measured = getattr(jobs, workload)(20)
    assert measured["agree"] == "20 of 20"
    assert measured["trades"] > 10


def test_a_figure_is_judged_by_its_median(bench: Any) -> None:
    run, measure = bench("run"), bench("measure")
    figure = measure.Figure.of([3.0, 1.0, 2.5])
    assert (figure.middle, figure.low, figure.high) == (2.5, 1.0, 3.0)
    rows = [run.Row("x", "ms", figure, bar, ambition) for bar, ambition in ((2.0, 1.0), (2.5, 1.0), (3.0, 2.5))]
    assert [row.verdict() for row in rows] == ["MISSED", "reached", "ambition"]
    assert run.Row("x", "ms", figure).verdict() == ""


@pytest.mark.skipif(not hasattr(os, "wait4"), reason="the system does not account for processes in this way")
def test_processes_are_accounted_for_and_start_cold_when_asked(bench: Any, tmp_path: Path) -> None:
    place = bench("measure").Place(tmp_path)
    program = "import os; sum(range(10**6)); print(os.environ['NUMBA_CACHE_DIR'])"
    warm = place.process(sys.executable, "-c", program)
    cold = place.process(sys.executable, "-c", program, variables=place.cold())
    assert warm.wall > 0
    assert warm.user > 0
    assert 1 < warm.peak_mb < 1_000
    assert warm.output != cold.output


def test_the_table_is_markdown(bench: Any) -> None:
    run, measure = bench("run"), bench("measure")
    row = run.Row("W1", "ms", measure.Figure(0.3, 0.2, 1234.0), 0.5, 0.25, "a note")
    assert run.markdown([row], "a day").splitlines()[-1] == (
        "| W1 | 0.3 ms | 0.2 to 1,234 | 0.5 ms | 0.25 ms | reached | a note |"
    )


def test_the_document_keeps_its_words_and_takes_the_new_table(bench: Any) -> None:
    run = bench("run")
    text = run.DOCUMENT.read_text(encoding="utf-8")
    once = run.documented(text, "a table\n")
    assert once.startswith(text.split(run.MARK)[0])
    assert run.documented(once, "a table\n") == once


def test_the_hypervolume_is_the_share_of_the_plane_that_is_dominated(bench: Any) -> None:
    samplers = bench("samplers")
    rng = np.random.default_rng(1)
    values = np.column_stack([rng.uniform(-1, 2, 40), rng.uniform(0.1, 0.9, 40)])
    values[3] = np.nan
    sharpe, drawdown = np.meshgrid((np.arange(400) + 0.5) / 200, (np.arange(400) + 0.5) / 400)
    dominated = [(sharpe <= a) & (drawdown >= b) for a, b in values[~np.isnan(values[:, 0])]]
    slow = 2 * np.any(dominated, axis=0).mean()
    assert samplers.hypervolume(samplers.Search(values, 0.0)) == pytest.approx(slow, abs=0.01)


def test_samplers_are_compared_on_the_same_searches(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    samplers = bench("samplers")
    series = bench("workloads").candles(20_000)
    monkeypatch.setattr(samplers, "candles", lambda: series)
    for name, value in (("STRATEGIES", ("sma-cross",)), ("BUDGETS", (20, 40)), ("SECONDS", 0.01), ("SEEDS", (1, 2))):
        monkeypatch.setattr(samplers, name, value)
    monkeypatch.setattr(samplers, "ALONE", ("de", "random"))
    cells = list(samplers.compared())
    assert [(cell.what, cell.sampler) for cell in cells if "front" not in cell.what] == [
        (what, name) for what in ("20", "40", "0.01 s") for name in ("de", "random")
    ]
    assert all(len(cell.scores) == 2 for cell in cells)
    table = samplers.markdown(cells)
    assert table.count("**") >= 2 * len({cell.what for cell in cells})
    once = samplers.documented(samplers.DOCUMENT.read_text(encoding="utf-8"), table)
    assert table in once
    assert samplers.documented(once, table) == once
