"""DDPG: equations (15)-(18) one by one, learning a toy to its optimum, and the policies that ship."""

import shlex
import sys
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
import torch

from mincache import Decisions, InputError, Run, Solution, evaluate, evaluate_batch
from mincache.files.documents import digest
from mincache.generation.scenario import Scenario
from mincache.generation.suites import find
from mincache.learning import policies
from mincache.learning.networks import Actor, Critic, draw_weights, soft_update
from mincache.learning.replay import Transitions
from mincache.learning.training import TrainingRecord
from mincache.solving import registry
from mincache.views.episodes import Episodes

ddpg = sys.modules[registry.load("ddpg").__module__]

USERS, MODELS, HIDDEN = 2, 2, 5
STATE = 1 + 3 * USERS + USERS * MODELS
ACTION = MODELS + 2 * USERS

TOY = Scenario(users=2, models=2, slots=10, size_gb=(3, 4), storage_gb=5)
TOY_EPISODES = Episodes(TOY, TOY.library(5), seed=1)
TINY = "ddpg[episodes=20,hidden=8,warmup=10,updates=1,batch=8]"
SMALL = (
    "ddpg[noise_first=1,episodes=90,environments=5,updates=5,hidden=32,batch=32,warmup=100,actor_rate=0.001]"
)


@pytest.fixture
def networks():
    """A tiny actor and critic in double precision, with weights large enough for curvature."""
    rng = np.random.default_rng(0)
    actor, critic = (
        Actor(STATE, ACTION, HIDDEN).double(),
        Critic(STATE, ACTION, USERS, MODELS, HIDDEN).double(),
    )
    for network in (actor, critic):
        draw_weights(network, rng)
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.add_(torch.from_numpy(rng.normal(0, 0.5, tuple(parameter.shape))))
    return actor, critic


@pytest.fixture
def batch():
    """A mini-batch of four transitions in double precision."""
    rng = np.random.default_rng(1)
    sizes = ((4, STATE), (4, ACTION), (4,), (4, STATE))
    return Transitions(*(torch.from_numpy(rng.normal(size=size)) for size in sizes))


def gradient(value: torch.Tensor, network: torch.nn.Module) -> torch.Tensor:
    """The gradient of a value in all the weights of a network, as one vector."""
    return torch.cat([g.ravel() for g in torch.autograd.grad(value, list(network.parameters()))])


def finite_differences(function, network: torch.nn.Module, width: float = 1e-6) -> torch.Tensor:
    """The same by central differences."""
    weights = torch.nn.utils.parameters_to_vector(network.parameters()).detach()
    slopes = []
    for i in range(len(weights)):
        ends = []
        for sign in (1, -1):
            moved = weights.clone()
            moved[i] += sign * width
            torch.nn.utils.vector_to_parameters(moved, network.parameters())
            ends.append(function().item())
        slopes.append((ends[0] - ends[1]) / (2 * width))
    torch.nn.utils.vector_to_parameters(weights, network.parameters())
    return torch.tensor(slopes, dtype=torch.float64)


def test_targets_follow_15b(networks, batch):
    """The target is the reward plus the discounted value of the target networks at the next state."""
    actor, critic = networks
    targets = ddpg.target_values(actor, critic, batch, 0.9)
    for e in range(4):
        after = batch.next_state[e : e + 1]
        expected = batch.reward[e] + 0.9 * critic(after, actor(after))[0]
        assert targets[e].item() == pytest.approx(expected.item(), rel=1e-12)
    assert torch.equal(ddpg.target_values(actor, critic, batch, 0.0), batch.reward)


def test_the_critics_gradient_is_that_of_15(networks, batch):
    """The loss is half the mean squared difference, and its gradient agrees with finite differences."""
    actor, critic = networks
    targets = ddpg.target_values(actor, critic, batch, 0.99)
    loss = ddpg.critic_loss(critic, batch, targets)
    values = critic(batch.state, batch.action)
    assert loss.item() == pytest.approx(np.mean((targets - values).detach().numpy() ** 2 / 2), rel=1e-12)
    slopes = finite_differences(lambda: ddpg.critic_loss(critic, batch, targets), critic)
    assert gradient(loss, critic).numpy() == pytest.approx(slopes.numpy(), rel=1e-4, abs=1e-8)


