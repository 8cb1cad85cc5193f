from __future__ import annotations

import itertools
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from tests.optimize.spaces import named, tiny
from tests.optimize.studies import contents, evaluate, experiment, run, searched, searching

from bittrader.backtest.metrics import METRICS
from bittrader.optimize.goals import Condition, Objective
from bittrader.optimize.samplers.choose import MANY_OBJECTIVES, SAMPLERS
from bittrader.optimize.studies import found
from bittrader.optimize.studies.study import Study
from bittrader.strategies.parameters import Int
from bittrader.strategies.space import Space

NAMES = [name for name in SAMPLERS if name != "auto"]


@pytest.mark.parametrize("name", NAMES)
def test_every_trial_ends_once_and_the_numbers_are_the_evaluations(tmp_path, name):
    with Study.create(tmp_path / "a.sqlite", searching(name)) as study:
        assert run(study)
        counts = study.counts()
        assert (counts.asked, counts.unanswered) == (60, 0)
        assert counts.failed > 0
        assert set(found.failures(study)) <= {"ValueError: odd parameters", "sharpe is undefined without trades"}
        best = found.best(study, 1)[0]
        assert best.metrics["sharpe"] == max(trial.metrics["sharpe"] for trial in found.best(study, 1000))


@pytest.mark.parametrize("name", NAMES)
def test_the_result_does_not_depend_on_the_number_of_threads(tmp_path, name):
    one = searched(tmp_path / "one.sqlite", searching(name), threads=1)
    four = searched(tmp_path / "four.sqlite", searching(name), threads=4)
    assert one == four


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("after", [0, 1, 35])
def test_a_search_that_was_stopped_goes_on_to_the_result_of_an_unbroken_one(tmp_path, name, after):
    unbroken = searched(tmp_path / "unbroken.sqlite", searching(name))
    path = tmp_path / "broken.sqlite"
    with Study.create(path, searching(name)) as study:
        evaluations = itertools.count()
        complete = run(study, progress=lambda _: next(evaluations), stopped=lambda: study.counts().finished >= after)
        assert complete == (study.counts().unanswered == 0 and study.counts().asked == 60)
    with Study.write(path) as study:
        assert run(study)
        assert contents(study) == unbroken


@pytest.mark.parametrize("name", NAMES)
def test_the_defaults_are_tried_first_except_by_a_grid(tmp_path, name):
    facts = searching(name)
    with Study.create(tmp_path / "a.sqlite", facts) as study:
        run(study)
        columns = ", ".join(study.parameter_columns)
        first = study.connection.execute(f"SELECT {columns} FROM trials WHERE number = 0").fetchone()
    assert (first == tuple(facts.space.defaults)) == (name != "grid")


def test_what_runs_when_the_search_is_stopped_is_still_written(tmp_path):
    running, asked_to_stop = threading.Event(), threading.Event()

    def slowly(rows):
        running.set()
        asked_to_stop.wait(5)
        return evaluate(rows)

    with Study.create(tmp_path / "a.sqlite", searching("random")) as study:

        def stopped():
            if running.is_set():
                asked_to_stop.set()
            return running.is_set()

        assert not run(study, slowly, threads=1, stopped=stopped)
        counts = study.counts()
        assert counts.finished + counts.failed > 0


def test_a_search_whose_sets_are_all_tried_ends_early(tmp_path):
    with Study.create(tmp_path / "a.sqlite", searching("grid", space=tiny())) as study:
        assert run(study)
        assert study.counts().asked == 8


@pytest.mark.parametrize("name", [name for name in NAMES if name != "grid"])
def test_a_search_ends_when_there_is_nothing_left_to_try(tmp_path, name):
    path = tmp_path / "a.sqlite"
    with Study.create(path, searching(name, trials=400, space=tiny())) as study:
        assert run(study)
        counts = study.counts()
        assert counts.asked - counts.repeated == 8
        assert counts.asked < 400
        assert found.is_complete(study)
        assert found.trials_in_all(study) == counts.asked
        assert found.is_exhausted(study)
    with Study.write(path) as study:
        study.allow(800)
        assert run(study)
        assert study.counts().asked == counts.asked


def test_a_grid_of_the_few_sets_that_constraints_leave_is_exhausted(tmp_path):
    each = named(**{name: Int(0, 8) for name in "abcdef"})
    space = Space(each, tuple(one < other for one, other in itertools.pairwise(each)))
    with Study.create(tmp_path / "a.sqlite", searching("grid", trials=100, space=space)) as study:
        assert run(study)
        assert study.counts().asked == 84
        assert found.is_exhausted(study)


def test_more_trials_go_on_where_the_search_ended(tmp_path):
    path = tmp_path / "a.sqlite"
    first = searched(path, searching("de"))
    with Study.write(path) as study:
        assert not found.is_exhausted(study)
        study.allow(100)
        assert run(study)
        assert study.counts().asked == 100
        assert contents(study)[: len(first)] == first


def test_an_exception_outside_any_evaluation_is_the_failure_of_its_batch(tmp_path):
    def broken(rows):
        raise RuntimeError("no engine")

    with Study.create(tmp_path / "a.sqlite", experiment()) as study:
        assert run(study, broken)
        assert found.failures(study) == {"RuntimeError: no engine": 100}
        assert found.summary(study).best == ()


