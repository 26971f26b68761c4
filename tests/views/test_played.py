"""What is played can be said in plain words, and the specification goes to JSON and back."""

import gymnasium
import pytest
from gymnasium.envs.registration import EnvSpec

from mincache.generation.scenario import Scenario
from mincache.generation.suites import find, find_instance
from mincache.problem.instance import Instance
from mincache.views.episodes import Episodes
from mincache.views.played import source_of
from mincache.views.registration import ENVIRONMENT_ID

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
