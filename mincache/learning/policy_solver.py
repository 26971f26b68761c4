"""One's own agents as a solver: policies found by their problem, and agents of other libraries exported."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from mincache.errors import InputError, excerpt, one_of
from mincache.learning import policies
from mincache.learning.finding import by_seed, training_seeds
from mincache.learning.inference import AnyView, Network, NetworkSolver, load
from mincache.learning.layers import perceptron, perceptron_shapes, relu
from mincache.learning.policies import Policy, PolicyCard
from mincache.problem.instance import Instance
from mincache.problem.quantity import Array
from mincache.solving.online import OnlineSolver
from mincache.views.agent_view import AgentView
from mincache.views.past_view import PastView

_ACTIVATIONS: Mapping[str, Callable[[Array], Array]] = {"relu": relu, "tanh": np.tanh}
_SQUASHES: Mapping[str, Callable[[Array], Array]] = {"tanh": np.tanh, "clip": lambda raw: raw.clip(-1.0, 1.0)}
_RULE = "must have a perceptron with ReLU or Tanh on states as they are"


@dataclass(frozen=True)
class PolicySolver(NetworkSolver):
    """The policy that was trained for an instance's problem answers it; other instances are declined.

    For networks of another kind than `export_policy` writes, derive from it and write `predict`.

    Attributes:
        policies: a policy file, or a folder of them, one for each problem and training seed.
    """

    policies: Path | None = None

    def predict(self, policy: Policy, states: Array) -> Array:
        """Return the raw actions [T, action] of states [T, state], as the policy's view shows them."""
        numbers = policy.weights.get(f"layers.{len(policy.weights) - 2}.bias", np.zeros(1)).size
        return np.asarray(exported_network(policy, policy.card.parameters, states.shape[1], numbers)(states))

    def training_seeds(self) -> int:
        """Return how many policies there are for each problem, each of another training seed."""
        return training_seeds(self.data_files())

    def network(self, policy: Policy, view: AnyView, instance: Instance) -> Network:
        """Return `predict` of a policy."""
        return partial(self.predict, policy)

    def find(self, instance: Instance, repetition: int = 0) -> Path | str:
        """Return the policy for this instance that a repetition has, or why there is none."""
        if self.policies is None:
            return "it needs policies: name a file or a folder as its parameter policies"
        problem = policies.problem_digest(instance)
        found = by_seed(p for p in self.data_files() if policies.read_card(p).problem == problem)
        if not found:
            return f"no policy in {self.policies} is for this library, radio, server and users"
        path = found[repetition % len(found)]
        _, view = load(path)
        if isinstance(view, PastView) != (self.information == "past"):
            fitting = "PastPolicySolver" if isinstance(view, PastView) else "PolicySolver"
            return f"the policy {path} is one for a {fitting}"
        return path

    def data_files(self) -> list[Path]:
        """Return the policies that it chooses among."""
        if self.policies is None:
            return []
        return sorted(self.policies.glob("*.safetensors")) if self.policies.is_dir() else [self.policies]


@dataclass(frozen=True)
class PastPolicySolver(PolicySolver):
    """A `PolicySolver` for agents trained with `information="past"`, which see the past alone here too."""

    information = "past"
    rules: ClassVar[tuple[str, ...]] = OnlineSolver.rules


def export_policy(agent: Any, path: str | os.PathLike[str], title: str = "") -> None:
    """Write the policy of an agent of Stable-Baselines3 as a policy file, which holds numbers alone.

    Args:
        agent: DDPG, TD3, SAC, PPO or A2C with `MlpPolicy`, trained on the environment of mincache.
        path: the file, such as `policies/l0.n10.safetensors`.
        title: for people: what the policy is for.

    Raises:
        InputError: if its network is of another kind, or it does not see states and act as the environment's
            view has it, for one problem.
    """
    if Path(path).suffix != ".safetensors":
        raise InputError("path", "must end in .safetensors, as a PolicySolver looks for", excerpt(str(path)))
    form, weights = exported(agent)
    problem, view = _trained_on(agent.get_env())
    card = PolicyCard(
        solver=f"stable-baselines3 {type(agent).__name__}", versions=view.versions, seed=agent.seed or 0,
        parameters=form | {"steps": agent.num_timesteps}, title=title,
        problem=policies.problem_digest(problem), users=problem.user_count, models=problem.model_count,
    )  # fmt: skip
    policy, sizes = Policy(card, weights), view.sizes(problem)
    states = np.random.default_rng(0).normal(size=(8, sizes[0])).astype(np.float32)
    said = agent.predict(states, deterministic=True)[0]
    if not np.allclose(exported_network(policy, form, *sizes)(states), said, atol=1e-4):
        raise InputError("agent", _RULE, f"{type(agent).__name__} with more than these layers")
    policies.write_policy(path, policy)


