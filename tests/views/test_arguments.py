"""What the environment may be called with, in Gymnasium's terms, and what it refuses in a line."""

import gymnasium
import numpy as np
import pytest
from gymnasium.envs.registration import EnvSpec

from mincache import InputError
from mincache.generation.scenario import Scenario
from mincache.generation.suites import find, find_instance
from mincache.problem.instance import Instance
from mincache.views.arguments import source_of
from mincache.views.environment import EdgeCachingEnv, EdgeCachingVectorEnv
from mincache.views.episodes import Episodes
from mincache.views.registration import ENVIRONMENT_ID

SHORT = Scenario(users=3, models=4, slots=5)
EPISODES = Episodes(SHORT, SHORT.library(0), seed=3)


def test_an_episode_of_a_single_environment_can_be_chosen():
    """Its number is an option there too, and it goes on from there."""
    env = EdgeCachingEnv(EPISODES)
    first, second, third = (env.reset()[0] for _ in range(3))
    assert (env.reset(options={"episode": np.int64(1)})[0] == second).all()
    assert (env.reset()[0] == third).all()
    assert (env.reset(options={"episode": 0})[0] == first).all()


@pytest.mark.parametrize("kind", [EdgeCachingEnv, EdgeCachingVectorEnv])
def test_a_seed_of_numpy_is_a_seed(kind):
    """It begins the episodes anew as an int does, and seeds Gymnasium's generator."""
    env = kind(EPISODES)
    first = env.reset(seed=5)[0]
    assert (env.reset(seed=np.int64(5))[0] == first).all()
    assert env.np_random_seed == 5
    assert (env.reset()[0] != first).any()


@pytest.mark.parametrize("given", [[8, 9], (8, 9), np.array([8, 9])])
def test_each_copy_can_have_its_own_seed(given):
    """Then it plays what one environment alone plays with that seed, episode after episode."""
    batch, singles = EdgeCachingVectorEnv(EPISODES, 2), [EdgeCachingEnv(EPISODES) for _ in range(2)]
    for seeds, own in ((given, (8, 9)), (None, (None, None)), ([8, None], (8, None))):
        together = batch.reset(seed=seeds)[0]
        for k, single in enumerate(singles):
            assert (together[k] == single.reset(seed=own[k])[0]).all()


@pytest.mark.parametrize("source", ["instance", "episodes"])
@pytest.mark.parametrize("seed", [-1, np.int64(-1), 1.5, "x", [1], [1, -1], [1, "x"]])
def test_what_is_no_seed_is_refused(seed, source, instance):
    """One line says so, in both forms, and whatever is played."""
    source = instance if source == "instance" else EPISODES
    for env in (EdgeCachingEnv(source), EdgeCachingVectorEnv(source, 2)):
        with pytest.raises(InputError, match="seed: must be"):
            env.reset(seed=seed)


@pytest.mark.parametrize("episode", ["x", -1, 1.5, None])
def test_what_is_no_episode_is_refused(episode):
    """One line says so, and the episodes go on as if nothing had been asked for."""
    env, other = EdgeCachingVectorEnv(EPISODES, 2), EdgeCachingVectorEnv(EPISODES, 2)
    assert (env.reset(seed=4)[0] == other.reset(seed=4)[0]).all()
    with pytest.raises(InputError, match=r"episode.*whole number >= 0"):
        env.reset(seed=5, options={"episode": episode})
    assert (env.reset()[0] == other.reset()[0]).all()


def test_copies_are_reset_together_or_not_at_all():
    """A mask of all copies is a whole reset; any other is refused, even at the end, and changes nothing."""
    env, other = EdgeCachingVectorEnv(EPISODES, 2), EdgeCachingVectorEnv(EPISODES, 2)
    env.reset(seed=4)
    other.reset(seed=4)
    for mask in ([True, False], [False, False], [True], [1, 1], "x"):
        with pytest.raises(InputError, match=r"reset_mask.*must be true for all 2 copies"):
            env.reset(options={"reset_mask": np.array(mask)})
    assert (env.reset(options={"reset_mask": np.array([True, True])})[0] == other.reset()[0]).all()


