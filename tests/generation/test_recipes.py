"""Recipes: names and settings of what is drawn, which of them share what, and that unswept ones stay."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mincache import Scenario
from mincache.errors import InputError
from mincache.files.documents import digest, instance_bytes, parse_instance
from mincache.files.tables import read_toml, validated
from mincache.generation.recipes import ListedInstance, Recipe, places
from mincache.generation.sweeps import ScenarioFile

SCENARIO = Scenario(slots=2, models=3)
FIELDS = {"library_seed": 1, "trace_seed": 2, "libraries": 2, "users": (2, 3), "traces": 2}


def recipe(**sweep):
    """Return the recipe with this sweep."""
    return validated(Recipe, FIELDS | {"sweep": sweep})


def draw(name, recipe, scenario):
    """Return the instances of a recipe, each with its entry."""
    return [
        (place.instance(), ListedInstance(name=place.name, sha256=digest(place.document()), **place.fields))
        for place in places(name, recipe, scenario)
    ]


def drawn(**sweep):
    """Return what such a recipe draws, by name."""
    return {entry.name: instance for instance, entry in draw("tiny", recipe(**sweep), SCENARIO)}


UNSWEPT = {entry.name: (instance, entry) for instance, entry in draw("tiny", Recipe(**FIELDS), SCENARIO)}


def test_each_setting_is_drawn_under_its_number():
    """A setting's number stands in name and entry, its values in the instance and its origin."""
    found = draw("tiny", recipe(uplink_mhz=[2, 5], frame_slots=[1, 4]), SCENARIO)
    assert len({entry.name for _, entry in found}) == 4 * len(UNSWEPT)
    for instance, entry in found:
        uplink, frame = [(2, 1), (2, 4), (5, 1), (5, 4)][entry.setting]
        assert entry.name == f"tiny.s{entry.setting}.l{entry.library}.n{entry.users}.t{entry.trace}"
        assert (instance.radio.uplink_hz, instance.rules.frame_slots) == (uplink * 1e6, frame)
        assert instance.origin["sweep"] == {"uplink_mhz": uplink, "frame_slots": frame}
        assert parse_instance(instance_bytes(instance)) == instance


def test_settings_share_libraries_and_traces():
    """Two settings differ in what is swept alone, ranges included."""
    found = drawn(uplink_mhz=[2, 5], steps={"low": 10, "high": 20})
    for name, (unswept, _) in UNSWEPT.items():
        one, other = (found[name.replace("tiny.", f"tiny.s{number}.")] for number in (0, 1))
        assert one.models == other.models == unswept.models
        assert one.trace == other.trace == unswept.trace
        assert one.server == other.server
        assert one.radio != other.radio


def test_a_range_is_drawn_once_an_instance():
    """Each instance has its own value, from a stream that other ranges do not move; names stay."""
    found = drawn(steps={"low": 10, "high": 20}, storage_gb={"low": 5, "high": 6})
    assert found.keys() == UNSWEPT.keys()
    steps = {name: instance.server.steps for name, instance in found.items()}
    assert len(set(steps.values())) == len(UNSWEPT)
    assert all(10 <= value <= 20 for value in steps.values())
    alone = drawn(steps={"low": 10, "high": 20})
    assert {name: instance.server.steps for name, instance in alone.items()} == steps


def test_cases_may_have_their_own_users():
    """A case that names a number of users is drawn for it alone."""
    found = list(places("tiny", recipe(cases=[{"users": 3, "models": 5}, {"models": 7}]), SCENARIO))
    sizes = {(place.setting, place.scenario.users, place.scenario.models) for place in found}
    assert sizes == {(0, 3, 5), (1, 2, 7), (1, 3, 7)}


def test_without_a_sweep_nothing_changes():
    """An empty sweep gives the same names and bytes as none."""
    for instance, entry in draw("tiny", recipe(), SCENARIO):
        assert UNSWEPT[entry.name][1] == entry
        assert "sweep" not in instance.origin


