"""A reproduction of no size, and runs made up by hand, for the tests of the paper."""

from __future__ import annotations

from mincache.paper.measurements import Measurement, Measurements
from mincache.paper.study_folder import Size

TINY = Size(
    "tiny", libraries=1, traces=1, trainings={10: 1, 18: 1}, repetitions=1, rates=(1e-4, 1e-2), rate_seeds=1,
    draws=2, budgets=((2, 1), (4, 2)), budget_libraries=1,
    decoders=("softmax",), decoder_libraries=0,
    ddpg={"episodes": 4, "environments": 2, "warmup": 4, "batch": 4, "hidden": 8}, slots=2,
    hcras={"population": 4, "generations": 2},
)  # fmt: skip


def runs(values, quantity="cost", users=10):
    """Return runs of each role, one a library, with these values of a quantity: {role: [libraries]}."""
    return Measurements(
        Measurement(
            role, library, users,
            cost=value if quantity == "cost" else 1.0,
            hit_ratio=value if quantity == "hit ratio" else 0.0,
            low_step_hit_share=None,
        )
        for role, row in values.items()
        for library, value in enumerate(row)
    )  # fmt: skip
