"""The reference values of the standard suites."""

import pytest

from mincache import Run, evaluate, registry
from mincache.suites import find, standard_names


@pytest.mark.parametrize("name", standard_names())
def test_references_are_the_exact_optimum_or_bound_it(name):
    """Best known cost and lower bound hold the cost that the exact method's solution is priced at."""
    suite, exact = find(name), registry.make("decomposition")
    for entry in suite.entries.values():
        instance, run = suite.read(entry.name), Run.seeded(0)
        cost = evaluate(instance, exact.solve(instance, run)).cost
        assert entry.best_known == pytest.approx(cost, rel=1e-9)
        assert entry.lower_bound == pytest.approx(cost, rel=1e-9)
        assert entry.lower_bound <= entry.best_known
