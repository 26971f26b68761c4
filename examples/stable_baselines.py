"""Agents of an outside library, PPO of Stable-Baselines3, on the board of a suite.

pip install 'mincache[ddpg]' stable-baselines3
python stable_baselines.py --suite smoke-v1 --users 10 --library 0 -o policies/l0.n10.safetensors
mincache run smoke-v1 --solver 'stable_baselines.py:Ppo[policies=policies]' -o results/ppo

The first command trains an agent for one library and number of users, on fresh traces that no suite holds.
Repeat it for each of the suite's; what no policy is for is declined.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from mincache.learning.policy_solver import PolicySolver, export_policy


class Ppo(PolicySolver):
    """Policies trained by proximal policy optimisation (J. Schulman et al., arXiv:1707.06347)."""


def main() -> None:
    """Train and export an agent.

    The slots are not linked, so what an action is worth is its own reward: the discount is 0.
    """
    # Here, so that the runs of a campaign load neither: they answer in numpy.
    from stable_baselines3 import PPO

    from mincache.views.stable_baselines import StableBaselinesVecEnv

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--suite", default="smoke-v1")
    parser.add_argument("--users", type=int, default=10)
    parser.add_argument("--library", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, default=40_000)
    parser.add_argument("-o", "--output", type=Path, default=Path("policies/ppo.safetensors"))
    given = parser.parse_args()
    played = {"suite": given.suite, "users": given.users, "library": given.library}
    agent = PPO(
        "MlpPolicy", StableBaselinesVecEnv(10, action="priority-serve", **played), gamma=0.0, gae_lambda=0.0,
        n_steps=100, batch_size=250, learning_rate=1e-3, seed=given.seed, device="cpu",
        policy_kwargs={"log_std_init": -1.0},
    )  # fmt: skip
    agent.learn(given.steps)
    given.output.parent.mkdir(exist_ok=True)
    export_policy(agent, given.output, f"{given.suite} library {given.library}, {given.users} users")


if __name__ == "__main__":
    main()
