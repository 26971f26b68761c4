"""Parameters of learners: those that no training can have are refused in a line."""

import pytest

from mincache import InputError
from mincache.solving import registry


@pytest.mark.parametrize(
    ("spec", "rule"),
    [
        ("ddpg[updates=0]", "ddpg.updates: must be >= 1"),
        ("ddpg[episodes=15]", "ddpg.episodes: must be a multiple of environments = 10"),
        ("ddpg[discount=1.5]", r"ddpg.discount: must lie in \[0, 1\]"),
        ("ddpg[discount=nan]", r"ddpg.discount: must lie in \[0, 1\]"),
        ("ddpg[hidden=1000000000]", r"ddpg.hidden: must lie in \[1, 2048\]"),
        ("ddpg[hidden=0]", r"ddpg.hidden: must lie in \[1, 2048\]"),
        ("ddpg[actor_rate=-1]", "ddpg.actor_rate: must be finite and >= 0"),
        ("ddpg[critic_rate=nan]", "ddpg.critic_rate: must be finite and >= 0"),
        ("ddpg[noise_first=-1]", "ddpg.noise_first: must be finite and >= 0"),
        ("ddpg[noise_last=inf]", "ddpg.noise_last: must be finite and >= 0"),
        ("ddpg[score_limit=nan]", "ddpg.score_limit: must be finite and >= 0"),
        ("ddpg[replay=500]", "ddpg.replay: must be >= 1000, warmup and environments"),
        ("ddpg[replay=5,warmup=5]", "ddpg.replay: must be >= 10, warmup and environments"),
        ("set-policy[width=4096]", r"set-policy.width: must lie in \[1, 2048\]"),
        ("set-policy[rate=inf]", "set-policy.rate: must be finite and >= 0"),
    ],
)
def test_what_no_training_can_have_is_refused(spec, rule):
    """The line names the parameter and the rule."""
    with pytest.raises(InputError, match=f"^{rule}; received"):
        registry.make(spec)
