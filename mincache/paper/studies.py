"""What `mincache reproduce` can run: who is compared on which suite, and the tables that come of it."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from mincache.generation.suites import Suite
from mincache.paper import claims, figures
from mincache.paper.claims import CLOUD_ONLY, DDPG, EQUAL_BANDWIDTH, HCRAS, MOST_HITS, OPTIMUM, RCARS
from mincache.paper.findings import FindingRow, Findings
from mincache.paper.measurements import ClaimedQuantity, Measurements, estimate, estimate_mean
from mincache.paper.study_folder import Contestant, Settings, StudyFolder
from mincache.paper.trained import Trained, Training
from mincache.solving.spec import spell

Study = Callable[[StudyFolder], tuple[Mapping[str, Sequence[FindingRow]], Mapping[str, dict[str, Any]]]]
"""Runs experiments; returns tables and charts by name."""

_PAPER_SOLVERS = Path(__file__).with_name("paper_solvers.py")
HCRAS_SPEC = f"{_PAPER_SOLVERS}:Hcras"
RCARS_OVER_HITS = "RCARS, steps over hits"
SPECS = {
    RCARS: "random-allocation",
    RCARS_OVER_HITS: "random-allocation[steps_over=hits]",
    CLOUD_ONLY: "cloud-only",
    OPTIMUM: "decomposition",
    MOST_HITS: f"{_PAPER_SOLVERS}:MostHits",
    EQUAL_BANDWIDTH: f"{_PAPER_SOLVERS}:EqualBandwidth",
}
"""Those that need no settings, by role."""


def _plain(*roles: str, place: tuple[int, int] | None = None) -> list[Contestant]:
    return [Contestant(role, SPECS[role], place=place) for role in roles]


def _trainings(suite: Suite, settings: Settings, libraries: int, seeds: Mapping[int, int]) -> list[Training]:
    """Return trainings of DDPG, no two libraries with the same seed; `seeds` tells how many of each, by N."""
    return [
        Training(spell("ddpg", settings), suite.folder, library, users, 1 + 100 * library + number)
        for users, count in seeds.items()
        for library in range(libraries)
        for number in range(count)
    ]


def _entered(policies: Sequence[Trained], role: str = DDPG) -> list[Contestant]:
    """Return trained policies as contestants, each where it was trained for."""
    return [
        Contestant(role, spell("ddpg", {"policy": p.policy}), place=(p.training.library, p.training.users))
        for p in policies
    ]


# Fig. 4 and 5: everyone over the number of users


def _comparison_suite(work: StudyFolder) -> Suite:
    return work.suite("comparison", work.size.libraries, work.size.users, work.size.traces)


def _compare(work: StudyFolder) -> Measurements:
    """Return what everyone reaches on the suite of Fig. 4 and 5."""
    suite, size = _comparison_suite(work), work.size
    trainings = _trainings(suite, size.ddpg, size.libraries, size.trainings)
    contestants = [
        *_entered(work.train("training for Fig. 4 and 5", trainings)),
        Contestant(HCRAS, spell("genetic", size.hcras), size.repetitions),
        Contestant(RCARS, SPECS[RCARS], size.repetitions),
        *_plain(CLOUD_ONLY, OPTIMUM, MOST_HITS),
    ]
    return work.measure(suite, contestants)


def _over_users(figure: str, quantity: ClaimedQuantity, title: str, digits: str, work: StudyFolder) -> Any:
    compared, drawn = _compare(work), _draw(work)
    rows = []
    for role in compared.roles:
        for users in compared.users:
            row = {"solver": role, "users": users, **compared.mean(role, quantity, users).fields("value")}
            if quantity == "cost":
                costs = (compared.per_library(who, "cost", users) for who in (role, OPTIMUM))
                row |= estimate(claims.gap, *costs).fields("gap")
            rows.append(row)
    tables = {
        figure: rows,
        f"{figure}-claims": claims.claims_table(compared, drawn, quantity),
        f"{figure}-trends": claims.trends_table(compared, quantity),
    }
    return tables, {figure: figures.over_users(rows, title, digits)}


# Fig. 3: DDPG's reward in training at several learning rates


def _learning_rates(work: StudyFolder) -> Any:
    """Train at each of the actor's rates (a tenth of the critic's), for the least N."""
    suite, size, users = _comparison_suite(work), work.size, work.size.ends[0]
    trainings = {
        rate: _trainings(
            suite, {"actor_rate": rate, "critic_rate": float(f"{10.0 * rate:.6g}"), **size.ddpg},
            1, {users: size.rate_seeds},
        )
        for rate in size.rates
    }  # fmt: skip
    work.train("training for Fig. 3", [one for row in trainings.values() for one in row])
    trained = {rate: [work.trained[one] for one in row] for rate, row in trainings.items()}
    rewards = {rate: np.array([one.converged_reward for one in row]) for rate, row in trained.items()}
    found = work.measure(suite, _plain(RCARS, CLOUD_ONLY, OPTIMUM, place=(0, users)))
    curves = [
        {
            "learning_rate": rate, "seed": one.training.seed, "episode": point.episode,
            "reward": point.mean_reward, "validation_gap": point.validation_gap,
        }
        for rate, row in trained.items()
        for one in row
        for point in one.record.curve
    ]  # fmt: skip
    converged = []
    for rate, row in trained.items():
        gaps = np.array([one.record.curve[-1].validation_gap or 0.0 for one in row])
        reward, above = estimate_mean(rewards[rate]).fields("reward"), estimate_mean(gaps).fields("gap")
        converged.append({"learning_rate": rate, "seeds": len(row), **reward, **above})
    references = [
        {"solver": role, "reward": -float(found.per_library(role, "cost", users).mean())}
        for role in found.roles
    ]
    tables = {
        "fig3-curves": curves, "fig3": converged, "fig3-verdict": [claims.rates_verdict(rewards)],
        "fig3-references": references,
    }  # fmt: skip
    return tables, {"fig3": figures.rewards(curves, references)}


# What the claims over RCARS depend on: how far below it the optimum is, as the paper may be read

FITTED: Mapping[str, tuple[float, float]] = {
    "steps_onset": (60.0, 60.0), "tv_worst": (110.0, 110.0), "steps_saturation": (170.0, 170.0),
    "tv_best": (28.0, 28.0), "seconds_per_step": (0.18, 0.18), "seconds_base": (5.74, 5.74),
}  # fmt: skip
"""The single values of A1 to A4, B1 and B2 that stand under (7) and (8), as intervals of a `Scenario`."""


VARIANTS: Sequence[tuple[str, str, Mapping[str, Any], str]] = (
    ("Table I, parameters drawn for each model", "table-1", {}, RCARS),
    ("the single fitted A1 to A4, B1, B2 for every model", "fitted", FITTED, RCARS),
    ("users within 50 m x 50 m", "area-50", {"area_m": (50.0, 50.0)}, RCARS),
    ("users within 1000 m x 1000 m", "area-1000", {"area_m": (1000.0, 1000.0)}, RCARS),
    ("RCARS splits the steps over its hits alone", "table-1", {}, RCARS_OVER_HITS),
    ("fitted parameters, and RCARS' steps over hits", "fitted", FITTED, RCARS_OVER_HITS),
)
"""Readings of the setting: what tables call each, its suite, what differs from Table I, and which RCARS."""


def _draw(work: StudyFolder, suite: str = "table-1", **changes: Any) -> Measurements:
    """Return both RCARS and the optimum on many libraries, a trace each; on Table I also other bounds."""
    others = () if changes else (CLOUD_ONLY, MOST_HITS, EQUAL_BANDWIDTH)
    drawn = work.suite(suite, work.size.draws, work.size.ends, 1, **changes)
    return work.measure(drawn, _plain(RCARS, RCARS_OVER_HITS, OPTIMUM, *others))


def _dependence(work: StudyFolder) -> list[FindingRow]:
    """Return the ceiling on the cost claims over RCARS in each variant, and how often they are possible."""
    few, many = (claim for claim in claims.CLAIMS if (claim.quantity, claim.baseline) == ("cost", RCARS))
    rows: list[FindingRow] = []
    for setting, suite, changes, baseline in VARIANTS:
        drawn = _draw(work, suite, **changes)
        (least, at_few), (most, at_many) = (
            claims.ceiling(drawn, claim, claims.READINGS[0], baseline) for claim in (few, many)
        )
        rows.append({
            "setting": setting, "libraries": len(at_few), **least.fields("ceiling_few"),
            **most.fields("ceiling_many"), "possible_few": float(at_few.mean()),
            "possible_many": float(at_many.mean()), "possible_both": float((at_few & at_many).mean()),
        })  # fmt: skip
    return rows


# What the paper leaves open: HCRAS' budget, and the decoders of HCRAS and DDPG

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


def _open_suite(work: StudyFolder) -> Suite:
    """Return the suite: a trace a library for the least and the largest N, the first ones of Fig. 4 and 5."""
    return work.suite("open-points", work.size.budget_libraries, work.size.ends, 1)


def _ddpg_once(work: StudyFolder, settings: Settings, libraries: int, role: str = "") -> list[Contestant]:
    """Return DDPG with a training a library and N, the first one of Fig. 4 and 5 where the settings agree."""
    settings = {**settings, **work.size.ddpg}
    spec = spell("ddpg", settings)
    count = min(libraries, work.size.budget_libraries)
    trainings = _trainings(_open_suite(work), settings, count, dict.fromkeys(work.size.ends, 1))
    return _entered(work.train(f"training {spec}", trainings), role or spec)


def _budgets(work: StudyFolder) -> list[FindingRow]:
    """Return how good HCRAS is with each budget, and how much better anyone could be."""
    budgets = {f"{p} x {g}": {"population": p, "generations": g} for p, g in work.size.budgets}
    contestants = [Contestant(name, spell("genetic", budget)) for name, budget in budgets.items()]
    ddpg = _ddpg_once(work, {}, work.size.budget_libraries, DDPG)
    found = work.measure(_open_suite(work), [*contestants, *ddpg, *_plain(RCARS, OPTIMUM)])
    return [
        {
            **budget, "candidates": budget["population"] * budget["generations"],
            **_goodness(found, name, users), **_over_hcras(found, name, users),
        }
        for users in found.users
        for name, budget in budgets.items()
    ]  # fmt: skip


def _decoders(work: StudyFolder) -> list[FindingRow]:
    """Return how good HCRAS and DDPG are with each decoder; HCRAS with its least budget too."""
    contestants = [
        Contestant(
            spell("genetic", {"repair": decoder, **budget}), spell(HCRAS_SPEC, {"decoder": decoder, **budget})
        )
        for decoder in work.size.decoders
        for budget in (work.size.hcras, {"population": 2, "generations": 1})
    ]
    for settings in DDPG_SETTINGS if work.size.decoder_libraries else ():
        contestants += _ddpg_once(work, settings, work.size.decoder_libraries)
    found = work.measure(_open_suite(work), [*contestants, *_plain(RCARS, OPTIMUM)])
    rows: list[FindingRow] = []
    for setting in dict.fromkeys(one.role for one in contestants):
        row = {"method": HCRAS if setting.startswith("genetic") else DDPG, "setting": setting}
        for end, users in zip(("few", "many"), work.size.ends, strict=True):
            row |= {f"{key}_{end}": value for key, value in _goodness(found, setting, users).items()}
        rows.append(row)
    return rows


def _goodness(found: Measurements, role: str, users: int) -> FindingRow:
    """Return how good `role` is on the libraries that it ran on."""
    libraries = {run.library for run in found.of(role, users)}
    alike = Measurements(run for run in found if run.library in libraries)
    cost, best, random = (alike.per_library(who, "cost", users).mean() for who in (role, OPTIMUM, RCARS))
    hits = alike.per_library(role, "hit ratio", users)
    return {
        "users": users, "libraries": len(hits), "gap": float(cost / best - 1.0),
        "below_rcars": float(1.0 - cost / random), "hit_ratio": float(hits.mean()),
    }  # fmt: skip


def _over_hcras(found: Measurements, role: str, users: int) -> FindingRow:
    """Return by how much the optimum and DDPG are better than HCRAS, beside what the paper claims."""
    hcras, best, ddpg = (found.per_library(who, "cost", users) for who in (role, OPTIMUM, DDPG))
    claim = next(
        (c for c in claims.CLAIMS if (c.quantity, c.users, c.baseline) == ("cost", users, HCRAS)), None
    )
    return {
        **estimate(claims.cheaper, hcras, best).fields("ceiling"),
        **estimate(claims.cheaper, hcras, ddpg).fields("ddpg"),
        "claimed": claim and claim.fraction,
    }


# The studies


def _percentages(work: StudyFolder) -> Any:
    compared, drawn, budgets = _compare(work), _draw(work), _budgets(work)
    tables = {
        "claims": claims.claims_table(compared, drawn, "hit ratio", "cost"),
        "facts": claims.facts_table(drawn),
        "dependence": _dependence(work),
        "budgets": budgets,
        "decoders": _decoders(work),
    }
    return tables, {"budgets": figures.budgets(budgets)}


STUDIES: Mapping[str, Study] = {
    "fig5": partial(_over_users, "fig5", "cost", "mean cost, lower is better", "d"),
    "fig4": partial(_over_users, "fig4", "hit ratio", "hit ratio", ".2f"),
    "fig3": _learning_rates,
    "table": _percentages,
}
"""The studies by name, in the order in which `all` takes them."""


def run(name: str, work: StudyFolder) -> Findings:
    """Return what a study finds, and how that came about."""
    tables, charts = STUDIES[name](work)
    return Findings(name, tables, charts, work.provenance(name), work.lines())
