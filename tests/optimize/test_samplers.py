"""The contract of every sampler: one module, run against each on every kind of space."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.optimize.spaces import SPACES, crossing, mixed, named, tiny

from bittrader.errors import InputError, StrategyError
from bittrader.optimize.samplers.base import Told, dominators
from bittrader.optimize.samplers.choose import MANY_OBJECTIVES, SAMPLERS, choose, make
from bittrader.optimize.samplers.grid import GridSampler, allowed_count, lattice
from bittrader.strategies.parameters import Space

NAMES = [name for name in SAMPLERS if name != "auto"]
TRIALS, GENERATION = 48, 12


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


@pytest.mark.parametrize("name", ["tpe", "de"])
def test_those_that_learn_search_where_the_conditions_are_kept(name):
    def kept(name):
        """How many of the second half keep the condition, which the lowest losses break."""
        sampler, shares = make(name, mixed(), 1, 150, 15), []
        for start in range(0, 150, 15):
            rows = sampler.ask(start, 15)
            position = mixed().position(rows)
            violations = np.maximum(0, 0.7 - position[:, 2])
            sampler.tell(rows, position.sum(axis=1)[:, None], violations)
            shares.append((violations == 0).mean())
        return np.mean(shares[5:])

    assert kept(name) > 2 * kept("random")


@pytest.mark.parametrize("name", ["tpe", "de"])
def test_those_that_learn_beat_chance(name):
    def best(name, seed):
        sampler = make(name, mixed(), seed, 150, 15)
        return min(losses_of(mixed(), rows).min() for rows in history_of(sampler, 150, 15))

    wins = [best(name, seed) < best("random", seed) for seed in range(3)]
    assert all(wins)


def history_of(sampler, trials, generation):
    for start in range(0, trials, generation):
        rows = sampler.ask(start, generation)
        sampler.tell(rows, *judged(sampler.space, rows))
        yield rows


STANDINGS = st.lists(
    st.tuples(st.sampled_from([-1.0, 0.0, 2.5]), st.sampled_from([0.0, 0.0, 0.5, 1.0])) | st.just((np.inf, np.inf)),
    min_size=1,
)


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


def test_auto_takes_a_model_for_few_trials_of_many_parameters_and_else_de():
    assert choose("auto", mixed(), 80).sampler == "tpe"
    assert choose("auto", crossing(), 80).sampler == "de"
    assert choose("auto", mixed(), 100_000).sampler == "de"


def test_a_sampler_for_one_objective_is_refused_for_several():
    with pytest.raises(InputError, match=r"de searches for one objective\. For several there are nsga2"):
        choose("de", mixed(), 80, objectives=2)
    assert choose("auto", mixed(), 80, objectives=2).sampler in MANY_OBJECTIVES


def test_an_unknown_sampler_is_met_with_a_guess():
    with pytest.raises(InputError, match=r"no sampler 'sobel'. Did you mean 'sobol'\?"):
        choose("sobel", tiny(), 80)
