"""Agents of an outside library answer as a solver, from files that hold numbers alone."""

from dataclasses import replace

import numpy as np
import pytest

from mincache import InputError, Run, evaluate
from mincache.generation.scenario import Scenario
from mincache.learning import policies
from mincache.learning.policy_solver import PastPolicySolver, PolicySolver, export_policy
from mincache.problem.revealed import Site
from mincache.solving.conformance import check_solver
from mincache.views.agent_view import AgentView
from mincache.views.environment import EdgeCachingEnv
from mincache.views.episodes import Episodes

sb3 = pytest.importorskip("stable_baselines3")

SCENARIO = Scenario(users=3, models=4, slots=5)
EPISODES = Episodes(SCENARIO, SCENARIO.library(0, 1), library_index=1)
PLAYED = {"scenario": {"users": 3, "models": 4, "slots": 5}, "library": 1}


def agent_of(algorithm: str, rules=None, **options):
    """A fresh agent on two copies, its weights as they were drawn."""
    from mincache.views.stable_baselines import StableBaselinesVecEnv

    played = PLAYED | {"scenario": PLAYED["scenario"] | (rules or {})} | options
    return getattr(sb3, algorithm)("MlpPolicy", StableBaselinesVecEnv(2, **played), device="cpu", seed=1)


@pytest.mark.parametrize("algorithm", ["PPO", "TD3", "SAC", "DDPG"])
def test_an_exported_agent_says_what_it_said(algorithm, tmp_path):
    """Its decisions are those of the library's own deterministic actions."""
    agent = agent_of(algorithm)
    export_policy(agent, tmp_path / "one.safetensors", "a toy")
    solver, instance = PolicySolver(tmp_path), EPISODES.instance(3)
    assert solver.supports(instance) is None
    raw = agent.predict(AgentView().apply(instance), deterministic=True)[0]
    policy = policies.read_policy(tmp_path / "one.safetensors")
    assert solver.predict(policy, AgentView().apply(instance)) == pytest.approx(raw, abs=1e-5)
    solution = solver.solve(instance, Run.seeded(0))
    assert (solution.cache == AgentView().invert(instance, raw).cache).all()
    assert evaluate(instance, solution).feasible


def test_of_a_folder_the_policy_of_the_problem_answers(tmp_path):
    """Others are declined, whatever else differs than the trace."""
    export_policy(agent_of("PPO"), tmp_path / "one.safetensors")
    solver = PolicySolver(tmp_path)
    other = replace(EPISODES, library=SCENARIO.library(0, 2)).instance(0)
    assert "no policy in" in solver.supports(other)
    with pytest.raises(InputError, match="must be one that a policy is for"):
        solver.solve(other, Run.seeded(0))
    assert "it needs policies" in PolicySolver().supports(other)


@pytest.mark.parametrize(
    "rules", [{}, {"frame_slots": 2}, {"loading_s_per_gb": 0.5}, {"frame_slots": 2, "loading_s_per_gb": 0.5}]
)
def test_an_agent_that_sees_the_past_places_what_it_placed_in_training(rules, tmp_path):
    """As an online solver, it commits the caches of its episode in the environment, served exactly."""
    agent = agent_of("PPO", rules, information="past")
    export_policy(agent, tmp_path / "one.safetensors")
    scenario = SCENARIO.model_copy(update=rules)
    instance = Episodes(scenario, scenario.library(0, 1), library_index=1).instance(3)
    env = EdgeCachingEnv(instance, information="past")
    state, total, over = env.reset()[0], 0.0, False
    while not over:
        state, _, _, over, info = env.step(agent.predict(state, deterministic=True)[0])
        total += info["cost"]
    solver = PastPolicySolver(tmp_path)
    assert solver.supports(instance) is None
    found = evaluate(instance, solver.solve(instance, Run.seeded(0)))
    assert found.feasible
    assert found.cost == pytest.approx(total / instance.slot_count, rel=1e-9)
    declined = PolicySolver(tmp_path).supports(instance)
    assert ("it does not know the rule" if rules else "one for a PastPolicySolver") in declined


def test_an_agent_that_sees_the_slot_is_none_that_sees_the_past(tmp_path):
    """A policy is declined by the solver of the other level, and where none is for a site."""
    export_policy(agent_of("PPO"), tmp_path / "one.safetensors")
    solver, instance = PastPolicySolver(tmp_path), EPISODES.instance(0)
    assert "one for a PolicySolver" in solver.supports(instance)
    with pytest.raises(InputError, match="must be one that a policy is for"):
        solver.begin(Site.of(instance), Run.seeded(0))
    assert "it needs policies" in PastPolicySolver().supports(instance)


def test_a_policy_of_another_kind_is_refused(tmp_path):
    """One line says so, and so does the export of what is no plain perceptron."""
    export_policy(agent_of("PPO"), path := tmp_path / "one.safetensors")
    policy = policies.read_policy(path)
    for activation in (None, "gelu", ["relu"], {"relu": 1}):
        card = policy.card.model_copy(update={"parameters": {"activation": activation}})
        policies.write_policy(path, replace(policy, card=card))
        with pytest.raises(InputError, match=r"parameters\.activation: must be one of relu, tanh"):
            PolicySolver(tmp_path).solve(EPISODES.instance(0), Run.seeded(0))
    policies.write_policy(path, replace(policy, weights={"layers.0.bias": np.zeros(2, np.float32)}))
    with pytest.raises(InputError, match=r"weights.layers.0.bias: must have shape"):
        PolicySolver(tmp_path).solve(EPISODES.instance(0), Run.seeded(0))


