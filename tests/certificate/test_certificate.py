import ast
import copy
import json
import math
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from brute_force import hostile_slots, least_cost
from hypothesis import given, settings
from hypothesis import strategies as st

from mincache import InputError, Instance, Solution, evaluate, read_instance
from mincache.certificate import CheckResult, certify, check, checker
from mincache.certificate.document import CERTIFICATE_FORMAT
from mincache.exact import optimal_bandwidth, optimum
from mincache.files.documents import digest, instance_bytes, parse_instance, solution_bytes
from mincache.problem.instance import ModelLibrary, Radio, Rules, Server, Trace
from mincache.problem.quantity import quantities
from mincache.problem.solution import Decisions

GOLDEN = sorted((Path(__file__).parents[1] / "golden" / "optimum").iterdir())
PROVEN = Path(__file__).parents[1] / "golden" / "optimum" / "optimum-102"
"""A golden instance whose proof has splits of both kinds."""


@pytest.fixture(scope="module")
def data() -> bytes:
    """The instance document that most tests are about."""
    return (PROVEN / "instance.json").read_bytes()


@cache
def proof() -> bytes:
    """Its certificate."""
    return certify((PROVEN / "instance.json").read_bytes())


@pytest.fixture
def certificate() -> dict[str, Any]:
    """Its certificate, free to be changed."""
    document = json.loads(proof())
    assert isinstance(document, dict)
    return document


def to_bytes(document: Any) -> bytes:
    """The document's file."""
    return json.dumps(document).encode()


def is_leaf(node: list[Any]) -> bool:
    """Whether a node of a tree is a leaf."""
    return not isinstance(node[0], str)


@pytest.mark.parametrize("folder", GOLDEN, ids=lambda folder: folder.name)
def test_golden_optima_are_proven(folder: Path) -> None:
    """For each known optimum a certificate proves it to 1e-9, and the optimal solution is called so."""
    data = (folder / "instance.json").read_bytes()
    answer = optimum(read_instance(folder / "instance.json")).solution
    verdict = check(data, certify(data), solution_bytes(answer))
    want = float(json.loads((folder / "expected.json").read_text())["optimal_cost"])
    assert verdict.accepted
    assert verdict.bound == pytest.approx(want, rel=1e-9)
    assert "optimal within 1e-9" in verdict.sentences[-1]


@settings(max_examples=150)
@given(hostile_slots())
def test_hostile_slots_are_proven(slot: Instance) -> None:
    """Of slots of ties and edges the proof is accepted, not above the least cost, and close to it."""
    data = instance_bytes(slot)
    verdict = check(data, certify(data))
    least = least_cost(slot, optimal_bandwidth(slot))
    assert verdict.accepted
    assert verdict.bound is not None
    # The evaluator forgives 1e-9 of a limit, and on such slots that can be worth more than rounding.
    assert least * (1 - 1e-6) <= verdict.bound <= least * (1 + 1e-6)


def test_rules_beyond_the_papers_problem_are_refused(data: bytes) -> None:
    """A certificate of the paper's problem is not checked for an instance with a rule beyond."""
    instance = replace(parse_instance(data), rules=Rules(steps_floor=0.5))
    with pytest.raises(InputError, match=r"rules: must be absent.*received steps_floor"):
        check(instance_bytes(instance), proof())


def test_the_gap_of_a_worse_solution_is_told(data: bytes, certificate: dict[str, Any]) -> None:
    """Sending everything to the cloud is feasible, not optimal, and its gap is what the evaluator says."""
    instance = read_instance(PROVEN / "instance.json")
    cloud = Solution.nothing_cached(instance)
    verdict = check(data, to_bytes(certificate), solution_bytes(cloud))
    assert not verdict.accepted
    assert verdict.bound is not None
    assert verdict.gap == pytest.approx(1 - verdict.bound / evaluate(instance, cloud).cost, rel=1e-9)
    assert "not proven optimal" in verdict.sentences[-1]


