"""Outside libraries take the environment by its name, as they take any other."""

import gymnasium
import numpy as np
import pytest

from mincache import InputError
from mincache.views.registration import ENVIRONMENT_ID

sb3 = pytest.importorskip("stable_baselines3")
env_checker = pytest.importorskip("stable_baselines3.common.env_checker")
env_util = pytest.importorskip("stable_baselines3.common.env_util")

NAME = f"mincache:{ENVIRONMENT_ID}"
SMALL = {"scenario": {"users": 4, "models": 4, "slots": 10}}
STEPS = 120


def test_the_librarys_own_checker_finds_no_fault(recwarn):
    """Stable-Baselines3's check of an environment passes without a warning of its own."""
    env_checker.check_env(gymnasium.make(NAME, **SMALL))
    assert [str(w.message) for w in recwarn if "gymnasium" not in str(w.filename)] == []


@pytest.mark.parametrize("algorithm", ["DDPG", "TD3", "SAC"])
def test_an_outside_learner_trains(algorithm):
    """It plays whole episodes, takes its gradient steps, and answers with an action of the box."""
    env = gymnasium.make(NAME, **SMALL)
    agent = getattr(sb3, algorithm)(
        "MlpPolicy", env, batch_size=32, learning_starts=100, buffer_size=STEPS, seed=0, device="cpu"
    )
    before = [p.detach().clone() for p in agent.actor.parameters()]
    agent.learn(STEPS)
    assert all(info["l"] == 10 and info["r"] < 0 for info in agent.ep_info_buffer)
    assert any((p != old).any() for p, old in zip(agent.actor.parameters(), before, strict=True))
    action, _ = agent.predict(env.reset()[0], deterministic=True)
    assert env.action_space.contains(action)
    assert np.isfinite(env.step(action)[1])


def test_a_name_is_enough():
    """The library makes the environment itself, the paper's scenario by default."""
    agent = sb3.DDPG("MlpPolicy", NAME, buffer_size=10, device="cpu")
    assert agent.observation_space.shape == (141,)


@pytest.mark.parametrize("kind", ["DummyVecEnv", "SubprocVecEnv"])
def test_copies_are_made_by_name(kind):
    """In one process or in several, each copy plays traces of its own, and evaluation's are others still."""
    kind = getattr(pytest.importorskip("stable_baselines3.common.vec_env"), kind)
    copies = env_util.make_vec_env(NAME, 2, env_kwargs=SMALL, vec_env_cls=kind)
    states = copies.reset()
    evaluation = gymnasium.make(NAME, purpose="evaluation", **SMALL).reset()[0]
    assert (states[0] != states[1]).any()
    assert (evaluation != states[0]).any()
    copies.close()


END = {"terminal_observation", "TimeLimit.truncated"}


def test_each_copy_is_told_of_its_slot_and_takes_options():
    """Infos hold what the copies' own do, at an episode's end too; one episode is chosen for all copies."""
    from mincache.views.environment import EdgeCachingVectorEnv
    from mincache.views.stable_baselines import StableBaselinesVecEnv

    copies, same = StableBaselinesVecEnv(2, **SMALL), EdgeCachingVectorEnv(num_envs=2, **SMALL)
    copies.seed(3)
    copies.set_options({"episode": 4})
    assert (copies.reset() == same.reset(seed=3, options={"episode": 4})[0]).all()
    action, over = same.action_space.sample(), False
    while not over:
        (*_, ended, infos), (*_, known) = copies.step(action), same.step(action)
        over = ended.any()
        for k, info in enumerate(infos):
            assert {name: known[name][k] for name in info if name in known} == {
                name: value for name, value in info.items() if name not in END
            }
    assert all(info.keys() >= END for info in infos)
    copies.set_options([{"episode": 0}, {"episode": 1}])
    with pytest.raises(InputError, match="options: must be the same for all copies"):
        copies.reset()
