"""The environment: Gymnasium's contract, the evaluator's prices, and the same in a batch."""

import subprocess
import sys
import warnings

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from mincache import InputError, Solution, evaluate
from mincache.generation.scenario import Scenario
from mincache.views.agent_view import AgentView
from mincache.views.environment import EdgeCachingEnv, EdgeCachingVectorEnv
from mincache.views.episodes import Episodes
from mincache.views.registration import ENVIRONMENT_ID
from mincache.views.vector import REPAIRS

SHORT = Scenario(users=3, models=4, slots=5)
EPISODES = Episodes(SHORT, SHORT.library(0), seed=3)
RULES = {
    "none": {},
    "floor": {"steps_floor": 0.4},
    "frames": {"frame_slots": 2},
    "loading": {"loading_s_per_gb": 0.5},
    "all": {"frame_slots": 3, "loading_s_per_gb": 0.5, "steps_floor": 0.4},
    "one frame": {"frame_slots": 9, "steps_floor": 0.4},
}


def ruled(name: str) -> Episodes:
    """Episodes in which these rules hold, with steps for about two of three users."""
    scenario = SHORT.model_copy(update={"steps": 300.0, **RULES[name]})
    return Episodes(scenario, scenario.library(0), seed=3)


def raw_actions(space: gymnasium.spaces.Box, *shape: int) -> np.ndarray:
    """Raw actions anywhere in the box."""
    return np.random.default_rng(0).uniform(-1, 1, (*shape, *space.shape)).astype(np.float32)


@pytest.mark.parametrize("source", ["instance", "episodes", "frames", "loading", "all", None])
def test_gymnasium_finds_no_fault(source, instance):
    """Gymnasium's own checker passes without an error or a warning, with rules too."""
    chosen = {"instance": instance, "episodes": EPISODES, None: None}
    chosen = chosen[source] if source in chosen else ruled(source)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(gymnasium.make(ENVIRONMENT_ID, source=chosen).unwrapped)


def test_it_is_made_by_name():
    """Gymnasium makes the environment by its name, one or many."""
    env = gymnasium.make(f"mincache:{ENVIRONMENT_ID}", source=EPISODES)
    many = gymnasium.make_vec(
        ENVIRONMENT_ID, num_envs=2, vectorization_mode="vector_entry_point", source=EPISODES
    )
    assert isinstance(env.unwrapped, EdgeCachingEnv)
    assert many.unwrapped.num_envs == 2


def test_importing_mincache_loads_no_gymnasium():
    """Only who asks for the environment pays for it."""
    code = "import sys, mincache; mincache.Scenario(); sys.exit('gymnasium' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_rewards_are_what_the_evaluator_says(instance):
    """The rewards of an episode are minus the slots' costs of the same decisions as a solution (14)."""
    env, view = EdgeCachingEnv(instance), AgentView()
    raw = raw_actions(env.action_space, instance.slot_count)
    env.reset(seed=0)
    rewards = [env.step(action)[1] for action in raw]
    solution = Solution.of(instance, view.invert(instance, raw))
    assert rewards == pytest.approx([-cost for cost in evaluate(instance, solution).slot_cost], rel=1e-12)


@pytest.mark.parametrize("action", REPAIRS)
@pytest.mark.parametrize("rules", RULES)
def test_rewards_are_what_the_evaluator_says_with_rules(rules, action):
    """So they are where rules link slots, and those decisions keep every rule."""
    instance = ruled(rules).instance(4)
    env, view = EdgeCachingEnv(instance, action=action), AgentView(action=action)
    raw = raw_actions(env.action_space, instance.slot_count)
    for _ in range(2):  # what one episode leaves in the cache is nothing to the next
        env.reset()
        rewards = [env.step(step)[1] for step in raw]
        evaluation = evaluate(instance, Solution.of(instance, view.invert(instance, raw)))
        assert evaluation.feasible
        assert rewards == pytest.approx([-cost for cost in evaluation.slot_cost], rel=1e-12)


@pytest.mark.parametrize("rules", ["frames", "loading", "all"])
def test_states_tell_what_links_the_slots(rules):
    """A state ends on what was cached in the slot before, nothing at first, and the place in the frame."""
    instance = ruled(rules).instance(4)
    env, view = EdgeCachingEnv(instance), AgentView()
    raw = raw_actions(env.action_space, instance.slot_count)
    T, M, frame = instance.slot_count, instance.model_count, instance.rules.frame_slots
    seen = np.stack([env.reset()[0], *(env.step(step)[0] for step in raw)])
    cache = view.invert(instance, raw).cache
    told = seen[:, view.apply(instance).shape[1] :]
    assert told[:, :M].tolist() == [[0.0] * M, *cache.tolist()]
    places = [[t % frame / frame] for t in range(T + 1)] if frame > 1 else [[]] * (T + 1)
    assert told[:, M:] == pytest.approx(np.array(places))


