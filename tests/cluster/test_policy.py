"""How many cores we may use, and why: laws first, then each rule, in the owner's words."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bittrader.cluster.policy import Cause, Moment, NodePolicy, PolicyMemory, allow
from bittrader.cluster.wishes import Wishes
from bittrader.errors import InputError
from bittrader.host.base import Readings

POLICY = NodePolicy()
NOON = Moment(monotonic=10_000.0, unix=1_800_000_000.0, hour=12.0)
AWAY = Readings(idle_seconds=600.0, on_battery=False)
ACTIVE = Readings(idle_seconds=1.0, on_battery=False)
UNPLUGGED = replace(AWAY, on_battery=True, charge=0.8)

switches = st.none() | st.booleans()
readings = st.builds(
    Readings,
    idle_seconds=st.none() | st.floats(0, 1e6) | st.just(math.inf),
    on_battery=switches,
    charge=st.none() | st.floats(0, 1),
    hot=switches,
    other_load=st.floats(0, 300),
    has_screen=switches,
    laptop=switches,
)
shares = st.floats(0, 1)
cores = st.integers(0, 64)
policies = st.builds(
    NodePolicy,
    active_cores=cores,
    away_cores=st.none() | cores,
    active_below_seconds=st.floats(0, 100),
    away_after_seconds=st.floats(100, 1_000),
    battery_floor=shares,
    battery_share=shares,
    battery_reserve=shares,
    mains_seconds=st.floats(0, 1_000),
    hot_share=shares,
    yield_to_others=st.booleans(),
    hours=st.sampled_from([(), ("20:00-08:00",), ("9:00-12:00", "13:00-17:30")]),
    grow_after_seconds=st.just(60.0),
)
wishes = st.builds(
    Wishes, paused_until=st.none() | st.just(math.inf) | st.floats(0, 4e9), cores=st.none() | st.integers(0, 100)
)
totals = st.integers(1, 128)
pauses = st.floats(0.01, 400)
days = st.lists(st.tuples(pauses, readings), min_size=1, max_size=30)


def later(moment, seconds):
    return Moment(moment.monotonic + seconds, moment.unix + seconds, (moment.hour + seconds / 3600) % 24)


def decisions(policy, day, wish, total):
    """What is allowed at each moment of a day of pauses and readings."""
    memory, now = PolicyMemory(), NOON
    for pause, seen in day:
        now = later(now, pause)
        memory, allowance = allow(policy, memory, seen, wish, total, now)
        yield now, seen, allowance


def decide(seen, *, policy=POLICY, memory=None, wish=None, total=8, now=NOON):
    return allow(policy, memory or PolicyMemory(), seen, wish or Wishes(), total, now)


@given(policies, days, wishes, totals)
def test_never_more_cores_than_there_are_and_always_a_reason(policy, day, wish, total):
    for _, _, allowance in decisions(policy, day, wish, total):
        assert 0 <= allowance.cores <= total
        assert allowance.reason.strip()


@given(policies, days, wishes, totals)
def test_never_more_cores_than_a_decision_without_a_past_would_give_now(policy, day, wish, total):
    for now, seen, allowance in decisions(policy, day, wish, total):
        if seen.idle_seconds is None or seen.idle_seconds < policy.active_below_seconds:
            _, fresh = decide(seen, policy=policy, wish=wish, total=total, now=now)
            assert allowance.cores <= fresh.cores


@given(policies, days, wishes, totals)
def test_the_same_day_gives_the_same_decisions(policy, day, wish, total):
    assert list(decisions(policy, day, wish, total)) == list(decisions(policy, day, wish, total))


@given(policies, days, wishes, totals)
def test_cores_grow_at_most_once_a_minute_and_never_within_a_minute_of_a_change(policy, day, wish, total):
    before, changed = None, None
    for now, _, allowance in decisions(policy, day, wish, total):
        if before is not None and allowance.cores > before:
            assert now.monotonic - changed >= 60
        if allowance.cores != before:
            changed = now.monotonic
        before = allowance.cores


@given(policies, days, totals)
def test_a_pause_lasts_until_it_is_taken_back(policy, day, total):
    for _, _, allowance in decisions(policy, day, Wishes(paused_until=math.inf, cores=5), total):
        assert (allowance.cores, allowance.cause) == (0, Cause.PAUSED)


@given(policies, days, totals, readings)
def test_whatever_the_past_the_owners_return_is_answered_at_once(policy, day, total, seen):
    memory, now = PolicyMemory(), NOON
    for pause, earlier in day:
        now = later(now, pause)
        memory, _ = allow(policy, memory, earlier, Wishes(), total, now)
    back = replace(seen, idle_seconds=0.0)
    if policy.active_below_seconds > 0:
        assert allow(policy, memory, back, Wishes(), total, now)[1].cores <= min(policy.active_cores, total)


@given(days, totals)
def test_an_empty_battery_beats_whatever_the_owner_asked(day, total):
    for _, seen, allowance in decisions(POLICY, day, Wishes(cores=total), total):
        if seen.on_battery and seen.charge is not None and seen.charge < POLICY.battery_reserve:
            assert allowance.cores == 0


@pytest.mark.parametrize(
    ("seen", "cores", "reason"),
    [
        (ACTIVE, 2, "you are active: 2 of 8 cores"),
        (AWAY, 8, "you are away: all 8 cores"),
        (Readings(laptop=True), 2, "you may be active (this computer does not tell): 2 of 8 cores"),
        (Readings(), 2, "you may be active (this computer does not tell): 2 of 8 cores"),
        (Readings(has_screen=True), 2, "you may be active (this computer does not tell): 2 of 8 cores"),
        (Readings(has_screen=False), 8, "no screen: all 8 cores"),
        (Readings(has_screen=False, laptop=True), 2, "you may be active (this computer does not tell): 2 of 8 cores"),
        (UNPLUGGED, 4, "on battery at 80 %: 4 of 8 cores"),
        (replace(UNPLUGGED, charge=0.4), 4, "on battery at 40 %: 4 of 8 cores"),
        (replace(UNPLUGGED, charge=0.399), 0, "on battery at 39 %: paused below 40 %"),
        (replace(UNPLUGGED, charge=0.05), 0, "on battery at 5 %: paused below 40 %"),
        (replace(UNPLUGGED, charge=None), 0, "on battery at an unknown charge: paused below 40 %"),
        (replace(UNPLUGGED, idle_seconds=1.0), 2, "you are active: 2 of 8 cores"),
        (replace(AWAY, on_battery=None, charge=0.1), 8, "you are away: all 8 cores"),
        (replace(AWAY, hot=True), 4, "the processor is hot: 4 of 8 cores"),
        (replace(AWAY, other_load=0.4), 8, "you are away: all 8 cores"),
        (replace(AWAY, other_load=1.2), 7, "other programs keep 1 core busy: 7 of 8 cores"),
        (replace(AWAY, other_load=2.9), 5, "other programs keep 3 cores busy: 5 of 8 cores"),
        (replace(AWAY, other_load=31.0), 1, "other programs keep 8 cores busy: 1 of 8 cores"),
    ],
)
def test_each_reading_has_its_answer(seen, cores, reason):
    allowance = decide(seen)[1]
    assert (allowance.cores, allowance.reason) == (cores, reason)


@pytest.mark.parametrize(
    ("total", "seen", "reason"),
    [
        (1, ACTIVE, "you are active: the only core"),
        (1, UNPLUGGED, "on battery at 80 %: the only core"),
        (2, ACTIVE, "you are active: all 2 cores"),
        (3, UNPLUGGED, "on battery at 80 %: 1 of 3 cores"),
    ],
)
def test_small_computers_get_whole_cores_and_plain_words(total, seen, reason):
    assert decide(seen, total=total)[1].reason == reason


@pytest.mark.parametrize(
    ("hour", "cores"), [(19.99, 0), (20.0, 8), (23.5, 8), (0.0, 8), (7.99, 8), (8.0, 0), (12.0, 0)]
)
def test_hours_may_go_over_midnight(hour, cores):
    policy = NodePolicy(hours=("20:00-08:00",))
    allowance = decide(AWAY, policy=policy, now=replace(NOON, hour=hour))[1]
    assert allowance.cores == cores
    assert cores or allowance.reason == "paused outside the hours 20:00-08:00"


def test_a_policy_may_give_nothing_to_a_head_that_only_serves():
    policy = NodePolicy(active_cores=0, away_cores=0)
    assert decide(AWAY, policy=policy)[1].reason == "you are away: none of 8 cores"


@pytest.mark.parametrize(
    ("wish", "cores", "reason"),
    [
        (Wishes(paused_until=math.inf), 0, "paused by you until you resume"),
        (Wishes(paused_until=NOON.unix + 5_400), 0, "paused by you until 13:30"),
        (Wishes(paused_until=NOON.unix + 13 * 3_600), 0, "paused by you until 01:00"),
        (Wishes(paused_until=NOON.unix + 30 * 3_600), 0, "paused by you for 1 more day"),
        (Wishes(paused_until=NOON.unix), 2, "you are active: 2 of 8 cores"),
        (Wishes(cores=6), 6, "you asked for 6: 6 of 8 cores"),
        (Wishes(cores=99), 8, "you asked for 99: all 8 cores"),
        (Wishes(cores=0), 0, "you asked for 0: none of 8 cores"),
    ],
)
def test_what_the_owner_asked_comes_first(wish, cores, reason):
    allowance = decide(ACTIVE, wish=wish)[1]
    assert (allowance.cores, allowance.reason) == (cores, reason)


def test_an_override_beats_activity_battery_load_and_hours_but_not_heat():
    policy = NodePolicy(hours=("20:00-08:00",))
    seen = replace(UNPLUGGED, idle_seconds=0.0, charge=0.2, other_load=7.0)
    assert decide(seen, policy=policy, wish=Wishes(cores=8))[1].cores == 8
    assert decide(replace(seen, hot=True), policy=policy, wish=Wishes(cores=8))[1].cores == 4


def test_between_the_thresholds_what_held_before_holds_on():
    half = replace(ACTIVE, idle_seconds=100.0)
    memory, _ = decide(ACTIVE)
    assert decide(half, memory=memory)[1].cause == Cause.ACTIVE
    memory, _ = decide(AWAY)
    assert decide(half, memory=memory)[1].cause == Cause.AWAY


def test_stops_when_the_charger_is_pulled_and_waits_until_it_has_been_in_for_five_minutes():
    memory, now = decide(AWAY)[0], NOON
    memory, pulled = decide(replace(UNPLUGGED, charge=0.3), memory=memory, now=now)
    assert pulled.cores == 0
    charging = replace(AWAY, charge=0.31)
    memory, settling = decide(charging, memory=memory, now=later(now, 299))
    assert settling.reason == "on the charger for less than 5 min, at 31 %: paused below 40 %"
    memory, trusted = decide(charging, memory=memory, now=later(now, 300))
    assert (trusted.cores, trusted.cause) == (8, Cause.AWAY)


def test_a_battery_that_hovers_at_the_floor_does_not_switch_work_on_and_off():
    memory, now, seen = PolicyMemory(), NOON, []
    for charge in (0.41, 0.39, 0.41, 0.39, 0.44, 0.45):
        now = later(now, 120)
        memory, allowance = decide(replace(UNPLUGGED, charge=charge), memory=memory, now=now)
        seen.append((allowance.cores, allowance.reason))
    assert [cores for cores, _ in seen] == [4, 0, 0, 0, 0, 4]
    assert seen[2][1] == "on battery at 41 %: paused until it reaches 45 %"


def test_after_a_change_there_are_more_cores_only_a_minute_later_and_the_reason_says_so():
    memory, _ = decide(AWAY)
    memory, _ = decide(replace(AWAY, hot=True), memory=memory, now=later(NOON, 10))
    memory, waiting = decide(AWAY, memory=memory, now=later(NOON, 69))
    assert (waiting.cores, waiting.cause) == (4, Cause.WAITING)
    assert waiting.reason == "4 of 8 cores: changed less than 1 min ago, 8 soon"
    assert decide(AWAY, memory=memory, now=later(NOON, 70))[1].cores == 8


def test_who_changes_the_policy_does_not_wait():
    there = Readings(idle_seconds=0.0)
    memory, allowance = decide(there)
    assert allowance.cores == 2
    for seconds, cores in ((1, 1), (2, 6), (3, 3), (4, 4)):
        owners = replace(POLICY, active_cores=cores)
        memory, allowance = decide(there, policy=owners, memory=memory, now=later(NOON, seconds))
        assert (allowance.cores, allowance.cause) == (cores, Cause.ACTIVE)


def test_who_resumes_does_not_wait():
    memory, _ = decide(AWAY)
    memory, _ = decide(AWAY, memory=memory, wish=Wishes(paused_until=math.inf), now=later(NOON, 1))
    assert decide(AWAY, memory=memory, now=later(NOON, 2))[1].cores == 8


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"active_cores": -1}, "active_cores is 0 or more, not -1"),
        ({"battery_floor": 40.0}, "battery_floor is a share from 0 to 1, not 40"),
        ({"away_after_seconds": 30.0}, "away_after_seconds is no less than active_below_seconds"),
        ({"hours": ("8-20",)}, "hours holds spans of the day as in \"20:00-08:00\", not '8-20'"),
        ({"hours": ("20:00-24:30",)}, "not '20:00-24:30'"),
        ({"hours": ("20:00-20:00",)}, "the span 20:00-20:00 of hours is empty"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(wrong, words):
    with pytest.raises(InputError) as refused:
        NodePolicy(**wrong)
    assert words in str(refused.value)
