"""Small instances whose popularity's chain is known."""

from mincache.files.tables import validated
from mincache.generation.scenario import Scenario

RING = {"process": "regimes", "orders": 2, "rotated": True, "stay": 0.7, "ring": True,
        "skewness_states": [0.5, 1.5], "skewness_transitions": [[0.9, 0.1], [0.3, 0.7]]}  # fmt: skip


def drawn(**fields):
    """Return a small instance and the popularity of its scenario."""
    small = {"models": 4, "users": 3, "slots": 5, "storage_gb": 14, "requests": RING}
    scenario = validated(Scenario, small | fields)
    instance = scenario.instance("x", scenario.library(3), scenario.trace(3, "trace"))
    return instance, scenario.popularity()
