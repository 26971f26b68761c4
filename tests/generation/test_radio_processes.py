"""Processes of positions, and the channel's against closed forms."""

import numpy as np
import pytest
from scipy import stats

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
    with pytest.raises(InputError, match="speed_m_s: must hold speeds > 0"):
        read_section("positions", {"process": "random-waypoint", "speed_m_s": [0.0, 1.0]})


@pytest.mark.parametrize(
    "fields", [{"area_m": [0, 0]}, {"slot_duration_s": 1e9}, {"positions": {"speed_m_s": [1e6, 1e7]}}]
)
def test_walks_that_would_never_end_are_refused(fields):
    """Where users would arrive and start again very many times a slot, the scenario is refused at once."""
    fields = {"positions": {}} | fields
    fields["positions"] = {"process": "random-waypoint"} | fields["positions"]
    with pytest.raises(InputError, match=r"positions\.speed_m_s: must be so low"):
        validated(Scenario, fields)


@pytest.mark.parametrize(
    ("section", "fields", "line"),
    [
        ("positions", {"process": "clustered", "spread_m": 1e308}, "positions.spread_m: must be <= 1e"),
        ("user", {"power_dbm": [0, 1e30]}, "user.power_dbm.1: must be <= 1000"),
        ("requests", {"process": "shot-noise", "floor": 1e308}, "requests.floor: must be <= 1e"),
        ("requests", {"process": "log", "file": "a\0b"}, "requests.file: must match"),
        ("models", {"quality_by_size": 2}, r"\[models\].quality_by_size: must be <= 1"),
        ("models_section", {}, "models_section: must be a known field"),
    ],
)
def test_fields_of_sections_have_limits(section, fields, line):
    """Numbers that would overflow are refused by section and field."""
    with pytest.raises(InputError, match=line):
        validated(Scenario, {section: fields})


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
        ("time,user,x,y\n1,a,0,zero\n", "y[0]: must be a number, at most 1e+30; received 'zero'"),
        ("time,user,x,y\n1,a,0,0\n", "slots: must be at most 1"),
        ("time,user,x,y\n1,,0,0\n", "user[0]: must not be empty"),
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


LONG = Shape(slots=400, users=25, models=5, slot_duration_s=20.0, area_m=(250.0, 250.0))


def gains_db(position_m, seed=0, **section):
    """Return the gains [K, T, N] in dB at positions [K, T, N, 2]."""
    rng = np.random.default_rng(seed)
    shape = Shape(*position_m.shape[1:3], 5, 20.0, (250.0, 250.0))
    process = read_section("channel", section)
    drawn = process.draw(
        shape, lambda _, *sizes: rng.random((len(position_m), *sizes)), {"position_m": position_m}
    )
    return 10.0 * np.log10(drawn["channel_gain"])


def at(distance_m, slots=400, users=25):
    """Return positions at one distance, [1, T, N, 2]."""
    return np.stack([np.full((1, slots, users), float(distance_m)), np.zeros((1, slots, users))], axis=-1)


def test_the_default_is_the_papers():
    """Without a section, gains are those of `path-loss` with its defaults."""
    scenario = validated(Scenario, {"channel": {"process": "path-loss"}})
    assert scenario.trace(1, "trace", 0, 10, 0) == Scenario().trace(1, "trace", 0, 10, 0)


@pytest.mark.parametrize(("at_1_km", "exponent"), [(-128.1, 3.76), (-100.0, 2.0), (-140.0, 4.5)])
@pytest.mark.parametrize("distance_m", [1.0, 100.0, 1000.0])
def test_path_loss_is_a_power_of_the_distance(at_1_km, exponent, distance_m):
    """Without fading the gain is the level at 1 km and ten exponents a decade; 1 m is the least distance."""
    found = gains_db(at(distance_m), fading="none", at_1_km_db=at_1_km, exponent=exponent)
    assert np.allclose(found, at_1_km - 10 * exponent * np.log10(distance_m / 1000.0))


def test_shadowing_is_lognormal_and_fades_with_the_distance_moved():
    """Users who stand keep their shadowing; those who move by the correlation distance keep 1/e of it."""
    still = gains_db(at(100.0), fading="none", shadowing_db=8.0)
    assert np.allclose(still, still[:, :1])
    moving = at(100.0, users=400)
    moving[..., 1] += 30.0 * np.arange(400)[None, :, None]
    base = gains_db(moving, fading="none")
    shadowing = gains_db(moving, fading="none", shadowing_db=8.0, correlation_m=30.0) - base
    assert shadowing.std() == pytest.approx(8.0, rel=0.05)
    now, then = shadowing[:, :-1].ravel(), shadowing[:, 1:].ravel()
    assert np.corrcoef(now, then)[0, 1] == pytest.approx(np.exp(-1.0), abs=0.02)


def test_rayleigh_fading_has_exponential_power():
    """The power of Rayleigh fading is Exp(1)."""
    power = 10 ** ((gains_db(at(100.0)) - gains_db(at(100.0), fading="none")) / 10)
    assert stats.kstest(power.ravel(), "expon").pvalue > 0.01


@pytest.mark.parametrize("k_db", [-10.0, 0.0, 10.0])
def test_rician_fading_has_its_distribution(k_db):
    """The amplitude of Rician fading is Rice's, with mean power 1."""
    power = 10 ** (
        (gains_db(at(100.0), fading="rician", k_db=k_db) - gains_db(at(100.0), fading="none")) / 10
    )
    k = 10 ** (k_db / 10)
    rice = stats.rice(np.sqrt(2 * k), scale=np.sqrt(1 / (2 * (k + 1))))
    assert stats.kstest(np.sqrt(power.ravel()), rice.cdf).pvalue > 0.01


def test_fading_stays_over_its_coherence():
    """Blocks of slots share their fading; the next block has another."""
    found = gains_db(at(100.0), coherence_slots=4)
    assert np.array_equal(found[:, 0], found[:, 3])
    assert not np.array_equal(found[:, 3], found[:, 4])


def test_line_of_sight_is_lost_with_the_distance():
    """A share 1 - exp(-d / line_of_sight_m) of the users is blocked, and loses blockage_db."""
    found = gains_db(at(100.0), fading="none", line_of_sight_m=80.0, blockage_db=17.0)
    blocked = found < gains_db(at(100.0), fading="none") - 1.0
    assert np.allclose(found[blocked] + 17.0, gains_db(at(100.0), fading="none")[blocked])
    assert blocked.mean() == pytest.approx(1 - np.exp(-100.0 / 80.0), abs=0.02)


def test_users_powers_are_of_the_range():
    """Powers are uniform in dBm; they belong to the library, so all traces share them."""
    scenario = validated(Scenario, {"users": 2000, "slots": 1, "user": {"power_dbm": [10.0, 23.0]}})
    powers_dbm = 10 * np.log10(scenario.powers_w(3) * 1000)
    assert stats.kstest(powers_dbm, stats.uniform(10, 13).cdf).pvalue > 0.01
    library, name = scenario.library(3), (3, "trace")
    instance = scenario.instance("x", library, scenario.trace(*name), powers_w=scenario.powers_w(3))
    assert np.array_equal(instance.radio.user_power_w, scenario.powers_w(3))
    assert not np.array_equal(scenario.powers_w(3), scenario.powers_w(3, 1))
