from __future__ import annotations

import sqlite3
import time
from contextlib import suppress

import numpy as np
import psutil
import pytest
from tests.belief.beliefs import known
from tests.optimize.spaces import named
from tests.optimize.studies import contents, evaluate, experiment
from tests.power import Disk

from bittrader.backtest.metrics import METRICS
from bittrader.belief.figures import Belief, Verdict
from bittrader.errors import ExitCode, InputError, StudyError
from bittrader.optimize.goals import Condition, Objective
from bittrader.optimize.studies import found
from bittrader.optimize.studies.history import Counts, generations, last_generation
from bittrader.optimize.studies.study import Study
from bittrader.strategies.parameters import Int
from bittrader.strategies.space import Space

SHARPE = METRICS.index("sharpe")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "mine.sqlite"


@pytest.fixture
def study(path):
    with Study.create(path, experiment()) as opened:
        opened.begin(cores=2)
        yield opened


def rows_of(*pairs):
    return np.array(pairs, dtype=np.float64)


def metrics_of(*sharpes):
    metrics = np.full((len(sharpes), len(METRICS)), 0.5)
    metrics[:, SHARPE] = sharpes
    return metrics


def test_what_was_asked_is_written_before_it_is_evaluated(study, path):
    study.ask(0, rows_of((5, 10), (6, 20)))
    with Study.read(path) as other:
        numbers, rows = other.unanswered()
    assert numbers == [0, 1]
    assert rows.tolist() == [[5, 10], [6, 20]]


def test_an_answer_is_seen_by_others_at_once(study, path):
    study.ask(0, rows_of((5, 10), (6, 20)))
    study.answer([0, 1], metrics_of(1.5, np.nan), {1: "too slow"}, 0.2)
    with Study.read(path) as other:
        assert other.counts() == Counts(asked=2, finished=1, failed=1, repeated=0)
        assert found.failures(other) == {"too slow": 1}
        assert found.best(other)[0].params == {"fast": 5, "slow": 10}


def test_a_failed_trial_has_no_number(study):
    study.ask(0, rows_of((5, 10)))
    study.answer([0], metrics_of(9.9), {0: "too slow"}, 0.1)
    assert set(contents(study)[0][-len(METRICS) :]) == {None}
    assert found.best(study) == ()


def test_a_trial_ends_once(study):
    study.ask(0, rows_of((5, 10)))
    study.answer([0], metrics_of(1.0), {}, 0.1)
    study.answer([0], metrics_of(2.0), {0: "late"}, 0.1)
    assert found.best(study)[0].metrics["sharpe"] == 1.0
    assert study.counts().failed == 0


def test_a_repeated_set_gets_the_end_of_the_first_and_is_not_evaluated(study):
    assert study.ask(0, rows_of((5, 10), (6, 20), (5, 10))) == (0, [0, 1])
    assert study.ask(1, rows_of((6, 20), (7, 30))) == (3, [1])
    assert study.unanswered()[0] == [0, 1, 4]
    study.answer([0, 1], metrics_of(1.5, np.nan), {1: "too slow"}, 0.2)
    assert study.settle() == {"finished": 1, "failed": 1}
    assert study.counts() == Counts(asked=5, finished=2, failed=2, repeated=2)
    assert len(found.best(study)) == 1


def test_a_repeat_waits_for_the_trial_it_repeats(study):
    study.ask(0, rows_of((5, 10), (5, 10)))
    assert study.settle() == {}
    assert study.counts().unanswered == 2


def test_the_best_come_first_and_equals_in_the_order_they_were_asked(study):
    study.ask(0, rows_of((5, 10), (6, 20), (7, 30), (8, 40)))
    study.answer(range(4), metrics_of(1.0, 3.0, 2.0, 3.0), {}, 0.1)
    assert [trial.number for trial in found.best(study, 3)] == [1, 3, 2]


