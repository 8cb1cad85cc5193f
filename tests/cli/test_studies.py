from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path

import pytest
from tests.cluster.test_node_files import state

from bittrader import paths
from bittrader.cli import placing, run, studies
from bittrader.cluster import jobs
from bittrader.cluster.node_state import JobState, write_state
from bittrader.errors import BittraderError, ClusterError, InputError, StudyError
from bittrader.market.sample import synthetic
from bittrader.market.store import store
from bittrader.optimize.studies.study import Study


@pytest.fixture
def study(capsys):
    """A study of 10 trials called `one`."""
    store(synthetic(bars=3000), "made-up")
    words = ["sma-cross", "made-up", "--trials", "10", "--sampler", "random", "--study", "one", "--no-report"]
    assert run(["optimize", *words]) == 0
    capsys.readouterr()
    return paths.studies_dir() / "one.sqlite"


def json_of(capsys, *words):
    assert run(["studies", *words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_list_shows_every_study(study, capsys):
    (facts,) = json_of(capsys, "list")["studies"]
    assert (facts["study"], facts["strategy"], facts["finished"], facts["state"]) == (
        "one",
        "sma-cross",
        10,
        "complete",
    )
    run(["studies", "list"])
    assert "10 of 10" in capsys.readouterr().out


def test_list_breaks_no_name(study, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    name = "donchian-breakout-made-up-1h-1"
    study.rename(study.with_name(f"{name}.sqlite"))
    run(["studies", "list"])
    said = capsys.readouterr().out
    assert name in said
    assert "complete" in said
    assert max(map(len, said.splitlines())) <= 80


def test_list_goes_on_past_a_damaged_study(study, capsys):
    (study.parent / "broken.sqlite").write_text("nothing " * 1000)
    facts = {one["study"]: one for one in json_of(capsys, "list")["studies"]}
    assert (facts["one"]["state"], facts["broken"]["state"]) == ("complete", "unreadable")
    assert "not a study" in facts["broken"]["cause"]
    run(["studies", "list"])
    assert f"{facts['broken']['cause']}\n" in capsys.readouterr().err


def test_looking_at_a_study_leaves_nothing_beside_it(study):
    before = sorted(study.parent.iterdir())
    for words in (["list"], ["show", "one"]):
        run(["studies", *words])
    assert sorted(study.parent.iterdir()) == before


def test_list_without_studies_says_how_to_make_one(capsys):
    assert run(["studies", "list"]) == 0
    assert "bittrader optimize STRATEGY CANDLES" in capsys.readouterr().err


def test_a_running_study_is_shown_as_running(study, capsys):
    with Study.write(study):
        assert json_of(capsys, "list")["studies"][0]["state"] == "running"


def test_show_says_what_was_found(study, capsys):
    facts = json_of(capsys, "show", "one")
    assert facts["evaluations"]["finished"] == 10
    assert facts["experiment"]["series"][0]["bars"] == 3000
    run(["studies", "show", "one"])
    said = capsys.readouterr().out
    assert "3,000 synthetic bars" in said
    assert "bittrader studies resume one --trials 20" in said


def test_resume_gives_more_trials(study, capsys):
    before = json_of(capsys, "show", "one")
    facts = json_of(capsys, "resume", "one", "--trials", "25", "--no-report")
    assert facts["evaluations"]["asked"] == 25
    assert facts["seconds"] > before["seconds"]


def test_resume_with_fewer_trials_than_there_are_is_refused(study):
    with pytest.raises(InputError, match="one has 10 trials already"):
        run(["studies", "resume", "one", "--trials", "5"])


def test_resume_with_other_candles_is_refused_with_what_differs(study):
    store(synthetic(bars=2000), "others")
    with pytest.raises(StudyError, match=r"one cannot go on: candles: 3,000 .* then; 2,000 synthetic bars"):
        run(["studies", "resume", "one", "--candles", "others"])


def test_resume_with_other_code_is_refused_with_what_differs(study):
    with pytest.raises(StudyError, match="strategy: sma-cross then, rsi-reversion now"):
        run(["studies", "resume", "one", "--strategy", "rsi-reversion"])


def test_resume_of_candles_that_moved_takes_their_new_place(study, capsys, tmp_path):
    (stored,) = paths.candles_dir().glob("made-up*")
    moved = Path(shutil.move(stored, tmp_path / "moved.parquet"))
    with pytest.raises(BittraderError, match="made-up"):
        run(["studies", "resume", "one"])
    json_of(capsys, "resume", "one", "--trials", "12", "--candles", str(moved), "--no-report")
    assert json_of(capsys, "resume", "one", "--trials", "14", "--no-report")["evaluations"]["asked"] == 14


@pytest.mark.parametrize(("form", "suffix"), [("csv", ".csv"), ("parquet", ".parquet"), ("optuna", ".optuna.db")])
def test_export_writes_a_file_called_like_the_study(study, tmp_path, monkeypatch, form, suffix):
    monkeypatch.chdir(tmp_path)
    assert run(["studies", "export", "one", "--format", form]) == 0
    assert (tmp_path / f"one{suffix}").stat().st_size > 0


def test_delete_leaves_nothing(study):
    assert run(["studies", "delete", "one", "--yes"]) == 0
    assert list(study.parent.glob("*")) == []


def test_a_running_study_is_not_deleted(study):
    with Study.write(study), pytest.raises(StudyError, match="is running"):
        run(["studies", "delete", "one", "--yes"])
    assert study.exists()


@pytest.mark.parametrize("words", [["show", "on"], ["resume", "on"], ["export", "on"], ["delete", "on", "--yes"]])
def test_a_study_that_is_not_there_is_named(study, words):
    with pytest.raises(StudyError, match=r"there is no study 'on'\. Did you mean 'one'"):
        run(["studies", *words])


def test_a_study_that_may_not_be_written_is_not_shown_as_running(study, capsys):
    lock = paths.studies_dir() / f"{study}.lock"
    lock.unlink(missing_ok=True)
    lock.mkdir()
    assert json_of(capsys, "list")["studies"][0]["state"] == "complete"


def test_going_on_with_a_complete_study_says_that_it_is_complete_and_how_to_go_on(study, capsys):
    assert run(["studies", "resume", "one", "--no-report"]) == 0
    assert "one is complete: there is nothing left to do. More: bittrader studies resume one --trials 20" in (
        capsys.readouterr().err
    )
    assert run(["studies", "resume", "one", "--trials", "12", "--no-report"]) == 0
    assert "is complete" not in capsys.readouterr().err


def test_a_study_that_can_no_longer_be_read_can_be_deleted(study, capsys):
    connection = sqlite3.connect(study)
    connection.execute("PRAGMA user_version=1")
    connection.close()
    with pytest.raises(StudyError, match="old format"):
        run(["studies", "show", "one"])
    assert run(["studies", "delete", "one", "--yes"]) == 0
    assert not study.exists()


@pytest.mark.parametrize("name", ["con", "First", "lpt1.x", "a b", "../a", "a.", ""])
def test_studies_and_candles_follow_one_rule_of_names(name):
    with pytest.raises(InputError, match="a study cannot be called"):
        run(["studies", "show", name])
    with pytest.raises(InputError, match="candles cannot be called"):
        store(synthetic(bars=100), name)


@pytest.mark.parametrize(("more", "said"), [(0, "another process works on it"), (5, "searches, 5 of 15 to go")])
def test_what_is_shown_of_a_study_that_runs_says_so(study, capsys, more, said):
    with Study.write(study) as opened:
        opened.allow(opened.budget + more)
        run(["studies", "show", "one"])
    shown = capsys.readouterr().out
    assert said in shown
    assert "studies resume" not in shown


@pytest.mark.parametrize(("node", "command"), [("air", "resume one --on cluster "), (None, "resume one ")])
def test_a_study_is_resumed_where_it_was_searched(study, capsys, node, command):
    with Study.write(study) as opened:
        opened.allow(20)
        opened.connection.execute("UPDATE trials SET node = ? WHERE number = 9", (node,))
    run(["studies", "show", "one"])
    assert f"{command}  (stopped, 10 of 20 to go)" in capsys.readouterr().out


@pytest.fixture
def node_folder(monkeypatch):
    """The folder of a node of this computer, to which studies can be left."""
    monkeypatch.setattr(placing, "node_folder", paths.head_dir)
    return paths.head_dir()


@pytest.mark.usefixtures("study")
def test_a_study_is_left_to_the_node_with_all_that_was_asked(node_folder):
    words = ["--trials", "20", "--threads", "1", "--no-verdict", "--no-report", "--on", "cluster", "--detach"]
    assert run(["optimize", "sma-cross", "made-up", "--study", "two", *words]) == 0
    assert run(["studies", "resume", "one", *words]) == 0
    for name in ("one", "two"):
        assert jobs.words_for(node_folder, name) == ["--threads", "1", "--no-verdict", "--no-report"]


def test_what_was_moved_is_found_again_by_the_node_that_a_study_is_left_to(study, node_folder):
    (paths.candles_dir() / "made-up.parquet").rename(paths.candles_dir() / "moved.parquet")
    words = ["resume", "one", "--trials", "20", "--on", "cluster", "--detach"]
    with pytest.raises(BittraderError, match="no file called 'made-up'"):
        run(["studies", *words])
    assert not jobs.asked(node_folder)
    assert run(["studies", *words, "--candles", "moved"]) == 0
    with Study.read(study) as opened:
        assert (opened.budget, opened.experiment.series[0].reference) == (20, "moved")


@pytest.mark.parametrize("trials", ["0", "-1", "5"])
def test_what_no_search_could_do_is_not_left_to_a_node(study, node_folder, trials):
    with pytest.raises(InputError, match="trials"):
        run(["studies", "resume", "one", "--trials", trials, "--on", "cluster", "--detach"])
    assert not jobs.asked(node_folder)
    with Study.read(study) as opened:
        assert opened.budget == 10


def test_stop_takes_a_study_back_from_the_node_it_was_left_to(study, capsys):
    jobs.submit(paths.head_dir(), "one", 0.0)
    jobs.submit(paths.head_dir(), "another", 0.0)
    assert run(["studies", "stop", "one"]) == 0
    assert "one has stopped, with 10 finished evaluations." in capsys.readouterr().err
    assert list(jobs.asked(paths.head_dir())) == ["another"]
    assert study.exists()


@pytest.mark.usefixtures("study")
def test_stop_says_what_it_cannot_stop():
    with pytest.raises(ClusterError, match="no node of this computer searches one"):
        run(["studies", "stop", "one"])
    with pytest.raises(StudyError, match="there is no study 'none'"):
        run(["studies", "stop", "none"])


@pytest.mark.usefixtures("study", "node_folder")
def test_who_leaves_a_study_to_the_node_is_answered_in_json(capsys):
    detached = {"study": "one", "detached": True}
    assert json_of(capsys, "resume", "one", "--trials", "20", "--on", "cluster", "--detach") == detached


@pytest.mark.parametrize(
    ("budget", "code", "ends", "said"),
    [
        (20, 2, 2, "has given up one: the file is gone\n"),
        (10, 2, 0, ""),  # somebody went on with it since
        (10, 1, 1, ""),
        (10, 0, 0, ""),
    ],
)
def test_who_watches_a_study_is_told_why_the_node_has_given_it_up(study, node_folder, capsys, budget, code, ends, said):
    with Study.write(study) as opened:
        opened.allow(budget)
    log = jobs.log_file(node_folder, "one")
    log.parent.mkdir(parents=True)
    log.write_text("bittrader: the file is gone\n")
    write_state(node_folder, state(jobs=[JobState("one", running=False, code=code, ended=1.0, asked=0.0)]))
    assert run(["studies", "attach", "one", "--json"]) == ends
    assert capsys.readouterr().err.removeprefix("The node of this computer ") == said


@pytest.mark.usefixtures("study")
def test_who_leaves_attach_by_ctrl_c_is_told_that_the_study_goes_on(capsys, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(studies, "watch", interrupted)
    assert run(["studies", "attach", "one"]) == 130
    assert "one goes on. Stop it: bittrader studies stop one" in capsys.readouterr().err
