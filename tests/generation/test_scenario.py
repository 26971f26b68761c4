"""What is drawn, against the distributions that it is drawn from; all seeds fixed, thresholds wide."""

import itertools
import math
from collections import Counter

import numpy as np
import pytest
from pydantic import ValidationError
from scipy import integrate, stats

from mincache.errors import InputError
from mincache.files.documents import instance_bytes
from mincache.files.tables import read_toml, validated
from mincache.generation.scenario import Scenario
from mincache.problem.instance import ModelLibrary
from mincache.problem.quantity import quantities

IMPLAUSIBLE = 1e-4
"""A p-value below this is taken for a wrong distribution."""
GAMMA_EULER = 0.5772156649015329
PATH_LOSS_1_M_DB = -128.1 + 37.6 * 3


def drawn(scenario, seed=7, trace=0):
    """Return one instance of a scenario."""
    return scenario.instance("drawn", scenario.library(seed), scenario.trace(seed, "trace", trace))


def uniform_p(values, low, high):
    """Return the p-value of `values` being uniform on (low, high)."""
    return stats.kstest(np.ravel(values), "uniform", (low, high - low)).pvalue


# Table I


def test_table_i():
    """The default scenario's constants are Table I's, in SI units."""
    instance = drawn(Scenario())
    assert (instance.slot_count, instance.user_count, instance.model_count) == (50, 10, 10)
    radio, server = instance.radio, instance.server
    assert (radio.uplink_hz, radio.downlink_hz) == (20e6, 40e6)
    assert (radio.backhaul_up_bps, radio.backhaul_down_bps) == (100e6, 100e6)
    assert radio.user_power_w.tolist() == [0.199526] * 10
    assert radio.bs_power_w == 19.9526
    assert radio.noise_w_per_hz == 2.51189e-21
    assert (server.storage_gb, server.steps, instance.preference_weight) == (20.0, 1000.0, 0.7)
    assert Scenario().slot_duration_s == 20


TABLE_RANGES = {
    "size_gb": (2, 10),
    "output_bits": (5 * 8e6, 10 * 8e6),
    "steps_onset": (50, 100),
    "tv_worst": (100, 150),
    "steps_saturation": (150, 200),
    "tv_best": (0, 50),
    "seconds_per_step": (0, 0.5),
    "seconds_base": (0, 10),
}


@pytest.mark.parametrize(("field", "span"), TABLE_RANGES.items())
def test_library_is_uniform(field, span):
    """Each model parameter is uniform on Table I's range, inside it, and never 0 where the range is open."""
    values = getattr(Scenario(models=5000, slots=1).library(11), field)
    assert span[0] <= values.min()
    assert values.max() <= span[1]
    assert (values > 0).all()
    assert uniform_p(values, *span) > IMPLAUSIBLE


def test_library_parameters_are_independent():
    """No two parameters of a model are correlated."""
    library = Scenario(models=5000, slots=1).library(11)
    table = np.array([getattr(library, name) for name in quantities(ModelLibrary)])
    correlation = np.corrcoef(table) - np.eye(len(table))
    assert np.abs(correlation).max() < 4.5 / math.sqrt(5000)


LARGE = Scenario(slots=1000, users=50)


@pytest.fixture(scope="module")
def trace():
    """A trace of 50,000 requests."""
    return LARGE.trace(13, "trace", 0)


def test_input_is_uniform(trace):
    """The data of each user and slot are uniform on 5 to 10 MB."""
    assert uniform_p(trace.input_bits, 5 * 8e6, 10 * 8e6) > IMPLAUSIBLE


def test_users_and_slots_are_independent(trace):
    """Neither the next slot, nor the next user, nor another quantity tells anything about a draw."""
    gain, bits = np.log(trace.channel_gain), trace.input_bits
    pairs = [(x[1:], x[:-1]) for x in (gain, bits)] + [(x[:, 1:], x[:, :-1]) for x in (gain, bits)]
    pairs += [(gain, bits), (gain, trace.requested_model), (bits, trace.requested_model)]
    for one, other in pairs:
        assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 4.5 / math.sqrt(one.size)


