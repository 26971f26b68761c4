"""Processes of requests, against closed forms and counts."""

from collections import Counter

import numpy as np
import pytest
from scipy import stats

from mincache.errors import InputError
from mincache.files.tables import validated
from mincache.generation.scenario import Scenario

PROCESSES = ["zipf-markov", "zipf", "regimes", "shot-noise", "preference"]


def drawn(seed=1, **fields):
    """Return the trace of a scenario with these fields."""
    return validated(Scenario, {"slots": 400, "users": 20} | fields).trace(seed, "trace", 0, 20, 0)


@pytest.mark.parametrize("process", PROCESSES)
def test_other_sections_keep_their_draws(process):
    """Whatever draws the requests, the channel and the inputs stay as they are."""
    paper, other = drawn(), drawn(requests={"process": process})
    assert np.array_equal(paper.channel_gain, other.channel_gain)
    assert np.array_equal(paper.input_bits, other.input_bits)


def test_the_default_is_the_papers():
    """Without a section, requests are those of `zipf-markov` with its defaults."""
    assert drawn(requests={"process": "zipf-markov"}) == drawn()


@pytest.mark.parametrize("process", PROCESSES)
def test_traces_at_once_are_those_one_by_one(process):
    """Three traces drawn together are the three drawn alone."""
    scenario = validated(Scenario, {"slots": 30, "requests": {"process": process}})
    names = [(5, "trace", 0, 10, k) for k in range(3)]
    together = scenario.traces(names)
    for k, name in enumerate(names):
        assert np.array_equal(together["requested_model"][k], scenario.trace(*name).requested_model)


def test_zipf_has_its_frequencies():
    """Frequencies of independent Zipf requests pass a chi-square test."""
    requested = drawn(requests={"process": "zipf", "skewness": 0.9}).requested_model
    weights = np.arange(1, 11) ** -0.9
    expected = weights / weights.sum() * requested.size
    assert stats.chisquare(np.bincount(requested.ravel(), minlength=10), expected).pvalue > 0.01


def test_rotated_regimes_move_around_the_ring():
    """With certain moves in a ring, the most popular model of slot t is that of the order t + start."""
    section = {"process": "regimes", "orders": 5, "rotated": True, "stay": 0.0, "ring": True,
               "skewness_states": [50.0], "skewness_transitions": [[1.0]]}  # fmt: skip
    requested = drawn(requests=section).requested_model
    assert (requested == requested[:, :1]).all()  # so skewed that all ask for the first
    moves = np.diff(requested[:, 0]) % 10
    assert (moves == 2).all()


def test_neighbours_requests_are_as_alike_as_said():
    """A user asks for what the one before asks for with the chance said, and each one's popularity stays."""
    section = {"process": "regimes", "orders": 1, "skewness_states": [1.0], "skewness_transitions": [[1.0]]}
    requested = drawn(slots=5000, requests=section | {"rotated": True, "alike": 0.6}).requested_model
    popularity = 1.0 / np.arange(1, 11) / (1.0 / np.arange(1, 11)).sum()
    same = (requested[:, 1:] == requested[:, :-1]).mean()
    assert same == pytest.approx(0.6 + 0.4 * (popularity**2).sum(), abs=0.01)
    for n in (0, 19):
        assert np.bincount(requested[:, n], minlength=10) / 5000 == pytest.approx(popularity, abs=0.03)


def test_regimes_last_as_long_as_said():
    """The order stays with the probability `stay`, within four standard errors."""
    section = {"process": "regimes", "orders": 6, "rotated": True, "stay": 0.8,
               "skewness_states": [50.0], "skewness_transitions": [[1.0]]}  # fmt: skip
    first = validated(Scenario, {"slots": 5000, "users": 1, "models": 6, "requests": section})
    stayed = np.diff(first.trace(1, "trace", 0, 1, 0).requested_model[:, 0]) == 0
    assert abs(stayed.mean() - 0.8) < 4 * np.sqrt(0.8 * 0.2 / len(stayed))


def test_shots_rise_and_fade():
    """Requests of slots near each other agree more often than those of slots far apart."""
    section = {"process": "shot-noise", "lifetime_slots": 8.0, "floor": 0.01}
    requested = drawn(requests=section).requested_model
    shares = np.array([np.bincount(slot, minlength=10) for slot in requested]) / 20.0

    def agreement(lag):
        return (shares[:-lag] * shares[lag:]).sum(axis=1).mean()

    assert agreement(1) > 1.2 * agreement(100)


def test_users_have_tastes():
    """Each user's own favourite is asked for more often than chance, and groups share theirs."""
    alone = drawn(requests={"process": "preference", "own": 1.0, "skewness": 2.0}).requested_model
    favourites = [Counter(column).most_common(1)[0] for column in alone.T.tolist()]
    assert all(count > 0.5 * len(alone) for _, count in favourites)
    assert len({model for model, _ in favourites}) > 3
    pairs = drawn(
        requests={"process": "preference", "own": 1.0, "skewness": 2.0, "groups": 2}
    ).requested_model
    models = [Counter(column).most_common(1)[0][0] for column in pairs.T.tolist()]
    assert models == models[:2] * 10


@pytest.mark.parametrize(
    ("section", "line"),
    [
        ({"process": "ziph"}, "requests.process: must be one of zipf-markov, zipf, regimes"),
        ({"process": "ziph"}, "did you mean 'zipf'?"),
        ({"process": 3}, "requests.process: must be one of"),
        ({"process": "zipf", "skewnes": 1.0}, "did you mean 'skewness'?"),
        ({"process": "regimes", "stay": 1.5}, "requests.stay: must be <= 1"),
        ({"process": "regimes", "skewness_states": [1.0]}, "skewness_transitions: must be square"),
        ({"process": "log"}, "requests.file: must be present"),
        (7, "requests: must be a table"),
    ],
)
def test_a_section_is_refused_at_its_field(section, line):
    """A wrong section is refused in one line that names its field."""
    with pytest.raises(InputError) as caught:
        validated(Scenario, {"requests": section})
    assert line in str(caught.value)


@pytest.mark.parametrize(
    ("section", "fields", "line"),
    [
        ({"process": "regimes", "orders": 1000}, {"models": 500_000}, "requests.orders: must be lower"),
        (
            {"process": "shot-noise", "lifetime_slots": 999.0},
            {"models": 50_000},
            "requests.lifetime_slots: must be",
        ),
        ({"process": "preference"}, {"models": 10_000, "users": 10_000}, "requests.groups: must be lower"),
    ],
)
def test_tables_that_no_memory_holds_are_refused(section, fields, line):
    """Sizes that would take gigabytes are refused before anything is drawn, by the field to change."""
    with pytest.raises(InputError, match=f"{line}.* to be at most 20000000"):
        validated(Scenario, {"slots": 2, "requests": section} | fields)
