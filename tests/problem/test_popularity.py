"""The chain that requests follow, and beliefs over it, against sums written out."""

import itertools

import numpy as np
import pytest

from mincache.errors import InputError
from mincache.files.tables import validated
from mincache.generation.scenario import Scenario
from mincache.problem.popularity import Popularity

RING = {"process": "regimes", "orders": 4, "rotated": True, "stay": 0.7, "ring": True,
        "skewness_states": [0.5, 1.5], "skewness_transitions": [[0.9, 0.1], [0.3, 0.7]]}  # fmt: skip


def ring(**fields):
    """Return a scenario of 4 rotated orders of 8 models with two values of the skewness."""
    return validated(Scenario, {"models": 8, "users": 3, "slots": 4, "requests": RING} | fields)


def test_paper_popularity_has_the_states_of_the_skewness():
    """Table I's requests follow three states, with the probabilities of (1) and the moves of (19)."""
    known = Scenario().popularity()
    weights = np.arange(1, 11) ** -0.5
    assert known.probability[1] == pytest.approx(weights / weights.sum(), rel=1e-12)
    assert known.transition.tolist() == [[0.6, 0.2, 0.2], [0.1, 0.7, 0.2], [0.2, 0.3, 0.5]]


def test_long_traces_have_the_frequencies_of_their_states():
    """Requests and moves of a long trace are as frequent as the chain says, within five standard errors."""
    known, trace = ring().popularity(), ring(slots=40_000).trace(1, "trace")
    state = known.states(trace)
    for g in range(8):
        asked = np.bincount(trace.requested_model[state == g].ravel(), minlength=8)
        p = known.probability[g]
        assert (abs(asked - asked.sum() * p) < 5 * np.sqrt(asked.sum() * p * (1 - p))).all()
        moved = np.bincount(state[1:][state[:-1] == g], minlength=8)
        p = known.transition[g]
        assert (abs(moved - moved.sum() * p) <= 5 * np.sqrt(moved.sum() * p * (1 - p))).all()


def test_belief_is_the_posterior_over_all_paths():
    """The belief over slot 3 is that of summing over every path of states, weighed by its likelihood."""
    known, trace = ring().popularity(), ring().trace(2, "trace")
    requests = np.array([np.bincount(row, minlength=8) for row in trace.requested_model])
    weight = np.zeros(8)
    for path in itertools.product(range(8), repeat=4):
        likelihood = 1 / 8
        for t, g in enumerate(path):
            likelihood *= known.transition[path[t - 1], g] if t else 1.0
            likelihood *= np.prod(known.probability[g][trace.requested_model[t]]) if t < 3 else 1.0
        weight[path[3]] += likelihood
    assert known.beliefs(requests)[3] == pytest.approx(weight / weight.sum(), rel=1e-10)


def test_unlikely_requests_leave_a_belief():
    """Requests of probability 0 in every state leave a belief that sums to 1."""
    known = Popularity(np.eye(2), np.eye(2), np.arange(2), np.zeros(2), 1.0)
    assert known.next_belief(known.first, np.array([3, 2])).sum() == pytest.approx(1.0)


def test_trace_of_other_states_is_refused():
    """A slot whose skewness is no state's is named."""
    with pytest.raises(InputError, match="in slot 0"):
        Scenario().popularity().states(ring().trace(1, "trace"))


@pytest.mark.parametrize("requests", [{"process": "shot-noise"}, {"process": "regimes"}])
def test_what_only_the_trace_tells_is_not_known_before(requests):
    """Shots, and orders that each trace draws, make no popularity that is known beforehand."""
    assert ring(requests=requests).popularity() is None


def test_rows_must_sum_to_one():
    """Probabilities that do not sum to 1 are refused."""
    with pytest.raises(InputError, match="sum to 1"):
        Popularity(np.ones((1, 2)), np.eye(1), np.zeros(1), np.zeros(1), 1.0)