def test_the_least_is_the_best_where_the_objective_is_to_be_small(path):
    with Study.create(path, experiment(objectives=(Objective("max_drawdown", "minimize"),))) as study:
        study.ask(0, rows_of((5, 10), (6, 20)))
        metrics = metrics_of(1.0, 1.0)
        metrics[:, METRICS.index("max_drawdown")] = 0.4, 0.2
        study.answer([0, 1], metrics, {}, 0.1)
        assert found.best(study, 1)[0].number == 1


def test_the_summary_holds_every_finished_trial_in_order(study):
    rows = rows_of(*((5 + i, 70 + i) for i in range(20)))
    study.ask(0, rows)
    evaluated = evaluate(rows)
    causes = dict(evaluated.errors)
    study.answer(range(20), evaluated.metrics, causes, 0.1)
    summary = found.summary(study)
    kept = [index for index in range(20) if index not in causes]
    assert summary.rows.tolist() == rows[kept].tolist()
    for name, column in summary.metrics.items():
        np.testing.assert_array_equal(column, evaluated.metrics[kept, METRICS.index(name)])
    assert (summary.asked, summary.finished, summary.failed) == (20, len(kept), len(causes))
    assert summary.cores == 2


def test_a_summary_takes_an_even_share_of_a_large_study(study):
    study.ask(0, rows_of(*((5 + i, 70) for i in range(50))))
    study.answer(range(50), metrics_of(*range(50)), {}, 0.1)
    summary = found.summary(study, rows=10)
    assert summary.rows[:, 0].tolist() == [5, 10, 15, 20, 25, 30, 35, 40, 45, 50]
    assert summary.best[0].metrics["sharpe"] == 49


def test_a_summary_tells_the_belief_that_was_noted(study):
    assert found.summary(study).belief is None
    belief = Belief(Verdict("luck", 0.4, ("It is luck.",)), known(trials=0))
    study.note("belief", belief.to_json())
    assert found.summary(study).belief == belief


def test_time_adds_up_over_sessions(path):
    with Study.create(path, experiment()) as study:
        study.begin(2)
        time.sleep(0.02)
    with Study.write(path) as study:
        study.begin(4)
        time.sleep(0.02)
    with Study.read(path) as study:
        seconds, cores = found.seconds_and_cores(study)
    assert seconds >= 0.04
    assert cores == 4


def test_a_study_is_not_overwritten(study, path):
    with pytest.raises(StudyError, match=r"there is a study 'mine' already\. Go on with `bittrader studies resume"):
        Study.create(path, experiment())


def test_a_running_study_has_one_writer(study, path):
    with pytest.raises(StudyError, match="mine is running in another process"):
        Study.write(path)


def test_a_study_that_ended_may_be_written_again_and_leaves_one_file(path):
    Study.create(path, experiment()).close()
    Study.write(path).close()
    assert [file.name for file in path.parent.glob("*.sqlite*")] == ["mine.sqlite"]


def test_a_missing_study_is_named(path):
    with pytest.raises(StudyError, match="there is no study 'mine'"):
        Study.read(path)


def test_a_file_that_is_no_study_is_refused(path):
    path.write_text("fast,slow\n" * 100)
    with pytest.raises(StudyError, match="it is not a study"):
        Study.read(path)


def test_another_sqlite_file_is_refused(path):
    sqlite3.connect(path).execute("CREATE TABLE a (b)").connection.close()
    with pytest.raises(StudyError, match="is not a study"):
        Study.write(path)


def test_a_damaged_study_is_refused(path):
    with Study.create(path, experiment()) as study:
        study.ask(0, rows_of(*((5 + i, 70) for i in range(2000))))
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    path.write_bytes(content)
    with pytest.raises(StudyError, match="damaged"), Study.read(path) as study:
        study.counts()


def test_a_study_of_a_newer_bittrader_is_refused(path):
    Study.create(path, experiment()).close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version=99")
    connection.close()
    with pytest.raises(StudyError, match=r"newer bittrader \(format 99\)"):
        Study.read(path)


def test_a_study_of_an_old_format_is_refused(path):
    Study.create(path, experiment()).close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version=1")
    connection.close()
    with pytest.raises(StudyError, match=r"old format \(1\), which is no longer read\. Search again"):
        Study.read(path)


