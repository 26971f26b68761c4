"""How the batched environment goes on after an episode, and that outside libraries train on it."""

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from gymnasium.wrappers import vector as wrappers

from mincache.views.environment import EdgeCachingEnv, EdgeCachingVectorEnv
from mincache.views.registration import ENVIRONMENT_ID

SMALL = {"scenario": {"users": 3, "models": 4, "slots": 4}}
RULED = {"scenario": SMALL["scenario"] | {"frame_slots": 3, "loading_s_per_gb": 0.5}}
SEEDS = [5, 6]  # then each copy plays what an environment of its own plays


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
@pytest.mark.parametrize("played", [SMALL, RULED], ids=["paper", "rules"])
def test_it_goes_on_as_gymnasiums_own_copies_do(mode, played):
    """Step for step over two episodes: states, rewards, ends, and what the infos say of them."""
    own = EdgeCachingVectorEnv(num_envs=2, autoreset_mode=mode, **played)
    theirs = SyncVectorEnv([lambda: EdgeCachingEnv(**played)] * 2, autoreset_mode=mode)
    assert (own.reset(seed=SEEDS)[0] == theirs.reset(seed=SEEDS)[0]).all()
    rng = np.random.default_rng(0)
    for _ in range(10):
        raw = rng.uniform(-1, 1, own.action_space.shape).astype(np.float32)
        mine, other = own.step(raw), theirs.step(raw)
        for one, same in zip(mine[:4], other[:4], strict=True):
            assert np.asarray(one) == pytest.approx(np.asarray(same), rel=1e-6)
        assert mine[4].keys() == other[4].keys()
        if "final_obs" in mine[4]:
            assert np.stack(mine[4]["final_obs"]) == pytest.approx(np.stack(other[4]["final_obs"]))
            assert mine[4]["final_info"]["cost"] == pytest.approx(other[4]["final_info"]["cost"])


BOTH = {
    "NormalizeReward": wrappers.NormalizeReward,
    "DictInfoToList": wrappers.DictInfoToList,
    "RescaleAction": lambda env: wrappers.RescaleAction(env, np.float32(0.0), np.float32(1.0)),
    "TransformReward": lambda env: wrappers.TransformReward(env, lambda reward: reward / 10),
}
NEXT_STEP = {  # Gymnasium allows these no other mode
    "NormalizeObservation": wrappers.NormalizeObservation,
    "FlattenObservation": wrappers.FlattenObservation,
    "RecordEpisodeStatistics": wrappers.RecordEpisodeStatistics,
}


@pytest.mark.parametrize(
    ("name", "mode"),
    [*((name, "NextStep") for name in BOTH | NEXT_STEP), *((name, "SameStep") for name in BOTH)],
)
def test_gymnasiums_vector_wrappers_pass(name, mode):
    """Over two episodes, with finite states and rewards."""
    made = gymnasium.make_vec(ENVIRONMENT_ID, num_envs=2, autoreset_mode=mode, **SMALL)
    env = (BOTH | NEXT_STEP)[name](made)
    env.reset(seed=1)
    for _ in range(9):
        states, rewards, *_ = env.step(env.action_space.sample())
        assert np.isfinite(states).all()
        assert np.isfinite(rewards).all()


def test_skrl_trains_on_it():
    """Its wrapper takes the batch, and an agent of it learns over several episodes."""
    pytest.importorskip("skrl")
    torch = pytest.importorskip("torch")
    from skrl.agents.torch.ddpg import DDPG
    from skrl.envs.wrappers.torch import wrap_env
    from skrl.memories.torch import RandomMemory
    from skrl.models.torch import DeterministicMixin, Model
    from skrl.trainers.torch import SequentialTrainer

    env = wrap_env(gymnasium.make_vec(ENVIRONMENT_ID, num_envs=2, **SMALL))
    state, action = env.observation_space.shape[0], env.action_space.shape[0]

    class Network(DeterministicMixin, Model):
        def __init__(self, inputs, outputs):
            Model.__init__(
                self, observation_space=env.observation_space, action_space=env.action_space, device="cpu"
            )
            DeterministicMixin.__init__(self)
            self.layers = torch.nn.Sequential(
                torch.nn.Linear(inputs, 8), torch.nn.ReLU(), torch.nn.Linear(8, outputs), torch.nn.Tanh()
            )

        def compute(self, inputs, role=""):
            seen = [inputs["observations"], *([inputs["taken_actions"]] if "critic" in role else [])]
            return self.layers(torch.cat(seen, dim=-1)), {}

    models = {name: Network(state, action) for name in ("policy", "target_policy")}
    models |= {name: Network(state + action, 1) for name in ("critic", "target_critic")}
    agent = DDPG(
        models=models, memory=RandomMemory(memory_size=50, num_envs=2, device="cpu"), device="cpu",
        observation_space=env.observation_space, action_space=env.action_space,
        cfg={"experiment": {"write_interval": 0, "checkpoint_interval": 0}, "batch_size": 8},
    )  # fmt: skip
    before = [p.detach().clone() for p in models["policy"].parameters()]
    SequentialTrainer(
        env=env, agents=agent, cfg={"timesteps": 30, "disable_progressbar": True, "headless": True}
    ).train()
    assert any((p != old).any() for p, old in zip(models["policy"].parameters(), before, strict=True))


