"""How findings came about: the settings tried, and every run and training, a line each."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mincache.bench.machine import machine
from mincache.bench.records import Record
from mincache.paper.findings import FindingRow
from mincache.paper.trained import Trained
from mincache.paper.workshop import SEED, Workshop
from mincache.solving.spec import parse, spell


def record(what: str, shop: Workshop) -> dict[str, Any]:
    """Return the record of findings: enough to run the same again, and what it took."""
    runs = [one for records in shop.records.values() for one in records.values()]
    trained = shop.trained.values()
    return {
        "command": f"mincache reproduce {what} --{shop.size.name}",
        "size": asdict(shop.size),
        "seed": SEED,
        "runs": dict(Counter(one.verdict for one in runs)),
        "runs_cpu_s": sum(one.cpu_s or 0.0 for one in runs),
        "trainings": len(trained),
        "trainings_cpu_s": sum(one.record.cpu_s for one in trained),
        "solvers": sorted({one.cell.solver for one in runs if not _policy(one)}),
        "trained": sorted({one.spec for one in shop.trained}),
        "machine": machine(),
    }


def runs(shop: Workshop) -> dict[str, list[FindingRow]]:
    """Return every run by campaign, and the trainings."""
    found = {name: list(map(_run, records.values())) for name, records in shop.records.items()}
    if shop.trained:
        found["trainings"] = list(map(_training, shop.trained.values()))
    return found


def _run(one: Record) -> FindingRow:
    cell, score = one.cell, one.score
    policy = _policy(one)
    return {
        "instance": cell.instance, "instance_sha256": cell.instance_sha256[:12],
        "solver": spell("ddpg", {"policy": policy}) if policy else cell.solver,
        "repetition": cell.repetition, "verdict": one.verdict, "cost": score.cost if score else None,
        "hit_ratio": score.hit_ratio if score else None, "solve_s": one.solve_s,
    }  # fmt: skip


def _policy(one: Record) -> str:
    """Return the name of the policy's file, where a run's solver was given one; "" elsewhere."""
    given = one.cell.solver_name == "ddpg" and "policy" in parse(one.cell.solver).parameters
    return Path(one.cell.parameters["policy"]).name if given else ""


def _training(one: Trained) -> FindingRow:
    training, record = one.training, one.record
    return {
        "policy": one.policy.name, "policy_sha256": record.policy_sha256[:12], "spec": training.spec,
        "suite": training.suite.name, "library": training.library, "users": training.users,
        "seed": training.seed, "environment_steps": record.environment_steps, "cpu_s": record.cpu_s,
        "validation_gap": record.curve[-1].validation_gap,
    }  # fmt: skip
