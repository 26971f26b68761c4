"""The channel's process, against closed forms."""

import numpy as np
import pytest
from scipy import stats

from mincache.files.tables import validated
from mincache.generation.process import Shape
from mincache.generation.scenario import Scenario
from mincache.generation.sections import read_section

SHAPE = Shape(slots=400, users=25, models=5, slot_duration_s=20.0, area_m=(250.0, 250.0))


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