def test_folds_know_nothing_of_each_other(study):
    study.ask(0, rows_of((5, 10), (6, 20)))
    assert study.ask(0, rows_of((5, 10), (7, 30), (7, 30)), fold=2) == (2, [0, 1])
    study.answer([0, 2, 3], metrics_of(1.0, 2.0, 3.0), {}, 0.1)
    assert study.settle() == {}
    assert study.settle(fold=2) == {"finished": 1}
    assert study.counts() == Counts(asked=2, finished=1, failed=0, repeated=0)
    assert study.counts(fold=2) == Counts(asked=3, finished=3, failed=0, repeated=1)
    assert study.unanswered()[0] == [1]
    assert study.unanswered(fold=2)[0] == []
    assert [study.next_generation(fold) for fold in (0, 1, 2)] == [1, 0, 1]
    assert found.best(study)[0].number == 0
    assert found.best(study, fold=2)[0].number == 3
    assert [one.losses.tolist() for one in generations(study, fold=2)] == [[[-2.0], [-3.0], [-3.0]]]
    assert last_generation(study, 0).rows.tolist() == [[5, 10], [6, 20]]
    assert found.summary(study).rows.tolist() == [[5, 10]]


def test_a_set_that_breaks_a_condition_is_finished_and_marked(path):
    where = (Condition("trades", ">=", 100), Condition("win_rate", ">", 0.5))
    with Study.create(path, experiment(where=where)) as study:
        study.ask(0, rows_of((5, 10), (6, 20), (7, 30)))
        metrics = metrics_of(3.0, 1.0, 2.0)
        metrics[:, METRICS.index("trades")] = 50, 100, 90
        metrics[:, METRICS.index("win_rate")] = 0.75, 0.6, 0.75
        study.answer([0, 1, 2], metrics, {}, 0.1)
        assert study.counts() == Counts(asked=3, finished=3, failed=0, repeated=0, infeasible=2)
        assert [(one.number, one.violation) for one in found.best(study)] == [(1, 0.0), (2, 0.1), (0, 0.5)]
        (told,) = generations(study)
        assert told.violations.tolist() == [0.5, 0.0, 0.1]
        assert found.summary(study).violations.tolist() == [0.5, 0.0, 0.1]


def test_a_repeated_set_breaks_what_the_first_breaks(path):
    with Study.create(path, experiment(where=(Condition("sharpe", ">", 2.0),))) as study:
        study.ask(0, rows_of((5, 10), (5, 10)))
        study.answer([0], metrics_of(1.0), {}, 0.1)
        study.settle()
        assert study.counts().infeasible == 2


def test_a_finding_is_kept_until_another_of_its_kind(study, path):
    assert study.noted("belief") is None
    study.note("belief", {"figures": [1.5, None], "call": "luck"})
    study.note("holdout", {"opened": []})
    study.note("belief", {"call": "edge"})
    with Study.read(path) as other:
        assert other.noted("belief") == {"call": "edge"}
        assert other.noted("holdout") == {"opened": []}


def test_a_finding_that_is_no_number_is_not_kept(study):
    with pytest.raises(ValueError, match="not JSON compliant"):
        study.note("belief", {"figure": float("nan")})


def test_a_full_disk_is_said_in_one_line_and_loses_nothing(study, path):
    study.ask(0, rows_of((5, 10)))
    study.answer([0], metrics_of(1.5), {}, 0.1)
    pages = study.connection.execute("PRAGMA page_count").fetchone()[0]
    study.connection.execute(f"PRAGMA max_page_count={pages}")
    with pytest.raises(StudyError, match="the disk is full") as raised:
        study.ask(1, rows_of(*((5 + i, 70) for i in range(5000))))
    assert raised.value.exit_code == ExitCode.SYSTEM, "to be tried again, when there is room"
    with Study.read(path) as other:
        assert other.counts() == Counts(asked=1, finished=1, failed=0, repeated=0)