@pytest.mark.parametrize("rules", ["none", "floor"])
def test_states_are_the_papers_where_nothing_links_slots(rules):
    """A floor on steps adds nothing to what is seen."""
    source = ruled(rules)
    env = EdgeCachingEnv(source)
    assert env.reset(seed=source.seed)[0].tolist() == AgentView().apply(source.problem)[0].tolist()


def test_states_are_those_of_the_view(instance):
    """An episode shows the trace's slots in order; where no slot follows the last one, that one again."""
    env, states = EdgeCachingEnv(instance), AgentView().apply(instance)
    state, _ = env.reset()
    seen, over = [state], False
    while not over:
        state, _, terminated, over, _ = env.step(env.action_space.sample())
        seen.append(state)
        assert not terminated
    assert (np.stack(seen) == np.concatenate([states, states[-1:]])).all()


@pytest.mark.parametrize("rules", RULES)
def test_a_batch_is_many_single_ones(rules):
    """Copy k of a batch plays the episode that a single environment plays as its k-th."""
    batch, single = EdgeCachingVectorEnv(ruled(rules), 3), EdgeCachingEnv(ruled(rules))
    raw = raw_actions(single.action_space, SHORT.slots, 3)
    first, _ = batch.reset(seed=8)
    together = [batch.step(actions) for actions in raw]
    for k in range(3):
        state, _ = single.reset(seed=8 if k == 0 else None)
        assert (state == first[k]).all()
        for t in range(SHORT.slots):
            state, reward, _, truncated, _ = single.step(raw[t, k])
            assert (state == together[t][0][k]).all()
            assert reward == pytest.approx(together[t][1][k], rel=1e-12)
            assert truncated == together[t][3][k]


def test_a_seed_begins_the_episodes_anew():
    """The same seed gives the same episodes, no seed goes on to the next one."""
    env = EdgeCachingVectorEnv(EPISODES, 2)
    first, again = env.reset(seed=5)[0], EdgeCachingVectorEnv(EPISODES, 2).reset(seed=5)[0]
    assert (env.reset(seed=5)[0] == first).all()
    later = env.reset()[0]
    assert (first == again).all()
    assert (later != first).any()


@pytest.mark.parametrize(("bad", "rule"), [(np.full(10, np.nan), "finite"), (np.zeros(9), "shape")])
def test_a_bad_action_is_refused(bad, rule):
    """An action that is not finite, or of another shape, is an InputError."""
    env = EdgeCachingEnv(EPISODES)
    env.reset()
    with pytest.raises(InputError, match=rule):
        env.step(bad)


def test_no_step_beyond_the_end():
    """After the last slot an episode must be begun with reset."""
    env = EdgeCachingEnv(EPISODES)
    env.reset()
    for _ in range(SHORT.slots):
        env.step(env.action_space.sample())
    with pytest.raises(InputError, match="reset"):
        env.step(env.action_space.sample())


@pytest.mark.parametrize("names", [{"observation": "x"}, {"action": "x"}])
def test_unknown_views_are_refused(names):
    """A view that does not exist is an InputError that lists those that do."""
    with pytest.raises(InputError, match="must be one of"):
        EdgeCachingEnv(EPISODES, **names)


def test_an_episode_can_be_chosen():
    """Reset can begin at any episode, as a resumed training does, and goes on from there."""
    env, again = EdgeCachingVectorEnv(EPISODES, 2), EdgeCachingVectorEnv(EPISODES, 2)
    first, second = env.reset(seed=7)[0], env.reset()[0]
    assert (again.reset(seed=7, options={"episode": 2})[0] == second).all()
    assert (again.reset(options={"episode": 0})[0] == first).all()
    assert (again.reset()[0] == second).all()


def test_an_agent_may_have_a_view_of_its_own():
    """It is taken in place of the names of an observation and an action."""
    view = AgentView("index", "softmax")
    one, other = (
        EdgeCachingVectorEnv(EPISODES, 2, "index", "softmax"),
        EdgeCachingVectorEnv(EPISODES, 2, view=view),
    )
    assert other.observation_space == one.observation_space
    assert (one.reset(seed=1)[0] == other.reset(seed=1)[0]).all()
