"""Ray's errors as they came from real ones, and what a user reads instead."""

from __future__ import annotations

import pytest

from bittrader.execution.ray_words import why_dead, why_not_connected, why_not_started

KILLED = """The actor died unexpectedly before finishing this task.
\tclass_name: NodeActor
\tpid: 26716
The actor is dead because its worker process has died. Worker exit type: SYSTEM_ERROR Worker exit detail: …"""
CUT_OFF = """The actor died unexpectedly before finishing this task.
\tclass_name: NodeActor
The actor died because its node has died. Node Id: 88f0"""
UNSTARTED = """The actor died because of an error raised in its creation task, ray::NodeActor.__init__() (pid=1)
  File "/x/bittrader/execution/ray.py", line 1, in __init__
PermissionError: [Errno 13] Permission denied: '/x'"""


def connection_error(cause):
    error = ConnectionError("Failed to connect to Ray cluster at 10.0.0.1:6379")
    error.__cause__ = RuntimeError(cause)
    return error


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            connection_error("… AuthenticationError: RPC error: InvalidAuthToken: Authentication token is missing"),
            "the head: it takes another token than this computer has. Join the cluster again",
        ),
        (connection_error("Failed to connect to GCS."), "the head: it does not answer at 10.0.0.1:6379"),
        (
            RuntimeError("Version mismatch: The cluster was started with:\n    Ray: 2.60.0"),
            "the head: RuntimeError: Version mismatch: The cluster was started with: Ray: 2.60.0",
        ),
    ],
)
def test_why_the_cluster_cannot_be_reached(error, words):
    assert why_not_connected(error, "10.0.0.1:6379") == words


def test_a_process_that_died_is_told_from_a_node_that_is_lost():
    assert why_dead(RuntimeError(KILLED)) == ("its process died", True)
    assert why_dead(RuntimeError(CUT_OFF)) == ("its Ray node died", False)
    assert why_dead(RuntimeError("odd\nthing")) == ("RuntimeError: odd thing", False)


def test_an_actor_that_cannot_start_says_its_last_line():
    words = "it cannot start here: PermissionError: [Errno 13] Permission denied: '/x'"
    assert why_not_started(RuntimeError(UNSTARTED)) == words
    assert why_not_started(RuntimeError(KILLED)) == "its process died"
