"""A real Ray of one node, with what it runs on killed for real; no process but those that these tests began."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import ExitStack, closing

import numpy as np
import psutil
import pytest
from tests.execution import evaluations
from tests.execution.conftest import search_together, work_of
from tests.execution.evaluations import Making
from tests.execution.ray_node import ROOT, RayNode, words_of
from tests.execution.test_contract import collect, outcome, rows_of
from tests.execution.test_processes import until

from bittrader.execution.allowance import Allowed, write_allowed
from bittrader.execution.base import Failure
from bittrader.execution.bridge import BROKEN, NO_NODE
from bittrader.execution.cluster_executor import OnCluster
from bittrader.market.sample import synthetic
from bittrader.optimize.search import optimize


def submit(executor, count):
    return {executor.submit(rows_of(value)): value for value in range(count)}


def check(answers, sent):
    assert answers.keys() == sent.keys()
    for ticket, value in sent.items():
        assert (outcome(answers[ticket]) == 2 * value).all()


@pytest.fixture
def slow(cluster):
    with cluster.executor(work_of(Making(evaluations.slowly, 0.05))) as executor:
        yield executor


def actor(ray_node):
    """The process that works for this node."""
    until(lambda: ray_node.named("ray::NodeActor"))
    return ray_node.named("ray::NodeActor")[0]


def test_a_node_is_called_by_its_label(slow):
    slow.submit(rows_of(1))
    assert {done.node for done in collect(slow).values()} == {"alpha"}


def test_works_at_low_priority(cluster, ray_node):
    assert actor(ray_node).nice() >= 10


def test_the_actors_process_killed_in_the_middle_loses_nothing(slow, ray_node):
    sent = submit(slow, 60)
    answers = {done.ticket: done for done in slow.wait(30)}
    actor(ray_node).send_signal(signal.SIGKILL)
    check(answers | collect(slow, 60), sent)


def test_the_bridge_killed_in_the_middle_loses_nothing(slow, cluster):
    sent = submit(slow, 60)
    answers = {done.ticket: done for done in slow.wait(30)}
    os.kill(cluster._link.pid, signal.SIGKILL)
    until(lambda: slow.waits_for == BROKEN)
    check(answers | collect(slow, 60), sent)
    assert slow.waits_for == ""


def test_a_bridge_that_hangs_is_replaced(slow, cluster):
    sent = submit(slow, 60)
    answers = {done.ticket: done for done in slow.wait(30)}
    os.kill(cluster._link.pid, signal.SIGSTOP)
    check(answers | collect(slow, 60), sent)


def test_the_owner_changes_the_allowance_in_the_middle(slow, cluster, ray_node):
    write_allowed(ray_node.allowance, Allowed(0, "you are active"))
    try:
        until(lambda: cluster.cores == 0)
        slow.submit(rows_of(1))
        until(lambda: slow.waits_for == "cores: the node is paused (alpha: you are active)")
    finally:
        ray_node.allowance.unlink()
    assert len(collect(slow)) == 1
    until(lambda: slow.slots == 4)  # a search whose process was just killed counts as there for a few seconds


def test_an_evaluation_in_a_process_of_its_own_may_kill_it(cluster):
    with cluster.executor(work_of(Making(evaluations.die_on_negative), apart=True)) as executor:
        executor.submit(np.array([[1.0], [-1.0], [2.0]]))
        (done,) = collect(executor).values()
    assert [part.outcome == Failure("process killed by SIGKILL") for part in done.parts] == [False, True, False]


def test_processes_for_evaluations_do_not_load_rays_worker_program(cluster, ray_node, tmp_path):
    with cluster.executor(work_of(Making(evaluations.spin, str(tmp_path)), apart=True)) as executor:
        executor.submit(rows_of(1))
        until(lambda: list(tmp_path.glob("spins-*")))
        (spinning,) = tmp_path.glob("spins-*")
        evaluating = psutil.Process(int(spinning.name.removeprefix("spins-")))
        assert evaluating.parent() == actor(ray_node)
        assert not [one for one in evaluating.memory_maps() if "ray/_raylet" in one.path]
        (tmp_path / "enough").touch()
        collect(executor)


def test_an_answer_that_cannot_be_sent_is_a_failure_with_words(cluster):
    with cluster.executor(work_of(Making(evaluations.unsendable))) as executor:
        executor.submit(rows_of(1))
        (done,) = collect(executor).values()
    assert outcome(done).cause.startswith("its answer cannot be sent")


def trials(study):
    with closing(sqlite3.connect(study)) as opened:
        (columns,) = zip(*opened.execute("SELECT name FROM pragma_table_info('trials')"), strict=True)
        apart = {"node", "seconds", "ended"}
        kept = ", ".join(name for name in columns if name not in apart)
        return opened.execute(f"SELECT {kept} FROM trials ORDER BY number").fetchall()


def test_a_study_is_the_same_as_on_one_computer(cluster):
    candles = synthetic(5_000)
    found = [
        optimize("sma-cross", candles, trials=300, seed=7, study=name, on=on, verdict=False)
        for name, on in (("here", None), ("there", cluster))
    ]
    here, there = (trials(one.path) for one in found)
    assert len(here) == 300
    assert here == there


def test_a_user_function_is_searched_the_same_with_its_file_sent_along(cluster, tmp_path):
    (tmp_path / "mine.py").write_text("def bowl(params):\n    return {'loss': (params['x'] - 3) ** 2}\n")
    (tmp_path / "space.toml").write_text('[parameters.x]\nkind = "float"\nlow = -9.0\nhigh = 9.0\n')
    found = [
        optimize(
            f"{tmp_path}/mine.py:bowl",
            space=str(tmp_path / "space.toml"),
            trials=40,
            objective="loss:min",
            study=name,
            on=on,
        )
        for name, on in (("mine", None), ("theirs", cluster))
    ]
    here, there = (trials(one.path) for one in found)
    assert here == there


# --- a Ray of the test's own, because it is killed


@pytest.fixture
def own_node(ray_node, tmp_path):
    node = RayNode(tmp_path / "own", name="beta")
    yield node.start()
    node.close()


def test_neither_the_raylet_nor_the_head_killed_and_started_anew_loses_anything(own_node):
    with OnCluster(own_node.folder) as place, place.executor(work_of(Making(evaluations.slowly, 0.05))) as executor:
        sent = submit(executor, 80)
        answers = {done.ticket: done for done in executor.wait(30)}
        for word in ("raylet/raylet", "gcs_server"):
            assert own_node.kill(word)
            own_node.stop()
            until(lambda: executor.waits_for == NO_NODE)
            own_node.start()
            answers |= {done.ticket: done for done in executor.wait(60)}
        check(answers | collect(executor, 90), sent)


def test_two_searches_by_turns_on_two_nodes_do_each_long_evaluation_once(ray_node, tmp_path):
    """Each node has one core for both, so that all but one search stand still there for ten seconds at a time."""
    with ExitStack() as stack:
        head = None
        for name in ("beta", "gamma"):
            node = RayNode(tmp_path / name, cpus=1, name=name, head=head)
            stack.callback(node.close)
            write_allowed(node.start().allowance, Allowed(1, "you are there"))
            head = head or node
        (tmp_path / "other").mkdir()
        shutil.copy(head.folder / "ray.json", tmp_path / "other")
        places = [stack.enter_context(OnCluster(folder)) for folder in (head.folder, tmp_path / "other")]
        until(lambda: all(len(place._nodes) == 2 for place in places))
        order = search_together(places, tmp_path, evaluations_each=4, steps=100)
    assert set(order[:5]) == {0, 1}, "both get on"


def test_a_head_that_does_not_answer_holds_nothing_up(own_node):
    with OnCluster(own_node.folder) as place, place.executor(work_of(Making(evaluations.slowly, 0.05))) as executor:
        executor.submit(rows_of(1))
        collect(executor)
        (head,) = own_node.named("gcs_server")
        head.suspend()
        sent = submit(executor, 200)
        check(collect(executor), sent)
        assert not place._search.dispatch.redone


def test_a_wrong_token_is_said_in_one_line(ray_node, tmp_path):
    facts = json.loads((ray_node.folder / "ray.json").read_text())
    wrong = tmp_path / "token"
    wrong.write_text("f" * 64)
    facts["env"]["RAY_AUTH_TOKEN_PATH"] = str(wrong)
    (tmp_path / "ray.json").write_text(json.dumps(facts))
    with OnCluster(tmp_path) as place:
        until(lambda: place.waits_for.startswith("the head: it takes another token than this computer has"))


def test_a_node_that_cannot_start_to_work_says_why(ray_node, tmp_path):
    node = RayNode(tmp_path / "own", name="gamma", extra={"BITTRADER_HOME": "~nobody-of-this-name"})
    try:
        with OnCluster(node.start().folder) as place, place.executor(work_of(Making(evaluations.double))) as executor:
            words = "gamma: it cannot start here: RuntimeError: Could not determine home directory."
            until(lambda: executor.waits_for == f"a node that can evaluate this ({words})")
            time.sleep(3.0)  # longer than a node may be silent
            assert words in executor.waits_for
    finally:
        node.close()


def test_the_bridge_ends_with_its_parent(ray_node, tmp_path):
    program = f"""
import sys, time
from pathlib import Path
from bittrader.execution.cluster_executor import OnCluster
place = OnCluster(Path({str(ray_node.folder)!r}))
place.__enter__()
print(place._link.pid, flush=True)
time.sleep(600)
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, cwd=ROOT) as parent:
        bridge = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
        parent.wait()
        until(lambda: not bridge.is_running() or bridge.status() == psutil.STATUS_ZOMBIE or not words_of(bridge))
