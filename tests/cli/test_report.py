import json
import sys
from types import ModuleType

import pytest
from tests.report import samples
from typer.testing import CliRunner

from bittrader.cli import report as command
from bittrader.errors import StudyError


@pytest.fixture
def studies(monkeypatch):
    """One study, `first-try`, and what was asked of it."""
    asked = []

    def rerun(study, number=None):
        asked.append((study, number))
        if study != "first-try":
            raise StudyError(f"there is no study {study!r}.")
        summary = samples.study(50)
        return samples.result(params=summary.best[0].params), summary

    module = ModuleType("bittrader.optimize.rerun")
    module.rerun = rerun
    monkeypatch.setitem(sys.modules, "bittrader.optimize.rerun", module)
    return asked


def invoke(*words):
    return CliRunner().invoke(command.app, list(words), catch_exceptions=False)


def test_a_report_goes_to_the_folder_of_reports_and_its_place_is_printed(studies, home):
    done = invoke("first-try")
    assert done.stdout == f"{home.resolve() / 'reports' / 'first-try.html'}\n"
    assert "first-try" in (home / "reports" / "first-try.html").read_text(encoding="utf-8")


def test_json_says_what_was_shown_and_where(studies, tmp_path):
    done = invoke("first-try", "--json", "--trial", "7", "--output", str(tmp_path / "r.html"))
    facts = json.loads(done.stdout)
    assert facts["report"] == str(tmp_path.resolve() / "r.html")
    assert set(facts["params"]) == {"fast", "slow"}
    assert studies == [("first-try", 7)]


def test_a_study_that_is_not_there_writes_nothing(studies, home):
    with pytest.raises(StudyError, match="no study"):
        invoke("other")
    assert list(home.iterdir()) == []


def test_open_opens_the_file_in_the_browser(studies, monkeypatch, tmp_path):
    opened = []
    monkeypatch.setattr("webbrowser.open", lambda address: not opened.append(address))
    invoke("first-try", "--open", "--output", str(tmp_path / "r.html"))
    assert opened == [(tmp_path.resolve() / "r.html").as_uri()]


def test_without_a_browser_it_says_so(studies, monkeypatch, tmp_path):
    monkeypatch.setattr("webbrowser.open", lambda _: False)
    assert "open the file yourself" in invoke("first-try", "--open", "--output", str(tmp_path / "r.html")).stderr
