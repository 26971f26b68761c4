"""The checker of certificates for all rules, which is a program of its own."""

import ast
import json
import random
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from brute_force import hostile_instances, least_cost
from hypothesis import given, settings
from hypothesis import strategies as st

from mincache import Instance, evaluate
from mincache.certificate import certify, check, check_certificate
from mincache.certificate.frame_writing import certify_frames
from mincache.exact import optimal_bandwidth
from mincache.files.documents import instance_bytes, parse_instance, parse_solution, solution_bytes
from mincache.generation.scenario import Scenario
from mincache.problem.instance import Rules

PROGRAM = Path(check_certificate.__file__)


def drawn(rules: Rules) -> bytes:
    """The document of six slots with scarce steps and storage, and these rules."""
    scenario = Scenario(slots=6, users=7, models=7, storage_gb=14.0, steps=420.0)
    instance = scenario.instance("drawn", scenario.library(1), scenario.trace(1))
    return instance_bytes(replace(instance, rules=rules))


@pytest.fixture(scope="module")
def loaded() -> tuple[bytes, bytes, bytes]:
    """An instance with frames and loading, its certificate and its solution."""
    data = drawn(Rules(2, 0.5))
    certificate, solution = certify_frames(data)
    return data, certificate, solution_bytes(solution)


@pytest.mark.parametrize(
    "rules", [Rules(3), Rules(1, 0.5), Rules(2, 2.0), Rules(1, 0.0, 0.3), Rules(2, 0.5, 0.2)], ids=str
)
def test_every_rule_is_proven(rules: Rules) -> None:
    """Under each rule, alone and with others, the certificate proves the optimum to 1e-9."""
    data = drawn(rules)
    certificate, solution = certify_frames(data)
    verdict = check(data, certificate, solution_bytes(solution))
    assert verdict.accepted, verdict.sentences
    assert verdict.bound is not None
    assert verdict.bound <= evaluate(parse_instance(data), solution).cost


@settings(max_examples=60)
@given(hostile_instances())
def test_proofs_of_hostile_instances_are_below_the_least_cost_and_near_it(instance: Instance) -> None:
    """What is proven is never above the least cost there is, by enumeration."""
    data = instance_bytes(instance)
    verdict = check(data, certify_frames(data)[0])
    assert verdict.accepted, verdict.sentences
    assert verdict.bound is not None
    least = least_cost(instance, optimal_bandwidth(instance))
    assert verdict.bound <= least * (1 + 1e-12)


def mutated(document: Any, chance: random.Random) -> Any:
    """A copy of a certificate in which one number is another one, or missing."""
    copy = json.loads(json.dumps(document))
    frame = chance.choice(copy["frames"])
    place = chance.choice(
        [copy["bandwidth"], chance.choice(copy["keeping"]), frame["moves"], frame["prices"], frame]
    )
    key = chance.choice(list(place) if isinstance(place, dict) else range(len(place)))
    if not isinstance(place[key], list):
        place[key] = chance.choice(
            [0, 1, -1, 2 * place[key], place[key] + 1, place[key] - 1, 10**400, 0.5, "x"]
        )
    else:
        del place[key][chance.randrange(len(place[key]))]
    return copy


@given(st.integers(0, 10**6))
def test_a_mutated_certificate_proves_nothing_false(loaded: tuple[bytes, bytes, bytes], seed: int) -> None:
    """Whatever is changed, a bound above the optimum is refused, and nothing is raised."""
    data, certificate, solution = loaded
    document = mutated(json.loads(certificate), random.Random(seed))
    cost = evaluate(parse_instance(data), parse_solution(solution)).cost
    assert (
        check_certificate.check(data, json.dumps(document | {"bound": cost * (1 + 1e-9)}).encode())[0]
        is False
    )
    check_certificate.check(data, json.dumps(document).encode(), solution)


def test_it_runs_without_mincache(loaded: tuple[bytes, bytes, bytes], tmp_path: Path) -> None:
    """A copy of the file alone, on the standard library and mpmath, proves the solution optimal."""
    program = shutil.copy(PROGRAM, tmp_path / "check.py")
    names = ["instance.json", "certificate.json", "solution.json"]
    for name, data in zip(names, loaded, strict=True):
        (tmp_path / name).write_bytes(data)
    command = [sys.executable, str(program), *names]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].startswith("the solution is optimal within 1e-9")
    (tmp_path / "certificate.json").write_text("[]")
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.count("\n")) == (1, 1)


def test_it_is_small_and_imports_nothing_else() -> None:
    """It has fewer than 500 lines, and imports the standard library and mpmath."""
    text = PROGRAM.read_text()
    nodes = list(ast.walk(ast.parse(text)))
    imported = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    imported |= {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in imported} <= {"mpmath", "__future__", *sys.stdlib_module_names}
    assert text.count("\n") < 500


def test_certify_proves_instances_with_rules() -> None:
    """`certify` and `check` take instances with rules as they take the paper's problem."""
    data = drawn(Rules(3))
    assert json.loads(certify(data))["format"] == "mincache-certificate/2"
    assert check(data, certify(data)).accepted
