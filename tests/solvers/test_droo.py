"""The quantised actor: its candidates, learning a toy to its optimum, and what it refuses."""

from dataclasses import replace

import numpy as np
import pytest

from mincache import InputError, Scenario, Solution, evaluate
from mincache.exact import optimum
from mincache.learning.cache_view import CacheView
from mincache.learning.draws import Draws
from mincache.solving import registry
from mincache.views.episodes import Episodes

TOY = Scenario(users=4, models=4, slots=10, size_gb=(3, 4), storage_gb=8, steps=400)
EPISODES = Episodes(TOY, TOY.library(5), seed=1)


def quantised(numbers, count):
    """The candidates of arXiv:1808.01977, (8) and (9), word by word: `count` sets of the numbers' places."""
    found = [{n for n, x in enumerate(numbers) if x > 0.5}]
    nearest = sorted(numbers, key=lambda x: abs(x - 0.5))
    for pivot in nearest[: count - 1]:
        chosen = {n for n, x in enumerate(numbers) if x > pivot or (x == pivot and pivot <= 0.5)}
        found.append(chosen)
    return found


def test_candidates_are_those_of_the_source():
    """Where everything fits and is asked for, they are the quantisation's, in its order."""
    wide = replace(EPISODES, scenario=TOY.with_values({"storage_gb": 100.0, "users": 60}))
    instance = wide.instance(0)
    raw = np.random.default_rng(1).uniform(-1.0, 1.0, (TOY.slots, TOY.models))
    caches = CacheView(candidates=4).caches(instance, raw)
    for t, scores in enumerate(raw):
        wanted = quantised((1.0 + scores) / 2.0, 4)
        assert [set(np.flatnonzero(cache)) for cache in caches[:, t]] == wanted


def test_more_candidates_than_models_add_nothing():
    """There are at most as many as models, and each answer is the cheapest of them and feasible."""
    instance, costs = EPISODES.instance(0), []
    raw = np.random.default_rng(2).uniform(-1.0, 1.0, (TOY.slots, TOY.models))
    for count in (1, 2, 4, 9):
        view = CacheView(candidates=count)
        assert len(view.caches(instance, raw)) == min(count, TOY.models)
        score = evaluate(instance, Solution.of(instance, view.invert(instance, raw)))
        assert score.feasible
        costs.append(score.cost)
    assert costs[0] >= costs[1] >= costs[2] == costs[3]


def test_a_toy_is_learned_to_its_optimum():
    """With one candidate, so that the network alone decides, training takes the answer to the optimum."""
    few = TOY.with_values({"users": 3, "models": 3, "storage_gb": 5.0, "steps": 1000.0})
    course = Episodes(few, few.library(5), seed=1)
    held_out = replace(course, purpose="validation").instance(0)
    learner = registry.make("droo[candidates=1,episodes=100,hidden=32,updates=10,rate=0.003]")
    untrained = learner.pupil(course)
    drawn = learner.view.invert(held_out, untrained.actor.act(learner.view.apply(held_out)))
    best, costs = evaluate(held_out, optimum(held_out).solution).cost, []
    learner.train(course, lambda _, reward, answer: costs.append(evaluate(held_out, answer(held_out)).cost))
    assert evaluate(held_out, Solution.of(held_out, drawn)).cost > 1.015 * best
    assert costs[-1] < 1.005 * best


def test_a_network_for_everything_is_refused():
    """Its inputs are of one number of users and models."""
    with pytest.raises(InputError, match="course: must be episodes of one library"):
        registry.make("droo").train(Draws(TOY))