def test_gymnasiums_wrappers_reset_by_mask():
    """A wrapper that keeps each copy's return does so over two episodes."""
    many = EdgeCachingVectorEnv(EPISODES, 2, autoreset_mode="Disabled")
    env = gymnasium.wrappers.vector.RecordEpisodeStatistics(many)
    env.reset(seed=1)
    for _ in range(2):
        total, over = np.zeros(2), np.zeros(2, dtype=bool)
        while not over.all():
            _, rewards, _, over, info = env.step(env.action_space.sample())
            total += rewards
        assert info["episode"]["r"] == pytest.approx(total)
        env.reset(options={"reset_mask": over})


@pytest.mark.parametrize("kind", [EdgeCachingEnv, EdgeCachingVectorEnv])
def test_the_first_step_needs_a_reset(kind, instance):
    """Gymnasium's own error says so, whatever is played."""
    for source in (EPISODES, instance):
        env = kind(source)
        with pytest.raises(gymnasium.error.ResetNeeded, match="reset"):
            env.step(env.action_space.sample())


@pytest.mark.parametrize("number", [0, -1, 1.5, "x"])
def test_there_is_at_least_one_copy(number):
    """No copies, or part of one, are refused in one line."""
    with pytest.raises(InputError, match="num_envs: must be a whole number >= 1"):
        EdgeCachingVectorEnv(EPISODES, number)


@pytest.mark.parametrize(
    ("keyword", "rule"),
    [
        ({"render_mode": "film"}, "render_mode: must be one of human, ansi, rgb_array"),
        ({"reward": "gain"}, "reward: must be one of cost, saving, regret"),
        ({"suite": "smoke-v1", "scenario": {}}, "must be one of source, suite, instance and scenario"),
        ({"suite": "smoke-v1", "library": 2}, "library: must be < 2"),
        ({"suite": "none"}, "suite: must be one of"),
        ({"instance": "smoke-v1.l0.n10.t0", "users": 3}, "must be left out where an instance is played"),
        ({"instance": "smoke-v1.l0.n10.t0", "purpose": "evaluation"}, "purpose: must be left out where an"),
        ({"source": EPISODES, "library": 1}, "library: must be left out where the source is Episodes"),
        ({"instance": 3}, "instance: must be a name or a file"),
        ({"suite": 3}, "suite: must be a name or a folder"),
        ({"scenario": 3}, "scenario: must be fields or a file"),
        ({"view": "counts"}, "view: must be an AgentView"),
        ({"library": True}, "library: must be a whole number >= 0; received True"),
        *[({"purpose": odd}, "purpose: must be a word") for odd in ("", 3, None, "trace/0", "\ud800")],
        ({"scenario": {"usrs": 3}}, "usrs"),
        ({"purpose": "trace"}, "purpose: must not be 'trace'"),
        (
            {"scenario": {"frame_slots": 2}, "reward": "regret"},
            "reward: must be cost or saving where rules link",
        ),
    ],
)
def test_what_is_no_keyword_is_refused(keyword, rule):
    """One line says what is asked for in its place."""
    with pytest.raises(InputError, match=rule):
        EdgeCachingEnv(**keyword)


@pytest.mark.parametrize("keyword", ["frameskip", "num_envs", "autoreset_mode"])
def test_an_unknown_keyword_is_a_type_error(keyword):
    """Libraries that try keywords of other environments, such as torchrl, go on without them then."""
    with pytest.raises(TypeError, match=f"argument '{keyword}'"):
        gymnasium.make(f"mincache:{ENVIRONMENT_ID}", **{keyword: 1})


@pytest.mark.parametrize("options", [{"epsiode": 5}, [1], {"episode": 1, "seed": 2}])
def test_unknown_options_are_refused(options):
    """A reset takes episode and reset_mask alone."""
    with pytest.raises(InputError, match="options: must be"):
        EdgeCachingEnv(EPISODES).reset(options=options)


@pytest.mark.parametrize("mask", [[[True], [True, False]], [False], "x", None])
def test_what_is_no_mask_is_refused(mask):
    """A mask is true for every copy, whatever else stands in its place."""
    with pytest.raises(InputError, match=r"reset_mask.*must be true for all 1 copies"):
        EdgeCachingEnv(EPISODES).reset(options={"reset_mask": mask})


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("size", [1e308, -1e308])
def test_the_largest_numbers_are_actions(size):
    """Whatever is finite can be played, and is told how many limits it breaks."""
    env = EdgeCachingEnv(EPISODES)
    env.reset(seed=0)
    info = env.step(np.full(env.action_space.shape, size))[4]
    assert info["violations"] >= 2 if size > 0 else info["violations"] == 0


