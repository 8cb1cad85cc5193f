"""The contract of every sampler: one module, run against each on every kind of space."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.stats
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.optimize.spaces import SPACES, crossing, mixed, named, one_point, spaces, tiny

from bittrader.errors import InputError, StrategyError
from bittrader.optimize.samplers.base import Told, defaults_first, dominators
from bittrader.optimize.samplers.choose import MANY_OBJECTIVES, SAMPLERS, choose, make
from bittrader.optimize.samplers.gp import expected_improvement, normal_scores
from bittrader.optimize.samplers.grid import GridSampler, allowed_count, lattice
from bittrader.strategies.parameters import Choice, Float, Int
from bittrader.strategies.space import Space

ROOT = Path(__file__).parents[2]
NAMES = [name for name in SAMPLERS if name != "auto"]
ALONE = [name for name in NAMES if name not in ("grid", "random", "sobol", "latin-hypercube")]
TRIALS, GENERATION = 48, 12


STANDINGS = st.lists(
    st.tuples(st.sampled_from([-1.0, 0.0, 2.5]), st.sampled_from([0.0, 0.0, 0.5, 1.0])) | st.just((np.inf, np.inf)),
    min_size=1,
)


@pytest.fixture(params=SPACES)
def space(request):
    return SPACES[request.param]


@pytest.fixture(params=NAMES)
def name(request):
    return request.param


def sampler_of(name, space, seed=7):
    return make(name, space, seed, TRIALS, GENERATION)


def losses_of(space, rows):
    """A smooth bowl, with some failures."""
    losses = ((space.position(rows) - 0.3) ** 2).sum(axis=1)
    return np.where(losses > 1.2, np.inf, losses)


def judged(space, rows):
    """What a sampler is told of these rows: their losses, and that no condition is broken."""
    losses = losses_of(space, rows)
    return losses[:, None], np.where(np.isinf(losses), np.inf, 0.0)


def history(sampler, generations=TRIALS // GENERATION):
    """What a search of whole generations asks."""
    asked, told = [], 0
    for _ in range(generations):
        rows = sampler.ask(told, GENERATION)
        sampler.tell(rows, *judged(sampler.space, rows))
        told += len(rows)
        asked.append(rows)
    return asked


def test_only_allowed_sets_are_asked(name, space):
    rows = np.concatenate(history(sampler_of(name, space)))
    assert space.feasible(rows).all()
    for row in rows:
        assert (space.encode(space.decode(row)) == row).all()


def test_as_many_are_asked_as_wanted(name, space):
    sizes = [len(rows) for rows in history(sampler_of(name, space))]
    fits = name == "grid" and (allowed_count(space) or TRIALS) < TRIALS
    assert sum(sizes) == (allowed_count(space) if fits else TRIALS)


def test_the_same_seed_asks_the_same(name, space):
    first, second = (history(sampler_of(name, space)) for _ in range(2))
    assert all((one == other).all() for one, other in zip(first, second, strict=True))


@pytest.mark.parametrize("name", [name for name in NAMES if name != "grid"])
def test_another_seed_asks_others(name):
    first, second = (np.concatenate(history(sampler_of(name, mixed(), seed))) for seed in (1, 2))
    assert (first != second).any()


@pytest.mark.parametrize("broken_after", [0, 1, 3])
def test_a_new_sampler_told_the_history_goes_on_as_the_old_one_would(name, space, broken_after):
    unbroken = history(sampler_of(name, space))
    resumed = sampler_of(name, space)
    for rows in unbroken[:broken_after]:
        if resumed.learns:
            resumed.tell(rows, *judged(space, rows))
    start = sum(map(len, unbroken[:broken_after]))
    assert (resumed.ask(start, GENERATION) == unbroken[broken_after]).all()


@settings(deadline=None, max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(space=spaces(), seed=st.integers(0, 2**32), broken_after=st.integers(0, 2))
def test_the_contract_holds_in_every_space(name, space, seed, broken_after):
    """Allowed sets only, as many as wanted, and whoever is told the history goes on as whoever made it."""
    sampler, resumed = sampler_of(name, space, seed), sampler_of(name, space, seed)
    most = allowed_count(space) if name == "grid" else None
    asked = 0
    for _ in range(broken_after):
        rows = sampler.ask(asked, GENERATION)
        for one in (sampler, resumed):
            one.tell(rows, *judged(space, rows))
        asked += len(rows)
    rows = sampler.ask(asked, GENERATION)
    assert len(rows) == GENERATION or asked + len(rows) == most
    assert space.feasible(rows).all()
    assert (space.encode_all([space.decode(row) for row in rows]) == rows).all()
    assert (rows == resumed.ask(asked, GENERATION)).all()


ELSEWHERE = """
from tests.optimize.test_samplers import TRICKY, asked_by
for name in TRICKY:
    print(asked_by(name))