def test_the_actors_gradient_is_that_of_16(networks, batch):
    """It agrees with finite differences, and with the mean of dQ/da times da/dtheta, sample by sample."""
    actor, critic = networks

    def value() -> torch.Tensor:
        return ddpg.policy_value(critic, batch.state, actor(batch.state))

    ours = gradient(value(), actor)
    assert ours.numpy() == pytest.approx(finite_differences(value, actor).numpy(), rel=1e-4, abs=1e-8)
    total = torch.zeros_like(ours)
    for state in batch.state.split(1):
        action = actor(state)
        slope = torch.autograd.grad(critic(state, action).sum(), action, retain_graph=True)[0][0]
        total += sum(slope[i] * gradient(actor(state)[0, i], actor) for i in range(ACTION))
    assert ours.numpy() == pytest.approx((total / 4).numpy(), rel=1e-9, abs=1e-12)


def test_target_networks_follow_17_and_18_exactly(networks):
    """Every weight becomes rate times the online one plus the rest of its own."""
    actor, _ = networks
    target = Actor(STATE, ACTION, HIDDEN).double()
    draw_weights(target, np.random.default_rng(7))
    before = [p.detach().clone() for p in target.parameters()]
    soft_update(target, actor, 0.25)
    for new, old, online in zip(target.parameters(), before, actor.parameters(), strict=True):
        assert torch.allclose(new, 0.25 * online + 0.75 * old, rtol=1e-15, atol=1e-16)
    soft_update(target, actor, 1.0)
    assert all(torch.equal(a, b) for a, b in zip(target.parameters(), actor.parameters(), strict=True))


def test_an_update_moves_what_it_should(batch):
    """One step moves all four networks, and lowers the critic's loss on its own batch and targets."""
    setting = registry.make("ddpg[hidden=5,target_rate=0.5]")
    agent = ddpg.Agent(setting, TOY_EPISODES)
    wide = agent.actor.layers[0].in_features
    data = Transitions(torch.randn(4, wide), batch.action.float(), batch.reward.float(), torch.randn(4, wide))
    networks = (agent.actor, agent.critic, agent.target_actor, agent.target_critic)
    before = [torch.nn.utils.parameters_to_vector(n.parameters()).detach().clone() for n in networks]
    targets = ddpg.target_values(agent.target_actor, agent.target_critic, data, setting.discount)
    loss = ddpg.critic_loss(agent.critic, data, targets).item()
    agent.update(data)
    assert ddpg.critic_loss(agent.critic, data, targets).item() < loss
    after = [torch.nn.utils.parameters_to_vector(n.parameters()) for n in networks]
    assert all((a != b).any() for a, b in zip(before, after, strict=True))
    assert all(p.requires_grad for p in agent.critic.parameters())


def test_exploration_is_gaussian_and_stays_in_the_box():
    """After the warm-up, noise of the wanted deviation is added to the actor's action and clipped."""
    agent = ddpg.Agent(registry.make(SMALL), TOY_EPISODES)
    states = np.zeros((20_000, agent.actor.layers[0].in_features), dtype=np.float32)
    uniform = agent.explore(states, 0.2, np.random.default_rng(0))
    assert uniform.std() == pytest.approx(np.sqrt(1 / 3), rel=0.02)
    filler = np.zeros((100, states.shape[1]))
    agent.replay.add(filler, np.zeros((100, ACTION)), np.zeros(100), filler)
    noise = agent.explore(states, 0.2, np.random.default_rng(0)) - agent.actor.act(states)
    assert noise.std() == pytest.approx(0.2, rel=0.02)
    assert np.abs(agent.explore(states, 5.0, np.random.default_rng(0))).max() == 1.0


def toy_optimum(instance) -> float:
    """The best of caching nothing or either model, each hit with no steps or A3, by enumeration."""
    T, saturation = instance.slot_count, instance.models.steps_saturation / instance.server.steps
    asked = saturation[instance.trace.requested_model]
    candidates = [
        (cached, served) for cached in ((0, 0), (1, 0), (0, 1)) for served in ((0, 0), (0, 1), (1, 0), (1, 1))
    ]
    cache = np.array([[cached] * T for cached, _ in candidates])
    steps = np.array([asked * served for _, served in candidates])
    equal = np.full(steps.shape, 0.5)
    return float(evaluate_batch(instance, Decisions(cache, equal, steps)).slot_cost.min(axis=0).mean())


