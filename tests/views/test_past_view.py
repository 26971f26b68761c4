"""The environment whose agent places each cache before it sees the slot."""

import warnings

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode
from hypothesis import given, settings
from hypothesis import strategies as st

from mincache import Decisions, InputError, Solution, evaluate, serve
from mincache.generation.scenario import Scenario
from mincache.views.agent_view import AgentView
from mincache.views.environment import EdgeCachingEnv, EdgeCachingVectorEnv
from mincache.views.episodes import Episodes
from mincache.views.past_view import PastView
from mincache.views.registration import ENVIRONMENT_ID
from mincache.views.stable_baselines import StableBaselinesVecEnv

SHORT = Scenario(users=3, models=4, slots=5, steps=300.0)
RULES = {
    "none": {},
    "frames": {"frame_slots": 2},
    "loading": {"loading_s_per_gb": 0.5},
    "both": {"frame_slots": 2, "loading_s_per_gb": 0.5},
}
SCORES = np.random.default_rng(0).uniform(-1, 1, (5, 4)).astype(np.float32)


def ruled(rules):
    """Short episodes in which these rules hold."""
    scenario = SHORT.model_copy(update=RULES[rules])
    return Episodes(scenario, scenario.library(0), seed=3)


def played(instance, scores=SCORES):
    """All states, rewards and infos of an episode."""
    env = EdgeCachingEnv(instance, information="past")
    states, rewards, infos = [env.reset(seed=0)[0]], [], []
    for raw in scores:
        state, reward, terminated, truncated, info = env.step(raw)
        states, rewards, infos = [*states, state], [*rewards, reward], [*infos, info]
        assert not terminated
    assert truncated
    return np.array(states), np.array(rewards), infos


def caches_of(instance, scores=SCORES):
    """The caches that the scores stand for, model by model."""
    size, frame = instance.models.size_gb, instance.rules.frame_slots
    caches = np.zeros((instance.slot_count, instance.model_count))
    for t, cache in enumerate(caches):
        row = scores[t - t % frame]
        for m in sorted(range(len(row)), key=lambda m: -row[m]):
            cache[m] = row[m] >= 0 and cache @ size + size[m] <= instance.server.storage_gb
    return caches


@pytest.mark.parametrize("rules", RULES)
def test_gymnasium_finds_no_fault(rules):
    """Gymnasium's own checker passes, and the boxes have a score a model."""
    env = gymnasium.make(ENVIRONMENT_ID, source=ruled(rules), information="past").unwrapped
    assert env.action_space.shape == (4,)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(env)


@pytest.mark.parametrize("rules", RULES)
def test_rewards_are_what_the_evaluator_says_of_the_caches(rules):
    """The rewards of an episode are what the caches, served exactly, save against the cloud."""
    instance = ruled(rules).instance(4)
    _, rewards, infos = played(instance)
    solution = serve(instance, caches_of(instance))
    nothing = np.zeros_like(solution.cache)
    cloud = Solution.of(instance, Decisions(nothing, solution.bandwidth_share, np.zeros((5, 3))))
    found, without = evaluate(instance, solution), evaluate(instance, cloud)
    assert found.feasible
    saved = np.array(without.slot_cost) - np.array(found.slot_cost)
    assert rewards == pytest.approx(saved, rel=1e-11, abs=1e-11)
    assert [info["cloud_cost"] for info in infos] == pytest.approx(list(without.slot_cost), rel=1e-12)
    assert rewards.sum() / 5 == pytest.approx(without.cost - found.cost, rel=1e-11)


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(list(RULES)), st.integers(0, 4), st.permutations(range(5)))
def test_later_slots_change_no_state_before_them(rules, seen, order):
    """Slots from any one on, in another order, leave the states up to there as they are."""
    instance = ruled(rules).instance(1)
    slots = [*range(seen), *(t for t in order if t >= seen)]
    trace = type(instance.trace)(**{
        name: values[slots] for name, values in vars(instance.trace).items() if values is not None
    })  # fmt: skip
    changed = type(instance)(**{**vars(instance), "trace": trace})
    one, other = played(instance), played(changed)
    assert (one[0][: seen + 1] == other[0][: seen + 1]).all()
    assert (one[1][:seen] == other[1][:seen]).all()


@pytest.mark.parametrize("rules", RULES)
def test_states_tell_the_last_two_slots_and_the_cache(rules):
    """A state has the requests of the slot before, of the one before that, and what links the slots."""
    instance = ruled(rules).instance(2)
    states, _, _ = played(instance)
    asked = np.array([np.bincount(row, minlength=4) for row in instance.trace.requested_model]) / 3 * 2.0
    before = np.concatenate([np.zeros((2, 4)), asked])
    assert states[:, :4] == pytest.approx(before[1:])
    assert states[:, 4:8] == pytest.approx(before[:-1])
    frame = instance.rules.frame_slots
    cached = [[0.0] * 4, *caches_of(instance).tolist()]
    told = [[*cached[t], *([t % frame / frame] if frame > 1 else [])] for t in range(6)]
    assert states[:, 8:] == pytest.approx(np.array(told if instance.rules.link_slots else [[]] * 6))


