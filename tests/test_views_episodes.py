"""Fresh traces for agents, apart from those of every suite."""

from dataclasses import replace

import numpy as np
import pytest

from mincache.instance import Rules, Trace
from mincache.quantity import quantities
from mincache.scenario import Scenario
from mincache.suites import find
from mincache.views.episodes import Episodes, across

SHORT = Scenario(users=3, models=4, slots=5)
EPISODES = Episodes(SHORT, SHORT.library(0), seed=3)


def test_the_same_episode_is_the_same_trace():
    """An episode is named by scenario, seed, purpose, library and number, and by nothing else."""
    assert EPISODES.trace(4) == replace(EPISODES, library=SHORT.library(9)).trace(4)
    others = [
        replace(EPISODES, seed=4),
        replace(EPISODES, purpose="validation"),
        replace(EPISODES, library_index=1),
    ]
    assert all(other.trace(4) != EPISODES.trace(4) for other in others)
    assert EPISODES.trace(5) != EPISODES.trace(4)


@pytest.mark.parametrize("seed", range(8))
def test_no_standard_trace_is_met_in_training(seed):
    """Even with the suites' own seeds, no slot of a standard trace of l0, N = 10 is met in 20 episodes."""
    suite = find("paper-v1")
    recipe = suite.content.recipe
    scenario = suite.content.scenario.model_copy(update={"users": 10})
    names = [name for name, entry in suite.entries.items() if (entry.library, entry.users) == (0, 10)]
    standard = {gain for name in names for gain in suite.read(name).trace.channel_gain.ravel().tolist()}
    chosen = (recipe.trace_seed, recipe.library_seed, *range(6))[seed]
    for purpose in ("training", "validation"):
        episodes = Episodes(scenario, scenario.library(recipe.library_seed, 0), chosen, purpose)
        slots = np.concatenate([episodes.trace(i).channel_gain for i in range(10)])
        assert not any(set(slot) <= standard for slot in slots.tolist())


def test_training_streams_are_named_apart(monkeypatch):
    """The streams that episodes draw from begin with their purpose, those of suites with `trace`."""
    from mincache import scenario, suites

    seen = set()
    original = scenario.Uniforms

    def watched(seed, *path):
        seen.add(path[0])
        return original(seed, *path)

    monkeypatch.setattr(scenario, "Uniforms", watched)
    EPISODES.trace(0)
    assert seen == {"training"}
    seen.clear()
    recipe = suites.Recipe(library_seed=0, trace_seed=0, libraries=1, users=(3,), traces=1)
    list(suites.draw("own", recipe, SHORT))
    assert seen == {"library", "trace"}


def test_across_turns_traces_into_steps():
    """Slot k of the instance of step t holds what trace k holds at t."""
    traces = [EPISODES.trace(i) for i in range(3)]
    steps = across(EPISODES.problem, traces, "x")
    assert len(steps) == 5
    for t, step in enumerate(steps):
        for k, trace in enumerate(traces):
            for name in quantities(Trace):
                assert (getattr(step.trace, name)[k] == getattr(trace, name)[t]).all()


def test_across_turns_traces_into_frames():
    """Stretches of two steps are frames that follow each other, trace by trace; the last one is shorter."""
    traces = [EPISODES.trace(i) for i in range(3)]
    *whole, last = across(EPISODES.problem, traces, "x", length=2)
    assert [frame.rules.frame_slots for frame in (*whole, last)] == [2, 2, 1]
    for f, frame in enumerate((*whole, last)):
        for name in quantities(Trace):
            expected = np.concatenate([getattr(trace, name)[2 * f : 2 * f + 2] for trace in traces])
            assert (getattr(frame.trace, name) == expected).all()


def test_episodes_keep_the_rules_of_their_scenario():
    """An episode is an instance with the scenario's rules; a step across episodes has no frames."""
    scenario = SHORT.model_copy(update={"frame_slots": 3, "loading_s_per_gb": 0.5, "steps_floor": 0.2})
    episodes = replace(EPISODES, scenario=scenario)
    assert episodes.instance(1).rules == Rules(3, 0.5, 0.2)
    steps = across(episodes.problem, [episodes.trace(0)] * 2, "x")
    assert {step.rules for step in steps} == {Rules(1, 0.5, 0.2)}
