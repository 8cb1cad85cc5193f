"""What a power cut leaves: all that was said to be done, and nothing by halves."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.optimize.studies import contents
from tests.power import Disk

from bittrader import paths
from bittrader.cli import run
from bittrader.market.sample import synthetic
from bittrader.market.store import load_candles, store
from bittrader.optimize.studies.study import Study

CUTS = 3
# Beyond this, something hangs.
PATIENCE_SECONDS = 60

WRITER = """
import sys
from itertools import count
from pathlib import Path
from bittrader.files import make_folder, written_whole
{imports}
for number in count(int(sys.argv[1])):
    {deed}
    print(number, flush=True)
"""
FILES = {
    "imports": "",
    "deed": """
    for path in (Path("same"), Path(f"folder/{number}/new")):
        make_folder(path.parent)
        with written_whole(path) as part:
            part.write_text(f"{number} " * 3000)
""",
}
CANDLES = {
    "imports": "from bittrader.market.sample import synthetic; from bittrader.market.store import store",
    "deed": 'store(synthetic(bars=500 + number), f"c{number}")',
}
STUDIES = {
    "imports": "from bittrader.optimize.studies.study import Study; from tests.optimize.studies import experiment",
    "deed": 'Study.create(Path(f"studies/s{number}.sqlite"), experiment(trials=1 + number)).close()',
}
STRATEGY = """
import time
from bittrader import Int, Signals, Strategy

class Mine(Strategy):
    n = Int(2, 200)
    m = Int(2, 200)

    def signals(self, chart):
        time.sleep(0.005)
        average = chart.sma(self.n)
        return Signals(enter_long=chart.close > average, exit_long=chart.close < chart.sma(self.m))
"""


@pytest.fixture
def disk(tmp_path, monkeypatch):
    made = Disk(tmp_path)
    monkeypatch.setenv("BITTRADER_HOME", str(made.root))
    yield made
    made.remove()


def started(program, said, *words):
    """A Python program in the folder of the disk, which writes what it says to a file on another one."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[1]), *sys.path])}
    command = [sys.executable, "-c", program, *map(str, words)]
    with said.open("wb") as file:
        return subprocess.Popen(command, cwd=paths.home(), env=environment, stdout=file, stderr=subprocess.STDOUT)


def wait_until(true, process):
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not true() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.001)


def cut_off(disk, process):
    """The power is cut while a program runs."""
    disk.cut()
    process.kill()
    process.wait(PATIENCE_SECONDS)
    disk.restart()


def numbers(said):
    """Those that a writer said, each on a line."""
    return [int(line) for line in said.read_text().splitlines() if line.isdigit()]


def whole_file(number):
    assert Path(f"folder/{number}/new").read_text() == f"{number} " * 3000


def whole_candles(number):
    assert len(load_candles(f"c{number}")) == 500 + number


def whole_study(number):
    with Study.read(Path(f"studies/s{number}.sqlite")) as study:
        assert study.budget == 1 + number


@pytest.mark.parametrize(
    ("kind", "whole", "found"),
    [
        (FILES, whole_file, lambda: (int(path.parent.name) for path in Path("folder").glob("*/new"))),
        (CANDLES, whole_candles, lambda: (int(path.stem[1:]) for path in Path("candles").glob("*.parquet"))),
        (STUDIES, whole_study, lambda: (int(path.stem[1:]) for path in Path("studies").glob("*.sqlite"))),
    ],
    ids=["files", "candles", "studies"],
)
def test_a_power_cut_takes_back_nothing_that_was_said_to_be_written(disk, tmp_path, monkeypatch, kind, whole, found):
    chance = random.Random(str(kind))
    said = tmp_path / "said"
    written, there = [], []
    for _ in range(CUTS):
        process = started(WRITER.format(**kind), said, max(there, default=-1) + 1)
        wait_until(lambda: len(numbers(said)) > 1, process)
        time.sleep(chance.uniform(0, 0.05))
        cut_off(disk, process)
        assert len(numbers(said)) > 1, said.read_text()
        written += numbers(said)
        with monkeypatch.context() as here:
            here.chdir(disk.root)
            there = sorted(found())
            assert set(written) <= set(there)
            for number in there:
                whole(number)
            if kind is FILES:
                words = Path("same").read_text().split()
                assert (len(words), len(set(words))) == (3000, 1)
                assert int(words[0]) >= written[-1]


def test_a_search_whose_power_is_cut_again_and_again_comes_to_the_result_of_an_unbroken_one(
    disk, home, tmp_path, monkeypatch
):
    strategy = tmp_path / "mine.py"
    strategy.write_text(STRATEGY)
    search = ["optimize", f"{strategy}:Mine", "made-up", "--trials", "120", "--sampler", "de", "--study", "a"]
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("BITTRADER_HOME", str(home))
        store(synthetic(bars=2000), "made-up")
        assert run([*search, "--no-report"]) == 0
        unbroken = ended()
    store(synthetic(bars=2000), "made-up")
    disk.cut()
    disk.restart()

    chance = random.Random("cuts")
    known = {}
    studies, reports = paths.studies_dir(), paths.reports_dir()
    moments = [
        lambda: studies.exists() and any(studies.iterdir()),  # as the study is made
        *[lambda: len(ended()) > len(known)] * CUTS,
        lambda: reports.exists() and any(reports.iterdir()),  # as the report is written
    ]
    for number, moment in enumerate(moments):
        words = ["studies", "resume", "a"] if known or study().exists() else search
        process = started("from bittrader.cli import main; main()", tmp_path / "said", *words)
        wait_until(moment, process)
        time.sleep(chance.uniform(0, 0.03) if 0 < number <= CUTS else 0)
        seen = ended()
        cut_off(disk, process)
        assert {**known, **seen}.items() <= ended().items()
        known = ended()
        for report in reports.glob("*.html"):
            assert report.read_text().rstrip().endswith("</html>")
    assert run(["studies", "resume", "a"]) == 0
    assert ended() == unbroken
    assert (reports / "a.html").exists()


def study():
    return paths.studies_dir() / "a.sqlite"


def ended():
    """Every trial that has ended, by number."""
    if not study().exists():
        return {}
    with Study.read(study()) as opened:
        return {row[0]: row for row in contents(opened) if row[2] != "asked"}