@pytest.mark.parametrize("rules", RULES)
def test_a_batch_is_many_single_ones(rules):
    """Copy k of a batch plays what a single environment plays as its k-th episode."""
    batch = EdgeCachingVectorEnv(ruled(rules), 3, information="past", autoreset_mode="SameStep")
    first, _ = batch.reset(seed=8)
    together = [batch.step(np.stack([row, -row, row[::-1]])) for row in SCORES]
    source = ruled(rules)
    for k, scores in enumerate((SCORES, -SCORES, SCORES[:, ::-1])):
        instance = Episodes(source.scenario, source.library, seed=8).instance(k)
        states, rewards, _ = played(instance, scores)
        assert (states[0] == first[k]).all()
        assert (states[1:-1] == np.array([step[0][k] for step in together[:-1]])).all()
        assert states[-1] == pytest.approx(together[-1][-1]["final_obs"][k])
        assert rewards == pytest.approx([step[1][k] for step in together], rel=1e-11, abs=1e-11)
    assert not together[-1][0][:, :8].any()  # the next episode begins, its past empty


def test_the_optimum_and_regret_are_told_too(instance):
    """Regret is what the slot costs above the optimum that sees it; violations tell what did not fit."""
    env = EdgeCachingEnv(instance, information="past", reward="regret")
    env.reset()
    _, reward, _, _, info = env.step(np.ones(instance.model_count))
    assert reward == pytest.approx(info["optimal_cost"] - info["cost"])
    assert reward <= 1e-9
    assert info["violations"] == (instance.models.size_gb.sum() > instance.server.storage_gb)


def test_libraries_for_learning_take_it():
    """Stable-Baselines3's form and Gymnasium's wrappers play it by name."""
    copies = StableBaselinesVecEnv(2, scenario={"slots": 3}, information="past")
    copies.reset()
    for _ in range(3):
        states, _, over, infos = copies.step(np.zeros((2, 10), np.float32))
    assert states.shape == (2, 20)
    assert over.all()
    assert infos[0]["terminal_observation"][:10].any()
    many = gymnasium.make_vec(
        ENVIRONMENT_ID, 2, vectorization_mode="sync", scenario={"slots": 3}, information="past"
    )
    assert many.reset(seed=1)[0].shape == (2, 20)


@pytest.mark.parametrize(
    ("keywords", "rule"),
    [
        ({"information": "future"}, "must be one of slot, past"),
        ({"information": "past", "observation": "one-hot"}, "must be left out"),
        ({"information": "past", "action": "softmax"}, "must be left out"),
        ({"information": "past", "scenario": {"steps_floor": 0.4}}, "must be 0 with information past"),
        ({"information": "past", "view": AgentView()}, "must be slot, as the view has it"),
        ({"information": "slot", "view": PastView()}, "must be past, as the view has it"),
        ({"information": "past", "reward": "saved"}, "must be one of cost, saving, regret"),
    ],
)
def test_what_does_not_go_together_is_refused(keywords, rule):
    """Each in one line."""
    with pytest.raises(InputError, match=rule):
        EdgeCachingEnv(**keywords)


@pytest.mark.parametrize("bad", [np.zeros(3), np.full(4, np.nan), "half"])
def test_a_bad_action_is_refused(bad):
    """An action is a finite score a model."""
    env = EdgeCachingEnv(ruled("none"), information="past")
    env.reset(seed=0)
    with pytest.raises(InputError, match="action"):
        env.step(bad)


def test_the_level_slot_is_what_it_was(instance):
    """Naming the level of today's environment changes nothing; what is saved can be its reward too."""
    usual, named = EdgeCachingEnv(instance), EdgeCachingEnv(instance, information="slot", reward="saving")
    assert (usual.reset()[0] == named.reset()[0]).all()
    raw = usual.action_space.sample()
    one, other = usual.step(raw), named.step(raw)
    assert one[1] == pytest.approx(other[1] - other[4]["cloud_cost"])


def test_a_next_step_reset_begins_with_an_empty_past():
    """Where Gymnasium resets on the next step, no slot of the episode before is told."""
    env = EdgeCachingVectorEnv(ruled("none"), 2, information="past", autoreset_mode=AutoresetMode.NEXT_STEP)
    env.reset(seed=0)
    for _ in range(5):
        states = env.step(np.zeros((2, 4)))[0]
    assert states.any()
    assert not env.step(np.zeros((2, 4)))[0].any()
