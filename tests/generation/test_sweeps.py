"""Sweeps: every value of a list, one value of a range, fields that vary together, and what is refused."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mincache.errors import InputError
from mincache.files.tables import read_toml, validated
from mincache.generation.sweeps import Range, Sweep, read_scenario


def read(text, tmp_path):
    """Return the sweep in TOML."""
    (tmp_path / "sweep.toml").write_text(text)
    return read_toml(tmp_path / "sweep.toml", Sweep)


def test_lists_are_crossed(tmp_path):
    """Each value meets each of the others, the last list varying fastest; ranges make no setting."""
    sweep = read("uplink_mhz = [2, 5]\nsteps = {low = 200, high = 1000}\nstorage_gb = [10, 20, 30]", tmp_path)
    assert sweep.settings() == [
        {"uplink_mhz": uplink, "storage_gb": storage} for uplink in (2, 5) for storage in (10, 20, 30)
    ]
    assert sweep.setting_count == 6
    assert sweep.ranges == {"steps": Range(low=200, high=1000)}


def test_cases_vary_together(tmp_path):
    """The fields of a case are set together, each case with each value of the lists."""
    sweep = read("slots = [1]\n[[cases]]\nmodels = 3\n[[cases]]\n", tmp_path)
    assert sweep.settings() == [{"models": 3, "slots": 1}, {"slots": 1}]


def test_nothing_swept_is_one_setting():
    """An empty sweep changes nothing."""
    assert Sweep().settings() == [{}]


def test_a_list_may_hold_intervals(tmp_path):
    """Fields that are intervals themselves take a list of them."""
    assert read("size_gb = [[1, 2], [5, 9]]", tmp_path).settings() == [
        {"size_gb": [1, 2]},
        {"size_gb": [5, 9]},
    ]


@given(
    low=st.floats(1e-3, 1e3), factor=st.floats(1, 1e3), log=st.booleans(), uniform=st.floats(1e-12, 1 - 1e-12)
)
def test_a_range_is_kept(low, factor, log, uniform):
    """A value lies between the ends but for the rounding to six digits, and the middle where it should."""
    one = Range(low=low, high=low * factor, log=log)
    assert low * (1 - 1e-5) <= one.at(uniform) <= one.high * (1 + 1e-5)
    middle = math.sqrt(low * one.high) if log else (low + one.high) / 2
    assert one.at(0.5) == pytest.approx(middle, rel=1e-5)


@pytest.mark.parametrize("log", [False, True])
def test_whole_numbers_reach_both_ends(log):
    """A range of whole numbers takes each of them, and the uniform one equally often."""
    one = Range(low=2, high=5, log=log)
    values = [one.at(uniform, whole=True) for uniform in (np.arange(4000) + 0.5) / 4000]
    assert set(values) == {2, 3, 4, 5}
    assert all(type(value) is int for value in values)
    assert log or all(values.count(value) == 1000 for value in (2, 3, 4, 5))
    assert Range(low=2.5, high=3.5).at(0.999, whole=True) == 3


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"uplink": [2]}, "received another; did you mean 'uplink_mhz'?"),
        ({"name": ["a"]}, "name: must be a field of a scenario, and not its name"),
        ({"uplink_mhz": 3}, "uplink_mhz: must be a list of values or a range"),
        ({"uplink_mhz": []}, "uplink_mhz: must be a list of values or a range"),
        ({"uplink_mhz": {"low": 3}}, "uplink_mhz.high: must be present"),
        ({"uplink_mhz": {"low": 3, "high": 1}}, "uplink_mhz.low: must be <= high; received 3 and 1"),
        ({"uplink_mhz": {"low": 0, "high": 1, "log": True}}, "uplink_mhz.low: must be > 0"),
        ({"uplink_mhz": {"low": 0, "high": 1, "lag": True}}, "must be a known field"),
        ({"uplink_mhz": {"low": 0, "high": math.inf}}, "uplink_mhz.high: must be"),
        ({"users": [3]}, "users: must be given with --users, or by each case"),
        ({"size_gb": {"low": 1, "high": 2}}, "size_gb: must be a list, since it does not hold one number"),
        ({"models": {"low": 1.2, "high": 1.7}}, "models: must hold a whole number; received 1.2 to 1.7"),
        ({"steps": {"low": 1, "high": 1e300}}, "steps.high: must be <= 1e+30"),
        (
            {"requests": [{"process": "log", "file": "a.csv"}]},
            "requests.file: must stand in [requests] itself",
        ),
        ({"cases": [{"positions": {"file": "a.csv"}}]}, "positions.file: must stand in [positions] itself"),
        ({"models_section": [{}]}, "models_section: must be a field of a scenario"),
        ({"uplink_mhz": [2], "cases": [{"uplink_mhz": 3}]}, "uplink_mhz: must be swept in one place"),
        ({"cases": [3]}, "cases.0: must be a table"),
        ({"cases": [{"uplinks": 3}]}, "must be a field of a scenario"),
        ({"uplink_mhz": [2, 3, 2.0]}, "uplink_mhz: must hold each value once; received 2.0 twice"),
        ({"cases": [{"models": 3}, {"models": 3}]}, "cases: must hold each value once"),
        (
            {"uplink_mhz": list(range(1, 102)), "steps": list(range(1, 101))},
            "must have at most 10000 settings",
        ),
        # Looked at value by value, these would take minutes.
        ({"uplink_mhz": list(range(1, 100_002))}, "must have at most 10000 settings"),
    ],
)
def test_sweep_refused(fields, line):
    """What is no sweep is refused in one line."""
    with pytest.raises(InputError) as caught:
        validated(Sweep, fields)
    assert line.lower() in str(caught.value).lower()
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("toml", "field"),
    [
        ('skewness_states = [0.2, 0.5, 0.7]\n[requests]\nprocess = "zipf-markov"', "skewness_states"),
        ('[requests]\nprocess = "zipf"\n[[sweep.cases]]\nskewness_states = [0, 0, 1]', "skewness_states"),
        ("[user]\npower_dbm = [1, 2]\n[sweep]\nuser_power_dbm = [1, 2]", "user_power_dbm"),
    ],
)
def test_a_field_that_a_section_replaces_is_refused(toml, field, tmp_path):
    """What a section decides cannot stand outside of it too, where it would be ignored."""
    (tmp_path / "scenario.toml").write_text(toml)
    with pytest.raises(InputError, match=f"{field}: must be left out where there is a section"):
        read_scenario(tmp_path / "scenario.toml")