def test_a_toy_is_learned_to_its_optimum():
    """Two users, two models, room for one: trained, the agent is within 3 % of the enumerated optimum."""
    held_out = replace(TOY_EPISODES, purpose="validation").instance(0)
    gaps = []
    registry.make(SMALL).train(
        TOY_EPISODES, lambda episode, reward, answer: gaps.append(evaluate(held_out, answer(held_out)).cost)
    )
    optimum = toy_optimum(held_out)
    assert gaps[0] > 1.2 * optimum
    assert gaps[-1] < 1.03 * optimum


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A policy after hardly any training, and its file."""
    policy = registry.make("ddpg[episodes=20,hidden=8,warmup=10,updates=1,batch=8]").train(
        TOY_EPISODES, title="toys"
    )
    path = tmp_path_factory.mktemp("policy") / "toy.safetensors"
    policies.write_policy(path, policy)
    return policy, path


def test_the_same_training_gives_the_same_policy(trained):
    """Episodes and parameters decide every weight; another seed gives others."""
    policy, _ = trained
    solver = registry.make(TINY)
    again, other = solver.train(TOY_EPISODES), solver.train(replace(TOY_EPISODES, seed=2))
    assert all((again.weights[k] == w).all() for k, w in policy.weights.items())
    assert any((other.weights[k] != w).any() for k, w in policy.weights.items())


def test_global_randomness_is_left_alone():
    """Training neither draws from torch's and numpy's global generators nor moves them."""
    before = torch.get_rng_state()
    registry.make(TINY).train(TOY_EPISODES)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_policy_file_answers_other_traces(trained):
    """A policy from its file answers any trace of its problem, feasibly and always the same."""
    solver = registry.make(f"ddpg[policy={trained[1]}]")
    instance = replace(TOY_EPISODES, purpose="other").instance(3)
    assert solver.supports(instance) is None
    first, second = (solver.solve(instance, Run.seeded(seed)) for seed in (0, 1))
    assert first == second
    assert evaluate(instance, first).feasible


def test_what_the_actor_said_is_reported(trained):
    """The raw decisions are the actor's numbers: hits are served in their order, and they break limits."""
    solver, run = registry.make(f"ddpg[policy={trained[1]}]"), Run.seeded(0)
    instance = replace(TOY_EPISODES, purpose="other").instance(3)
    answer = solver.solve(instance, run)
    assert not evaluate(instance, Solution.of(instance, run.raw)).feasible
    shares = np.exp(6.0 * run.raw.bandwidth_share)
    assert answer.bandwidth_share == pytest.approx(shares / shares.sum(axis=1, keepdims=True), rel=0.02)


@pytest.mark.parametrize("change", ["library", "users"])
def test_another_problem_is_declined_in_a_sentence(trained, change):
    """An instance with another library or N is not supported, and solving it is refused in one line."""
    scenario = TOY if change == "library" else TOY.model_copy(update={"users": 3})
    instance = scenario.instance(
        "x", scenario.library(6 if change == "library" else 5), scenario.trace(1, "x")
    )
    solver = registry.make(f"ddpg[policy={trained[1]}]")
    assert "trained for toys (N = 2, M = 2)" in solver.supports(instance)
    with pytest.raises(InputError, match="must be one that a policy is for"):
        solver.solve(instance, Run.seeded(0))


def test_without_a_policy_it_says_what_to_do(instance):
    """Where nothing that ships fits, the sentence names the command that trains."""
    assert "mincache train ddpg" in registry.make("ddpg").supports(instance)


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"versions": ("counts/0", "serve-in-order/1")}, "must be for counts/1"),
        ({"versions": ("junk/1", "serve-in-order/1")}, "observation: must be one of"),
        ({"users": 2}, "must have shape"),
    ],
)
def test_a_policy_of_another_version_or_shape_is_refused(trained, tmp_path, changes, rule):
    """A card that names another version, or weights that do not fit, are one line with the file's name."""
    policy, _ = trained
    weights = policy.weights if "versions" in changes else {k: w[:1] for k, w in policy.weights.items()}
    path = tmp_path / "bad.safetensors"
    policies.write_policy(path, policies.Policy(policy.card.model_copy(update=changes), weights))
    with pytest.raises(InputError, match=rule) as refusal:
        registry.make(f"ddpg[policy={path}]").solve(TOY_EPISODES.problem, Run.seeded(0))
    assert str(refusal.value).startswith(str(path))


@pytest.mark.parametrize(
    "wrong",
    [
        "discount=1.5",
        "target_rate=2",
        "observation=index",
        "episodes=15",
        "batch=0",
        "observation=x",
        "action=x",
    ],
)
def test_a_bad_parameter_is_refused(wrong):
    """Parameters out of range are one line."""
    with pytest.raises(InputError, match="must"):
        registry.make(f"ddpg[{wrong}]")