def changed(solution: Solution, **arrays: Any) -> bytes:
    """The document of a solution with some of its arrays replaced."""
    kept = {name: getattr(solution, name) for name in quantities(Solution)}
    return solution_bytes(Solution(solution.instance, **(kept | arrays)))


def test_an_infeasible_solution_is_called_so(data: bytes, certificate: dict[str, Any]) -> None:
    """Passing a limit, or a share out of its range, is named with its slot; passing it by 1e-10 is not."""
    instance = read_instance(PROVEN / "instance.json")
    answer = optimum(instance).solution
    full = answer.bandwidth_share / answer.bandwidth_share.sum(axis=1, keepdims=True)

    def verdict(**arrays: Any) -> CheckResult:
        return check(data, to_bytes(certificate), changed(answer, **arrays))

    everything = answer.cache * 0 + 1
    assert "not feasible: slot 0 passes a limit" in verdict(cache=everything).sentences[-1]
    assert "not feasible: slot 0 passes a limit" in verdict(bandwidth_share=full * (1 + 1e-8)).sentences[-1]
    assert "not feasible: slot 0 has a share" in verdict(step_share=answer.step_share - 1e-12).sentences[-1]
    assert verdict(bandwidth_share=full * (1 + 1e-10)).accepted


def test_it_is_about_one_document(data: bytes, certificate: dict[str, Any]) -> None:
    """The certificate of an instance proves nothing about the same instance with another byte."""
    verdict = check(data.replace(b'"name"', b' "name"', 1), to_bytes(certificate))
    assert verdict.sentences == ("refused: it is about another document, of the instance 'optimum-102'",)


