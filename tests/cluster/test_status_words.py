"""What is said of a node's studies."""

from __future__ import annotations

import pytest

from bittrader.cluster.node_state import JobState
from bittrader.cluster.status_words import far_in_words, job_in_words


@pytest.mark.parametrize(
    ("job", "words"),
    [
        (JobState("one", running=True), "runs"),
        (JobState("one", running=False), "is to run"),
        (
            JobState("one", running=False, trouble="the disk is full.", next_start=108.4),
            "waits for another try in 8 s: the disk is full.",
        ),
        (JobState("one", running=False, code=0), "is done"),
        (JobState("one", running=False, code=2), "failed (exit code 2): see logs/study-one.log"),
    ],
)
def test_a_detached_study_says_how_it_is_and_where_its_failure_is_told(job, words):
    assert job_in_words(job, 100.0) == words


def test_a_study_says_how_far_it_is_of_how_much():
    assert far_in_words({"far": {"done": 1179, "total": 6000, "part": ""}}) == "1,179 of 6,000 evaluations"
    in_fold = {"far": {"done": 30, "total": 80, "part": "fold 2 of 5"}}
    assert far_in_words(in_fold) == "fold 2 of 5, 30 of 80 evaluations"
    assert far_in_words({"far": None}) == "begins"