def test_an_unknown_way_to_go_on_is_refused():
    """A mode of autoreset is one of Gymnasium's three."""
    with pytest.raises(InputError, match="autoreset_mode: must be one of NextStep, SameStep, Disabled"):
        EdgeCachingVectorEnv(EPISODES, 2, autoreset_mode="never")


def test_only_instances_and_episodes_are_played():
    """Anything else is refused in one line."""
    with pytest.raises(InputError, match="source: must be an Instance or Episodes"):
        EdgeCachingEnv(SHORT)


@pytest.mark.parametrize(
    "bad",
    [np.zeros((7, 1, 10)), np.zeros((2, 10)), np.zeros(10), "x", [[1.0], [1.0, 2.0]], np.zeros((1, 10)) + 1j,
     np.zeros((1, 10), "M8[s]"), np.zeros((1, 10), [("a", "f4")]), [[10**400] * 10]],
)  # fmt: skip
def test_actions_of_a_batch_have_one_shape(bad):
    """[K, M + 2N] and no other, even where K is 1."""
    env = EdgeCachingVectorEnv(EPISODES, 1)
    env.reset()
    with pytest.raises(InputError, match="action: must"):
        env.step(bad)


@pytest.mark.parametrize("mode", ["sync", None])
def test_gymnasiums_copies_play_other_traces(mode):
    """Copies differ, whoever made them, without a seed too."""
    many = gymnasium.make_vec(ENVIRONMENT_ID, num_envs=2, vectorization_mode=mode, source=EPISODES)
    for seed in (None, 5):
        states = many.reset(seed=seed)[0]
        assert (states[0] != states[1]).any()


PLAIN = [
    {"suite": "paper-v1", "library": 1, "users": 18, "purpose": "evaluation"},
    {"instance": "smoke-v1.l0.n10.t0", "reward": "regret"},
    {"scenario": {"users": 4, "models": 5, "slots": 6, "steps_floor": 0.2}, "action": "softmax"},
    {},
]


@pytest.mark.parametrize("keywords", PLAIN, ids=lambda one: next(iter(one), "nothing"))
def test_the_specification_survives_json(keywords):
    """What is made from its text plays the same: equal first states, rewards and infos for one seed."""
    env = gymnasium.make(f"mincache:{ENVIRONMENT_ID}", **keywords)
    again = EnvSpec.from_json(env.spec.to_json()).make()
    assert (env.reset(seed=3)[0] == again.reset(seed=3)[0]).all()
    action = env.action_space.sample()
    (_, reward, *_, info), (_, same, *_, told) = env.step(action), again.step(action)
    assert (reward, info) == (same, told)


def test_a_suite_is_played_with_its_library_and_users():
    """So the episodes are those that `mincache train` learns from."""
    content = find("paper-v1").source
    found = source_of(suite="paper-v1", library=2, users=18)
    assert isinstance(found, Episodes)
    assert found.library == content.scenario.library(content.recipe.library_seed, 2)
    assert (found.scenario.users, found.purpose, found.library_index) == (18, "training", 2)


def test_an_instance_is_played_by_name_or_file(tmp_path):
    """The one of a suite, and the one in a document."""
    from mincache import write_instance

    instance = find_instance("smoke-v1.l0.n10.t0")
    write_instance(instance, path := tmp_path / "one.json")
    assert source_of(instance="smoke-v1.l0.n10.t0") == instance == source_of(instance=str(path))
    assert isinstance(source_of(source=instance), Instance)


def test_a_scenario_is_played_from_its_fields_or_its_file(tmp_path):
    """Both give the same episodes; N and the library may be named beside them."""
    (tmp_path / "small.toml").write_text("slots = 4\nmodels = 5\n")
    fields = source_of(scenario={"slots": 4, "models": 5}, users=3, library=1)
    assert fields == source_of(scenario=str(tmp_path / "small.toml"), users=3, library=1)
    scenario = Scenario(slots=4, models=5, users=3)
    assert fields == Episodes(scenario, scenario.library(0, 1), library_index=1)