def test_torchrl_trains_on_it():
    """Its environment by name has no fault for its checker, and a policy gradient moves a policy."""
    torch = pytest.importorskip("torch")
    envs = pytest.importorskip("torchrl.envs")
    from tensordict.nn import TensorDictModule

    env = envs.GymEnv(f"mincache:{ENVIRONMENT_ID}", **SMALL)
    envs.check_env_specs(env)
    network = torch.nn.Linear(env.observation_spec["observation"].shape[-1], env.action_spec.shape[-1])
    policy = TensorDictModule(torch.nn.Sequential(network, torch.nn.Tanh()), ["observation"], ["action"])
    before, optimiser = network.weight.detach().clone(), torch.optim.SGD(network.parameters(), 0.01)
    played = env.rollout(4, policy)
    (played["action"] * played["next", "reward"]).mean().backward()
    optimiser.step()
    assert played["next", "truncated"][-1].all()
    assert (network.weight != before).any()


@pytest.mark.parametrize("mode", ["Disabled", "SameStep"])
def test_torchrl_wraps_the_copies_that_are_stepped_at_once(mode):
    """In the two modes that it knows it plays on over the ends of episodes of four slots."""
    envs = pytest.importorskip("torchrl.envs")
    copies = gymnasium.make_vec(f"mincache:{ENVIRONMENT_ID}", num_envs=3, autoreset_mode=mode, **SMALL)
    played = envs.GymWrapper(copies).rollout(10, break_when_any_done=False)
    assert played.shape == (3, 10)
    assert played["next", "done"].sum() == 3 * 2


def test_tianshou_plays_and_learns_from_it():
    """Its collector fills a buffer from copies, and its policy learns from that."""
    pytest.importorskip("tianshou")
    torch = pytest.importorskip("torch")
    from tianshou.data import Collector, VectorReplayBuffer
    from tianshou.env import DummyVectorEnv
    from tianshou.policy import DDPGPolicy
    from tianshou.utils.net.common import Net
    from tianshou.utils.net.continuous import Actor, Critic

    copies = DummyVectorEnv([lambda: EdgeCachingEnv(**SMALL)] * 2)
    one = EdgeCachingEnv(**SMALL)
    state, action = one.observation_space.shape, one.action_space.shape
    actor = Actor(Net(state, hidden_sizes=[8]), action)
    critic = Critic(Net(state, action, hidden_sizes=[8], concat=True))
    policy = DDPGPolicy(
        actor, torch.optim.Adam(actor.parameters()), critic, torch.optim.Adam(critic.parameters()),
        action_space=one.action_space,
    )  # fmt: skip
    buffer = VectorReplayBuffer(40, 2)
    Collector(policy, copies, buffer).collect(n_step=20)
    before = [p.detach().clone() for p in actor.parameters()]
    policy.update(8, buffer)
    assert len(buffer) == 20
    assert any((p != old).any() for p, old in zip(actor.parameters(), before, strict=True))


@pytest.mark.parametrize("algorithm", ["PPO", "TD3"])
def test_stable_baselines_trains_on_the_batch(algorithm):
    """Over several episodes, whose last states it finds where it looks for them."""
    sb3 = pytest.importorskip("stable_baselines3")
    from stable_baselines3.common.vec_env import VecMonitor

    from mincache.views.stable_baselines import StableBaselinesVecEnv

    copies = VecMonitor(StableBaselinesVecEnv(4, **SMALL))
    more = {"n_steps": 8} if algorithm == "PPO" else {"learning_starts": 16, "buffer_size": 64}
    agent = getattr(sb3, algorithm)(
        "MlpPolicy", copies, policy_kwargs={"net_arch": [8]}, batch_size=16, seed=0, device="cpu", **more
    )
    before = [p.detach().clone() for p in agent.policy.parameters()]
    agent.learn(64)
    assert any((p != old).any() for p, old in zip(agent.policy.parameters(), before, strict=True))
    assert {info["l"] for info in agent.ep_info_buffer} == {4}


def test_stable_baselines_gets_the_state_that_an_episode_ends_on():
    """It is the one after the last slot, and the next episode's first state is what is returned."""
    from mincache.views.stable_baselines import StableBaselinesVecEnv

    pytest.importorskip("stable_baselines3")
    batch, plain = StableBaselinesVecEnv(2, **SMALL), EdgeCachingVectorEnv(num_envs=2, **SMALL)
    batch.seed(3)
    assert (batch.reset() == plain.reset(seed=3)[0]).all()
    raw = np.zeros(plain.action_space.shape, dtype=np.float32)
    for t in range(4):
        states, _, over, infos = batch.step(raw)
        end = plain.step(raw)[0]
        assert over.all() == (t == 3)
    assert (np.stack([info["terminal_observation"] for info in infos]) == end).all()
    assert (states == plain.step(raw)[0]).all()
