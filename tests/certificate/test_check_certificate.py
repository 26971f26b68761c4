"""The checker of certificates, which is a program of its own."""

import ast
import gzip
import json
import math
import random
import shutil
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from brute_force import hostile_instances, least_cost
from checkers import overstated, served_in_part
from drawn_proofs import drawn_certificate, scarce_instance
from hypothesis import given
from hypothesis import strategies as st
from strategies import examples

from mincache import Instance, Solution, evaluate
from mincache.certificate import CERTIFICATE_FORMAT, certify_with_solution, check, check_certificate
from mincache.errors import InputError
from mincache.exact import optimal_bandwidth, optimum
from mincache.files.documents import digest, instance_bytes, parse_instance, parse_solution, solution_bytes
from mincache.generation.scenario import Scenario
from mincache.problem.instance import ModelLibrary, Radio, Rules, Server, Trace
from mincache.problem.quantity import quantities

PROGRAM = Path(check_certificate.__file__)
GOLDEN = Path(__file__).parents[1] / "golden"


def drawn(rules: Rules) -> bytes:
    """The document of six slots with scarce steps and storage, and these rules."""
    scenario = Scenario(slots=6, users=7, models=7, storage_gb=14.0, steps=420.0)
    instance = scenario.instance("drawn", scenario.library(1), scenario.trace(1))
    return instance_bytes(replace(instance, rules=rules))


@pytest.fixture(scope="module")
def loaded() -> tuple[bytes, bytes, bytes]:
    """An instance with frames and loading, its certificate and its solution."""
    data = drawn(Rules(2, 0.5))
    certificate, solution = certify_with_solution(data)
    return data, certificate, solution_bytes(solution)


@pytest.mark.parametrize(
    "rules", [Rules(3), Rules(1, 0.5), Rules(2, 2.0), Rules(1, 0.0, 0.3), Rules(2, 0.5, 0.2)], ids=str
)
def test_every_rule_is_proven(rules: Rules) -> None:
    """Under each rule, alone and with others, the certificate proves the optimum to 1e-9."""
    data = drawn(rules)
    certificate, solution = certify_with_solution(data)
    verdict = check(data, certificate, solution_bytes(solution))
    assert verdict.accepted, verdict.sentences
    assert verdict.bound is not None
    assert verdict.bound <= evaluate(parse_instance(data), solution).cost


@pytest.mark.parametrize("folder", sorted((GOLDEN / "optimum").iterdir()), ids=lambda folder: folder.name)
def test_golden_optima_are_proven(folder: Path) -> None:
    """For each known optimum a certificate proves it to 1e-9, and the optimal solution is called so."""
    data = (folder / "instance.json").read_bytes()
    certificate, solution = certify_with_solution(data)
    verdict = check(data, certificate, solution_bytes(solution))
    want = float(json.loads((folder / "expected.json").read_text())["optimal_cost"])
    assert verdict.accepted, verdict.sentences
    assert verdict.bound == pytest.approx(want, rel=1e-9)


@examples(40, whole=100)
@given(hostile_instances())
def test_proofs_of_hostile_instances_are_below_the_least_cost_and_near_it(instance: Instance) -> None:
    """What is proven is never above the least cost there is, by enumeration, and near it without a floor."""
    data = instance_bytes(instance)
    verdict = check(data, certify_with_solution(data)[0])
    assert verdict.accepted, verdict.sentences
    assert verdict.bound is not None
    least = least_cost(instance, optimal_bandwidth(instance))
    assert verdict.bound <= least * (1 + 1e-14)
    # Hits that lack 1e-9 of the floor may be one more than those that the enumeration tries.
    assert instance.rules.steps_floor > 0.0 or verdict.bound >= least * (1 - 1e-6)


@pytest.mark.parametrize("name", ["h204", "h223", "steps-tolerance"])
def test_a_bound_holds_for_what_the_evaluator_forgives(name: str) -> None:
    """Where 1e-9 of a limit is worth 15 to 29 %, the bound is below the cost of the answers that use it."""
    data = (GOLDEN / "hostile" / f"{name}.json").read_bytes()
    instance = parse_instance(data)
    answers = [optimum(instance).solution]
    answers += [parse_solution(path.read_bytes()) for path in (GOLDEN / "hostile").glob(f"{name}.answer.txt")]
    verdict = check(data, certify_with_solution(data)[0])
    assert verdict.accepted, verdict.sentences
    assert verdict.bound is not None
    for answer in answers:
        found = evaluate(instance, answer)
        assert found.feasible
        assert verdict.bound <= found.cost