# Channels


@pytest.mark.parametrize("area", [(0, 0), (0.5, 0.5), (0, 1.9)])
def test_fading_is_exponential_and_distance_never_under_a_metre(area):
    """Users nearer than 1 m have the path loss of 1 m, so that their gain over it is Exp(1)."""
    gain = Scenario(slots=400, users=50, area_m=area).trace(3, "near").channel_gain
    assert stats.kstest(gain.ravel() / 10 ** (PATH_LOSS_1_M_DB / 10), "expon").pvalue > IMPLAUSIBLE


def log_distance_moment(sides, power):
    """Return the mean of log10(distance in km)^power over a rectangle with the station in its centre."""

    def at(y, x):
        return math.log10(max(math.hypot(x, y), 1.0) / 1000) ** power

    half = [side / 2 for side in sides]
    total = integrate.dblquad(at, 0, half[0], 0, half[1], epsabs=1e-6)[0]
    return total / (half[0] * half[1])


@pytest.mark.parametrize("sides", [(250.0, 250.0), (1000.0, 100.0)])
def test_channel_gain_in_mean_and_spread(sides):
    """In dB, the gain has the mean and the variance of (3) over the rectangle plus Rayleigh fading."""
    gain_db = 10 * np.log10(Scenario(slots=1000, users=50, area_m=sides).trace(17, "t").channel_gain.ravel())
    first, second = (log_distance_moment(sides, power) for power in (1, 2))
    mean = -128.1 - 37.6 * first - 10 * GAMMA_EULER / math.log(10)
    variance = 37.6**2 * (second - first**2) + (10 / math.log(10)) ** 2 * math.pi**2 / 6
    assert gain_db.mean() == pytest.approx(mean, abs=4.5 * math.sqrt(variance / gain_db.size))
    kurtosis = stats.kurtosis(gain_db, fisher=False)
    spread = variance * math.sqrt((kurtosis - 1) / gain_db.size)
    assert gain_db.var() == pytest.approx(variance, abs=4.5 * spread)


def test_positions_fill_the_whole_area():
    """Along a line of 2 km, the distance is uniform up to 1 km, which decides the whole law of the gain."""
    gain = Scenario(slots=500, users=20, area_m=(0, 2000)).trace(19, "line").channel_gain.ravel()
    loss_1_km = 10**-12.81

    def survival(level):
        """P(gain > level) = mean over distance d of exp(-level d^3.76 / loss at 1 km)."""
        grid = (np.arange(500) + 0.5) / 500
        return np.exp(-np.multiply.outer(level / loss_1_km, grid**3.76)).mean(axis=-1)

    assert stats.kstest(gain, lambda level: 1 - survival(level)).pvalue > IMPLAUSIBLE


def test_no_draw_serves_two_purposes():
    """The uniforms behind fading, positions and input data, worked back, share no more than chance."""

    def traced(area):
        return Scenario(slots=20, users=10, area_m=area).trace(3, "purposes")

    fading = traced((0, 0)).channel_gain / 10 ** (PATH_LOSS_1_M_DB / 10)
    distance_km = (traced((2000, 0)).channel_gain / fading / 10**-12.81) ** (-1 / 3.76)
    behind = {
        "fading": np.abs(np.exp(-fading) - 0.5),
        "position": distance_km / 2,
        "input": np.abs((traced((0, 0)).input_bits / 8e6 - 5) / 5 - 0.5),
    }
    for one, other in itertools.combinations(behind, 2):
        gaps = np.abs(np.subtract.outer(behind[one].ravel(), behind[other].ravel())).min(axis=0)
        assert (gaps < 2e-5).mean() < 0.1, (one, other)


# Popularity and requests


