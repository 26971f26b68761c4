"""A policy trained by an outside library for reinforcement learning, PPO of Stable-Baselines3, as a solver.

pip install 'mincache[ddpg]' stable-baselines3
python stable_baselines.py --suite smoke-v1 --users 10 --library 0 -o ppo.safetensors

trains it for one library of models and number of users of a suite, on fresh traces that no suite holds, and
prints how it does on held-out ones. Then it takes part in a campaign; instances of another library or number
of users it declines:

mincache run smoke-v1 --solver 'stable_baselines.py:Ppo[policy=ppo.safetensors]' -o results/ppo
mincache leaderboard results/ppo
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.vec_env import DummyVecEnv

from mincache import Instance, Learner, Run, Scenario, Solution, evaluate
from mincache.generation import suites
from mincache.learning import policies
from mincache.learning.policies import Policy, PolicyCard
from mincache.solving import registry
from mincache.views.agent_view import AgentView
from mincache.views.environment import EdgeCachingEnv, spaces
from mincache.views.episodes import Episodes

VIEW = AgentView("counts", "priority-serve")
"""How slots are shown to the policy, and how its raw actions become feasible decisions."""
NETWORK = {"net_arch": [64, 64], "log_std_init": -1.0}
ENVIRONMENTS = 10


@dataclass(frozen=True)
class Ppo(Learner):
    """A policy trained by proximal policy optimisation (J. Schulman et al., arXiv:1707.06347).

    Attributes:
        policy: a file that training has written.
        steps: slots to train on.
    """

    policy: Path | None = None
    steps: int = 40_000

    def supports(self, instance: Instance) -> str | None:
        """Return None, or why the policy is not for this instance."""
        if self.policy is None:
            return "it needs a policy: Ppo[policy=FILE]"
        found = policies.policy_name(self.policy, instance)
        return found if isinstance(found, str) else None

    def solve(self, instance: Instance, run: Run) -> Solution:
        """Return what the policy says, all slots at once."""
        torch.set_num_threads(1)
        assert self.policy is not None  # or `supports` has declined
        return answer(_network(policies.read_policy(self.policy), instance), instance)

    def fit(self, scenario: Scenario, run: Run) -> Path:
        """Train for a library drawn with a seed from `run`, and return the policy's file."""
        seed = int(run.rng.integers(2**31))
        path = self.policy or Path("ppo.safetensors")
        policies.write_policy(path, self.train(Episodes(scenario, scenario.library(seed), seed)))
        return path

    def train(self, episodes: Episodes, title: str = "") -> Policy:
        """Return a policy trained on `episodes`, with a title for people.

        The slots are not linked, so what an action is worth is its own reward: the discount is 0.
        """
        torch.set_num_threads(1)
        rows = [_own_traces(episodes, index) for index in range(ENVIRONMENTS)]
        copies = DummyVecEnv(
            [lambda row=row: EdgeCachingEnv(row, VIEW.observation, VIEW.action) for row in rows]
        )
        agent = PPO(
            "MlpPolicy", copies, gamma=0.0, gae_lambda=0.0, n_steps=100, batch_size=250, learning_rate=1e-3,
            seed=episodes.seed, policy_kwargs=NETWORK, device="cpu",
        )  # fmt: skip
        agent.learn(self.steps)
        problem = episodes.problem
        card = PolicyCard(
            solver="stable-baselines3 PPO", parameters={"steps": self.steps}, seed=episodes.seed,
            problem=policies.problem_digest(problem), users=problem.user_count, models=problem.model_count,
            versions=VIEW.versions, title=title,
        )  # fmt: skip
        return Policy(card, {name: weight.numpy() for name, weight in agent.policy.state_dict().items()})


def _own_traces(episodes: Episodes, index: int) -> Episodes:
    """Return episodes for one of several environments: a stream of traces of its own."""
    return Episodes(
        episodes.scenario,
        episodes.library,
        episodes.seed,
        f"{episodes.purpose}-{index}",
        episodes.library_index,
    )


def _network(policy: Policy, instance: Instance) -> ActorCriticPolicy:
    """Return the policy's network with its weights; the file holds numbers alone, nothing that runs."""
    network = ActorCriticPolicy(*spaces(VIEW, instance), lambda _: 0.0, **NETWORK)
    policy.check_shapes({name: tuple(weight.shape) for name, weight in network.state_dict().items()})
    network.load_state_dict({name: torch.as_tensor(weight) for name, weight in policy.weights.items()})
    return network


def answer(network: ActorCriticPolicy, instance: Instance) -> Solution:
    """Return the decisions that the network's mean actions are."""
    raw, _ = network.predict(VIEW.apply(instance), deterministic=True)
    return Solution.of(instance, VIEW.invert(instance, raw))


def main() -> None:
    """Train, write the policy, and print how it does on held-out traces beside two reference solvers."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--suite", default="smoke-v1")
    parser.add_argument("--users", type=int, default=10)
    parser.add_argument("--library", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, default=Ppo.steps)
    parser.add_argument("-o", "--output", type=Path, default=Path("ppo.safetensors"))
    given = parser.parse_args()
    content = suites.find(given.suite).content
    scenario = content.scenario.model_copy(update={"users": given.users})
    library = scenario.library(content.recipe.library_seed, given.library)
    title = f"{given.suite} library {given.library}"
    policy = Ppo(steps=given.steps).train(Episodes(scenario, library, given.seed), title)
    policies.write_policy(given.output, policy)
    held_out = Episodes(scenario, library, given.seed, "validation")
    instances = [held_out.instance(episode) for episode in range(4)]
    solvers = {name: registry.make(name) for name in ("cloud-only", "popular-first", "decomposition")}
    for name, solver in (solvers | {"ppo": Ppo(given.output)}).items():
        costs = [evaluate(one, solver.solve(one, Run.seeded(0))).cost for one in instances]
        print(f"{name:14} mean cost {np.mean(costs):.4f} on held-out traces")


if __name__ == "__main__":
    main()