def mutants(certificate: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every certificate with one leaf or split dropped, one multiplier's sign flipped or one bound raised."""

    def mutant() -> tuple[dict[str, Any], list[dict[str, Any]]]:
        twin = copy.deepcopy(certificate)
        return twin, twin["slots"]

    for t, slot in enumerate(certificate["slots"]):
        for place, node in enumerate(slot["tree"]):
            twin, slots = mutant()
            del slots[t]["tree"][place]
            yield f"slot {t} without node {place}", twin
            for price in range(2) if is_leaf(node) else ():
                if node[price] > 0:
                    twin, slots = mutant()
                    slots[t]["tree"][place][price] *= -1
                    yield f"slot {t} with price {price} of node {place} flipped", twin
        twin, slots = mutant()
        slots[t]["bandwidth_multiplier"] *= -1
        yield f"slot {t} with its bandwidth multiplier flipped", twin
        twin, slots = mutant()
        slots[t]["bound"] *= 1 + 1e-9
        yield f"slot {t} with its bound raised", twin
        twin, slots = mutant()
        del slots[t]
        yield f"without slot {t}", twin
    twin, _ = mutant()
    twin["bound"] *= 1 + 1e-9
    yield "with the bound raised", twin


def test_every_mutant_is_refused(data: bytes, certificate: dict[str, Any]) -> None:
    """No leaf, split, sign or digit of a bound can be changed without the check saying so."""
    named = list(mutants(certificate))
    accepted = [name for name, mutant in named if check(data, to_bytes(mutant)).accepted]
    assert len(named) > sum(len(slot["tree"]) for slot in certificate["slots"])
    assert accepted == []


def test_says_which_leaf_fails(data: bytes, certificate: dict[str, Any]) -> None:
    """A leaf whose prices are set to 0 is named with its slot, its number and its box."""
    tree = certificate["slots"][1]["tree"]
    place = max(i for i, node in enumerate(tree) if is_leaf(node) and max(node) > 0)
    tree[place] = [0.0, 0.0]
    leaf = sum(is_leaf(node) for node in tree[:place])
    (sentence,) = check(data, to_bytes(certificate)).sentences
    assert sentence.startswith(f"refused: slot 1: leaf {leaf} (model ")
    assert " proves " in sentence


@settings(max_examples=100)
@given(st.data())
def test_whatever_is_accepted_is_true(drawn: st.DataObject) -> None:
    """However the numbers of a certificate are changed, no accepted bound is above the optimum."""
    data = (PROVEN / "instance.json").read_bytes()
    twin = json.loads(proof())
    least = float(json.loads((PROVEN / "expected.json").read_text())["optimal_cost"])
    slot = twin["slots"][drawn.draw(st.integers(0, len(twin["slots"]) - 1))]
    factor = drawn.draw(st.sampled_from([0, 0.5, 0.999, 1.001, 2, 1e9]))
    node = slot["tree"][drawn.draw(st.integers(0, len(slot["tree"]) - 1))]
    place = drawn.draw(st.integers(0, len(node) - 1))
    if isinstance(node[place], str):
        node[place] = {"cache": "service", "service": "cache"}[node[place]]
        del node[2:]
    else:
        node[place] = type(node[place])(node[place] * factor)
    slot["bandwidth_multiplier"] *= drawn.draw(st.sampled_from([1, 1, 0, 0.9, 1.1]))
    twin["bound"] += drawn.draw(st.sampled_from([-1.0, 0.0, 1e-6]))
    verdict = check(data, to_bytes(twin))
    assert not verdict.accepted or twin["bound"] <= least


@pytest.mark.parametrize(
    ("path", "value", "complaint"),
    [
        (["format"], "mincache-certificate/9", "format: "),
        (["bound"], "1", "bound: "),
        (["bound"], None, "bound: "),
        (["slots"], {}, "slots: "),
        (["slots", 0, "tree"], [[1, None]], r"slots\.0\.tree"),
        (["slots", 0, "bandwidth_multiplier"], True, r"slots\.0\.bandwidth_multiplier: "),
        (["slots", 0, "more"], 1, r"slots\.0\.more: must be a known field"),
        (["instance_sha256"], "0", "instance_sha256: "),
    ],
)
def test_what_is_no_certificate_is_an_input_error(
    data: bytes, certificate: dict[str, Any], path: list[Any], value: Any, complaint: str
) -> None:
    """A document of another form is refused with one line that names the field."""
    inner = certificate
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    with pytest.raises(InputError, match=complaint):
        check(data, to_bytes(certificate))


@pytest.mark.parametrize("node", [["cache", 99], ["cache", -1], ["service", 0], [], [1.0], ["serve", 0, 1.0]])
def test_what_is_no_node_is_refused(data: bytes, certificate: dict[str, Any], node: list[Any]) -> None:
    """A node that is neither a split of a known model nor a leaf is named with its place."""
    certificate["slots"][0]["tree"][0] = node
    (sentence,) = check(data, to_bytes(certificate)).sentences
    assert sentence.startswith("refused: slot 0: node 0 is neither a split nor a leaf")


@pytest.mark.parametrize("limits", [{"node_limit": 1}, {"remaining": lambda: 0.0}])
def test_a_proof_that_was_cut_short_proves_less(data: bytes, limits: dict[str, Any]) -> None:
    """With few nodes, or no time, what is written is still a proof: of a lower bound."""
    verdict = check(data, certify(data, **limits))
    least = float(json.loads((PROVEN / "expected.json").read_text())["optimal_cost"])
    assert verdict.accepted
    assert verdict.bound is not None
    assert 0.9 * least < verdict.bound < least * (1 - 1e-6)


def test_decisions_of_the_verdict_need_no_optimal_bandwidth(data: bytes, certificate: dict[str, Any]) -> None:
    """An optimal cache and steps with an equal split are told the gap that the split costs."""
    instance = read_instance(PROVEN / "instance.json")
    best = optimum(instance).solution
    equal = Solution.of(
        instance, Decisions(best.cache, best.bandwidth_share * 0 + 1 / instance.user_count, best.step_share)
    )
    verdict = check(data, to_bytes(certificate), solution_bytes(equal))
    want = evaluate(instance, equal).cost
    assert verdict.gap == pytest.approx((want - evaluate(instance, best).cost) / want, abs=1e-9)


def test_the_check_is_small_and_shares_nothing_with_the_solver() -> None:
    """Under 500 lines, and of mincache it imports the reading of documents alone."""
    source = Path(checker.__file__).read_text()
    imported = {node.module for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom)}
    allowed = {"certificate", "certificate.document", "files.documents", "errors"}
    allowed |= {"problem.instance", "problem.solution"}
    assert len(source.splitlines()) < 500
    assert {name for name in imported if name and name.startswith("mincache")} <= {
        f"mincache.{module}" for module in allowed
    }