@pytest.mark.parametrize(
    ("sweep", "line"),
    [
        ({"uplink_mhz": [-1]}, "uplink_mhz: must be > 0"),
        ({"uplink_mhz": ["2"]}, "uplink_mhz: must be a number"),
        ({"slots": {"low": 0, "high": 1000}}, "slots: must be >= 1"),
        ({"uplink_mhz": {"low": -1, "high": 1e9}}, "uplink_mhz: must be > 0; received -1"),
        ({"preference_weight": {"low": 0.999, "high": 1.001}}, "preference_weight: must be <= 1"),
        ({"cases": [{"models": 10**7}]}, "must be <= 1000000"),
    ],
)
def test_settings_that_make_no_scenario_are_refused(sweep, line):
    """A setting out of a scenario's limits is refused when it is placed."""
    with pytest.raises(InputError) as caught:
        list(places("tiny", recipe(**sweep), SCENARIO))
    assert line in str(caught.value)


@pytest.mark.parametrize(
    ("sweep", "line"),
    [
        ({"cases": [{"users": 9}]}, "sweep.cases: must name numbers of users that the suite has; received 9"),
        ({"cases": [{"users": [2]}]}, "cases.0.users: must be a whole number"),
        ({"uplink_mhz": list(range(1, 1300))}, "instances: must be at most 10000"),
    ],
)
def test_recipe_refused(sweep, line):
    """A sweep that does not fit its recipe is refused."""
    with pytest.raises(InputError) as caught:
        recipe(**sweep)
    assert line in str(caught.value)


def test_common_users_are_the_first_of_the_most():
    """On request, fewer users have the channels, requests, inputs and powers of the first of the most."""
    fields = FIELDS | {"users": (2, 5), "common_users": True}
    scenario = validated(Scenario, SCENARIO.model_dump() | {"user": {"power_dbm": [0.0, 20.0]}})
    first = [one for one, _ in draw("tiny", Recipe(**fields), scenario) if ".l0." in one.name]
    found = {one.user_count: one for one in first if one.name.endswith("t0")}
    few, most = found[2], found[5]
    for field in ("channel_gain", "requested_model", "input_bits"):
        assert (getattr(few.trace, field) == getattr(most.trace, field)[:, :2]).all()
    assert (few.radio.user_power_w == most.radio.user_power_w[:2]).all()
    assert (few.origin["users_drawn"], few.models) == (5, most.models)
    alone = Recipe(**fields | {"users": (5,), "common_users": None})
    assert most.trace in [instance.trace for instance, _ in draw("tiny", alone, scenario)]


def test_a_scenario_file_may_have_a_sweep(tmp_path):
    """What varies stands in a table of its own beside what does not."""
    path = tmp_path / "scenario.toml"
    path.write_text('name = "scarce"\nslots = 3\n[sweep]\nuplink_mhz = [2, 5]\n')
    found = read_toml(path, ScenarioFile)
    assert found.scenario == Scenario(name="scarce", slots=3)
    assert found.sweep.settings() == [{"uplink_mhz": 2}, {"uplink_mhz": 5}]
    path.write_text("slots = 3\n")
    assert read_toml(path, ScenarioFile).sweep is None


@given(seed=st.integers(0, 2**32), low=st.floats(0.1, 10), width=st.floats(0, 10))
def test_swept_recipes_are_drawn_again_alike(seed, low, width):
    """The same recipe gives the same bytes, whatever its seed and range."""
    one = validated(
        Recipe,
        {
            "library_seed": seed,
            "trace_seed": seed,
            "libraries": 1,
            "users": [2],
            "traces": 1,
            "sweep": {"uplink_mhz": {"low": low, "high": low + width}},
        },
    )
    first, again = ([entry for _, entry in draw("a", one, SCENARIO)] for _ in range(2))
    assert first == again
