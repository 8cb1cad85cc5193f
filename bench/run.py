"""Every bar of the project's speed beside our figure: `make bench` (`--quick`: a glance, `--full`: a million too)."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sqlite3
import sys
import tempfile
import time
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import samplers
from measure import HERE, Figure, Place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from measure import Process

DOCUMENT = HERE.parent / "Documentation" / "PERFORMANCE_BENCHMARKS.md"
MARK = "<!-- below: written by `make bench ARGS=--document` -->"
BITTRADER = Path(sys.executable).with_name("bittrader")


@dataclass(frozen=True)
class Row:
    """One figure beside its bar. A row without a bar is there to compare with."""

    what: str
    unit: str
    figure: Figure
    bar: float | None = None
    ambition: float | None = None
    note: str = ""

    def verdict(self) -> str:
        if self.bar is None:
            return ""
        if self.ambition is not None and self.figure.middle <= self.ambition:
            return "ambition"
        return "reached" if self.figure.middle <= self.bar else "MISSED"


@dataclass(frozen=True)
class Sizes:
    """How much is measured."""

    sets: int
    own_sets: int
    many: int
    trials: int
    runs: int
    cold_runs: int


QUICK = Sizes(sets=160, own_sets=40, many=2_000, trials=10_000, runs=3, cold_runs=1)
USUAL = Sizes(sets=800, own_sets=200, many=10_000, trials=100_000, runs=7, cold_runs=3)


def machine(place: Place) -> Iterator[Row]:
    speeds = place.job("calibrate")
    yield Row("this machine: a million additions in plain Python", "ms", Figure.of(speeds["python"]))
    yield Row("this machine: ten passes of numpy over 300,000 numbers", "ms", Figure.of(speeds["numpy"]))


def evaluations(place: Place, sizes: Sizes) -> Iterator[Row]:
    for name, bar, ambition in (("w1", 0.50, 0.25), ("w2", 1.2, 0.5)):
        got = place.job(name, sizes.sets)
        ours, plain = Figure.of(got["ms"]), Figure.of(got["plain_ms"])
        note = f"{plain.middle / ours.middle:.1f} times the plain engine's speed; they agree on {got['agree']} sets"
        title = f"{name.upper()}, per evaluation, float64, one thread"
        yield Row(title, "ms", ours, bar, ambition, note)
        yield Row(f"{name.upper()}, plain engine", "ms", plain, note=f"some {got['trades']:,} trades a set")
    own = place.job("own", sizes.own_sets)
    yield Row("a user's own strategy: indicators and array comparisons", "ms", Figure.of(own["indicators"]), 3.0, 1.0)
    yield Row("a user's own strategy: numpy alone", "ms", Figure.of(own["numpy"]))


def processes(place: Place, sizes: Sizes) -> Iterator[Row]:
    place.job("many", 10)
    runs = [place.process(sys.executable, HERE / "jobs.py", "many", sizes.many) for _ in range(sizes.runs)]
    title = f"{sizes.many:,} x W1, one thread, whole process"
    cpu = Figure.of([run.user + run.system for run in runs])
    bars = (6.0, 3.0) if sizes.many == USUAL.many else (None, None)
    yield Row(title, "s", Figure.of([run.wall for run in runs]), *bars, _cpu(cpu))
    yield Row(f"{title}: peak memory", "MB", Figure.of([run.peak_mb for run in runs]), 500, 250)

    warm = [_optimize(place, 80) for _ in range(sizes.runs + 1)][1:]
    cpu = Figure.of([run.user + run.system for run in warm])
    yield Row(
        "optimize, 80 evaluations, whole process", "s", Figure.of([run.wall for run in warm]), 3.0, 1.5, _cpu(cpu)
    )
    first = [_optimize(place, 80, place.cold()) for _ in range(sizes.cold_runs)]
    cpu = Figure.of([run.user + run.system for run in first])
    yield Row(
        "the same, very first run on a machine", "s", Figure.of([run.wall for run in first]), 20.0, 8.0, _cpu(cpu)
    )

    help_ = Figure.of([place.process(BITTRADER, "--help").wall for _ in range(2 * sizes.runs)])
    yield Row("bittrader --help", "s", help_, 0.3, 0.15)
    bare = Figure.of([place.process(sys.executable, "-c", "pass").wall for _ in range(2 * sizes.runs)])
    yield Row("Python itself, doing nothing", "s", bare)


def searches(place: Place, sizes: Sizes, *, full: bool) -> Iterator[Row]:
    title = f"search overhead per evaluation at {sizes.trials:,} trials"
    yield Row(title, "ms", Figure.of(place.job("overhead", sizes.trials)["ms"]), 0.3, 0.05)
    if full:
        yield _million(place)


def clusters(place: Place, sizes: Sizes) -> Iterator[Row]:
    def job(name: str, count: int) -> dict[str, float]:
        answer: dict[str, float] = json.loads(place.process(sys.executable, HERE / "cluster.py", name, count).output)
        return answer

    rows, few = sizes.many, range(min(sizes.runs, 3))
    deciding = [job("dispatch", sizes.many) for _ in few]
    title = "cluster: deciding where a batch goes, 50 nodes with 1,000 slots, simulated"
    yield Row(title, "us", Figure.of([run["us"] for run in deciding]), 1_000, 100, "of processor time a batch")
    empty = [job("overhead", 1_000) for _ in few]
    yield Row(
        "cluster: a batch that takes nothing, there and back", "ms", Figure.of([run["ms"] for run in empty]), 5, 1
    )
    first = Figure.of([run["first_s"] for run in empty])
    yield Row("cluster: from connecting to the first answer", "s", first, note="nearly all of it Ray")
    for what, key in (("the bridge", "bridge_mb"), ("the process on a node", "actor_mb")):
        yield Row(f"cluster: memory of {what}", "MB", Figure.of([run[key] for run in empty]), note="its own")
    two = Figure.of([job("two_nodes", rows)["share"] for _ in few])
    yield Row(f"cluster: {rows:,} evaluations on 2 equal nodes, time against one", "x", two, 1 / 1.9, note=_times(two))
    uneven = Figure.of([job("four_to_one", rows)["share"] for _ in few])
    title = f"cluster: {rows:,} evaluations on nodes of 4:1, time against never idle"
    yield Row(title, "x", uneven, 1 / 0.95, note=f"{100 / uneven.middle:.1f} % of the sum of their speeds")
    whole = Figure.of([job("searches", rows)["share"] for _ in few])
    title = f"cluster: a search of {rows:,} x W1 on 2 nodes of one core, time against one"
    yield Row(title, "x", whole, note=f"{_times(whole)}; nodes, bridge and search all share this machine")


def _times(share: Figure) -> str:
    return f"{1 / share.middle:.2f} times the speed"


def _million(place: Place) -> Row:
    """A million trials of W1 over lengths enough that nearly all differ; says how many were evaluated."""
    words = (
        f"{HERE / 'workloads.py'}:WideCross",
        "bench-297000",
        "--trials",
        1_000_000,
        "--sampler",
        "random",
        "--json",
    )
    run = place.process(BITTRADER, "optimize", *words, "--study", "bench-million")
    path = Path(json.loads(run.output)["path"])
    with closing(sqlite3.connect(path)) as study:
        (evaluated,) = study.execute("SELECT COUNT(*) FROM trials WHERE same_as IS NULL").fetchone()
    note = (
        f"{evaluated:,} different sets; {_cpu(Figure.of([run.user + run.system]))}; peak memory {run.peak_mb:.0f} MB;"
        f" the file {path.stat().st_size / 1e6:.0f} MB"
    )
    return Row("a study of 1,000,000 trials of W1", "min", Figure.of([run.wall / 60]), 10.0, 4.0, note)


def _cpu(figure: Figure) -> str:
    return f"{figure.middle:.2f} s of processor time"


def _optimize(place: Place, trials: int, variables: dict[str, str] | None = None) -> Process:
    words = ("sma-cross", "bench-297000", "--trials", trials, "--study", f"bench-{time.time_ns()}", "--json")
    return place.process(BITTRADER, "optimize", *words, variables=variables)


def measured(place: Place, sizes: Sizes, *, full: bool, cluster: bool) -> Iterator[Row]:
    yield from machine(place)
    if cluster:
        yield from clusters(place, sizes)
        return
    place.job("candles")
    yield from evaluations(place, sizes)
    yield from processes(place, sizes)
    yield from searches(place, sizes, full=full)


def told(number: float) -> str:
    return f"{number:.3g}" if number < 100 else f"{number:,.0f}"


def cells(row: Row) -> tuple[str, ...]:
    spread = f"{told(row.figure.low)} to {told(row.figure.high)}"
    limits = ("" if limit is None else f"{told(limit)} {row.unit}" for limit in (row.bar, row.ambition))
    return (row.what, f"{told(row.figure.middle)} {row.unit}", spread, *limits, row.verdict(), row.note)


HEADS = ("what", "median", "lowest to highest", "bar", "ambition", "", "")


def markdown(rows: list[Row], title: str) -> str:
    lines = [HEADS, ("---", "---:", "---", "---:", "---:", "---", "---"), *map(cells, rows)]
    return f"{title}\n\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def documented(text: str, table: str) -> str:
    """The document with this table in the place of the last one."""
    head, _ = text.split(MARK)
    return f"{head}{MARK}\n\n{table}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer repetitions, smaller searches")
    parser.add_argument("--full", action="store_true", help="also a study of a million evaluations")
    parser.add_argument("--cluster", action="store_true", help="measure a cluster instead, on real Ray nodes here")
    parser.add_argument("--samplers", action="store_true", help="compare the samplers instead: a quarter of an hour")
    parser.add_argument("--document", action="store_true", help="write the table into the document, too")
    asked = parser.parse_args()
    title = (
        f"{time.strftime('%Y-%m-%d')}, {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    )
    if asked.samplers:
        samplers.run(title, document=asked.document)
        return
    if not hasattr(os, "wait4"):
        sys.exit("bench: processes are measured with wait4, which this system lacks. Linux and macOS have it.")
    rows = []
    print(f"{'':58}{'median':>12}  {'lowest to highest':20}{'bar':>9}{'ambition':>11}", flush=True)
    with tempfile.TemporaryDirectory(prefix="bittrader-bench-") as folder:
        for row in measured(
            Place(Path(folder)), QUICK if asked.quick else USUAL, full=asked.full, cluster=asked.cluster
        ):
            rows.append(row)
            what, middle, spread, bar, ambition, verdict, note = cells(row)
            print(f"{what:58}{middle:>12}  {spread:20}{bar:>9}{ambition:>11}  {verdict:9}{note}", flush=True)
    results = HERE / "results"
    results.mkdir(exist_ok=True)
    facts = {"when": title, "command": sys.argv[1:], "rows": [asdict(row) for row in rows]}
    (results / "latest.json").write_text(json.dumps(facts, indent=1))
    (results / "latest.md").write_text(markdown(rows, title))
    if asked.document:
        DOCUMENT.write_text(documented(DOCUMENT.read_text(encoding="utf-8"), markdown(rows, title)), encoding="utf-8")
    print(f"Kept as {results / 'latest.json'} and latest.md.")


if __name__ == "__main__":
    main()
