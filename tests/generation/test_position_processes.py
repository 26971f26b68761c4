"""Processes of positions."""

import numpy as np
import pytest

from mincache.errors import InputError
from mincache.files.tables import validated
from mincache.generation.process import Shape
from mincache.generation.scenario import Scenario
from mincache.generation.sections import read_section

SHAPE = Shape(slots=60, users=8, models=5, slot_duration_s=20.0, area_m=(250.0, 100.0))


def positions(seed=0, count=3, shape=SHAPE, **section):
    """Return positions [K, T, N, 2] of a section, from numpy's generator."""
    rng = np.random.default_rng(seed)
    given = {"trace": np.arange(count)}
    process = read_section("positions", section)
    return process.draw(shape, lambda purpose, *sizes: rng.random((count, *sizes)), given)["position_m"]


@pytest.mark.parametrize("process", ["uniform", "clustered", "random-waypoint"])
def test_users_stay_in_the_area(process):
    """Whatever moves them, users stay in the rectangle around the base station."""
    assert (np.abs(positions(process=process)) <= np.array(SHAPE.area_m) / 2 + 1e-9).all()


@pytest.mark.parametrize("process", ["clustered", "random-waypoint"])
def test_other_sections_keep_their_draws(process):
    """Whatever draws the positions, requests and inputs stay as they are."""
    paper = Scenario().trace(1, "trace", 0, 10, 0)
    other = validated(Scenario, {"positions": {"process": process}}).trace(1, "trace", 0, 10, 0)
    assert np.array_equal(paper.requested_model, other.requested_model)
    assert np.array_equal(paper.input_bits, other.input_bits)
    assert not np.array_equal(paper.channel_gain, other.channel_gain)


def test_clusters_are_as_wide_as_said():
    """Users of one hot spot scatter around it with the standard deviation given."""
    wide = Shape(slots=2000, users=4, models=5, slot_duration_s=20.0, area_m=(1e6, 1e6))
    found = positions(shape=wide, process="clustered", clusters=2, spread_m=7.0)
    assert np.allclose(found.std(axis=1), 7.0, rtol=0.1)
    assert np.allclose(found[:, :, 0].mean(axis=1), found[:, :, 2].mean(axis=1), atol=1.0)


@pytest.mark.parametrize("speed", [(0.5, 2.0), (1.0, 1.0), (40.0, 60.0)])
def test_walkers_are_never_faster_than_their_speed(speed):
    """From slot to slot nobody moves farther than the highest speed allows."""
    found = positions(process="random-waypoint", speed_m_s=list(speed))
    moved = np.linalg.norm(np.diff(found, axis=1), axis=-1)
    assert (moved <= speed[1] * SHAPE.slot_duration_s + 1e-6).all()
    assert (moved > 0).mean() > 0.9


def test_a_walker_goes_straight_at_its_speed():
    """With a constant speed and a long way to go, each slot covers speed times duration."""
    far = Shape(slots=4, users=5, models=5, slot_duration_s=20.0, area_m=(1e6, 1e6))
    found = positions(shape=far, process="random-waypoint", speed_m_s=[3.0, 3.0])
    assert np.allclose(np.linalg.norm(np.diff(found, axis=1), axis=-1), 60.0)


def test_pauses_keep_walkers_where_they_are():
    """With pauses much longer than the trace, users stop where the first walk ends."""
    found = positions(process="random-waypoint", speed_m_s=[50.0, 50.0], pause_s=1e6)
    assert np.array_equal(found[:, 10], found[:, -1])


def test_a_speed_of_zero_is_refused():
    """Walkers that may stand still for ever are refused."""
    with pytest.raises(InputError, match="speed_m_s must be > 0"):
        read_section("positions", {"process": "random-waypoint", "speed_m_s": [0.0, 1.0]})


def test_positions_from_a_log(tmp_path):
    """Between two rows of a log a user moves in a straight line; trace 1 follows trace 0."""
    file = tmp_path / "walk.csv"
    file.write_text("time,user,x,y\n100,a,0,0\n100,b,5,5\n180,a,80,-40\n180,b,5,5\n")
    shape = Shape(slots=2, users=2, models=5, slot_duration_s=20.0, area_m=(250.0, 250.0))
    found = positions(count=3, shape=shape, process="log", file=str(file))
    assert found[:, :, 0].tolist() == [[[0, 0], [20, -10]], [[40, -20], [60, -30]], [[0, 0], [20, -10]]]
    assert (found[:, :, 1] == 5.0).all()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("time,user,x\n", "columns: must be among the file's: time, user, x; received 'y'"),
        ("time,user,x,y\n", "file: must hold a row"),
        ("time,user,x,y\n1,a,0,zero\n", "y[0]: must be a number; received 'zero'"),
        ("time,user,x,y\n1,a,0,0\n", "slots: must be at most 1"),
        ("time,user,x,y\n1,a,0,0\n9999,a,0,0\n", "users: must be at most 1"),
    ],
)
def test_a_log_of_positions_is_refused_in_a_line(text, line, tmp_path):
    """A log without what is needed is refused with its path, the column and the rule."""
    file = tmp_path / "walk.csv"
    file.write_text(text)
    with pytest.raises(InputError) as caught:
        positions(process="log", file=str(file))
    assert str(caught.value).startswith(str(file))
    assert line in str(caught.value)
