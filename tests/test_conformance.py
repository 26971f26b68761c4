"""The public checks find what they are there to find."""

import pytest

from mincache.conformance import check_instances, check_solver

HEADER = """
import time
from dataclasses import dataclass
import numpy as np
from mincache import Instance, Run, Solution, Solver

@dataclass(frozen=True)
class Broken(Solver):
    '''Broken in one way.'''

    def solve(self, instance: Instance, run: Run) -> Solution:
        answer = Solution.nothing_cached(instance)
"""

FAULTS = {
    "same seed, same answer": """
        noise = np.random.default_rng().random(answer.step_share.shape) / answer.step_share.shape[1]
        return Solution(answer.instance, answer.cache, answer.bandwidth_share, noise)
""",
    "no global randomness": """
        np.random.random()
        return answer
""",
    "changes nothing it is given": """
        if instance.trace.input_bits.flags.writeable:
            instance.trace.input_bits[:] = 1.0
        return answer
""",
    "minds its deadline": """
        if run.remaining() < 10:
            time.sleep(3)
        return answer
""",
    "incumbents and bounds": """
        run.report(bound=1e9)
        return answer
""",
}


@pytest.mark.parametrize("name", FAULTS)
def test_each_fault_fails_its_check(name, tmp_path):
    """A solver with one fault fails the check of that fault, with advice."""
    path = tmp_path / "broken.py"
    path.write_text(HEADER + FAULTS[name])
    failed = [check for check in check_solver(f"{path}:Broken") if check.outcome == "failed"]
    assert name in [check.name for check in failed]
    assert all(check.detail for check in failed)


def test_an_unsupported_instance_is_not_a_failure(tmp_path):
    """What `supports` declines is shown as not applicable, with its sentence."""
    path = tmp_path / "picky.py"
    path.write_text(
        HEADER.replace(
            "    def solve",
            "    def supports(self, instance):\n        return 'only on Sundays'\n\n    def solve",
        )
        + "        return answer\n"
    )
    checks = list(check_solver(f"{path}:Broken"))
    details = {check.detail for check in checks if check.outcome == "not applicable"}
    assert details == {"only on Sundays"}
    assert not [check for check in checks if check.outcome == "failed"]


def test_the_instances_are_varied():
    """Among the instances are ones with one user, with many, and with storage for nothing."""
    instances = [instance for _, instance in check_instances()]
    assert min(instance.user_count for instance in instances) == 1
    assert max(instance.user_count for instance in instances) >= 50
    assert any(instance.server.storage_gb < instance.models.size_gb.min() for instance in instances)
