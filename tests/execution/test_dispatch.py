"""Who gets which batch: laws over whatever nodes may do, and figures in virtual time."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tests.execution.simulated import SimulatedNode, Simulation

from bittrader.execution.assignment import Status
from bittrader.execution.base import Done, Failure, Part
from bittrader.execution.dispatch import Answer, Cancel, Dispatch, Send

NODES = st.sampled_from(["a", "b", "c"])


class Node:
    """What a real node would hold, however late its messages are."""

    def __init__(self):
        self.held, self.answers, self.serial, self.acknowledged = [], [], 0, 0
        self.slots, self.due, self.refused, self.ready, self.known = 2, 0, None, True, set()

    def take(self, tickets):
        self.held.extend(ticket for ticket in tickets if ticket not in self.known)
        self.known.update(tickets)

    def forget(self, tickets):
        waiting = [ticket for ticket in self.held[self.slots + self.due :] if ticket in tickets]
        self.held = [ticket for ticket in self.held if ticket not in waiting]
        self.known -= set(waiting)

    def finish(self, count):
        for ticket in self.held[: min(count, self.slots)]:
            self.held.remove(ticket)
            self.serial += 1
            self.answers.append((self.serial, Done(ticket, (Part(0, 1, float(ticket)),), 0.1)))

    def status(self):
        self.answers = [answer for answer in self.answers if answer[0] > self.acknowledged]
        held = tuple(self.held)
        begun = held[: self.slots + self.due]
        facts = {"held": held, "begun": begun, "suspended": begun[self.slots :], "due": self.due, "slots": self.slots}
        return Status("s", tuple(self.answers), ready=self.ready, refused=self.refused, **facts)


class AnythingMayHappen(RuleBasedStateMachine):
    """Nodes come, go, stall, lose messages, answer late and twice."""

    def __init__(self):
        super().__init__()
        self.now, self.tickets = 0.0, 0
        self.dispatch = Dispatch("s")
        self.nodes, self.post = {}, []
        self.open, self.cancelled, self.answered = set(), set(), {}

    def perform(self, actions):
        for action in actions:
            if isinstance(action, Answer):
                ticket = action.done.ticket
                assert ticket in self.open | self.cancelled, "answered what nobody asked, or twice"
                self.open.discard(ticket)
                self.cancelled.discard(ticket)
                self.answered[ticket] = action.done
                continue
            if isinstance(action, Send):
                assert self.dispatch.nodes[action.node].usable, "sent to a node that cannot be used"
                assert set(action.tickets) <= self.open, "sent what nobody waits for"
            self.post.append((action, self.nodes.get(action.node)))

    @rule(count=st.integers(1, 6))
    def submit(self, count):
        for _ in range(count):
            self.tickets += 1
            self.open.add(self.tickets)
            self.perform(self.dispatch.submitted(self.tickets, 1, self.now))

    @rule()
    def cancel(self):
        self.cancelled |= self.open
        self.open.clear()
        self.perform(self.dispatch.cancelled(self.now))

    @rule(name=NODES)
    def join(self, name):
        self.nodes[name] = Node()
        self.perform(self.dispatch.node_joined(name, name, self.now))

    @rule(name=NODES, died=st.booleans())
    def go(self, name, died):
        self.nodes.pop(name, None)
        self.perform(self.dispatch.node_gone(name, "so", self.now, died=died))

    @precondition(lambda self: self.post)
    @rule(data=st.data())
    def deliver(self, data):
        action, node = self.post.pop(data.draw(st.integers(0, len(self.post) - 1)))
        if node is not None:
            (node.take if isinstance(action, Send) else node.forget)(action.tickets)

    @precondition(lambda self: self.post)
    @rule()
    def lose(self):
        self.post.pop(0)

    @rule(name=NODES, count=st.integers(0, 2), told=st.booleans(), acknowledged=st.booleans())
    def work(self, name, count, told, acknowledged):
        if (node := self.nodes.get(name)) is None:
            return
        node.finish(count)
        if told:
            self.tell(name, acknowledged=acknowledged)

    def tell(self, name, *, acknowledged=True):
        node, status = self.nodes[name], self.nodes[name].status()
        self.perform(self.dispatch.node_status(name, status, self.now))
        if acknowledged:
            node.acknowledged = self.dispatch.nodes[name].serial

    @rule(
        name=NODES,
        slots=st.integers(0, 3),
        due=st.integers(0, 1),
        ready=st.booleans(),
        refused=st.sampled_from([None, None, "other code"]),
    )
    def change(self, name, slots, due, ready, refused):
        if (node := self.nodes.get(name)) is not None:
            node.slots, node.due, node.ready, node.refused = slots, due, ready, refused
            self.tell(name)

    @rule(seconds=st.sampled_from([0.01, 0.3, 1.0, 2.5, 10.0]))
    def wait(self, seconds):
        self.now += seconds
        self.perform(self.dispatch.tick(self.now))

    @invariant()
    def what_is_open_is_what_is_unanswered(self):
        assert len(self.open) <= self.dispatch.unanswered <= len(self.open | self.cancelled)

    def teardown(self):
        """With one node that works, everything ends."""
        for name in [*self.nodes][1:]:
            self.go(name, died=False)
        if not self.nodes:
            self.join("a")
        (name,) = self.nodes
        node = self.nodes[name]
        node.slots, node.due, node.ready, node.refused = 2, 0, True, None
        steps = 0
        while self.dispatch.unanswered:
            steps += 1
            assert steps < 50 + 20 * self.tickets, "it never ends"
            self.tell(name)
            for action, receiver in self.post:
                if receiver is not None:
                    (receiver.take if isinstance(action, Send) else receiver.forget)(action.tickets)
            self.post.clear()
            node.finish(2)
            self.wait(0.2)
        assert not self.open
        for ticket, done in self.answered.items():
            (part,) = done.parts
            assert part.outcome == float(ticket) or isinstance(part.outcome, Failure)
        assert not self.dispatch.alarms


TestAnythingMayHappen = AnythingMayHappen.TestCase
TestAnythingMayHappen.settings = settings(max_examples=150, stateful_step_count=60, deadline=None)


class Driven:
    """A dispatch with nodes that say what the test wants."""

    def __init__(self, *names, slots=1, batches=0):
        self.now, self.dispatch, self.actions, self.serials = 0.0, Dispatch("s"), [], dict.fromkeys(names, 0)
        for name in names:
            self.join(name, slots=slots)
        self.tickets = 0
        self.submit(batches)

    def do(self, actions):
        self.actions.extend(actions)
        return self

    def join(self, name, slots=1):
        self.serials[name] = 0
        self.do(self.dispatch.node_joined(name, name, self.now))
        return self.say(name, slots=slots)

    def submit(self, count, rows=1):
        for _ in range(count):
            self.tickets += 1
            self.do(self.dispatch.submitted(self.tickets, rows, self.now))

    def say(self, name, *answers, slots=1, held=None, **facts):
        """A status with answers, each a ticket with what it came to and the seconds that took."""
        serials = range(self.serials[name] + 1, self.serials[name] + 1 + len(answers))
        self.serials[name] += len(answers)
        done = [Done(ticket, (Part(0, 1, value),), seconds) for ticket, value, seconds in answers]
        held = tuple(self.sent(name)) if held is None else held
        held = tuple(ticket for ticket in held if ticket not in [one.ticket for one in done])
        facts = {"ready": True, "begun": held[: max(slots, 1)], **facts}
        status = Status("s", tuple(zip(serials, done, strict=True)), slots=slots, held=held, **facts)
        return self.do(self.dispatch.node_status(name, status, self.now))

    def later(self, seconds):
        self.now += seconds
        return self.do(self.dispatch.tick(self.now))

    def sent(self, name):
        return [
            ticket
            for action in self.actions
            if isinstance(action, Send) and action.node == name
            for ticket in action.tickets
        ]

    def withdrawn(self, name):
        return [
            ticket
            for action in self.actions
            if isinstance(action, Cancel) and action.node == name
            for ticket in action.tickets
        ]

    def answers(self):
        return {action.done.ticket: action.done for action in self.actions if isinstance(action, Answer)}


def test_begins_with_one_batch_for_each_slot():
    driven = Driven("a", "b", slots=2, batches=9)
    assert sorted(driven.sent("a") + driven.sent("b")) == [1, 2, 3, 4]
    assert len(driven.sent("a")) == 2


def test_a_node_that_was_heard_of_but_is_not_ready_gets_nothing():
    driven = Driven(batches=1)
    driven.do(driven.dispatch.node_joined("a", "a", 0.0))
    driven.serials["a"] = 0
    driven.say("a", ready=False)
    assert driven.sent("a") == []
    driven.say("a", ready=True)
    assert driven.sent("a") == [1]


def test_keeps_some_tenths_of_a_second_of_work_at_a_node_and_no_more():
    driven = Driven("a", batches=200)
    driven.now += 0.01
    driven.say("a", (1, 1.0, 0.01))
    assert 0.15 <= 0.01 * (len(driven.sent("a")) - 1) <= 0.3


def test_minute_long_batches_do_not_queue_at_a_node():
    driven = Driven("a", batches=9)
    driven.now += 60.0
    driven.say("a", (1, 1.0, 60.0))
    assert driven.sent("a") == [1, 2]


def test_what_a_silent_node_holds_goes_to_another_at_once_and_counts_again_when_it_answers():
    driven = Driven("a", "b", batches=4)
    lost = driven.sent("a")
    driven.later(1.0).say("b").later(1.1).say("b", (driven.sent("b")[0], 1.0, 2.1))
    assert driven.sent("b")[1:] == lost
    assert [(one.source, one.target, one.why) for one in driven.dispatch.redone] == [("a", "b", "silent for 2.1 s")]
    driven.say("a")
    assert len(driven.sent("a")) == 2


def test_a_node_that_answers_only_every_two_seconds_is_not_thought_lost():
    driven = Driven("a", "b", batches=2)
    for _ in range(9):
        driven.later(1.9)
        driven.say("a")
        driven.say("b")
    assert not driven.dispatch.redone


def test_a_lone_node_that_was_silent_goes_on_with_what_it_has():
    driven = Driven("a", batches=1)
    driven.later(5.0)
    driven.say("a")
    assert driven.sent("a") == [1]
    driven.say("a", (1, 2.0, 5.0))
    assert driven.answers()[1].node == "a"


def test_a_batch_that_did_not_arrive_is_sent_again():
    driven = Driven("a", batches=1)
    for _ in range(6):
        driven.later(0.5).say("a", held=())
    assert driven.sent("a") == [1, 1]


def test_the_first_answer_counts_and_a_later_one_is_dropped():
    driven = Driven("a", batches=1)
    driven.later(3.0).join("b")
    driven.say("b", (1, 7.0, 0.1))
    driven.say("a", (1, 7.0, 3.1), held=())
    assert driven.answers()[1].node == "b"
    assert not driven.dispatch.alarms


@pytest.mark.parametrize(
    ("first", "second", "alarms"),
    [
        (np.array([1.0, math.nan]), np.array([1.0, math.nan]), 0),
        (np.array([1.0]), np.array([np.nextafter(1.0, 2.0)]), 1),
        (np.array([0.0]), np.array([-0.0]), 1),
        ({"profit": 1.0}, {"profit": 2.0}, 1),
        (Failure("memory"), np.array([1.0]), 0),
        (Failure("here"), Failure("there"), 0),
    ],
)
def test_different_numbers_for_the_same_rows_are_an_alarm_with_the_nodes_names(first, second, alarms):
    driven = Driven("a", batches=1)
    driven.later(3.0).join("b")
    driven.say("b", (1, first, 0.1))
    driven.say("a", (1, second, 3.1), held=())
    assert len(driven.dispatch.alarms) == alarms
    if alarms:
        assert str(driven.dispatch.alarms[0]) == "b and a answered batch 1 with different numbers"


def test_a_paused_nodes_batches_are_offered_to_others_and_it_goes_on_with_them_if_nobody_takes_them():
    driven = Driven("a", batches=1)
    driven.say("a", slots=0, reason="you are active")
    driven.say("a", slots=1)
    assert driven.sent("a") == [1]
    driven.say("a", slots=0, reason="you are active")
    driven.join("b")
    assert driven.sent("b") == [1]
    assert driven.dispatch.redone[-1].why == "paused (you are active)"


def test_a_node_that_refuses_gets_nothing_and_what_it_has_goes_elsewhere():
    driven = Driven("a", batches=2)
    driven.say("a", refused="its strategy code is another")
    driven.join("b")
    assert driven.sent("b") == [1]
    driven.say("b", (1, 1.0, 0.1))
    assert driven.sent("a") == [1]


def test_an_idle_slot_takes_over_what_a_slow_node_would_end_later():
    driven = Driven("slow", "fast", batches=2)
    slow, fast = driven.sent("slow")[0], driven.sent("fast")[0]
    driven.now += 0.1
    driven.say("fast", (fast, 1.0, 0.1))
    driven.later(1.0).say("slow").say("fast").later(0.05)
    assert driven.sent("fast")[-1] == slow
    driven.say("fast", (slow, 1.0, 0.1))
    assert slow in driven.answers()
    assert driven.withdrawn("slow") == [slow]


def test_a_minute_long_batch_is_not_copied_while_its_time_has_not_come():
    driven = Driven("a", "b", batches=2)
    driven.now += 60.0
    driven.say("a").say("b", (driven.sent("b")[0], 1.0, 60.0))
    for _ in range(20):
        driven.later(1.0).say("a").say("b")
    assert len(driven.sent("b")) == 1


def test_what_runs_in_time_is_not_copied_because_its_node_seems_a_fifth_slower():
    driven = Driven("a", "b", batches=3)
    driven.now += 4.2
    driven.say("a", (driven.sent("a")[0], 1.0, 4.2))
    driven.now += 0.05
    driven.say("b", (driven.sent("b")[0], 1.0, 3.5))
    assert len(driven.sent("a")) == 2
    driven.later(0.01)
    for _ in range(7):
        driven.later(0.5).say("a").say("b")
    assert len(driven.sent("b")) == 1


def test_what_kills_three_processes_in_a_row_is_a_failure_with_the_nodes_names():
    driven = Driven("a", batches=1)
    for name in ("b", "c", "d"):
        driven.join(name)
    for _ in range(3):
        holder = next(name for name in "abcd" if driven.dispatch.nodes.get(name) and driven.dispatch.nodes[name].given)
        driven.do(driven.dispatch.node_gone(holder, "its process died", driven.now, died=True))
    (part,) = driven.answers()[1].parts
    assert part.outcome == Failure("3 processes in a row died while they evaluated it, on a, b, c")


def test_losing_a_node_by_its_network_never_makes_a_batch_fail():
    driven = Driven(batches=1)
    for number in range(9):
        driven.join(f"n{number}")
        driven.do(driven.dispatch.node_gone(f"n{number}", "its network", driven.now, died=False))
    driven.join("last")
    driven.say("last", (1, 5.0, 0.1))
    assert driven.answers()[1].parts[0].outcome == 5.0


def test_the_neighbours_of_a_deadly_batch_are_not_taken_for_it():
    """Four batches run together each time that the process dies; only one of them is what kills it."""
    driven, deadly = Driven("a", slots=4, batches=4), 3
    for _ in range(30):
        if driven.dispatch.unanswered == 0:
            break
        running = [ticket for ticket, given in driven.dispatch.nodes["a"].given.items() if given.begins is not None]
        if deadly in running:
            driven.do(driven.dispatch.node_gone("a", "its process died", driven.now, died=True))
            driven.join("a", slots=4)
        else:
            driven.say("a", *((ticket, 1.0, 0.1) for ticket in running), slots=4, held=())
    failed = [ticket for ticket, done in driven.answers().items() if isinstance(done.parts[0].outcome, Failure)]
    assert failed == [deadly]
    assert len(driven.answers()) == 4


def test_cancel_forgets_what_has_not_begun_and_answers_the_rest():
    driven = Driven("a", batches=5)
    driven.do(driven.dispatch.cancelled(driven.now))
    assert driven.dispatch.unanswered == 1
    driven.say("a", (1, 1.0, 0.1))
    assert driven.dispatch.unanswered == 0
    assert driven.answers().keys() == {1}


def test_a_cancelled_batch_that_its_node_forgot_is_not_waited_for():
    driven = Driven("a", batches=1)
    driven.do(driven.dispatch.cancelled(driven.now))
    driven.say("a", held=())
    assert driven.dispatch.unanswered == 0


def test_answers_of_another_search_are_not_taken_for_this_ones():
    driven = Driven("a", batches=1)
    other = Status("before", ((1, Done(1, (Part(0, 1, 1.0),), 0.1)),), ready=True, slots=1)
    driven.do(driven.dispatch.node_status("a", other, driven.now))
    assert driven.answers() == {}


def test_what_runs_and_stands_still_of_another_search_is_not_this_ones():
    driven = Driven("a", batches=1)
    other = Status("before", ready=True, slots=1, held=(1,), begun=(1,), suspended=(1,))
    driven.do(driven.dispatch.node_status("a", other, driven.now))
    node = driven.dispatch.nodes["a"]
    assert (node.busy, node.suspended) == (0, 0)


# --- by turns with other searches


def away(driven, name, **facts):
    """It is the turn of another search on this node."""
    return driven.say(name, slots=0, due=1, **facts)


def test_what_runs_on_a_node_goes_on_there_after_the_turn_of_another_search():
    driven = Driven("a", "b", batches=3)
    driven.now += 3.0
    mine = driven.sent("a")
    driven.say("b", (driven.sent("b")[0], 1.0, 3.0))
    away(driven, "a", suspended=tuple(mine))
    for _ in range(40):
        driven.later(0.5)
        away(driven, "a", suspended=tuple(mine))
        driven.say("b", *((ticket, 1.0, 3.0) for ticket in driven.dispatch.nodes["b"].given))
    driven.say("a", (mine[0], 1.0, 3.0))
    assert driven.dispatch.unanswered == 0
    assert not set(mine) & set(driven.sent("b"))
    assert not driven.dispatch.redone


def test_what_the_owner_suspends_goes_elsewhere_also_where_searches_take_turns():
    driven = Driven("a", batches=1)
    away(driven, "a", suspended=(1,))
    driven.say("a", slots=0, due=0, suspended=(1,), reason="you are active")
    driven.join("b")
    assert driven.sent("b") == [1]


def ending_turn():
    """A node whose turn ends while it has a short batch that runs and two that wait, beside one that is idle."""
    driven = Driven("a", "b", batches=2)
    driven.now += 0.01
    for name in "ba":
        driven.say(name, (driven.sent(name)[0], 1.0, 0.01), slots=int(name == "a"))
    driven.submit(3)
    running, *waiting = driven.sent("a")[1:]
    away(driven, "a", begun=(running,))
    driven.say("b")
    return driven, running, waiting


def test_what_has_not_begun_when_a_turn_ends_goes_to_another_node_once_it_is_given_back():
    driven, running, waiting = ending_turn()
    assert driven.withdrawn("a") == waiting
    before = driven.sent("b")
    driven.later(0.001).say("b")
    assert driven.sent("b") == before, "it may have begun it in this moment"
    away(driven, "a", held=(running,), begun=(running,))
    assert driven.sent("b") == [*before, *waiting]
    assert not driven.dispatch.redone, "nothing was done twice"


def test_what_arrived_only_after_its_turn_had_ended_has_not_begun():
    driven = Driven("a", batches=1)
    away(driven, "a", begun=())
    assert driven.withdrawn("a") == [1]


def test_what_began_before_it_could_be_given_back_stays_until_it_is_late():
    driven, running, (mine, *others) = ending_turn()
    before = driven.sent("b")
    driven.say("a", (running, 1.0, 0.01), held=(mine,), begun=(mine,))
    assert driven.sent("b") == [*before, *others]
    driven.say("b", *((ticket, 1.0, 0.01) for ticket in others))
    driven.later(0.02).say("a", held=(mine,), begun=(mine,)).say("b")
    assert driven.sent("b") == [*before, *others]
    driven.later(0.2)
    assert driven.sent("b") == [*before, *others, mine]


@pytest.mark.parametrize("lost", ["silent", "gone"])
def test_what_a_lost_node_had_suspended_by_turns_is_done_elsewhere_within_5_s(lost):
    driven = Driven("a", "b", batches=2)
    mine = driven.sent("a")
    driven.now += 3.0
    driven.say("b", (driven.sent("b")[0], 1.0, 3.0))
    away(driven, "a", suspended=tuple(mine))
    if lost == "gone":
        driven.do(driven.dispatch.node_gone("a", "so", driven.now, died=False))
    for _ in range(9):
        driven.later(0.5).say("b")
    assert driven.sent("b")[-1:] == mine


@pytest.mark.parametrize(("seconds", "copied"), [(20.0, False), (30.0, False), (45.0, True)])
def test_an_idle_slot_takes_over_what_waits_for_its_turn_only_when_that_takes_very_long(seconds, copied):
    driven = Driven("a", "b", batches=2)
    mine = driven.sent("a")
    driven.now += 3.0
    driven.say("b", (driven.sent("b")[0], 1.0, 3.0))
    for _ in range(int(2 * seconds)):
        away(driven, "a", suspended=tuple(mine))
        driven.later(0.5).say("b")
    assert (driven.sent("b")[-1:] == mine) == copied


def test_several_short_waits_are_not_one_long_wait():
    driven = Driven("a", "b", batches=2)
    mine = driven.sent("a")
    driven.now += 30.0
    driven.say("b", (driven.sent("b")[0], 1.0, 30.0))
    for _ in range(9):
        for _ in range(20):
            away(driven, "a", suspended=tuple(mine))
            driven.later(0.5).say("b")
        driven.say("a").later(0.5).say("b")
    assert not set(mine) & set(driven.sent("b"))


def test_of_what_stands_still_only_what_waits_for_its_turn_is_waited_for():
    """Its owner took one core of two, and another search has the other for now: one of the two has no core for long."""
    driven = Driven("a", slots=2, batches=2)
    driven.now += 3.0
    driven.say("a", slots=0, due=1, suspended=(1, 2), begun=(1, 2))
    driven.join("b")
    driven.submit(1)
    driven.now += 3.0
    driven.say("b", (3, 1.0, 3.0))
    for _ in range(20):
        driven.say("a", slots=0, due=1, suspended=(1, 2), begun=(1, 2))
        driven.later(0.5).say("b")
    assert driven.sent("b") == [3, 2]


def test_a_wait_for_a_turn_is_not_taken_for_a_long_way_to_the_node():
    driven = Driven("a", batches=1)
    before = driven.dispatch.nodes["a"].round_trip
    driven.now += 1.0
    away(driven, "a", suspended=(1,))
    driven.now += 10.0
    driven.say("a").say("a", (1, 1.0, 3.0))
    assert driven.dispatch.nodes["a"].round_trip <= before


@st.composite
def shared_nodes(draw, seconds):
    """Nodes of one speed, each with other searches on it; `seconds` for a row."""
    row_seconds = draw(seconds)
    return [
        SimulatedNode(
            f"n{number}",
            draw(st.integers(1, 3)),
            row_seconds,
            latency=draw(st.floats(0.0005, 0.05)),
            searches=draw(st.integers(1, 4)),
            place=draw(st.integers(0, 3)),
            phase=draw(st.floats(0.0, 40.0)),
        )
        for number in range(draw(st.integers(1, 3)))
    ]


UNEQUAL = st.lists(st.floats(0.85, 1.15), min_size=12, max_size=12)


@settings(max_examples=60, deadline=None)
@given(nodes=shared_nodes(st.floats(1.0, 25.0)), rows=st.integers(1, 12))
def test_while_all_nodes_live_no_evaluation_is_begun_twice_however_searches_take_turns(nodes, rows):
    simulation = Simulation(nodes, rows, 1).run(until=10_000)
    assert simulation.answered.keys() == simulation.rows.keys()
    assert set(simulation.begun.values()) == {1}
    assert not simulation.dispatch.redone


@settings(max_examples=60, deadline=None)
@given(nodes=shared_nodes(st.floats(1.0, 25.0)), rows=st.integers(1, 12), longer=UNEQUAL)
def test_evaluations_of_unequal_length_are_all_done_and_copied_by_idle_slots_alone(nodes, rows, longer):
    simulation = Simulation(nodes, rows, 1, longer=lambda ticket: longer[ticket - 1]).run(until=10_000)
    assert simulation.answered.keys() == simulation.rows.keys()
    assert set(simulation.begun.values()) <= {1, 2}
    # What is longer than those before it looks late; slots that have nothing else to do may copy it.
    assert sum(times > 1 for times in simulation.begun.values()) <= sum(node.slots for node in nodes)


@settings(max_examples=60, deadline=None)
@given(
    nodes=shared_nodes(st.floats(1.0, 25.0)),
    rows=st.integers(1, 12),
    lost=st.floats(0.0, 60.0),
    how=st.sampled_from(["left", "cut"]),
)
def test_with_a_lost_node_every_evaluation_is_done_and_only_what_it_had_only_what_it_had_is_begun_twice(
    nodes, rows, lost, how
):
    theirs = SimulatedNode("lost", 2, nodes[0].row_seconds, searches=2)
    simulation = Simulation([*nodes, theirs], rows, 1)
    if how == "left":
        simulation.lose("lost", lost)
    else:
        simulation.cut("lost", lost, math.inf)
    simulation.run(until=10_000)
    assert simulation.answered.keys() == simulation.rows.keys()
    again = {ticket for ticket, times in simulation.begun.items() if times > 1}
    assert again <= theirs.known
    assert all(simulation.begun[ticket] == 2 for ticket in again)


@settings(max_examples=30, deadline=None)
@given(nodes=shared_nodes(st.floats(0.002, 0.1)), rows=st.integers(50, 400))
def test_short_batches_are_all_done_where_searches_take_turns(nodes, rows):
    simulation = Simulation(nodes, rows, 1).run(until=10_000)
    assert simulation.answered.keys() == simulation.rows.keys()


def test_two_searches_by_turns_get_on_alike_and_lose_next_to_nothing_by_it():
    took = []
    for place in range(2):
        nodes = [
            SimulatedNode(name, 1, 3.0, searches=2, place=place, phase=phase) for name, phase in (("a", 0), ("b", 7))
        ]
        simulation = Simulation(nodes, rows=80, batch_rows=1).run()
        assert set(simulation.begun.values()) == {1}
        took.append(simulation.now)
    alone = 80 * 3.0 / 2
    assert all(seconds <= 1.05 * 2 * alone + 20.0 for seconds in took)


# --- figures, in virtual time


def test_a_slow_node_beside_a_fast_one_and_both_are_busy_to_the_end():
    nodes = [SimulatedNode("fast", 1, 0.0005), SimulatedNode("slow", 1, 0.002)]
    simulation = Simulation(nodes, rows=10_000, batch_rows=100).run()
    assert simulation.efficiency() >= 0.95
    assert len(simulation.answered) == len(simulation.rows)


@pytest.mark.parametrize("seconds", [5.0, 12.0, 45.0, math.inf])
def test_a_search_is_delayed_by_less_than_5_s_by_a_cut(seconds):
    nodes = [SimulatedNode("a", 2, 0.002), SimulatedNode("b", 2, 0.002)]
    simulation = Simulation(nodes, rows=60_000, batch_rows=50)
    simulation.cut("b", 4.0, seconds)
    simulation.run()
    assert len(simulation.answered) == len(simulation.rows)
    assert simulation.longest_silence() < 5.0
    apart = min(seconds, simulation.now - 4.0) + 3.0  # what b could not do, and may do again late
    assert simulation.now <= 1.05 * (60_000 * 0.002 + 2 * apart) / 4


@pytest.mark.parametrize("latency", [0.025, 0.05])
def test_a_round_trip_of_50_to_100_ms_costs_less_than_5_percent(latency):
    nodes = [SimulatedNode(name, 4, 0.002, latency) for name in "ab"]
    near = [SimulatedNode(name, 4, 0.002, 0.0005) for name in "ab"]
    times = [Simulation(some, rows=100_000, batch_rows=50).run().now for some in (near, nodes)]
    assert times[0] / times[1] >= 0.95


def test_fifty_nodes_with_a_thousand_slots_are_kept_busy():
    nodes = [SimulatedNode(f"n{number}", 20, 0.002 * (1 + number % 4), 0.01) for number in range(50)]
    simulation = Simulation(nodes, rows=2_000_000, batch_rows=100).run()
    assert simulation.efficiency() >= 0.95


def test_minute_long_evaluations_on_unequal_nodes():
    nodes = [SimulatedNode("a", 4, 60.0), SimulatedNode("b", 4, 90.0, 0.05)]
    simulation = Simulation(nodes, rows=200, batch_rows=1).run()
    assert simulation.efficiency() >= 0.95
