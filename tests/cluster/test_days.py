"""Whole days in milliseconds: what an owner does, hour by hour, and all that the policy then says."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

from bittrader.cluster.policy import Moment, NodePolicy, PolicyMemory, allow
from bittrader.cluster.wishes import Wishes
from bittrader.host.base import Readings

TICK = 15.0
DRAIN, CHARGE = 0.20 / 3600, 0.60 / 3600  # of the battery, per second
MIDNIGHT_UNIX = 1_800_000_000.0


@dataclass(frozen=True)
class From:
    """What holds from a time of the day on."""

    time: str
    active: bool = False
    plugged: bool = True
    asleep: bool = False
    load: float = 0.0
    wall_jump: float = 0.0
    wishes: Wishes = field(default_factory=Wishes)

    @property
    def second(self):
        hours, minutes = self.time.split(":")
        return int(hours) * 3600 + int(minutes) * 60


@dataclass(frozen=True)
class Computer:
    """How a computer stands at a moment of its day."""

    second: float
    awake: float
    charge: float
    touched: float

    def after(self, now):
        """The computer one tick later."""
        return Computer(
            self.second + TICK,
            self.awake + (0.0 if now.asleep else TICK),
            min(1.0, self.charge + TICK * (CHARGE if now.plugged else -DRAIN * (not now.asleep))),
            self.second if now.active else self.touched,
        )

    def readings(self, now, *, has_battery):
        charge = self.charge if has_battery else None
        return Readings(
            idle_seconds=0.0 if now.active else self.second - self.touched,
            on_battery=has_battery and not now.plugged,
            charge=charge, other_load=now.load, laptop=has_battery,
        )  # fmt: skip


def log_of(*story, policy=NodePolicy(), total=8, has_battery=True, charge=1.0):  # noqa: B008 - it is frozen
    """All lines that a daemon would write in 24 hours."""
    memory, last, lines = PolicyMemory(), None, []
    computer = Computer(second=0.0, awake=0.0, charge=charge, touched=-7_200.0)
    while computer.second < 24 * 3600:
        now = [part for part in story if part.second <= computer.second][-1]
        if not now.asleep:
            wall = computer.second + now.wall_jump
            moment = Moment(computer.awake, MIDNIGHT_UNIX + wall, wall / 3600 % 24)
            seen = computer.readings(now, has_battery=has_battery)
            memory, allowance = allow(policy, memory, seen, now.wishes, total, moment)
            if last is None or (allowance.cores, allowance.cause) != (last.cores, last.cause):
                lines.append(f"{_clock(computer.second)} {allowance.cores} {allowance.reason}")
            last = allowance
        computer = computer.after(now)
    return lines


def _clock(second):
    return f"{int(second // 3600):02}:{int(second // 60 % 60):02}:{int(second % 60):02}"


def test_a_laptop_that_commutes():
    assert log_of(
        From("00:00"),
        From("06:30", active=True),
        From("07:15", active=True, plugged=False),  # on the train
        From("08:00", plugged=False, asleep=True),  # in the bag
        From("08:40", active=True),  # at work
        From("12:00"),  # lunch
        From("12:45", active=True),
        From("17:00", active=True, plugged=False),
        From("18:00", plugged=False),  # forgotten on the sofa
        From("22:00"),  # plugged in for the night
    ) == [
        "00:00:00 8 you are away: all 8 cores",
        "06:30:00 2 you are active: 2 of 8 cores",
        "12:02:45 8 you are away: all 8 cores",
        "12:45:00 2 you are active: 2 of 8 cores",
        "18:02:45 4 on battery at 79 %: 4 of 8 cores",
        "20:00:15 0 on battery at 39 %: paused below 40 %",
        "22:00:00 0 on the charger for less than 5 min, at 0 %: paused below 40 %",
        "22:04:45 8 you are away: all 8 cores",
    ]


def test_a_desktop_at_the_weekend():
    assert log_of(
        From("00:00"),
        From("10:00", active=True),
        From("10:40"),  # breakfast
        From("11:30", load=5.2),  # a film is encoded
        From("12:10"),
        From("14:00", active=True, load=2.0),
        From("15:00", wishes=Wishes(paused_until=MIDNIGHT_UNIX + 16 * 3600)),  # a game
        From("18:00", active=True, wishes=Wishes(cores=6)),
        From("19:00"),
        has_battery=False,
    ) == [
        "00:00:00 8 you are away: all 8 cores",
        "10:00:00 2 you are active: 2 of 8 cores",
        "10:42:45 8 you are away: all 8 cores",
        "11:30:00 3 other programs keep 5 cores busy: 3 of 8 cores",
        "12:10:00 8 you are away: all 8 cores",
        "14:00:00 2 you are active: 2 of 8 cores",
        "15:00:00 0 paused by you until 16:00",
        "16:00:00 8 you are away: all 8 cores",
        "18:00:00 6 you asked for 6: 6 of 8 cores",
        "19:00:00 2 you are active: 2 of 8 cores",
        "19:02:45 8 you are away: all 8 cores",
    ]


def test_a_charger_with_a_loose_contact():
    flapping = [From(f"10:{minute:02}", plugged=bool(minute % 2)) for minute in range(60)]
    assert log_of(From("00:00"), *flapping, From("11:00")) == [
        "00:00:00 8 you are away: all 8 cores",
        "10:00:00 4 on battery at 100 %: 4 of 8 cores",
        *(
            f"10:{minute:02}:00 4 "
            + ("on the charger for less than 5 min, at" if minute % 2 else "on battery at")
            + f" {100 if minute % 2 == 0 else 99} %: 4 of 8 cores"
            for minute in range(1, 60)
        ),
        "11:03:45 8 you are away: all 8 cores",
    ]


def test_a_clock_that_jumps_changes_nothing_but_the_hours_of_the_day():
    story = [From("00:00"), From("06:00", active=True), From("06:10")]
    jumps = [From("07:00", wall_jump=7_200.0), From("08:00", wall_jump=-86_400.0), From("09:00", wall_jump=0.5)]
    assert log_of(*story, *jumps) == log_of(*story)
    nights = NodePolicy(hours=("20:00-08:00",))
    assert log_of(From("00:00"), From("07:00", wall_jump=7_200.0), From("07:30"), policy=nights) == [
        "00:00:00 8 you are away: all 8 cores",
        "07:00:00 0 paused outside the hours 20:00-08:00",
        "07:30:00 8 you are away: all 8 cores",
        "08:00:00 0 paused outside the hours 20:00-08:00",
        "20:00:00 8 you are away: all 8 cores",
    ]


def test_hot_noon_and_cool_evening_are_one_change_a_minute_at_most():
    policy, memory, cores = NodePolicy(), PolicyMemory(), []
    for second in range(3_600):
        seen = Readings(idle_seconds=600.0 + second, hot=second % 7 == 0)
        memory, allowance = allow(policy, memory, seen, Wishes(), 8, Moment(float(second), float(second), 12.0))
        cores.append(allowance.cores)
    raised = [second for second, (before, after) in enumerate(pairwise(cores)) if after > before]
    assert len(raised) > 0
    assert all(later - sooner >= 60 for sooner, later in pairwise(raised))