@pytest.mark.parametrize("all_fail", [False, True])
def test_progress_says_why_evaluations_fail_until_one_has_finished(tmp_path, all_fail):
    def broken(rows):
        raise RuntimeError("no engine")

    seen = []
    with Study.create(tmp_path / "a.sqlite", searching("random")) as study:
        run(study, broken if all_fail else evaluate, progress=seen.append)
    assert all(bool(one.failure) == (one.failed > 0 and one.finished == 0) for one in seen)
    assert ("RuntimeError: no engine" in {one.failure for one in seen}) == all_fail
    assert bool(seen[-1].failure) == all_fail


def test_progress_counts_up_to_the_budget(tmp_path):
    seen = []
    with Study.create(tmp_path / "a.sqlite", searching("tpe")) as study:
        run(study, progress=seen.append)
        best = found.best(study, 1)[0].metrics["sharpe"]
    done = [one.finished + one.failed for one in seen]
    assert done == sorted(done)
    assert done[-1] == seen[-1].trials == 60
    assert seen[-1].best == best


VICTIM = """
import sys, time
from pathlib import Path
from bittrader.optimize.studies.study import Study
from tests.optimize.studies import evaluate, run, searching

def slowly(rows):
    time.sleep(0.016 * len(rows))
    return evaluate(rows)

path = Path(sys.argv[1])
with (Study.write(path) if path.exists() else Study.create(path, searching(sys.argv[2]))) as study:
    run(study, slowly)
print("whole")
"""


@pytest.mark.parametrize("name", ["random", "de", "tpe"])
def test_kill_9_at_any_moment_loses_no_finished_evaluation(tmp_path, name):
    root = Path(__file__).parents[2]
    path = tmp_path / "killed.sqlite"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(root), *sys.path])}
    chance = random.Random(name)
    finished, kills = {}, 0
    while True:
        victim = subprocess.Popen(
            [sys.executable, "-c", VICTIM, str(path), name], env=environment, stdout=subprocess.PIPE, text=True
        )
        deadline = time.monotonic() + 60
        while victim.poll() is None and not grown(path, len(finished)) and time.monotonic() < deadline:
            time.sleep(0.005)
        time.sleep(chance.uniform(0, 0.05))
        if kills < 4:
            victim.send_signal(signal.SIGKILL)
        said = victim.communicate(timeout=60)[0]
        kills += victim.returncode == -signal.SIGKILL
        before, finished = finished, ended(path)
        assert before.items() <= finished.items()
        if said == "whole\n":
            break
    assert kills >= 2
    with Study.read(path) as study:
        assert contents(study) == searched(tmp_path / "unbroken.sqlite", searching(name))


def grown(path, finished):
    return path.exists() and len(ended(path)) > finished


def ended(path):
    """Every trial that has ended, by number."""
    if not path.exists():
        return {}
    with Study.read(path) as study:
        return {row[0]: row for row in contents(study) if row[2] != "asked"}


def test_a_search_of_a_space_that_is_used_up_can_be_stopped(tmp_path):
    wishes = iter([False] * 400)
    with Study.create(tmp_path / "a.sqlite", searching("random", trials=10**9)) as study:
        assert not run(study, stopped=lambda: next(wishes, True))


def test_a_cause_that_no_file_can_hold_is_written_in_other_words(tmp_path):
    def half(rows):
        raise ValueError("half a character: \ud800")

    with Study.create(tmp_path / "a.sqlite", searching("random", trials=3)) as study:
        run(study, evaluate=half)
        assert found.failures(study) == {"ValueError: half a character: \\ud800": 3}


GOALS = {
    "objectives": (Objective("sharpe", "maximize"), Objective("trades", "minimize")),
    "where": (Condition("total_return", ">=", 0.3), Condition("sharpe", "<", 1.9)),
}


def varied(rows):
    """As `evaluate`, with figures that pull in different ways."""
    answer = evaluate(rows)
    answer.metrics[:, METRICS.index("total_return")] = rows[:, 1] / 100 - 0.2
    answer.metrics[:, METRICS.index("trades")] = 1 + rows[:, 0] % 30
    return answer


@pytest.mark.parametrize("name", MANY_OBJECTIVES)
def test_several_objectives_and_conditions_go_on_to_the_result_of_an_unbroken_search(tmp_path, name):
    unbroken = searched(tmp_path / "unbroken.sqlite", searching(name, **GOALS), evaluate=varied, threads=1)
    with Study.create(tmp_path / "broken.sqlite", searching(name, **GOALS)) as study:
        run(study, varied, stopped=lambda: study.counts().finished >= 25)
    with Study.write(tmp_path / "broken.sqlite") as study:
        assert run(study, varied)
        assert contents(study) == unbroken
        assert study.counts().infeasible > 0
        assert found.front(study)


@pytest.mark.parametrize("name", ["random", "de"])
def test_a_fold_is_searched_as_if_there_were_no_other(tmp_path, name):
    alone = searched(tmp_path / "alone.sqlite", searching(name))
    with Study.create(tmp_path / "folds.sqlite", searching(name)) as study:
        for fold in (0, 1):
            assert run(study, fold=fold)
        first, second = contents(study)[:60], contents(study)[60:]
    assert first == alone
    shifted = [(row[0] - 60, *row[1:4], None if row[4] is None else row[4] - 60, 0, *row[6:]) for row in second]
    assert shifted == alone