RADIO = Radio(4.0, 8.0, 1.0, 24.0, np.array([12.0]), 5.0, 2.0)
"""Of a user alone: 2 bits/s per Hz on both links, 5 and 2 bits/s on the backhaul."""
SLOPE = 10 * (1 - 3 / (4 * math.log(4)))
"""Seconds of upload that more of the whole band would save that user, per unit of share."""
GRID = 16


def lone_slot() -> Instance:
    """One user, who asks for one of two models: 80 bits up, 32 down, 0.7 of the cost is delay."""
    two = np.ones(2)
    return Instance(
        "lone", 0.7, Server(6.0, 100.0), RADIO,
        ModelLibrary(
            size_gb=6 * two, output_bits=32 * two, steps_onset=10 * two, tv_worst=90 * two,
            steps_saturation=50 * two, tv_best=20 * two, seconds_per_step=two / 4, seconds_base=3 * two,
        ),
        Trace(np.zeros(1), np.ones((1, 1)), np.zeros((1, 1)), np.full((1, 1), 80.0)),
    )  # fmt: skip


def by_hand(storage: Fraction, steps: Fraction) -> Fraction:
    """The least cost of that user's generation and backhaul at prices of all storage and of all steps."""
    alpha, part = Fraction(0.7), 1 / (1 + check_certificate.FORGIVEN)
    cloud = alpha * (Fraction(80, 5) + Fraction(32, 2) + 50 * Fraction(1, 4) + 3) + (1 - alpha) * 20
    unserved = alpha * 3 + (1 - alpha) * 90 + storage * part
    full = alpha * (50 * Fraction(1, 4) + 3) + (1 - alpha) * 20 + storage * part + steps * part / 2
    return min(cloud, unserved, full) - storage - steps


def lone_proof(cut: Fraction, moves: list[int], prices: list[int], bound: float) -> bytes:
    """A certificate of that one slot, whose band has a price as steep as it is."""
    frame = {"cut": float(cut), "grid": GRID, "moves": moves, "prices": prices}
    head = {"format": CERTIFICATE_FORMAT, "instance": "lone"}
    proof = {"bandwidth": [SLOPE], "keeping": [], "frames": [frame], "bound": bound}
    return json.dumps(head | {"instance_sha256": digest(instance_bytes(lone_slot()))} | proof).encode()


@pytest.mark.parametrize(("steps", "storage"), [(0, 0), (32, 0), (0, 33), (1, 5), (100, 100)])
def test_prices_prove_what_fractions_say(steps: int, storage: int) -> None:
    """Prices close a frame up to the cost that fractions give by hand, and not beyond."""
    least = by_hand(Fraction(storage, GRID), Fraction(steps, GRID))
    # With the whole band an upload takes 80 / (4 * 2) = 10 s and a download 32 / (8 * 2) = 2 s.
    links = 0.7 * (12 - SLOPE * float(check_certificate.FORGIVEN))
    step = Fraction(1, 10**13)
    for cut, proven in ((least - step, True), (least + step, False)):
        proof = lone_proof(cut, [check_certificate.CLOSED], [steps, storage], links + float(cut) - 1e-12)
        verdict = check(instance_bytes(lone_slot()), proof)
        assert verdict.accepted == proven, verdict.sentences
    higher = lone_proof(
        least - step, [check_certificate.CLOSED], [steps, storage], links + float(least) + 1e-11
    )
    assert check(instance_bytes(lone_slot()), higher).sentences[0].startswith("refused: the frames prove")


def test_a_leaf_is_priced_exactly() -> None:
    """A split into two leaves lists both caches, and the cheaper, the user served in full, is the bound."""
    split, leaf = check_certificate.SPLIT, check_certificate.LEAF
    served = by_hand(Fraction(0), Fraction(0))
    links = 0.7 * (12 - SLOPE * float(check_certificate.FORGIVEN))
    for bound, proven in ((-1e-12, True), (1e-11, False)):
        proof = lone_proof(Fraction(1000), [split, 0, leaf, leaf], [], links + float(served) + bound)
        assert check(instance_bytes(lone_slot()), proof).accepted == proven
    for moves in ([split, 0, leaf], [split, 0, leaf, leaf, leaf], [split, 1, leaf, leaf], [9], [leaf]):
        verdict = check(instance_bytes(lone_slot()), lone_proof(Fraction(1000), moves, [], 1.0))
        assert not verdict.accepted


