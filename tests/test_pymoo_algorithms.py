"""pymoo's algorithms as solvers."""

import numpy as np
import pytest

from mincache import InputError, Run, evaluate, registry
from mincache.documents import solution_bytes
from mincache.suites import find_instance


def global_state():
    """The state of numpy's global generator, as text."""
    return str(np.random.get_state(legacy=False))  # noqa: NPY002  # to see that it stays


SLOT = find_instance("smoke-v1.l0.n10.t0").slot(0)


@pytest.mark.parametrize("algorithm", ["ga", "de", "pso", "cmaes"])
def test_each_algorithm_searches(algorithm):
    """More evaluations end lower, the same seed gives the same bytes, and no global generator moves."""
    before = global_state()

    def answer(evaluations):
        solver = registry.make(f"pymoo[algorithm={algorithm},population=10,evaluations={evaluations}]")
        return solver.solve(SLOT, Run.seeded(3))

    assert evaluate(SLOT, answer(400)).cost < evaluate(SLOT, answer(10)).cost
    assert solution_bytes(answer(30)) == solution_bytes(answer(30))
    assert global_state() == before


def test_an_unknown_algorithm_is_refused():
    """The refusal lists the algorithms that there are."""
    with pytest.raises(InputError, match="must be one of ga, de, pso, cmaes"):
        registry.make("pymoo[algorithm=magic]")