def _trained_on(env: Any) -> tuple[Instance, AgentView]:
    """Return the problem and the view of the copies that an agent of Stable-Baselines3 was trained on."""
    from gymnasium import ActionWrapper, ObservationWrapper

    from mincache.views.environment import spaces

    try:
        problems, view = env.get_attr("problem"), env.get_attr("view")[0]
    except AttributeError:
        rule, received = "must have been trained on the environment of mincache", "another, or none"
        raise InputError("agent", rule, received, "load a saved agent with env=") from None
    if len({policies.problem_digest(problem) for problem in problems}) > 1:
        rule = "must have been trained for one library and number of users"
        raise InputError("agent", rule, "copies that differ")
    changed = (env.observation_space, env.action_space) != spaces(view, problems[0])
    if changed or any(any(env.env_is_wrapped(kind)) for kind in (ActionWrapper, ObservationWrapper)):
        rule = "must see states and act as the environment has it"
        raise InputError("agent", rule, "a wrapper that changes states or actions")
    return problems[0], view


def exported(agent: Any) -> tuple[dict[str, Any], dict[str, Array]]:
    """Return the form of an agent's policy, as `exported_network` takes it, and its weights by name."""
    layers, squash = _layers_of(agent)
    activations = {type(layer).__name__ for layer in layers if not hasattr(layer, "weight")} - {"Identity"}
    normalised = getattr(agent.get_vec_normalize_env(), "norm_obs", False)
    if normalised or len(activations) > 1 or not activations <= {"ReLU", "Tanh"}:
        received = [*sorted(activations), *["VecNormalize"][: int(normalised)]]
        raise InputError("agent", _RULE, f"{type(agent).__name__} with {', '.join(received)}")
    form = {"activation": "tanh" if activations == {"Tanh"} else "relu", "squash": squash}
    linear = [layer for layer in layers if hasattr(layer, "weight")]
    weights = {
        f"layers.{2 * i}.{name}": getattr(layer, name).detach().cpu().numpy()
        for i, layer in enumerate(linear)
        for name in ("weight", "bias")
    }
    return form, weights


def exported_network(policy: Policy, form: Mapping[str, Any], state: int, action: int) -> Network:
    """Return the network of an exported policy, from states of `state` numbers to actions of `action`."""
    activation = one_of("parameters.activation", form.get("activation"), _ACTIVATIONS)
    squash = _SQUASHES[one_of("parameters.squash", form.get("squash"), _SQUASHES)]
    names = [f"layers.{2 * i}.bias" for i in range(len(policy.weights) // 2 - 1)]
    hidden = [policy.weights[name].size for name in names if name in policy.weights]
    policy.check_shapes(perceptron_shapes("layers", state, *hidden, action))
    layers = perceptron(policy.weights, "layers", _ACTIVATIONS[activation])
    return lambda states: squash(layers(states))


def _layers_of(agent: Any) -> tuple[list[Any], str]:
    """Return the layers from state to action in order, and how the last one's output is bounded."""
    actor = getattr(agent.policy, "actor", None)
    if actor is None:
        squash = "tanh" if agent.policy.squash_output else "clip"
        return [*agent.policy.mlp_extractor.policy_net, agent.policy.action_net], squash
    if hasattr(actor, "latent_pi"):
        return [*actor.latent_pi, actor.mu], "tanh"
    return list(actor.mu)[:-1], "tanh"
