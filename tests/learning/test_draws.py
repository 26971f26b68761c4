"""Draws: every kind of instance, and none that any suite holds."""

from dataclasses import replace

from mincache.files.documents import instance_bytes
from mincache.generation.scenario import Scenario
from mincache.generation.suites import find
from mincache.learning.draws import LEAST_MODELS, LEAST_USERS, MOST_MODELS, MOST_USERS, Draws

SCENARIO = Scenario(slots=2)


def test_each_is_decided_by_seed_purpose_and_number():
    """The same three give the same bytes; any other gives another library and trace."""
    draws = Draws(SCENARIO, 1)
    one = draws.instance(3)
    assert instance_bytes(Draws(SCENARIO, 1).instance(3)) == instance_bytes(one)
    others = [
        draws.instance(4),
        Draws(SCENARIO, 2).instance(3),
        replace(draws, purpose="validation").instance(3),
    ]
    for other in others:
        assert not set(other.models.size_gb) & set(one.models.size_gb)
        assert not set(other.trace.channel_gain.ravel()) & set(one.trace.channel_gain.ravel())


def test_they_spread_over_users_and_limits():
    """N lies in its range and varies in all; every other one alone has limits of its own, of every kind."""
    drawn = [Draws(SCENARIO, 1).instance(i) for i in range(40)]
    users = [one.user_count for one in drawn]
    assert LEAST_USERS <= min(users) < 10 < 60 < max(users) <= MOST_USERS
    assert {one.server.storage_gb for one in drawn[::2]} == {20.0}
    assert all(LEAST_MODELS <= one.model_count <= MOST_MODELS for one in drawn)
    for limit in (
        lambda one: one.server.storage_gb,
        lambda one: one.server.steps,
        lambda one: one.radio.uplink_hz,
        lambda one: one.radio.user_power_w[0],
        lambda one: one.radio.backhaul_up_bps,
        lambda one: one.radio.backhaul_down_bps,
        lambda one: one.preference_weight,
        lambda one: one.models.steps_onset.min() / one.models.steps_onset.max(),
    ):
        values = [limit(one) for one in drawn[1::2]]
        assert len(set(values)) == 20
        assert max(values) > 2 * min(values)


def test_every_fourth_has_a_floor_on_steps():
    """The rules of the others are the scenario's, and no draw links slots."""
    floors = [Draws(SCENARIO, 1).instance(i).rules.steps_floor for i in range(8)]
    assert [floor > 0.0 for floor in floors] == [False, False, False, True] * 2


def test_no_suite_is_ever_met():
    """Whatever the seed, a suite's own included, no library or trace of the standard suites is drawn."""
    for suite in ("smoke-v1", "paper-v1"):
        content = find(suite).content
        recipe = content.recipe
        sizes = {
            size
            for library in range(recipe.libraries)
            for size in content.scenario.library(recipe.library_seed, library).size_gb
        }
        gains = {tuple(row[:4]) for one in list(find(suite))[:4] for row in one.trace.channel_gain}
        for seed in {recipe.library_seed, recipe.trace_seed, 0, 1}:
            drawn = [Draws(content.scenario, seed).instance(i) for i in range(2)]
            assert not any(sizes & set(one.models.size_gb) for one in drawn)
            assert not any(tuple(row[:4]) in gains for one in drawn for row in one.trace.channel_gain)