def test_a_certificate_names_its_instance(data: bytes, certificate: dict[str, Any]) -> None:
    """A certificate with the instance's hash and another instance's name is refused."""
    certificate["instance"] = "other"
    assert check(data, to_bytes(certificate)).sentences == (
        "refused: it is about another document, of the instance 'other'",
    )


def test_numbers_beyond_the_largest_float_are_judged(data: bytes, certificate: dict[str, Any]) -> None:
    """Prices whose sums no float can hold end in a sentence, as any price does."""
    first = certificate["slots"][0]
    first["bandwidth_multiplier"] = 1.7e308
    first["tree"] = [[1.7e308, 1.7e308] if is_leaf(node) else node for node in first["tree"]]
    (sentence,) = check(data, to_bytes(certificate)).sentences
    assert sentence.startswith("refused: slot 0: leaf 0")


RADIO = Radio(4.0, 8.0, 1.0, 24.0, np.array([12.0]), 5.0, 2.0)
"""Of a user alone: 2 bits/s per Hz on both links, 5 and 2 bits/s on the backhaul."""


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


def by_hand(per_gb: float, per_step: float, multiplier: float, forgiven: Fraction) -> Fraction:
    """The least cost of that user at these prices, with every limit passed by a fraction, in fractions.

    With the whole band an upload takes 80 / (4 * 2) = 10 s and a download 32 / (8 * 2) = 2 s. A
    multiplier of 0 bounds the upload by its tangent at the whole band; passing that by 1e-9 saves its slope.
    """
    alpha, storage, step = Fraction(0.7), Fraction(per_gb) * 6, Fraction(per_step)
    cloud = alpha * (Fraction(80, 5) + Fraction(32, 2) + 50 * Fraction(1, 4) + 3) + (1 - alpha) * 20
    unserved = alpha * 3 + (1 - alpha) * 90 + storage
    full = alpha * (50 * Fraction(1, 4) + 3) + (1 - alpha) * 20 + storage + step * 50
    elasticity = Fraction(1 - 3 / (4 * math.log(4)))  # of an upload's seconds in the share, at u = 3
    tangent = 10 * elasticity * Fraction(1, 10**9) if multiplier == 0 else 0
    limits = storage + step * 100
    cost = alpha * (12 - tangent) + min(cloud, unserved, full) - limits
    return cost - forgiven * (alpha * Fraction(multiplier) + limits)


def lone_proof(instance: Instance, bound: Fraction | float, multiplier: float, *tree: list[Any]) -> bytes:
    """A certificate of that one slot."""
    slot = {"bound": float(bound), "bandwidth_multiplier": multiplier, "tree": list(tree)}
    head = {"format": CERTIFICATE_FORMAT, "instance": instance.name, "bound": float(bound)}
    return to_bytes(head | {"instance_sha256": digest(instance_bytes(instance)), "slots": [slot]})


SLOPE = 10 * (1 - 3 / (4 * math.log(4)))
"""Seconds of upload that more of the whole band would save that user, per unit of share."""


@pytest.mark.parametrize("multiplier", [0.0, SLOPE])
@pytest.mark.parametrize("leaf", [[0.0, 0.0], [2.0, 0.0], [0.0, 0.25], [2.0, 0.25]])
def test_a_leaf_proves_what_fractions_say(leaf: list[float], multiplier: float) -> None:
    """A leaf proves its least cost less 1e-12 of its prices, and 1e-9 of them less for the evaluator."""
    instance = lone_slot()
    kept = by_hand(*leaf, multiplier, Fraction(1, 10**12))
    step = Fraction(1, 10**14)
    for bound, proven in ((kept * (1 - step), True), (kept * (1 + step), False)):
        verdict = check(instance_bytes(instance), lone_proof(instance, bound, multiplier, leaf))
        assert verdict.accepted == proven
        if proven:
            forgiving = float(verdict.sentences[1].split()[-1])
            want = by_hand(*leaf, multiplier, Fraction(1, 10**9))
            assert forgiving == pytest.approx(float(want), rel=1e-14)


