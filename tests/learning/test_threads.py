"""Threads: one inside, as many as before afterwards."""

import pytest
import torch

from mincache import Run
from mincache.generation.suites import find_instance
from mincache.learning.threads import one_thread
from mincache.solving import registry


@pytest.fixture
def three_threads():
    """Let torch have three threads for a test."""
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


def test_threads_are_given_back(three_threads):
    """One thread computes inside, and the others are back even after an error."""
    with one_thread():
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 3
    with pytest.raises(ZeroDivisionError), one_thread():
        raise ZeroDivisionError
    assert torch.get_num_threads() == 3


@pytest.mark.parametrize("spec", ["ddpg", "ddpg[variant=sets]", "set-policy"])
def test_a_policy_answers_on_one_thread(three_threads, spec):
    """An answer has the same bytes with any number of threads, and leaves that number alone."""
    instance, solver = find_instance("smoke-v1.l0.n10.t0"), registry.make(spec)
    answers = []
    for threads in (3, 1):
        torch.set_num_threads(threads)
        answers.append(solver.solve(instance, Run.seeded(0)).step_share.tobytes())
        assert torch.get_num_threads() == threads
    assert answers[0] == answers[1]