@given(st.integers(0, 2**32))
def test_courses_are_bounded_as_all_of_them_are(seed: int) -> None:
    """The cheapest course is that of all through listed caches, and others at their cut without slack."""
    chance = random.Random(seed)
    caches = [frozenset(), frozenset({0}), frozenset({1}), frozenset({0, 1})]
    load = [[chance.randint(0, 9) for _ in range(2)] for _ in range(3)]
    price = [load[0], *([chance.randint(0, w) for w in row] for row in load[1:])]
    lists = [
        {cache: chance.randint(-9, 9) for cache in chance.sample(caches, chance.randint(0, 4))} for _ in load
    ]
    cuts = [chance.randint(0, 12) for _ in load]
    least = math.inf
    for course in product(*([*listed, None] for listed in lists)):
        paid = sum(cuts[k] if cache is None else lists[k][cache] for k, cache in enumerate(course))
        for k, (before, cache) in enumerate(pairwise(course), start=1):
            if before is not None and cache is not None:
                paid += sum(load[k][m] - price[k][m] for m in cache - before)
                paid += sum(price[k][m] for m in before - cache)
        least = min(least, paid)
    assert check_certificate.cheapest(lists, cuts, price, load) == least


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
    above = json.dumps(document | {"bound": cost * (1 + 1e-9)}).encode()
    assert check_certificate.check(data, above)[0] is False
    check_certificate.check(data, json.dumps(document).encode(), solution)


def changed(solution: Solution, **arrays: Any) -> bytes:
    """The document of a solution with some of its arrays replaced."""
    kept = {name: getattr(solution, name) for name in quantities(Solution)}
    return solution_bytes(Solution(solution.instance, **(kept | arrays)))


def test_what_is_wrong_with_a_solution_is_told(loaded: tuple[bytes, bytes, bytes]) -> None:
    """Passing a limit, a share out of range and a change within a frame are named; a poor one has its gap."""
    data, certificate, best = loaded
    instance, answer = parse_instance(data), parse_solution(best)
    full = answer.bandwidth_share / answer.bandwidth_share.sum(axis=1, keepdims=True)

    def told(**arrays: Any) -> str:
        return check(data, certificate, changed(answer, **arrays)).sentences[-1]

    assert told(cache=answer.cache * 0 + 1) == "refused: slot 0 passes a limit"
    assert told(bandwidth_share=full * (1 + 1e-8)) == "refused: slot 0 passes a limit"
    assert told(step_share=answer.step_share - 1e-12).startswith("refused: slot 0 lacks a share")
    moved = answer.cache.copy()
    moved[1] = 0
    assert told(cache=moved) == "refused: slot 1 changes the cache within a frame"
    assert "optimal within 1e-9" in told(bandwidth_share=full * (1 + 1e-10))
    cloud = Solution.nothing_cached(instance)
    verdict = check(data, certificate, solution_bytes(cloud))
    assert not verdict.accepted
    assert verdict.bound is not None
    assert verdict.gap == pytest.approx(1 - verdict.bound / evaluate(instance, cloud).cost, rel=1e-9)


def test_it_is_about_one_document(loaded: tuple[bytes, bytes, bytes]) -> None:
    """It proves nothing of the same instance with another byte or name, or with a field unknown to it."""
    data, certificate, _ = loaded
    for other in (data.replace(b'"name"', b' "name"', 1), data.replace(b'"drawn"', b'"other"', 1)):
        assert check_certificate.check(other, certificate)[1] == ("refused: it is about another document",)
    unknown = json.loads(data)
    unknown["rules"]["most_cached"] = 3
    told = "refused: rules: ['most_cached'] are not known here"
    assert check_certificate.check(json.dumps(unknown).encode(), certificate)[1] == (told,)


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
    done = subprocess.run(command[:-1], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout[:7], done.stdout.count("\n")) == (0, "proven:", 1)
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