def test_a_squashed_output_is_exported_as_such(tmp_path):
    """With gSDE and squash_output the library bounds actions by tanh, and so does the policy."""
    odd = {"use_sde": True, "policy_kwargs": {"squash_output": True}}
    agent = sb3.PPO("MlpPolicy", agent_of("PPO").get_env(), **odd)
    agent.policy.action_net.bias.data += 0.5  # far enough from 0 for tanh to show
    export_policy(agent, path := tmp_path / "one.safetensors")
    states = AgentView().apply(EPISODES.instance(3))
    found = PolicySolver(path).predict(policies.read_policy(path), states)
    assert found == pytest.approx(agent.predict(states, deterministic=True)[0], abs=1e-5)


def an_agent(kind: str):
    """A fresh agent that differs from what can be exported in the way that is named."""
    import gymnasium
    import torch
    from gymnasium import wrappers
    from stable_baselines3.common.torch_layers import FlattenExtractor
    from stable_baselines3.common.vec_env import DummyVecEnv, VecFrameStack, VecNormalize

    class Extractor(FlattenExtractor):
        def forward(self, observations):
            return 2.0 * observations

    one, made, more = EdgeCachingEnv(EPISODES), agent_of("PPO").get_env(), {}
    if kind == "activation":
        more = {"policy_kwargs": {"activation_fn": torch.nn.ELU}}
    elif kind == "extractor":
        more = {"policy_kwargs": {"features_extractor_class": Extractor}}
    env = {
        "normalised": lambda: VecNormalize(made),
        "stacked": lambda: VecFrameStack(made, 2),
        "rescaled": lambda: wrappers.RescaleAction(one, np.float32(0.0), np.float32(1.0)),
        "wrapped": lambda: wrappers.NormalizeObservation(one),
        "elsewhere": lambda: gymnasium.make("Pendulum-v1"),
        "two": lambda: DummyVecEnv([lambda: one, lambda: EdgeCachingEnv(**PLAYED | {"library": 2})]),
    }.get(kind, lambda: made)()
    agent = sb3.PPO("MlpPolicy", env, n_steps=8, batch_size=8, device="cpu", **more)
    if kind == "diverged":
        agent.policy.action_net.weight.data[:] = np.nan
    elif kind == "loaded":
        agent.env = None
    return agent


@pytest.mark.parametrize(
    ("kind", "rule"),
    [
        ("activation", "agent: must have a perceptron.*PPO with ELU"),
        ("extractor", "agent: must have a perceptron.*more than these layers"),
        ("normalised", "agent: must have a perceptron.*VecNormalize"),
        ("stacked", "agent: must see states and act as the environment has it"),
        ("rescaled", "agent: must see states and act as the environment has it"),
        ("wrapped", "agent: must see states and act as the environment has it"),
        ("elsewhere", "agent: must have been trained on the environment of mincache"),
        ("loaded", "agent: must have been trained on the environment.*load a saved agent with env="),
        ("two", "agent: must have been trained for one library and number of users"),
        ("diverged", "weights.*: must be finite"),
    ],
)
def test_what_a_policy_file_cannot_hold_is_not_exported(kind, rule, tmp_path):
    """An agent whose decisions its perceptron alone does not give is refused, and no file is written."""
    with pytest.raises(InputError, match=rule):
        export_policy(an_agent(kind), tmp_path / "one.safetensors")
    with pytest.raises(InputError, match=r"path: must end in .safetensors"):
        export_policy(agent_of("PPO"), tmp_path / "one")
    assert not list(tmp_path.iterdir())


OWN = '''
from dataclasses import dataclass

import numpy as np

from mincache.learning.policy_solver import PolicySolver


@dataclass(frozen=True)
class Mine(PolicySolver):
    """One linear layer."""

    def predict(self, policy, states):
        return np.tanh(states @ policy.weights["w"])
'''


def test_an_own_network_takes_ten_lines(tmp_path):
    """A class with predict, and a file that write_policy has written, pass the checks of the contract."""
    (tmp_path / "mine.py").write_text(OWN)
    problem = EPISODES.problem
    size, action = AgentView().sizes(problem)
    card = policies.PolicyCard(
        solver="mine",
        parameters={},
        problem=policies.problem_digest(problem),
        versions=AgentView().versions,
        seed=1,
    )
    weights = {"w": np.random.default_rng(0).normal(size=(size, action)).astype(np.float32)}
    policies.write_policy(tmp_path / "p.safetensors", policies.Policy(card, weights))
    from mincache.solving import registry

    solver = registry.make(f"{tmp_path / 'mine.py'}:Mine[policies={tmp_path}]")
    instance = EPISODES.instance(2)
    assert evaluate(instance, solver.solve(instance, Run.seeded(0))).feasible
    check_solver(f"{tmp_path / 'mine.py'}:Mine[policies={tmp_path}]")
