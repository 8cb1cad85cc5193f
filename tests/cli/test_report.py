import json

import pytest
from typer.testing import CliRunner

from bittrader.cli import report as command
from bittrader.errors import StudyError
from bittrader.market.sample import synthetic
from bittrader.market.store import store
from bittrader.optimize.rerun import rerun
from bittrader.optimize.search import optimize


@pytest.fixture(autouse=True)
def first_try(home):
    """One study."""
    store(synthetic(bars=2000), "made-up")
    return optimize("sma-cross", "made-up", trials=12, sampler="random", study="first-try", threads=1)


def invoke(*words):
    return CliRunner().invoke(command.app, list(words), catch_exceptions=False)


def test_a_report_goes_to_the_folder_of_reports_and_its_place_is_printed(home):
    done = invoke("first-try")
    assert done.stdout == f"{home.resolve() / 'reports' / 'first-try.html'}\n"
    assert "first-try" in (home / "reports" / "first-try.html").read_text(encoding="utf-8")


def test_json_says_what_was_shown_and_where(first_try, tmp_path):
    done = invoke("first-try", "--json", "--trial", "7", "--output", str(tmp_path / "r.html"))
    facts = json.loads(done.stdout)
    assert facts["report"] == str(tmp_path.resolve() / "r.html")
    assert facts["params"] == dict(rerun("first-try", 7)[0][0].params) != dict(first_try.best.params)


def test_the_report_of_one_trial_leaves_that_of_the_best_alone(home):
    invoke("first-try")
    best = home / "reports" / "first-try.html"
    before = best.read_bytes()
    assert invoke("first-try", "--trial", "7").stdout.strip().endswith("first-try-trial-7.html")
    assert best.read_bytes() == before


def test_without_a_trial_the_best_is_shown(first_try, tmp_path):
    facts = json.loads(invoke("first-try", "--json", "--output", str(tmp_path / "r.html")).stdout)
    assert facts["params"] == dict(first_try.best.params)


def test_a_study_that_is_not_there_writes_nothing(home):
    with pytest.raises(StudyError, match="no study"):
        invoke("other")
    assert not (home / "reports").exists()


def test_open_opens_the_file_in_the_browser(monkeypatch, tmp_path):
    opened = []
    monkeypatch.setattr("webbrowser.open", lambda address: not opened.append(address))
    invoke("first-try", "--open", "--output", str(tmp_path / "r.html"))
    assert opened == [(tmp_path.resolve() / "r.html").as_uri()]


def test_without_a_browser_it_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr("webbrowser.open", lambda _: False)
    assert "open the file yourself" in invoke("first-try", "--open", "--output", str(tmp_path / "r.html")).stderr
