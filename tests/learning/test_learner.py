"""Learners with policy files: a policy answers for the parameters that it was trained with alone."""

import pytest

from mincache.generation.suites import find_instance
from mincache.solving import registry

INSTANCE = find_instance("smoke-v1.l0.n10.t0")


@pytest.fixture(scope="module")
def shipped():
    """The policy that ships for the instance."""
    return registry.make("ddpg").found(INSTANCE)


def test_a_named_policy_is_taken_as_it_comes(shipped):
    """Without other parameters the file tells what they were; with the same ones too."""
    assert registry.make(f"ddpg[policy={shipped}]").supports(INSTANCE) is None
    assert registry.make(f"ddpg[policy={shipped},variant=matched]").supports(INSTANCE) is None
    literal = registry.make("ddpg[variant=literal]").found(INSTANCE)
    assert registry.make(f"ddpg[policy={literal}]").supports(INSTANCE) is None
    assert registry.make(f"ddpg[policy={literal},variant=literal]").supports(INSTANCE) is None


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("variant=literal", "was trained with observation=counts, not index"),
        ("variant=myopic", "was trained with discount=0.99, not 0.0"),
        ("episodes=50", "was trained with episodes=500, not 50"),
    ],
)
def test_a_policy_of_other_parameters_is_declined(shipped, given, why):
    """A row never claims a variant that its policy is not."""
    assert registry.make(f"ddpg[policy={shipped},{given}]").supports(INSTANCE).endswith(why)


def test_a_policy_of_another_learner_is_declined(shipped):
    """The card names who made it."""
    assert registry.make(f"set-policy[policy={shipped}]").supports(INSTANCE).endswith("is one of ddpg")