@pytest.mark.parametrize(("below", "optimal"), [(0.9e-9, True), (1.1e-9, False)])
def test_a_solution_is_optimal_within_1e_9(
    data: bytes, certificate: dict[str, Any], below: float, optimal: bool
) -> None:
    """A bound by 0.9e-9 of its cost below a solution calls it optimal; one by 1.1e-9 below does not."""
    answer = optimum(parse_instance(data)).solution
    certificate["bound"] = evaluate(parse_instance(data), answer).cost * (1 - below)
    verdict = check(data, to_bytes(certificate), solution_bytes(answer))
    assert verdict.accepted == optimal
    assert verdict.gap == pytest.approx(below, abs=1e-15)


@pytest.mark.parametrize(
    ("passed", "bound", "feasible"),
    [(0.9e-12, "kept", True), (1.1e-12, "forgiving", True), (0.9e-9, "forgiving", True), (1.1e-9, "", False)],
)
def test_what_a_solution_passes_a_limit_by(
    data: bytes, certificate: dict[str, Any], passed: float, bound: str, feasible: bool
) -> None:
    """Up to 1e-12 it is held to the bound of those that keep the limits, up to 1e-9 to the evaluator's."""
    instance = parse_instance(data)
    answer = optimum(instance).solution
    total = sum(map(Fraction, answer.bandwidth_share[0].tolist()))
    share = answer.bandwidth_share.copy()
    share[0] *= float((1 + Fraction(passed)) / total)
    solution = replace(answer, bandwidth_share=share)
    verdict = check(data, to_bytes(certificate), solution_bytes(solution))
    assert ("not feasible: slot 0 passes a limit" in verdict.sentences[-1]) == (not feasible)
    assert evaluate(instance, solution).feasible == feasible
    if feasible:
        bounds = {"kept": certificate["bound"], "forgiving": float(verdict.sentences[1].split()[-1])}
        cost = evaluate(instance, solution).cost
        assert bounds["forgiving"] < bounds["kept"] * (1 - 1e-11)
        assert verdict.gap == pytest.approx((cost - bounds[bound]) / cost, abs=1e-14)


def test_whoever_is_served_is_no_miss() -> None:
    """In a box where users get half of A3 steps at least, no miss counts, however dear the storage is."""
    instance = lone_slot()
    dear = [["service", 0, 0.5], [0.0, 0.0], [100.0, 0.0]]
    kept = by_hand(0.0, 0.0, SLOPE, Fraction(1, 10**12)) - Fraction(1, 10**9)
    assert check(instance_bytes(instance), lone_proof(instance, kept, SLOPE, *dear)).accepted
    (sentence,) = check(instance_bytes(instance), lone_proof(instance, kept + 100, SLOPE, *dear)).sentences
    assert "leaf 0 (model 0 free, 0 to 0.5 served) proves" in sentence


@pytest.mark.parametrize(
    ("field", "share"),
    [
        ("bandwidth_share", 0.0),
        ("bandwidth_share", -1e-3),
        ("bandwidth_share", 1.001),
        ("step_share", -1e-12),
        ("step_share", 1.001),
    ],
)
def test_one_share_out_of_its_range_is_told(data: bytes, field: str, share: float) -> None:
    """One user's share below or above its range, or no bandwidth at all, makes the solution infeasible."""
    answer = optimum(parse_instance(data)).solution
    shares = getattr(answer, field) * 0.5
    shares[1, 0] = share
    last = check(data, proof(), changed(answer, **{field: shares})).sentences[-1]
    assert last == "the solution is not feasible: slot 1 has a share out of its range"
