"""What is said of a node's studies."""

from __future__ import annotations

import pytest

from bittrader.cluster.node_state import JobState
from bittrader.cluster.status_words import job_in_words


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