@pytest.mark.parametrize("room", range(12_000, 120_000, 12_000))
def test_a_new_study_on_a_disk_that_is_nearly_full_is_there_whole_or_not_at_all(tmp_path, room):
    disk = Disk(tmp_path)
    try:
        path = disk.root / "mine.sqlite"
        (disk.root / "spare").write_bytes(bytes(room))
        with suppress(OSError), (disk.root / "pad").open("wb", buffering=0) as pad:
            while pad.write(bytes(1000)):
                pass
        (disk.root / "spare").unlink()  # room to begin in
        with suppress(StudyError):
            Study.create(path, experiment()).close()
        assert not list(disk.root.glob(".mine*"))
        (disk.root / "pad").unlink()
        with Study.write(path) if path.exists() else Study.create(path, experiment()) as study:
            assert study.budget == 100
    finally:
        disk.remove()


def test_a_folder_that_cannot_be_written_is_said_in_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StudyError, match=r"the study .*mine.sqlite"):
        Study.create(tmp_path / "file" / "mine.sqlite", experiment())


def test_parameters_may_be_called_like_our_columns(path):
    names = ("number", "state", "sharpe", "select", "trades")
    space = Space(named(**{name: Int(1, 9) for name in names}))
    with Study.create(path, experiment(space=space)) as study:
        study.ask(0, rows_of((1, 2, 3, 4, 5)))
        study.answer([0], metrics_of(1.5), {}, 0.1)
        assert found.best(study)[0].params == dict(zip(names, range(1, 6), strict=True))


def test_a_study_that_cannot_be_laid_out_leaves_nothing_and_can_be_made_after(path):
    with pytest.raises(OverflowError):
        Study.create(path, experiment(trials=2**63))
    assert not path.with_suffix(".new").exists()
    Study.create(path, experiment()).close()


def test_a_lock_that_cannot_be_taken_for_another_reason_is_not_called_running(path, monkeypatch):
    path.with_suffix(".lock").write_bytes(b"no SQLite file, but longer than the header of one" * 3)
    with pytest.raises(StudyError, match="it is not a study") as refused:
        Study.create(path, experiment())
    # The error that we hold would hold it too: nothing but `close` closes it.
    assert str(path.with_suffix(".lock")) not in {file.path for file in psutil.Process().open_files()}, refused.value


@pytest.mark.parametrize("text", ["junk", "[]", "{}", None])
def test_a_study_that_does_not_say_what_it_searched_is_refused(path, text):
    Study.create(path, experiment()).close()
    with sqlite3.connect(path) as connection:
        connection.execute("DELETE FROM study" if text is None else f"UPDATE study SET experiment = '{text}'")
    connection.close()
    with pytest.raises(StudyError, match="does not say what it searched"):
        Study.read(path)


def test_a_study_that_is_deleted_while_it_is_searched_says_so(study, path):
    study.ask(0, rows_of((5, 10)))
    path.unlink()
    with pytest.raises(StudyError, match="was deleted or replaced while it was searched"):
        study.answer([0], metrics_of(1.5), {}, 0.1)
    with pytest.raises(StudyError, match="was deleted or replaced"):
        study.ask(1, rows_of((6, 20)))


def test_parameters_that_differ_only_in_case_are_refused(path):
    space = Space(named(a=Int(1, 9), A=Int(1, 9)))
    with pytest.raises(InputError, match="cannot tell the parameters a and A apart"):
        Study.create(path, experiment(space=space))
    assert not list(path.parent.glob("*"))


def test_more_parameters_than_a_table_has_columns_are_refused(path):
    space = Space(named(**{f"a{index}": Int(1, 9) for index in range(1_001)}))
    with pytest.raises(InputError, match="keeps 1,000 parameters, not 1,001"):
        Study.create(path, experiment(space=space))


def test_a_verdict_that_another_version_wrote_counts_as_none(study):
    study.note("belief", {"verdict": {"call": "luck", "p_value": 0.5, "reasons": [], "mood": "bad"}, "figures": None})
    assert found.summary(study).belief is None


def test_a_holdout_that_another_version_wrote_is_said_in_one_line(study):
    study.note("holdout", {"seen": "by another"})
    with pytest.raises(StudyError, match="was written by another bittrader"):
        found.summary(study)