def test_requests_follow_zipf_given_the_skewness(trace):
    """In the slots of each skewness, requests are Zipf with that exponent over the ten ranks."""
    for gamma in (0.2, 0.5, 0.7):
        requested = trace.requested_model[trace.skewness == gamma].ravel()
        weights = np.array([rank**-gamma for rank in range(1, 11)])
        counts = np.bincount(requested, minlength=10)
        assert stats.chisquare(counts, weights / weights.sum() * counts.sum()).pvalue > IMPLAUSIBLE


@pytest.mark.parametrize("gamma", [0.0, 1.0, 3.0, -1.0])
def test_requests_at_any_skewness(gamma):
    """The same at no skewness, at strong ones, and at a reversed one."""
    one = Scenario(slots=400, users=50, models=6, skewness_states=(gamma,), skewness_transitions=((1.0,),))
    weights = np.array([rank**-gamma for rank in range(1, 7)])
    counts = np.bincount(one.trace(5, "z").requested_model.ravel(), minlength=6)
    assert stats.chisquare(counts, weights / weights.sum() * counts.sum()).pvalue > IMPLAUSIBLE


def test_moves_of_the_popularity_chain():
    """From each state, the moves have the probabilities of that row of (19)."""
    states = Scenario(slots=30_000, users=1, models=1).trace(23, "chain").skewness
    moves = Counter(zip(states[:-1].tolist(), states[1:].tolist(), strict=True))
    gammas = (0.2, 0.5, 0.7)
    for gamma, row in zip(gammas, ((0.6, 0.2, 0.2), (0.1, 0.7, 0.2), (0.2, 0.3, 0.5)), strict=True):
        counts = np.array([moves[gamma, other] for other in gammas])
        assert stats.chisquare(counts, np.array(row) * counts.sum()).pvalue > IMPLAUSIBLE


def test_first_state_is_uniform():
    """A trace begins in each of the three states equally often."""
    one = Scenario(slots=1, users=1, models=1)
    counts = Counter(float(one.trace(29, "start", k).skewness[0]) for k in range(1500))
    assert stats.chisquare([counts[gamma] for gamma in (0.2, 0.5, 0.7)]).pvalue > IMPLAUSIBLE


def test_a_chain_of_certain_moves():
    """With moves of probability 1, the chain is a cycle through the states."""
    certain = Scenario(
        slots=9, skewness_states=(0.1, 0.2, 0.3), skewness_transitions=((0, 1, 0), (0, 0, 1), (1, 0, 0))
    )
    states = certain.trace(1, "cycle").skewness.tolist()
    cycle = [0.1, 0.2, 0.3]
    start = cycle.index(states[0])
    assert states == [cycle[(start + t) % 3] for t in range(9)]


# Reproducibility


def test_same_seed_same_bytes():
    """The same seed and names give the same document; another seed or name gives another."""
    scenario = Scenario(slots=3, users=4)
    one, same = instance_bytes(drawn(scenario)), instance_bytes(drawn(scenario))
    assert one == same
    assert len({one, instance_bytes(drawn(scenario, seed=8)), instance_bytes(drawn(scenario, trace=1))}) == 3


def test_library_is_shared():
    """A library depends on its seed and number alone: not on N, T, the trace, or what was drawn before."""
    library = Scenario().library(7, 2)
    Scenario().trace(7, "trace")
    assert Scenario(users=18, slots=3, steps=10.0, name="other").library(7, 2) == library
    assert Scenario().library(7, 1) != library
    assert Scenario().library(8, 2) != library


def test_six_significant_digits_are_stored():
    """Every number that is stored has at most six significant digits."""
    odd = Scenario(
        storage_gb=1 / 3, preference_weight=2 / 3, uplink_mhz=math.pi, skewness_states=(1 / 3, 0.5, 0.7)
    )
    instance = drawn(odd)
    parts = (instance, instance.server, instance.radio, instance.models, instance.trace)
    numbers = [
        v for part in parts for name in quantities(type(part)) for v in np.ravel(getattr(part, name)).tolist()
    ]
    assert len(numbers) > 1500
    assert all(float(f"{value:.5e}") == value for value in numbers)


