"""References of the online question: their order, and what computes them otherwise."""

import numpy as np
import pytest
from chains import drawn

import mincache
from mincache.analysis.online_references import online_references, read_causal
from mincache.exact.optimum import optimum
from mincache.generation.suites import find, popularity


@pytest.fixture(scope="module", params=[0.0, 8.0])
def case(request):
    """Return an instance of 20 slots, and its references."""
    instance, known = drawn(models=6, users=6, slots=20, storage_gb=18, loading_s_per_gb=request.param)
    return instance, online_references(instance, known)


def test_static_in_hindsight_is_the_best_of_all_constants(case):
    """Evaluating every constant cache, none costs less."""
    instance, found = case
    costs = []
    for bits in range(1 << 6):
        cache = np.tile([(bits >> m) & 1 for m in range(6)], (20, 1))
        score = mincache.evaluate(instance, mincache.serve(instance, cache))
        costs.append(score.cost if score.feasible else np.inf)
    assert found["static_hindsight"].realised == pytest.approx(min(costs), rel=1e-12)


def test_nobody_beats_the_clairvoyant(case):
    """Every reference costs at least the optimum of who sees all."""
    instance, found = case
    best = mincache.evaluate(instance, optimum(instance).solution).cost
    assert min(cost.realised for cost in found.values()) >= best - 1e-9


def test_told_policies_are_expected_to_do_better(case):
    """Without loading, on the very trace, the policy that sees the state has the least expected cost."""
    instance, found = case
    if not instance.rules.loading_s_per_gb:
        assert found["seen"].expected == min(cost.expected for cost in found.values())


@pytest.mark.parametrize("name", ["online-v1", "online-scarce-v1"])
def test_the_costs_kept_are_those_of_the_best_policy(name):
    """What a suite's folder says of each instance is, on one, what a programme over its beliefs gives."""
    suite = find(name)
    kept, one = read_causal(suite.folder), next(iter(suite.entries))
    assert kept.keys() == suite.entries.keys()
    instance = suite.read(one)
    assert kept[one] == pytest.approx(online_references(instance, popularity(instance))["hidden"].realised)
    assert all(cost >= suite.entries[n].best_known * (1 - 1e-9) for n, cost in kept.items())


def test_a_suite_without_the_file_has_no_causal_costs(tmp_path):
    """Nothing is known, and nothing is refused."""
    assert read_causal(tmp_path) == {}
