"""What is said of a node's studies."""

from __future__ import annotations

import pytest
from tests.cluster.test_node_files import state

from bittrader.cluster.node_state import JobState
from bittrader.cluster.status_words import far_in_words, in_words, job_in_words


@pytest.mark.parametrize(
    ("job", "words"),
    [
        (JobState("one", running=True), "runs"),
        (JobState("one", running=False), "is to run"),
        (
            JobState("one", running=False, trouble="the disk is full.", next_start=108.4),
            "waits for another try in 8 s: the disk is full.",
        ),
        (JobState("one", running=False, code=0, ended=40.0), "ended 1 min ago"),
        (JobState("one", running=False, code=2, ended=95.0), "failed 5 s ago (exit code 2): see logs/study-one.log"),
    ],
)
def test_a_detached_study_says_how_it_is_and_where_its_failure_is_told(job, words):
    assert job_in_words(job, 100.0) == words


def test_a_study_says_how_far_it_is_of_how_much():
    assert far_in_words({"far": {"done": 1179, "total": 6000, "part": ""}}) == "1,179 of 6,000 evaluations"
    in_fold = {"far": {"done": 30, "total": 80, "part": "fold 2 of 5"}}
    assert far_in_words(in_fold) == "fold 2 of 5, 30 of 80 evaluations"
    assert far_in_words({"far": None}) == "begins"


@pytest.mark.parametrize(
    ("code", "hours", "shown"), [(0, 0.9, True), (0, 1.1, False), (2, 23, True), (2, 25, False), (None, 99, True)]
)
def test_a_detached_study_that_has_ended_is_news_for_a_while(code, hours, shown):
    now = 1e6
    ended = None if code is None else now - hours * 3600
    jobs = [JobState("one", running=False, code=code, ended=ended)]
    lines = dict(in_words(state(jobs=jobs, at=now, code={"folder": None, "how": "", "trouble": False}), now))
    assert ("Detached" in lines) == shown