def test_a_constant_is_drawn_as_it_is():
    """An interval of no length is a constant."""
    library = Scenario(size_gb=(3.0, 3.0)).library(1)
    assert set(library.size_gb.tolist()) == {3.0}


# Refusals


def line_of(toml, tmp_path):
    """Return the one line that refuses a scenario file."""
    path = tmp_path / "scenario.toml"
    path.write_bytes(toml if isinstance(toml, bytes) else toml.encode("utf-8", "surrogatepass"))
    with pytest.raises(InputError) as caught:
        read_toml(path, Scenario)
    line = str(caught.value)
    assert line.isprintable()
    assert line.startswith(f"{path}: ")
    return line.removeprefix(f"{path}: ")


@pytest.mark.parametrize(
    ("toml", "line"),
    [
        ("users = 0", "users: must be >= 1; received 0"),
        ("users = 1.5", "users: must be a whole number"),
        ("users = true", "users: must be a whole number; received True"),
        ("users = '10'", "users: must be a whole number; received '10'"),
        ("users = [10]", "users: must be a whole number; received [10]"),
        ("users = {a = 1}", "users: must be a whole number"),
        ("slots = 1000000", "slots times users"),
        ("models = 1000000", "slots times models"),
        ("slots = 99999999999999999999999999999999999999", "slots: must be <= 1000000"),
        ("usres = 3", "usres: must be a known field; received an unknown one; did you mean 'users'?"),
        ("comment = 'x'", "comment: must be a known field; received an unknown one"),
        ("[users]\nn = 1", "users: must be a whole number"),
        ("'a\\nb' = 1", "must be a known field"),
        ('"\\u001b[31m" = 1', "must be a known field"),
        ("name = 'Paper'", "name: use lower-case letters"),
        ("name = 7", "name: must be text"),
        ("storage_gb = nan", "storage_gb: must be"),
        ("storage_gb = inf", "storage_gb: must be"),
        ("storage_gb = 0", "storage_gb: must be > 0"),
        ("storage_gb = '20'", "storage_gb: must be a number; received '20'"),
        ("uplink_mhz = -1", "uplink_mhz: must be > 0"),
        ("user_power_dbm = 1e6", "user_power_dbm: must be <= 1000"),
        ("noise_dbm_per_hz = -1e6", "noise_dbm_per_hz: must be >= -1000"),
        ("preference_weight = 1.1", "preference_weight: must be <= 1"),
        ("size_gb = [3, 2]", "size_gb: must be [low, high] with low <= high"),
        ("size_gb = [1, 2, 3]", "size_gb: must hold at most 2"),
        ("size_gb = [1]", "size_gb.1: must be present"),
        ("size_gb = 3", "size_gb: must be a list"),
        ("size_gb = [true, 3]", "size_gb.0: must be a number; received True"),
        ("size_gb = [1, nan]", "size_gb.1: must be"),
        ("area_m = [-1, 5]", "area_m.0: must be >= 0"),
        ("skewness_states = []", "skewness_transitions: must be square"),
        ("skewness_states = [0.5]", "skewness_transitions: must be square"),
        ("skewness_states = [1e308, 1, 1]", "skewness_states.0: must be <= 50"),
        ("skewness_transitions = [[1, 0], [0, 1]]", "skewness_transitions: must be square"),
        (
            "skewness_states = [1]\nskewness_transitions = [[0.9]]",
            "skewness_transitions: must have rows that sum to 1",
        ),
        ("skewness_states = [1]\nskewness_transitions = [[-1]]", "skewness_transitions.0.0: must be >= 0"),
        ("users = ", "document: must be TOML"),
        ("users = 1\nusers = 2", "document: must be TOML"),
        ("a = " + "[" * 5000, "document: must be TOML"),
        ("a." * 900 + "b = 1", "a: must be a known field"),
        ("a." * 3000 + "b = 1", "file: must hold at most 1000 dots a line"),
        ("users = " + "9" * 5000, "file: must hold numbers of at most 5000 digits"),
        (b"\xff\xfe", "document: must be TOML"),
        ("x = 2020-99-99", "document: must be TOML"),
        ("users = 1979-05-27", "users: must be a whole number"),
        (b"#" * (9 * 2**20), "file: must hold at most"),
        (b"#" * (65 * 2**20), "file: must hold at most"),
    ],
    ids=range(48),
)
def test_scenario_file_refused(toml, line, tmp_path):
    """A scenario that breaks a rule is refused in one line with the field, the rule and what was received."""
    assert line in line_of(toml, tmp_path)


