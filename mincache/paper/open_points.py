"""HCRAS' budget, and the decoders of HCRAS and DDPG: what the paper leaves open, tried out."""

from __future__ import annotations

from collections.abc import Sequence

from mincache.generation.scenario import Scenario
from mincache.generation.suites import Suite
from mincache.paper.claims import CLAIMS, DDPG, HCRAS, OPTIMUM, RCARS, READINGS
from mincache.paper.estimates import Estimate, estimate
from mincache.paper.findings import FindingRow
from mincache.paper.measurements import Measurements
from mincache.paper.over_users import HERE, entered, training_seed
from mincache.paper.sizes import Settings
from mincache.paper.trained import Training
from mincache.paper.workshop import Contestant, Workshop
from mincache.solving.spec import spell

HCRAS_SPEC = f"{HERE / 'decoders.py'}:Hcras"
DDPG_SETTINGS: Sequence[Settings] = (
    {},
    {"discount": 0},
    {"actor_rate": 1e-3, "critic_rate": 1e-2},
    {"action": "scaled-sigmoid"},
    {"action": "threshold-priority"},
    {"action": "softmax"},
    {"observation": "index", "action": "softmax", "critic": "plain"},
)
"""DDPG as it is; without a look ahead; learning faster; with other decoders; as literally as can be."""
_WEAKEST = {"population": 2, "generations": 1}


def suite_of(shop: Workshop) -> Suite:
    """Return the suite: a trace a library for the least and the largest N, the first ones of Fig. 4 and 5."""
    return shop.suite("open-points", Scenario(), shop.size.budget_libraries, shop.size.ends, 1)


def budgets(shop: Workshop) -> list[FindingRow]:
    """Return how good HCRAS is with each budget, and how much better anyone could be."""
    suite = suite_of(shop)
    names = {f"{p} x {g}": {"population": p, "generations": g} for p, g in shop.size.budgets}
    contestants = [Contestant(name, spell("genetic", budget)) for name, budget in names.items()]
    trained = _ddpg(shop, suite, spell("ddpg", shop.size.ddpg), shop.size.budget_libraries)
    found = shop.measure(suite, [*contestants, *trained, *_references()])
    return [
        {**budget, "candidates": budget["population"] * budget["generations"], **_row(found, name, users)}
        | _over(found, name, users)
        for users in found.users
        for name, budget in names.items()
    ]


def decoders(shop: Workshop) -> list[FindingRow]:
    """Return how good HCRAS and DDPG are with each decoder; HCRAS with its least budget too."""
    suite = suite_of(shop)
    contestants, labels = [], {}
    for decoder in shop.size.decoders:
        for budget in (shop.size.hcras, _WEAKEST):
            spec = spell(HCRAS_SPEC, {"decoder": decoder, **budget})
            labels[spec] = (HCRAS, spell("genetic", {"repair": decoder, **budget}))
            contestants.append(Contestant(spec, spec))
    for settings in DDPG_SETTINGS if shop.size.decoder_libraries else ():
        spec = spell("ddpg", {**settings, **shop.size.ddpg})
        labels[spec] = (DDPG, spec)
        contestants += _ddpg(shop, suite, spec, shop.size.decoder_libraries, spec)
    found = shop.measure(suite, [*contestants, *_references()])
    ends = dict(zip(("few", "many"), shop.size.ends, strict=True))
    return [
        {"method": method, "setting": setting}
        | {
            f"{key}_{end}": value
            for end, users in ends.items()
            for key, value in _row(found, role, users).items()
        }
        for role, (method, setting) in labels.items()
    ]


def _ddpg(shop: Workshop, suite: Suite, spec: str, libraries: int, role: str = DDPG) -> list[Contestant]:
    """Return DDPG with a training a library and N, the first one of Fig. 4 and 5 where the settings agree."""
    trainings = [
        Training(spec, suite.folder, library, users, training_seed(library, 0))
        for library in range(min(libraries, shop.size.budget_libraries))
        for users in shop.size.ends
    ]
    return entered(shop.train(f"training {spec}", trainings), role)


def _references() -> list[Contestant]:
    return [Contestant(RCARS, "random-allocation"), Contestant(OPTIMUM, "decomposition")]


def _row(found: Measurements, role: str, users: int) -> FindingRow:
    """Return how good `role` is on the libraries that it ran on."""
    libraries = [run.library for run in found if (run.role, run.users) == (role, users)]
    alike = Measurements(run for run in found if run.library in libraries)
    cost, best, random = (alike.per_library(who, "cost", users) for who in (role, OPTIMUM, RCARS))
    hits = alike.per_library(role, "hit ratio", users)
    return {
        "users": users, "libraries": len(cost), "gap": float(cost.mean() / best.mean() - 1.0),
        "below_rcars": float(1.0 - cost.mean() / random.mean()), "hit_ratio": float(hits.mean()),
    }  # fmt: skip


def _over(found: Measurements, role: str, users: int) -> FindingRow:
    """Return by how much the optimum and DDPG are better than HCRAS, beside what the paper claims."""
    claim = next((c for c in CLAIMS if (c.quantity, c.users, c.baseline) == ("cost", users, HCRAS)), None)

    def better(who: str) -> Estimate:
        values = (found.per_library(one, "cost", users) for one in (role, who))
        return estimate(lambda b, s: READINGS[0].better("cost", b, s), *values)

    return {
        **better(OPTIMUM).fields("ceiling"), **better(DDPG).fields("ddpg"),
        "claimed": claim.fraction if claim else None,
    }  # fmt: skip
