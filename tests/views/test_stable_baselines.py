"""Outside learners for continuous actions train on the environment as it is."""

import gymnasium
import numpy as np
import pytest

from mincache import Scenario
from mincache.views.environment import ENVIRONMENT_ID
from mincache.views.episodes import Episodes

sb3 = pytest.importorskip("stable_baselines3")
env_checker = pytest.importorskip("stable_baselines3.common.env_checker")

SCENARIO = Scenario(users=4, models=4, slots=10)
STEPS = 200


def environment():
    """The environment, made by its name, with nothing around it that is not Gymnasium's own."""
    source = Episodes(SCENARIO, SCENARIO.library(1), seed=1)
    return gymnasium.make(f"mincache.views.environment:{ENVIRONMENT_ID}", source=source)


def test_the_librarys_own_checker_finds_no_fault(recwarn):
    """Stable-Baselines3's check of an environment passes without a warning of its own."""
    env_checker.check_env(environment())
    assert [str(w.message) for w in recwarn if "gymnasium" not in str(w.filename)] == []


@pytest.mark.parametrize("algorithm", ["DDPG", "TD3", "SAC"])
def test_an_outside_learner_trains(algorithm):
    """It plays whole episodes, takes its gradient steps, and answers with an action of the box."""
    env = environment()
    agent = getattr(sb3, algorithm)(
        "MlpPolicy", env, policy_kwargs={"net_arch": [16, 16]}, batch_size=32, learning_starts=100, seed=0,
        buffer_size=STEPS, device="cpu",
    )  # fmt: skip
    before = [p.detach().clone() for p in agent.actor.parameters()]
    agent.learn(STEPS)
    assert agent.num_timesteps == STEPS
    assert len(agent.ep_info_buffer) == STEPS // SCENARIO.slots
    assert all(info["l"] == SCENARIO.slots and info["r"] < 0 for info in agent.ep_info_buffer)
    assert any((p != old).any() for p, old in zip(agent.actor.parameters(), before, strict=True))
    action, _ = agent.predict(env.reset()[0], deterministic=True)
    assert env.action_space.contains(action)
    assert np.isfinite(env.step(action)[1])