def test_missing_scenario_file_refused(tmp_path):
    """So is one that is not there."""
    with pytest.raises(InputError, match="file: must exist"):
        read_toml(tmp_path / "none.toml", Scenario)


def test_scenario_file_may_hold_what_differs(tmp_path):
    """A file holds what differs from Table I, whole numbers where a fraction would do too."""
    path = tmp_path / "scenario.toml"
    path.write_text("users = 3\nstorage_gb = 7\narea_m = [500, 100]\nsize_gb = [1, 1]\n")
    assert read_toml(path, Scenario) == Scenario(
        users=3, storage_gb=7.0, area_m=(500.0, 100.0), size_gb=(1.0, 1.0)
    )


def test_a_scenario_made_in_python_is_refused_in_one_line_too():
    """A scenario that breaks a rule is refused as a file that holds it would be."""
    with pytest.raises(InputError, match=r"^users: must be >= 1; received 0$"):
        Scenario(users=0)
    with pytest.raises(InputError, match=r"^slot: .*did you mean 'slots'\?$"):
        Scenario(slot=3)


@pytest.mark.parametrize(
    "fields",
    [
        {"size_gb": (-2, -1)},
        {"steps_onset": (60, 100), "steps_saturation": (50, 60)},
        {"tv_best": (200, 300)},
        {"backhaul_up_mbps": 1e308},
        {"output_megabytes": (0, 0)},
        {"size_gb": (-1.7e308, 1.7e308)},
        {"input_megabytes": (1e302, 1e308)},
        {"area_m": (1e200, 1e200)},
        {"input_megabytes": (-0.02, 10)},
        {"steps_onset": (50, 160)},
        {"steps_onset": (100, 100), "steps_saturation": (100, 100)},
        {"seconds_base": (-1, 1)},
    ],
)
def test_a_scenario_that_cannot_always_be_drawn_is_refused_at_its_field(fields):
    """Ranges that lead outside of an instance's rules are refused in one line that names the field."""
    with pytest.raises(InputError) as caught:
        validated(Scenario, fields)
    assert str(caught.value).isprintable()
    assert caught.value.field.partition(".")[0] in fields


@pytest.mark.parametrize(
    "fields",
    [
        {"size_gb": (0, 5), "output_megabytes": (0, 1e30), "input_megabytes": (0, 1e-300)},
        {"area_m": (1e30, 0), "uplink_mhz": 1e30, "downlink_mhz": 1e-300, "storage_gb": 1e30},
        {"steps_onset": (0, 100), "steps_saturation": (100, 100), "tv_best": (5, 5), "tv_worst": (5, 5)},
    ],
)
@pytest.mark.filterwarnings("error")
def test_a_scenario_at_the_ends_of_what_is_allowed_is_drawn(fields):
    """The least and the largest numbers that a scenario may hold make an instance, without a warning."""
    assert drawn(validated(Scenario, fields)).slot_count == 50


def test_scenario_is_frozen():
    """A scenario cannot be changed."""
    with pytest.raises(ValidationError):
        Scenario().users = 3


def test_every_number_has_a_unit_and_a_description():
    """The scenario's schema tells the unit of every number."""
    for name, field in Scenario.model_json_schema()["properties"].items():
        assert field["description"], name
        section = field["description"].startswith("section")
        assert name == "name" or section or "unit" in field or name.endswith(("_mhz", "_gb")), name