def test_a_user_served_in_part_beside_one_in_full_counts():
    """A bound above what serving one user in full and another in part costs is refused."""
    cost = least_cost(served_in_part(), optimal_bandwidth(served_in_part()))
    for bound, holds in ((0.9999 * cost, True), (1.001 * cost, False), (10 * cost, False)):
        _, *documents = overstated(bound)
        assert check(*documents[:2]).accepted == holds


@examples(30, 3000)
@given(st.integers(0, 10**9))
def test_no_proof_shows_more_than_the_optimum(seed):
    """Whatever trees, prices and cuts are drawn, the bound that they show is none above the optimum."""
    chance = random.Random(seed)
    instance = scarce_instance(chance)
    data = instance_bytes(instance)
    document, solution = drawn_certificate(instance, chance), certify_with_solution(data)[1]
    cost = evaluate(instance, solution).cost
    assert check(data, json.dumps(document).encode()).accepted
    assert document["bound"] <= cost * (1 + 1e-12)


@pytest.mark.parametrize(
    ("section", "field", "value"),
    [("", "preference_weight", 1.5), ("server", "steps", -1.0), ("models", "tv_best", [1e9] * 7),
     ("models", "steps_onset", [1e9] * 7), ("models", "size_gb", [-1.0] * 7), ("rules", "frame_slots", 1.5),
     ("rules", "frame_slots", -1), ("rules", "steps_floor", 2.0),
     ("trace", "requested_model", [[-1] * 7] * 6), ("trace", "requested_model", [[0.5] * 7] * 6)],
)  # fmt: skip
def test_values_that_no_instance_has_are_refused(loaded, section, field, value, tmp_path):
    """The program refuses an instance on which its proof would not rest, in words of its own."""
    data, certificate, _ = loaded
    document = json.loads(data)
    (document[section] if section else document)[field] = value
    odd = json.dumps(document).encode()
    claim = json.loads(certificate) | {"instance_sha256": digest(odd)}
    told = check_certificate.check(odd, json.dumps(claim).encode())
    assert told.sentences == ("refused: the instance has a value that no instance has",)


def test_a_whole_number_may_be_written_with_a_point(loaded):
    """A document whose requests are 1.0 in place of 1 has a proof too."""
    document = json.loads(loaded[0])
    requested = document["trace"]["requested_model"]
    document["trace"]["requested_model"] = [[float(m) for m in row] for row in requested]
    data = json.dumps(document).encode()
    assert check(data, certify_with_solution(data)[0]).accepted


@pytest.mark.parametrize(("field", "value"), [("channel_gain", 1e-300), ("channel_gain", 1e300)])
def test_numbers_that_nothing_is_proven_with_are_refused(loaded, field, value):
    """Certifying an instance with numbers at the ends of what floats hold ends in a line."""
    document = json.loads(loaded[0])
    document["trace"][field] = [[value] * 7] * 6
    with pytest.raises(InputError, match="instance: must have numbers that a bound can be proven with"):
        certify_with_solution(json.dumps(document).encode())


@pytest.mark.parametrize(("below", "optimal"), [(0.9e-9, True), (1.1e-9, False)])
def test_a_solution_is_optimal_within_1e_9(loaded, below, optimal):
    """A solution whose cost is a relative 1e-9 above a bound, and not more, is called optimal."""
    data, certificate, solution = loaded
    cost = evaluate(parse_instance(data), parse_solution(solution)).cost
    claim = json.loads(certificate) | {"bound": cost * (1 - below)}
    assert check(data, json.dumps(claim).encode(), solution).accepted is optimal


@pytest.mark.parametrize("count", [0, 1, 4])
def test_it_takes_two_or_three_files(count):
    """With fewer or more files the program says how it is used: exit code 2."""
    done = subprocess.run(
        [sys.executable, PROGRAM, *["a.json"] * count], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr[:6]) == (2, "usage:")


def test_a_file_that_is_cut_off_is_told(tmp_path):
    """A packed file without its end is one that cannot be read: exit code 2, and one line."""
    path = tmp_path / "cut.json.gz"
    path.write_bytes(gzip.compress(b"{}" * 1000)[:-9])
    done = subprocess.run([sys.executable, PROGRAM, path, path], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