def test_fit_leaves_a_policy_file(tmp_path):
    """`fit` trains for a library of the scenario, and the file it returns is a policy."""
    path = tmp_path / "fitted.safetensors"
    solver = registry.make(f"ddpg[policy={path},episodes=10,hidden=8,warmup=10,updates=1,batch=8]")
    assert solver.fit(TOY, Run.seeded(4)) == path
    assert policies.read_policy(path).card.users == 2


BOARD = Path(__file__).parents[2] / "leaderboard" / "paper-v1"
SHIPPED = Path(str(files("mincache.solvers") / "policies"))
LABELS = {"ddpg": "ddpg", "ddpg-literal": "ddpg[variant=literal]"}
PUBLISHED = sorted(BOARD.glob("ddpg*/policies/*.l*.n*.safetensors"))  # those for one problem each


def test_each_row_has_a_policy_for_every_library_and_n_of_paper_v1():
    """The entry of each agent for one problem holds them all, and nothing else."""
    recipe = find("paper-v1").content.recipe
    wanted = {
        f"{label}.paper-v1.l{library}.n{users}.safetensors"
        for label in LABELS
        for library in range(recipe.libraries)
        for users in recipe.users
    }
    assert {path.name for path in PUBLISHED} == wanted
    assert len({path.parent for path in PUBLISHED}) == len(LABELS)


def test_what_ships_is_small_and_is_what_is_published():
    """Policies of single problems ship for smoke-v1 alone, with the bytes of the entry's."""
    shipped = sorted(SHIPPED.glob("ddpg.*"))
    assert {path.stem for path in shipped} == {
        f"ddpg.paper-v1.l{library}.n{users}" for library in (0, 1) for users in (10, 18)
    }
    assert all(
        path.read_bytes() == (BOARD / "ddpg" / "policies" / path.name).read_bytes() for path in shipped
    )
    assert sum(path.stat().st_size for path in SHIPPED.iterdir()) < 1_000_000


@pytest.mark.parametrize("path", PUBLISHED, ids=lambda path: path.stem)
def test_a_published_policy_has_its_record(path):
    """The record names the policy's bytes and card, the command that makes it, and the paper's budget."""
    record = TrainingRecord.model_validate_json(path.with_suffix(".json").read_text())
    label, _, library, users = path.stem.split(".")
    assert record.policy_sha256 == digest(path.read_bytes())
    assert record.card == policies.read_policy(path).card
    assert record.command == shlex.join([
        "mincache", "train", LABELS[label], "--suite", "paper-v1", "--users", users.removeprefix("n"),
        "--library", library.removeprefix("l"), "--seed", "1", "--float16",
    ])  # fmt: skip
    assert record.environment_steps == 25_000


@pytest.mark.parametrize("suite", ["smoke-v1", "paper-v1"])
def test_policies_at_hand_answer_the_standard_suites(suite):
    """In a checkout `ddpg` answers every standard instance feasibly, and better than caching nothing."""
    solver = registry.make("ddpg")
    for problem in find(suite):
        assert solver.supports(problem) is None
        evaluation = evaluate(problem, solver.solve(problem, Run.seeded(0)))
        assert evaluation.feasible
        assert evaluation.cost < evaluate(problem, Solution.nothing_cached(problem)).cost


@pytest.mark.parametrize("spec", LABELS.values())
def test_every_variant_answers_paper_v1(spec):
    """An instance of each library and N gets feasible decisions from the policy of the row's entry."""
    solver = registry.make(spec)
    for problem in find("paper-v1"):
        if problem.name.endswith("t0"):
            assert solver.supports(problem) is None
            assert evaluate(problem, solver.solve(problem, Run.seeded(0))).feasible


def test_what_ships_answers_smoke_v1_without_a_checkout():
    """The shipped folder alone is enough for smoke-v1; elsewhere the sentence tells what to type."""
    solver = registry.make(f"ddpg[policy={SHIPPED}]")
    assert all(solver.supports(problem) is None for problem in find("smoke-v1"))
    declined = solver.supports(find("paper-v1").read("paper-v1.l2.n12.t0"))
    assert f"no policy in {SHIPPED} is for this library, radio and server with 12 users" in declined
    assert "mincache train ddpg" in declined
    assert "ddpg[policy=leaderboard/SUITE/ROW/policies]" in declined
