"""What a node's supervisor keeps true, whatever happens to its computer."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.cluster.world import World

from bittrader.cluster import actions, supervisor
from bittrader.cluster.backoff import delay
from bittrader.cluster.seen import Cluster, JobSeen
from bittrader.cluster.wishes import Wishes
from bittrader.execution.allowance import Allowed

if TYPE_CHECKING:
    from collections.abc import Callable

BACK_SECONDS = 15.0
seconds = st.floats(0.5, 60)


def lose_address(world: World, long: float) -> None:
    before, world.address = world.address, None
    world.run(long)
    world.address = before


def refuse(world: World, long: float) -> None:
    world.refused = "other versions"
    world.run(long)
    world.refused = None


EVENTS: dict[str, Callable[[World, float], None]] = {
    "the raylet is killed": lambda world, _: world.kill_raylet(),
    "what asks Ray is killed": lambda world, _: world.kill_asker(),
    "the link is cut": lambda world, long: world.cut(long),
    "the address changes": lambda world, long: setattr(
        world, "address", f"10.0.{int(long)}.{len(world.log) % 200 + 2}"
    ),
    "there is no network": lose_address,
    "the computer sleeps": lambda world, long: world.sleep(long * 60),
    "everything stands still": lambda world, long: world.freeze(long),
    "the clock is set": lambda world, long: world.set_clock((long - 45) * 100),
    "the head's Ray begins anew": lambda world, long: world.restart_head(long / 4),
    "starts fail": lambda world, long: setattr(world, "failing", int(long) // 20),
    "nothing happens": lambda world, long: world.run(long),
    "the head refuses the node": refuse,
}
events = st.lists(st.tuples(st.sampled_from(sorted(EVENTS)), seconds, st.floats(0, 30)), max_size=8)
roles = st.sampled_from(["head", "worker"])


def happen(world: World, what: list[tuple[str, float, float]]) -> None:
    for event, long, pause in what:
        world.log.append((world.now, f"-- {event}"))
        EVENTS[event](world, long)
        world.run(pause)


@settings(max_examples=60)
@given(role=roles, what=events, seed=st.integers(0, 99), took=st.floats(0.5, 20))
def test_whatever_happens_the_node_is_back_at_work_when_the_world_is_well(
    role: str, what: list[tuple[str, float, float]], seed: int, took: float
) -> None:
    world = World(role=role, seed=seed, start_seconds=took)  # and never two at a time: the world would not have it
    happen(world, what)
    world.failing = 0
    # The longest wait after failures, a start in vain that was under way, and a start.
    world.run_until_at_work(1.25 * 60 + 2 * took + BACK_SECONDS)
    world.run(120)
    assert world.at_work, world.words()
    assert world.memory.failures == 0


@settings(max_examples=40)
@given(role=roles, what=events, seed=st.integers(0, 99), how=st.sampled_from(["stop", "restart", "signal"]))
def test_asked_to_stop_it_ends_everything_it_started_and_exits(
    role: str, what: list[tuple[str, float, float]], seed: int, how: str
) -> None:
    world = World(role=role, seed=seed, jobs_asked={"study"})
    happen(world, what)
    if how == "signal":
        world.ending = True
    else:
        world.wishes = Wishes(run=how)
    world.run(30)
    assert world.code == (supervisor.RESTART_CODE if how == "restart" else 0), world.words()
    assert world.ray is None
    assert world.membership_at is None
    assert world.ray_file is None
    assert world.compiling != "runs"
    assert all(job.code is not None for job in world.jobs.values())
    assert world.jobs_asked == {"study"}, "it goes on when the daemon does"


@pytest.mark.parametrize("role", ["head", "worker"])
def test_starts_that_fail_are_tried_again_ever_more_slowly_and_at_least_once_a_minute(role: str) -> None:
    world = World(role=role, failing=10_000)
    world.run(3600)
    gaps = [after - before for before, after in pairwise(world.starts)]
    for failures, gap in enumerate(gaps, start=1):
        assert delay(failures, 0) <= gap <= delay(failures, 1) + 3, f"after {failures} failures"
    assert gaps[-1] >= 45


@given(failures=st.integers(0, 10_000), chance=st.floats(0, 1))
def test_the_wait_grows_and_spreads_and_has_an_end(failures: int, chance: float) -> None:
    assert delay(failures, 0) <= delay(failures, chance) <= delay(failures, 1) <= 75
    assert delay(failures, 0) <= delay(failures + 1, 0)
    assert delay(0, chance) == 0


def test_a_node_compiles_ahead_once_and_only_while_its_owner_lets_it_work() -> None:
    world = World(wishes=Wishes(paused_until=math.inf))
    world.run_until_at_work(60)
    world.run(30)
    assert world.compiling == "not yet"
    world.wishes = Wishes()
    world.run(5)
    assert world.compiling == "runs"
    world.wishes = Wishes(paused_until=math.inf)
    world.run(5)
    assert world.compiling == "not yet"
    world.wishes = Wishes()
    world.run(60)
    assert world.compiling == "done"
    world.kill_raylet()
    world.run(60)
    assert world.compiling == "done"


def test_failures_are_forgotten_after_a_while_at_work() -> None:
    world = World(failing=6)
    world.run_until_at_work(300)
    assert world.memory.failures == 6
    world.run(supervisor.HEALTHY_SECONDS + 1)
    world.kill_raylet()
    world.tick()
    assert world.run_until_at_work(60) < BACK_SECONDS


EACH_ALONE = {
    "the raylet is killed": lambda world: world.kill_raylet(),
    "a new address": lambda world: setattr(world, "address", "10.9.9.9"),
    "a cut that Ray outlives": lambda world: world.cut(5),
    "a cut that Ray does not": lambda world: world.cut(12),
    "a cut of 45 s": lambda world: world.cut(45),
    "a cut of an hour": lambda world: world.cut(3600),
    "a sleep of a minute": lambda world: world.sleep(60),
    "a sleep of a night": lambda world: world.sleep(8 * 3600),
    "a standstill of a minute": lambda world: world.freeze(60),
    "a sleep into another network": lambda world: (world.sleep(3600), setattr(world, "address", "10.7.0.4")),
    "the head's Ray anew after 3 s": lambda world: world.restart_head(3),
    "the head's Ray anew after 10 min": lambda world: world.restart_head(600),
    "the head has moved": lambda world: (setattr(world, "gcs", "10.0.0.77:6379"), world.restart_head(5)),
    "no network for 30 s": lambda world: lose_address(world, 30),
    "the clock goes a day ahead": lambda world: world.set_clock(86_400),
    "the clock goes a day back": lambda world: world.set_clock(-86_400),
}


@pytest.mark.parametrize("event", EACH_ALONE)
def test_a_worker_is_back_within_15_seconds_of(event: str) -> None:
    world = World(start_seconds=5.0)
    world.run_until_at_work(60)
    world.run(60)
    EACH_ALONE[event](world)
    world.tick()
    world.run(5)  # whatever is wrong is noticed in less
    assert world.at_work or world.memory.phase != "up", f"not noticed\n{world.words()}"
    assert world.run_until_at_work(60) + 5.5 < BACK_SECONDS, world.words()
    world.run(60)
    assert world.at_work


@pytest.mark.parametrize(
    "event", ["the clock goes a day ahead", "the clock goes a day back", "a cut that Ray outlives"]
)
def test_what_harms_nothing_restarts_nothing(event: str) -> None:
    world = World()
    world.run_until_at_work(60)
    EACH_ALONE[event](world)
    world.run(120)
    assert len(world.starts) == 1, world.words()


def test_a_short_loss_of_the_network_restarts_nothing() -> None:
    world = World()
    world.run_until_at_work(60)
    lose_address(world, 4)
    world.run(120)
    assert len(world.starts) == 1, world.words()


def test_twelve_changes_of_address_are_twelve_returns_each_within_15_seconds() -> None:
    world = World(start_seconds=5.0)
    world.run_until_at_work(60)
    for change in range(12):
        world.address = f"10.0.{change}.7"
        world.tick()
        assert world.run_until_at_work(60) < BACK_SECONDS, world.words()
        world.run(5 + change)
    assert len(world.starts) == 13


def test_an_address_that_flaps_every_second_does_not_start_ray_every_second() -> None:
    world = World()
    world.run_until_at_work(60)
    for turn in range(600):
        world.address = f"10.0.0.{2 + turn % 2}"
        world.run(1)
    assert len(world.starts) <= 3, world.words()
    assert world.run_until_at_work(60) < BACK_SECONDS


@pytest.mark.parametrize(
    "event", ["the raylet is killed", "a new address", "a sleep of a night", "a standstill of a minute"]
)
def test_a_head_is_back_within_15_seconds_of(event: str) -> None:
    world = World(role="head", start_seconds=7.0)
    world.run_until_at_work(60)
    world.run(60)
    EACH_ALONE[event](world)
    world.tick()
    assert world.run_until_at_work(60) < BACK_SECONDS, world.words()


@pytest.mark.parametrize("took", [0, 5, 14])
def test_a_heads_ray_goes_on_while_what_asks_it_begins_anew(took: float) -> None:
    world = World(role="head", asks_after=took)
    world.run_until_at_work(60)
    world.run(60)
    world.kill_asker()
    world.run(120)
    assert len(world.starts) == 1, world.words()
    assert world.at_work


def test_a_heads_ray_that_answers_nothing_for_20_seconds_begins_anew_and_not_before() -> None:
    world = World(role="head")
    world.run_until_at_work(60)
    world.run(60)
    world.answers = False
    world.run(19)
    assert len(world.starts) == 1, world.words()
    world.run(10)
    assert len(world.starts) == 2, world.words()


def test_a_day_of_a_laptop_that_commutes() -> None:
    world = World(start_seconds=6.0, seed=3)
    lost = 0.0
    for hour in range(24):
        for _ in range(2):
            began = world.now
            lost += world.run_until_at_work(120)
            world.run(max(0.0, 200 - (world.now - began)))
            world.cut(20)
        world.sleep(3000)
        world.address = f"192.168.{hour}.5" if hour % 3 == 0 else f"10.0.0.{hour + 2}"
    assert lost < 24 * 3 * BACK_SECONDS
    assert len(world.starts) <= 24 * 3 + 1, world.words()


def test_a_day_in_which_the_head_is_restarted_every_half_hour() -> None:
    world = World(start_seconds=5.0)
    for _ in range(48):
        assert world.run_until_at_work(60) < BACK_SECONDS
        world.run(300)
        world.sleep(1500)
        world.restart_head(8)
    assert len(world.starts) == 48


def test_a_network_that_flaps_all_day_costs_no_more_than_the_cuts_and_the_starts() -> None:
    world = World(start_seconds=5.0, seed=9)
    away = 0.0
    for turn in range(100):
        world.cut(3 + turn % 25)
        away += world.run_until_at_work(120)
        world.run(30 + turn % 30)
    assert away / 100 < BACK_SECONDS
    assert world.memory.failures <= 1


def test_leftovers_are_ended_before_anything_is_started() -> None:
    world = World(leftovers=14, jobs_asked={"study"})
    world.run(1.5)
    assert not world.starts
    assert not world.jobs
    world.run_until_at_work(30)  # the world would not have let it start beside them
    assert world.jobs["study"].code is None


def test_what_does_not_end_is_named_and_left_with_a_code_of_its_own() -> None:
    world = World()
    world.run_until_at_work(60)
    memory, acts = world.memory, ()
    seen = replace(world._seen(), wishes=Wishes(run="stop"), jobs={"mine": JobSeen()})
    while actions.Exit not in map(type, acts):
        world.now += 1
        assert world.now < 1200, "it never leaves"
        memory, acts = supervisor.step(world._rules, memory, replace(seen, clocks=world._seen().clocks))
    words = "ends, although not all that it started does: Ray (5 processes), what compiles ahead, the study mine"
    assert acts[-2:] == (actions.Log(words, trouble=True), actions.Exit(supervisor.UNENDING_CODE))


def test_a_refused_node_stops_says_why_once_and_comes_back_when_it_is_let_in() -> None:
    world = World()
    world.run_until_at_work(60)
    refuse(world, 600)
    assert world.ray is None
    assert sum("other versions" in line for _, line in world.log) == 2, world.words()
    assert world.run_until_at_work(60) < BACK_SECONDS


def test_a_node_that_rays_list_does_not_have_is_started_again() -> None:
    world = World()
    world.run_until_at_work(60)
    world.run(30)
    world.ray.dead = True
    began = world.now
    world.run(1)
    assert world.memory.phase == "up", "one answer may be late"
    world.run(4)
    assert world.memory.phase != "up"
    assert world.run_until_at_work(60) + (world.now - began) < 2 * BACK_SECONDS


def test_while_nothing_changes_nothing_is_done_and_nothing_is_logged() -> None:
    world = World()
    world.run_until_at_work(60)
    world.run(30)
    lines = len(world.log)
    world.run(3600)
    assert len(world.log) == lines
    assert len(world.starts) == 1


@pytest.mark.parametrize("found", [None, Allowed(99, "somebody wrote it")])
def test_an_allowance_that_is_lost_or_another_is_said_again_at_the_next_turn(found: Allowed | None) -> None:
    world = World()
    world.run_until_at_work(60)
    said, lines = world.allowed, len(world.log)
    world.allowed = found
    world.tick()
    assert world.allowed == said != found
    assert len(world.log) == lines, "nothing was decided anew"


def test_a_better_address_is_taken_only_when_it_stays() -> None:
    world = World(role="head")
    world.run_until_at_work(60)
    seen = world._seen()
    both = replace(seen, addresses=frozenset({"10.0.0.2", "100.64.0.9"}))
    better = replace(both, place=replace(seen.place, address="100.64.0.9", gcs="10.0.0.2:6379"))
    memory, _ = supervisor.step(world._rules, world.memory, better)
    assert memory.phase == "up"
    later = replace(
        better, clocks=replace(seen.clocks, monotonic=seen.clocks.monotonic + 2, boottime=seen.clocks.boottime + 2)
    )
    memory, _ = supervisor.step(world._rules, memory, later)
    assert memory.phase == "up"


def seconds_until_it_stops(world: World) -> float:
    began = world.now
    while world.memory.phase == "up":
        assert world.now - began < 60
        world.tick()
    return world.now - began


def test_another_session_of_the_head_is_followed_as_soon_as_it_is_told() -> None:
    world = World()
    world.run_until_at_work(60)
    world.run(30)
    world.head_session = "another"
    assert seconds_until_it_stops(world) <= 1.5
    assert world.memory.failures == 0, "that is no failure of this node's"


def test_after_a_sleep_one_answer_is_enough_to_know_that_the_node_is_lost() -> None:
    world = World()
    world.run_until_at_work(60)
    world.run(30)
    world.sleep(3600)
    assert seconds_until_it_stops(world) <= 1.0
    assert "the computer slept for 3600 s" in world.words()


def test_after_a_sleep_nothing_is_started_on_the_word_of_before() -> None:
    world = World(start_seconds=5.0)
    world.run(1)
    assert not world.starts
    world.link = False
    world.sleep(3600)
    world.run(60)
    assert not world.starts, world.words()
    world.link = True
    assert world.run_until_at_work(60) < BACK_SECONDS


# So many as a head whose nodes all vanished often holds, and far fewer than a process may.
MANY = 1000


def cluttered(*, searching: bool = False) -> World:
    world = World(role="head", searching=searching)
    world.run_until_at_work(60)
    world.ray.connections = MANY
    return world


def test_a_heads_ray_full_of_connections_of_nodes_that_vanished_begins_anew_once_nobody_searches() -> None:
    world = cluttered(searching=True)
    world.run(3600)
    assert len(world.starts) == 1
    world.searching = False
    world.run(supervisor.QUIET_SECONDS - 1)
    assert len(world.starts) == 1, "the next search may begin at once"
    world.run(10)
    world.run_until_at_work(30)
    assert len(world.starts) == 2
    assert "it holds 1000 connections, most of them of nodes that have gone" in world.words()
    assert world.memory.failures == 0, "that is no failure of this node's"


def test_a_heads_ray_full_of_connections_goes_on_while_a_detached_study_is_to_run() -> None:
    world = cluttered()
    world.jobs_asked = {"overnight"}
    world.run(3600)
    assert len(world.starts) == 1


def test_a_heads_ray_that_is_never_without_clutter_begins_anew_now_and_then_only() -> None:
    world = cluttered()
    for _ in range(3600 * 4):
        world.tick()
        if world.ray is not None:
            world.ray.connections = MANY
    assert len(world.starts) <= 1 + 2 * 3600 / supervisor.OLD_SECONDS


def test_too_many_connections_are_not_borne_during_a_search_either() -> None:
    world = cluttered(searching=True)
    world.ray.connections += supervisor.MOST_CONNECTIONS
    world.run(2)
    world.run_until_at_work(30)
    assert len(world.starts) == 2


@given(nodes=st.integers(1, 200), searched=st.booleans())
def test_a_cluster_of_nodes_that_all_live_is_never_begun_anew(nodes: int, *, searched: bool) -> None:
    world = World(role="head", searching=searched)
    world.run_until_at_work(60)
    world.run(supervisor.OLD_SECONDS)
    seen = world._seen()
    # What was measured: 14, and for each node 8 while nobody searches.
    held = 14 + 8 * nodes
    crowd = replace(seen, ray=replace(seen.ray, connections=held), cluster=Cluster(nodes, searched))
    assert supervisor.step(world._rules, world.memory, crowd)[0].phase == "up"