"""
TRICKY = ("tpe", "nsga2", "gp", "cma-es")


def asked_by(name):
    return np.concatenate(history(sampler_of(name, mixed()))).tobytes().hex()


def test_another_process_asks_the_same():
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
    words = [sys.executable, "-c", ELSEWHERE]
    said = subprocess.run(words, env=environment, capture_output=True, text=True, check=True).stdout
    assert said.split() == [asked_by(name) for name in TRICKY]


def test_a_generation_may_be_cut_short(name):
    sampler = sampler_of(name, mixed())
    rows = sampler.ask(0, 5)
    sampler.tell(rows, *judged(mixed(), rows))
    assert len(sampler.ask(5, 1)) == 1


def test_all_failures_do_no_harm(name):
    sampler = sampler_of(name, mixed())
    for start in range(0, TRIALS, GENERATION):
        rows = sampler.ask(start, GENERATION)
        assert len(rows) == GENERATION
        sampler.tell(rows, np.full((GENERATION, 1), np.inf), np.full(GENERATION, np.inf))


def test_a_space_that_allows_nothing_is_refused(name):
    fast, slow = named(fast=mixed().parameters[0], slow=mixed().parameters[1])
    empty = Space((fast, slow), (fast < slow, fast > 1000))
    if name == "grid":
        assert len(sampler_of(name, empty).ask(0, 0)) == 0
    with pytest.raises(StrategyError, match="next to nothing to search"):
        sampler_of(name, empty).ask(0, GENERATION)


def test_all_broken_conditions_do_no_harm(name):
    sampler = sampler_of(name, mixed())
    for start in range(0, TRIALS, GENERATION):
        rows = sampler.ask(start, GENERATION)
        assert len(rows) == GENERATION
        sampler.tell(rows, losses_of(mixed(), rows)[:, None], 1 + rows[:, 0])


@pytest.mark.parametrize("name", ALONE)
def test_those_that_learn_search_where_the_conditions_are_kept(name):
    trials = 75 if name == "gp" else 150

    def kept(name):
        """How many of the second half keep the condition, which the lowest losses break."""
        sampler, shares = make(name, mixed(), 1, trials, 15), []
        for start in range(0, trials, 15):
            rows = sampler.ask(start, 15)
            position = mixed().position(rows)
            violations = np.maximum(0, 0.7 - position[:, 2])
            sampler.tell(rows, position.sum(axis=1)[:, None], violations)
            shares.append((violations == 0).mean())
        return np.mean(shares[len(shares) // 2 :])

    assert kept(name) > 1.5 * kept("random")


@pytest.mark.parametrize("name", ALONE)
def test_those_that_learn_beat_chance(name):
    trials = 75 if name == "gp" else 150

    def best(name, seed):
        sampler = make(name, mixed(), seed, trials, 15)
        return min(losses_of(mixed(), rows).min() for rows in history_of(sampler, trials, 15))

    wins = [best(name, seed) < best("random", seed) for seed in range(3)]
    assert all(wins)


@pytest.mark.parametrize("name", ["tpe", "nsga2"])
def test_those_that_learn_come_near_the_front_of_two_objectives(name):
    def distance(name, seed):
        """How far the sets asked last are from the known front: the line between both optima."""
        sampler, far = make(name, plane(), seed, 300, 20, 2), []
        for start in range(0, 300, 20):
            rows = sampler.ask(start, 20)
            x, y, z = plane().position(rows).T
            off = (y - 0.5) ** 2 + (z - 0.5) ** 2
            losses = np.column_stack([(x - 0.2) ** 2 + off, (x - 0.8) ** 2 + off])
            sampler.tell(rows, losses, np.zeros(20))
            far.append(off.mean())
        return np.mean(far[-5:])

    for seed in range(3):
        assert distance(name, seed) < 0.5 * distance("random", seed)


def plane():
    return Space(named(x=Float(0, 1), y=Float(0, 1), z=Float(0, 1)))


@pytest.mark.parametrize("name", MANY_OBJECTIVES)
def test_with_several_objectives_the_history_still_says_all(name, space):
    def told(sampler, rows):
        position = space.position(rows).sum(axis=1)
        violations = np.where(position > 1.5, np.inf, np.maximum(0, 0.5 - position))
        losses = np.where(np.isinf(violations)[:, None], np.inf, np.column_stack([position, -position, position**2]))
        sampler.tell(rows, losses, violations)

    sampler, resumed = (make(name, space, 3, TRIALS, GENERATION, 3) for _ in range(2))
    asked = 0
    for _ in range(3):
        rows = sampler.ask(asked, GENERATION)
        assert space.feasible(rows).all()
        for one in (sampler, resumed):
            told(one, rows)
        asked += len(rows)
    assert (sampler.ask(asked, GENERATION) == resumed.ask(asked, GENERATION)).all()


def history_of(sampler, trials, generation):
    for start in range(0, trials, generation):
        rows = sampler.ask(start, generation)
        sampler.tell(rows, *judged(sampler.space, rows))
        yield rows


@given(STANDINGS)
def test_the_best_keep_the_conditions_and_the_failed_are_last(standings):
    losses, violations = (np.array(column) for column in zip(*standings, strict=True))
    told = Told(np.zeros((len(losses), 0)), losses[:, None], violations)
    ranked = [standings[index] for index in told.best_first()]
    assert sorted(told.best_first()) == list(range(len(standings)))
    assert ranked == sorted(standings, key=lambda one: (one[1], one[0]))
    better = [sum((other[1], other[0]) < (one[1], one[0]) for other in standings) for one in standings]
    assert told.standing().tolist() == better


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1))
def test_a_set_is_dominated_by_those_that_are_no_worse_and_somewhere_better(points):
    slow = [sum(a <= x and b <= y and (a, b) != (x, y) for a, b in points) for x, y in points]
    assert dominators(np.array(points, dtype=np.float64)).tolist() == slow


def test_choices_have_no_order_for_differential_evolution():
    """Under another order of its values a search asks for the same values."""

    def asked(*values):
        space = Space(named(side=Choice(*values), length=Int(2, 200)))
        sampler = make("de", space, 1, 400, GENERATION)
        firsts = [{"side": side, "length": length} for side in "abcd" for length in (20, 60, 140)]
        rows = space.encode_all(firsts)
        length = rows[:, 1]
        sampler.tell(
            rows, (np.abs(length - 60) + 9.0 * np.array([one["side"] != "c" for one in firsts]))[:, None], 0 * length
        )
        return [space.decode(row) for row in sampler.ask(len(firsts), len(firsts))]

    assert asked("a", "b", "c", "d") == asked("c", "a", "d", "b")
    assert {one["side"] for one in asked("a", "b", "c", "d")} > {"c"}


@pytest.mark.parametrize("space", SPACES)
def test_the_defaults_come_first_and_nothing_else_is_lost_that_was_among_them(space):
    space = SPACES[space]
    (defaults,) = space.canonical(space.defaults[None])
    rows = space.sample(np.random.default_rng(4), 30)
    first = defaults_first(space, rows)
    if not space.feasible(defaults[None])[0]:
        assert (first == rows).all()
        return
    assert (first[0] == defaults).all()
    assert space.feasible(first).all()
    again = defaults_first(space, np.roll(first, 7, axis=0))
    assert sorted(again.tolist()) == sorted(first.tolist())


def test_defaults_that_a_constraint_forbids_are_not_tried():
    low, high = named(low=Int(0, 9, default=8), high=Int(0, 9, default=2))
    space = Space((low, high), (low < high,))
    rows = space.sample(np.random.default_rng(4), 5)
    assert (defaults_first(space, rows) == rows).all()


def test_a_grid_that_fits_holds_every_allowed_set_once():
    space = crossing()
    whole = {tuple(row) for row in lattice(space, None)}
    sampler = GridSampler(space, 1, len(whole))
    asked = [tuple(row) for row in sampler.ask(0, len(whole) + 100)]
    assert len(asked) == len(whole) == sum(5 <= f < s <= 100 for f in range(5, 61) for s in range(10, 101))
    assert set(asked) == whole


def test_a_grid_that_is_too_large_is_thinned_evenly():
    rows = GridSampler(crossing(), 1, 100).ask(0, 60)
    for column, parameter in zip(rows.T, crossing().parameters, strict=True):
        values = np.unique(column)
        assert len(values) >= 6
        assert values[0] == parameter.low
        assert np.ptp(np.diff(values)) <= 1


def test_auto_takes_the_grid_when_all_sets_fit():
    choice = choose("auto", tiny(), 80)
    assert (choice.sampler, choice.reason) == ("grid", "80 trials hold all 8 parameter sets")
    assert [choose("auto", one_point(), trials).reason for trials in (1, 80)] == ["there is but one set"] * 2


def test_auto_takes_a_model_for_few_trials_of_many_parameters_and_else_de():
    assert choose("auto", mixed(), 80).sampler == "tpe"
    assert choose("auto", crossing(), 80).sampler == "de"
    assert choose("auto", mixed(), 100_000).sampler == "de"


def test_a_sampler_for_one_objective_is_refused_for_several():
    with pytest.raises(InputError, match=r"de searches for one objective\. For several there are nsga2"):
        choose("de", mixed(), 80, objectives=2)
    assert choose("auto", mixed(), 80, objectives=2).sampler in MANY_OBJECTIVES


def test_a_latin_hypercube_has_one_point_in_each_share_of_each_range():
    rows = make("latin-hypercube", plane(), 1, 50, 50).ask(0, 50)
    for column in np.floor(50 * rows).T:
        assert sorted(column) == list(range(50))


def test_a_distribution_that_finds_nothing_better_begins_anew_with_twice_the_population():
    sampler = make("cma-es", plane(), 1, 1000, 10)
    for start in range(0, 400, 10):
        rows = sampler.ask(start, 10)
        sampler.tell(rows, np.ones((10, 1)), np.zeros(10))
    assert sampler._optimizer.population_size == 20


def test_what_survives_is_the_front_when_there_is_room():
    sampler = make("nsga2", plane(), 1, 1000, 30, 2)
    asked = plane().sample(np.random.default_rng(1), 90)
    losses = np.column_stack([asked[:, 0], (1 - asked[:, 0]) ** 2 + asked[:, 1]])
    broken = np.where(asked[:, 2] > 0.6, asked[:, 2], 0.0)
    for start in (0, 30, 60):
        piece = slice(start, start + 30)
        sampler.tell(asked[piece], losses[piece], broken[piece])
    kept = np.flatnonzero(broken == 0)
    front = {asked[index].tobytes() for index in kept[dominators(losses[kept]) == 0]}
    assert 3 < len(front) <= 30
    assert front <= {row.tobytes() for row in sampler._population.rows}


@given(st.lists(st.floats(-5, 5), min_size=1), st.floats(0.01, 3), st.floats(-3, 3))
def test_expected_improvement_is_the_mean_of_what_is_below_the_best(expected, deviation, best):
    levels = scipy.stats.norm.ppf((np.arange(20_000) + 0.5) / 20_000)
    slow = [np.maximum(0, best - (one + deviation * levels)).mean() for one in expected]
    fast = expected_improvement(np.array(expected), np.full(len(expected), deviation), best)
    np.testing.assert_allclose(fast, slow, atol=1e-3)


@given(STANDINGS)
def test_normal_scores_are_in_the_order_of_the_standing(standings):
    standing = np.array([sum(other < one for other in standings) for one in standings])
    scores = normal_scores(standing)
    assert (scores[np.argsort(standing)] == np.sort(scores)).all()
    assert len(np.unique(scores)) == len(np.unique(standing))


@given(STANDINGS, st.integers(1, 5), st.integers(1, 5))
def test_the_best_and_the_latest_are_remembered_in_order(standings, best, latest):
    losses, violations = (np.array(column) for column in zip(*standings, strict=True))
    told = Told(np.arange(len(losses))[:, None], losses[:, None], violations)
    kept = told.reduced(best, latest).rows[:, 0].tolist()
    assert kept == sorted(kept)
    assert len(kept) == min(len(told), best + latest)
    assert set(range(max(0, len(told) - latest), len(told))) <= set(kept)
    older = sorted(range(len(told) - latest), key=lambda index: (violations[index], losses[index]))
    assert set(older[:best]) <= set(kept)


def test_an_unknown_sampler_is_met_with_a_guess():
    with pytest.raises(InputError, match=r"no sampler 'sobel'. Did you mean 'sobol'\?"):
        choose("sobel", tiny(), 80)
