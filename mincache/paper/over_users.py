"""Fig. 4 and 5: DDPG, HCRAS and RCARS over the number of users, the cloud alone and the optimum beside."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mincache.generation.scenario import Scenario
from mincache.generation.suites import Suite
from mincache.paper.claims import CLOUD_ONLY, DDPG, HCRAS, MOST_HITS, OPTIMUM, RCARS, ClaimedQuantity
from mincache.paper.estimates import estimate
from mincache.paper.findings import FindingRow
from mincache.paper.measurements import Measurements
from mincache.paper.trained import Trained, Training
from mincache.paper.workshop import Contestant, Workshop
from mincache.solving.spec import spell

HERE = Path(__file__).parent
MOST_HITS_SPEC = f"{HERE / 'most_hits.py'}:MostHits"
_SEEDS_A_LIBRARY = 100


def suite_of(shop: Workshop) -> Suite:
    """Return the suite of Fig. 4 and 5."""
    return shop.suite("comparison", Scenario(), shop.size.libraries, shop.size.users, shop.size.traces)


def compare(shop: Workshop) -> Measurements:
    """Return what everyone reaches on the suite of Fig. 4 and 5."""
    suite, size = suite_of(shop), shop.size
    policies = shop.train("training for Fig. 4 and 5", trainings(shop, suite))
    others = (
        Contestant(HCRAS, spell("genetic", size.hcras), size.repetitions),
        Contestant(RCARS, "random-allocation", size.repetitions),
        Contestant(CLOUD_ONLY, "cloud-only"),
        Contestant(OPTIMUM, "decomposition"),
        Contestant(MOST_HITS, MOST_HITS_SPEC),
    )
    return shop.measure(suite, [*entered(policies), *others])


def trainings(shop: Workshop, suite: Suite) -> list[Training]:
    """Return the trainings of Fig. 4 and 5; no two libraries share a seed."""
    spec = spell("ddpg", shop.size.ddpg)
    return [
        Training(spec, suite.folder, library, users, training_seed(library, number))
        for users, count in shop.size.trainings.items()
        for library in range(shop.size.libraries)
        for number in range(count)
    ]


def training_seed(library: int, number: int) -> int:
    """Return the seed of a library's training."""
    return 1 + _SEEDS_A_LIBRARY * library + number


def entered(policies: Sequence[Trained], role: str = DDPG) -> list[Contestant]:
    """Return trained policies as contestants, each where it was trained for."""
    return [
        Contestant(
            role, spell("ddpg", {"policy": one.policy}), place=(one.training.library, one.training.users)
        )
        for one in policies
    ]


def over_users(measurements: Measurements, quantity: ClaimedQuantity) -> list[FindingRow]:
    """Return a quantity for everyone and each N; a cost also with its gap to the optimum."""
    rows = []
    for role in measurements.roles:
        for users in measurements.users:
            values = measurements.per_library(role, quantity, users)
            row: FindingRow = {
                "solver": role,
                "users": users,
                **estimate(lambda x: x, values).fields("value"),
            }
            if quantity == "cost":
                best = measurements.per_library(OPTIMUM, quantity, users)
                row |= estimate(lambda x, y: x / y - 1.0, values, best).fields("gap")
            rows.append(row)
    return rows
