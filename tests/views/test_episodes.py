"""Fresh traces for agents, apart from those of every suite."""

from dataclasses import replace

import numpy as np
import pytest

from mincache.errors import InputError
from mincache.generation import streams
from mincache.generation.recipes import Recipe, places
from mincache.generation.scenario import Scenario
from mincache.generation.suite_writing import generate
from mincache.generation.suites import find
from mincache.generation.sweeps import Sweep
from mincache.learning.policies import problem_digest
from mincache.problem.instance import Rules, Trace
from mincache.problem.quantity import quantities
from mincache.views.episodes import EpisodeOrder, Episodes

SHORT = Scenario(users=3, models=4, slots=5)
EPISODES = Episodes(SHORT, SHORT.library(0), seed=3)


def stacked(*numbers: int, episodes: Episodes = EPISODES) -> dict[str, np.ndarray]:
    """The traces of these episodes, one by one and then stacked."""
    traces = [episodes.trace(number) for number in numbers]
    drawn = [field for field in quantities(Trace) if np.ndim(getattr(traces[0], field))]
    return {field: np.stack([getattr(trace, field) for trace in traces]) for field in drawn}


def assert_same(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> None:
    """Both hold the same bytes."""
    assert one.keys() == other.keys()
    for field, values in one.items():
        assert (values.dtype, values.shape) == (other[field].dtype, other[field].shape)
        assert values.tobytes() == other[field].tobytes()


def test_the_same_episode_is_the_same_trace():
    """An episode is named by scenario, seed, purpose, library and number, and by nothing else."""
    assert EPISODES.trace(4) == replace(EPISODES, library=SHORT.library(9)).trace(4)
    others = [
        replace(EPISODES, seed=4),
        replace(EPISODES, purpose="validation"),
        replace(EPISODES, library_index=1),
    ]
    assert all(other.trace(4) != EPISODES.trace(4) for other in others)
    assert EPISODES.trace(5) != EPISODES.trace(4)


@pytest.mark.parametrize("seed", range(8))
def test_no_standard_trace_is_met_in_training(seed):
    """Even with the suites' own seeds, no slot of a standard trace of l0, N = 10 is met in 20 episodes."""
    suite = find("paper-v1")
    recipe = suite.source.recipe
    scenario = suite.source.scenario.model_copy(update={"users": 10})
    names = [name for name, entry in suite.entries.items() if (entry.library, entry.users) == (0, 10)]
    standard = {gain for name in names for gain in suite.read(name).trace.channel_gain.ravel().tolist()}
    chosen = (recipe.trace_seed, recipe.library_seed, *range(6))[seed]
    for purpose in ("training", "validation"):
        episodes = Episodes(scenario, scenario.library(recipe.library_seed, 0), chosen, purpose)
        slots = np.concatenate([episodes.trace(i).channel_gain for i in range(10)])
        assert not any(set(slot) <= standard for slot in slots.tolist())


def test_training_streams_are_named_apart(monkeypatch):
    """The streams that episodes draw from begin with their purpose, those of suites with `trace`."""
    seen = set()
    original = streams.Uniforms.__init__

    def watched(self, seed, *path):
        seen.add(path[0])
        original(self, seed, *path)

    monkeypatch.setattr(streams.Uniforms, "__init__", watched)
    EPISODES.trace(0)
    assert seen == {"training"}
    seen.clear()
    recipe = Recipe(library_seed=0, trace_seed=0, libraries=1, users=(3,), traces=1)
    [place.instance() for place in places("own", recipe, SHORT)]
    assert seen == {"library", "trace"}


def test_no_episode_is_a_standard_trace_by_its_name():
    """Under the purpose of suites, a suite's own seed would give its traces: it is refused."""
    suite = find("paper-v1")
    scenario = suite.source.scenario.model_copy(update={"users": 10})
    episodes = Episodes(scenario, SHORT.library(0), suite.source.recipe.trace_seed)
    _, _, *rest = episodes.name(0)
    name = (suite.source.recipe.trace_seed, "trace", *rest)
    trace = scenario.trace(*name).filled({"T": scenario.slots})
    assert trace == suite.read("paper-v1.l0.n10.t0").trace
    with pytest.raises(InputError, match="purpose: must not be 'trace'"):
        replace(episodes, purpose="trace")


def test_many_traces_at_once_are_those_of_the_suite():
    """Drawn together, the traces of paper-v1 are those in its files."""
    suite = find("paper-v1")
    scenario = suite.source.scenario.model_copy(update={"users": 10})
    entries = {name: e for name, e in suite.entries.items() if e.users == 10}
    names = [(suite.source.recipe.trace_seed, "trace", e.library, 10, e.trace) for e in entries.values()]
    drawn = scenario.traces(names)
    for k, entry in enumerate(entries):
        trace = suite.read(entry).trace
        assert all((getattr(trace, field) == values[k]).all() for field, values in drawn.items())


@pytest.mark.parametrize(
    ("slots", "users", "count"), [(1, 1, 3), (5, 3, 7), (50, 10, 70), (7, 600, 9), (200, 90, 2)]
)
def test_many_traces_at_once_are_those_drawn_one_by_one(slots, users, count):
    """To the last bit, whether they are drawn in one go or in several."""
    scenario = Scenario(slots=slots, users=users, models=4)
    episodes = replace(EPISODES, scenario=scenario)
    drawn = scenario.traces([episodes.name(number) for number in range(count)])
    assert_same(drawn, stacked(*range(count), episodes=episodes))


def following(rows: EpisodeOrder) -> dict[str, np.ndarray]:
    """The next traces, without the slot that would follow their last."""
    return {field: values[:, : SHORT.slots] for field, values in rows.traces().items()}


def test_copies_with_one_seed_share_a_row_of_episodes():
    """Two copies play episodes 0 and 1, then 2 and 3; from any number on, and anew with another seed."""
    rows, other = EpisodeOrder(EPISODES, 2), replace(EPISODES, seed=8)
    assert_same(following(rows), stacked(0, 1))
    assert_same(following(rows), stacked(2, 3))
    rows.skip_to(7)
    assert_same(following(rows), stacked(7, 8))
    rows.begin(8)
    assert_same(following(rows), stacked(0, 1, episodes=other))
    assert_same(following(rows), stacked(2, 3, episodes=other))


def test_a_copy_with_its_own_seed_plays_all_of_its_episodes():
    """So it does as a copy alone would, and a copy without a new seed goes on."""
    rows = EpisodeOrder(EPISODES, 2)

    def played(*places: tuple[int, int]) -> dict[str, np.ndarray]:
        parts = [stacked(number, episodes=replace(EPISODES, seed=seed)) for seed, number in places]
        return {field: np.concatenate([part[field] for part in parts]) for field in parts[0]}

    rows.begin([8, 9])
    assert_same(following(rows), played((8, 0), (9, 0)))
    assert_same(following(rows), played((8, 1), (9, 1)))
    rows.begin([None, 8])
    assert_same(following(rows), played((8, 2), (8, 0)))
    rows.skip_to(5)
    assert_same(following(rows), played((8, 5), (8, 5)))


def test_episodes_keep_the_rules_of_their_scenario():
    """An episode is an instance with the scenario's rules."""
    scenario = SHORT.model_copy(update={"frame_slots": 3, "loading_s_per_gb": 0.5, "steps_floor": 0.2})
    episodes = replace(EPISODES, scenario=scenario)
    assert episodes.instance(1).rules == Rules(3, 0.5, 0.2)


@pytest.mark.parametrize(
    "sections",
    [
        {},
        {"requests": {"process": "regimes"}, "positions": {"process": "clustered"}},
        {"requests": {"process": "shot-noise"}, "channel": {"process": "path-loss", "shadowing_db": 8.0}},
        {"positions": {"process": "random-waypoint"}, "user": {"process": "power-range"}},
    ],
    ids=["paper", "regimes", "shot noise", "walks"],
)
def test_what_follows_an_episode_is_drawn_with_it(sections):
    """One slot more than an episode has, and the others are the episode's."""
    episodes = replace(EPISODES, scenario=Scenario(**SHORT.model_dump() | sections))
    drawn = episodes.traces([episodes.name(4)])
    assert drawn["skewness"].shape == (1, SHORT.slots + 1)
    for field, values in drawn.items():
        assert (values[0, :-1] == getattr(episodes.trace(4), field)).all()


def test_rounds_drawn_ahead_are_those_drawn_one_by_one():
    """Two rounds at once are one after the other, and skipping back plays them again."""
    rows = EpisodeOrder(EPISODES, 2)
    two = rows.traces(2)
    rows.skip(-2)
    one, other = rows.traces(), rows.traces()
    assert_same(two, {field: np.concatenate([one[field], other[field]]) for field in one})


@pytest.mark.parametrize("common", [None, True])
def test_episodes_of_a_suite_are_of_its_problem(tmp_path, common):
    """Everything but the trace is that of the suite's instances, powers that the scenario draws too."""
    scenario = Scenario(**SHORT.model_dump() | {"user": {"process": "power-range"}})
    recipe = Recipe(
        library_seed=4, trace_seed=5, libraries=2, users=(3, 4), traces=1, common_users=common
    )  # fmt: skip
    suite = generate(tmp_path / "own", "own", recipe, scenario)
    for entry in suite.entries.values():
        users = None if entry.users == 3 else entry.users  # by default the smallest
        episodes = Episodes.of_suite(str(suite.folder), entry.library, users)
        instance = suite.read(entry.name)
        same = replace(episodes.problem, name=instance.name, trace=instance.trace, origin=instance.origin)
        assert same == instance


def test_episodes_of_a_swept_suite_are_of_the_setting_of_their_users(tmp_path):
    """Cases set users and steps together; where one number of users has two settings, none can be chosen."""
    cases = ({"users": 3, "steps": 600.0}, {"users": 4, "steps": 800.0})
    recipe = Recipe(
        library_seed=4, trace_seed=5, libraries=1, users=(3, 4), traces=1, sweep=Sweep(cases=cases)
    )
    suite = generate(tmp_path / "own", "own", recipe, SHORT)
    for case in cases:
        assert Episodes.of_suite(str(suite.folder), 0, case["users"]).problem.server.steps == case["steps"]
    with pytest.raises(InputError, match="received 5, with 0 settings; it has 3, 4"):
        Episodes.of_suite(str(suite.folder), 0, 5)
    two = recipe.model_copy(update={"users": (3,), "sweep": Sweep(steps=[600.0, 800.0])})
    twice = generate(tmp_path / "twice", "twice", two, SHORT)
    with pytest.raises(InputError, match="received 3, with 2 settings"):
        Episodes.of_suite(str(twice.folder))


@pytest.mark.parametrize(
    "name", ["online-v1", "online-scarce-v1", "online-loading-v1", "ladder-v1", "frames-v1"]
)
def test_episodes_of_a_standard_suite_are_of_its_problem(name):
    """A policy that is trained on them is one for the suite's instances."""
    suite = find(name)
    for entry in {(e.library, e.users): e for e in suite.entries.values()}.values():
        problem = Episodes.of_suite(name, entry.library, entry.users).problem
        assert problem_digest(problem) == problem_digest(suite.read(entry.name))
